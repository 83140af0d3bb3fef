"""The tables of the catalogue. A change here needs a migration; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

REVISION = "0003"  # the migration that makes these tables


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, stored without its zone: SQLite knows none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Without zone, as it is stored."""
        return value if value is None or value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """With zone, as it is used."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = MetaData()

granules = Table(
    "granules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("role", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("series", String, nullable=False),
    Column("month", String(7)),
    Column("begin", Float),
    Column("end", Float),
    Column("version", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("arrived_at", Moment, nullable=False),
    Column("checked_at", Moment, nullable=False),
    Column("vanished_at", Moment),
    Column("etag", Text),
    Column("last_modified", Text),
    UniqueConstraint("role", "series", "name", "version", name="granules_one_of_each_version"),
    Index("granules_by_digest", "sha256"),
    Index("granules_by_month", "role", "series", "month"),
)
_ACCEPTED = text("state = 'accepted'")
Index(
    "granules_one_accepted",
    granules.c.role,
    granules.c.series,
    granules.c.name,
    unique=True,
    sqlite_where=_ACCEPTED,
    postgresql_where=_ACCEPTED,
)

units = Table(
    "units",
    metadata,
    Column("key", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("product", String, nullable=False),
    Column("month", String(7)),
    Column("inputs", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owner", String),
    Column("lease_until", Moment),
    Column("not_before", Moment),
    Column("reason", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("error_kind", String, nullable=False),
    Column("outputs", JSON, nullable=False),
    Column("seconds", Float),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("units_by_state", "state"),
    Index("units_by_product", "product", "kind", "month"),
)

baselines = Table(
    "baselines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("product", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("product", "number", name="baselines_one_of_each_number"),
)
Index(
    "baselines_one_accepted",
    baselines.c.product,
    unique=True,
    sqlite_where=_ACCEPTED,
    postgresql_where=_ACCEPTED,
)

releases = Table(
    "releases",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("product", String, nullable=False),
    Column("version", String, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("first", String(7), nullable=False),
    Column("last", String(7), nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("key", String, nullable=False),
    Column("directory", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("changes", JSON, nullable=False),
    Column("who", String, nullable=False),
    Column("decision", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("decided_at", Moment),
    UniqueConstraint("product", "version", "serial", name="releases_one_of_each_serial"),
    Index("releases_by_key", "product", "key"),
)

# The series of a product that is wanted now: of the files in use, whether or not it has been made.
wanted_series = Table(
    "wanted_series",
    metadata,
    Column("product", String, primary_key=True),
    Column("key", String, nullable=False),
    Column("since", Moment, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("release", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("retry_at", Moment),
    Column("updated_at", Moment, nullable=False),
)

polls = Table(
    "polls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("time", Moment, nullable=False),
    Column("outcome", String, nullable=False),
    Column("status", Integer),
    Column("listed", Integer),
    Column("seconds", Float, nullable=False),
    Index("polls_by_source", "source", "id"),
)

# Append-only: the migration adds triggers that refuse every change.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Moment, nullable=False),
    Column("subject", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("who", String, nullable=False),
    Column("details", JSON, nullable=False),
    Index("events_by_subject", "subject", "id"),
)

reprocessings = Table(
    "reprocessings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("who", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("months", JSON, nullable=False),
    Column("first_step", String),
    Column("auxiliaries", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", Moment, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("until", Moment, nullable=False),
)

# A process that serves a queue, and when it last said that it lives.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String, primary_key=True),
    Column("service", String, nullable=False),
    Column("host", String, nullable=False),
    Column("time", Moment, nullable=False),
)

# Who may act over the network. The secret itself is never kept.
tokens = Table(
    "tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)
