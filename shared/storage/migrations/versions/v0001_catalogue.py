"""The first form of the catalogue: it stays as it is, later forms come as migrations of their own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.storage.schema import Moment

revision = "0001"
down_revision = None

_ACCEPTED = sa.text("state = 'accepted'")
_ONLY_ACCEPTED: dict[str, Any] = {"unique": True, "sqlite_where": _ACCEPTED, "postgresql_where": _ACCEPTED}


def upgrade() -> None:
    """Make all tables, and the triggers that keep the log as it is."""
    _make_granules()
    _make_units()
    _make_baselines()
    _make_releases()
    _make_traffic()
    _make_events()
    _make_requests()
    for statement in _KEPT[op.get_bind().dialect.name]:
        op.execute(statement)


def _text(name: str, length: int | None = None, **settings: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), **{"nullable": False, **settings})


def _prose(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, **settings: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, **({"nullable": False} | settings))


def _real(name: str, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Float, nullable=nullable)


def _time(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Moment, nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)


def _id(name: str = "id") -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, primary_key=True)


def _make_granules() -> None:
    op.create_table(
        "granules",
        _id(), _text("role"), _text("name"), _text("sha256", 64), sa.Column("size", sa.BigInteger, nullable=False),
        _text("series"), _text("month", 7, nullable=True), _real("begin"), _real("end"), _number("version"),
        _text("state"), _prose("reason"), _prose("origin"), _time("arrived_at"), _time("checked_at"),
        _time("vanished_at", nullable=True), _prose("etag", nullable=True), _prose("last_modified", nullable=True),
        sa.UniqueConstraint("role", "series", "name", "version", name="granules_one_of_each_version"),
    )  # fmt: skip
    op.create_index("granules_by_digest", "granules", ["sha256"])
    op.create_index("granules_by_month", "granules", ["role", "series", "month"])
    op.create_index("granules_one_accepted", "granules", ["role", "series", "name"], **_ONLY_ACCEPTED)


def _make_units() -> None:
    op.create_table(
        "units",
        _text("key", primary_key=True), _text("kind"), _text("product"), _text("month", 7, nullable=True),
        _json("inputs"), _text("state"), _number("attempts"), _text("owner", nullable=True),
        _time("lease_until", nullable=True), _time("not_before", nullable=True), _prose("reason"), _prose("error"),
        _text("error_kind"), _json("outputs"), _real("seconds"), _time("created_at"), _time("updated_at"),
    )  # fmt: skip
    op.create_index("units_by_state", "units", ["state"])
    op.create_index("units_by_product", "units", ["product", "kind", "month"])


def _make_baselines() -> None:
    op.create_table(
        "baselines",
        _id(), _text("product"), _number("number"), _text("digest", 64), _json("inputs"), _text("state"),
        _prose("reason"), _text("who"), _time("created_at"),
        sa.UniqueConstraint("product", "number", name="baselines_one_of_each_number"),
    )  # fmt: skip
    op.create_index("baselines_one_accepted", "baselines", ["product"], **_ONLY_ACCEPTED)


def _make_releases() -> None:
    op.create_table(
        "releases",
        _id("number"), _text("id", unique=True), _text("product"), _text("version"), _number("serial"),
        _text("first", 7), _text("last", 7), _text("kind"), _text("state"), _text("key"), _prose("directory"),
        _json("reasons"), _json("changes"), _text("who"), _prose("decision"), _time("created_at"),
        _time("decided_at", nullable=True),
        sa.UniqueConstraint("product", "version", "serial", name="releases_one_of_each_serial"),
        sa.UniqueConstraint("product", "key", name="releases_one_of_each_key"),
    )  # fmt: skip


def _make_traffic() -> None:
    op.create_table(
        "deliveries",
        _text("release", primary_key=True), _text("target", primary_key=True), _text("state"), _number("attempts"),
        _prose("error"), _time("retry_at", nullable=True), _time("updated_at"),
    )  # fmt: skip
    op.create_table(
        "polls",
        _id(), _text("source"), _time("time"), _text("outcome"), _number("status", nullable=True),
        _number("listed", nullable=True), _real("seconds", nullable=False),
    )  # fmt: skip
    op.create_index("polls_by_source", "polls", ["source", "id"])


def _make_events() -> None:
    op.create_table(
        "events",
        _id(), _time("time"), _text("subject"), _text("kind"), _prose("text"), _text("who"), _json("details"),
    )  # fmt: skip
    op.create_index("events_by_subject", "events", ["subject", "id"])


def _make_requests() -> None:
    op.create_table(
        "reprocessings",
        _id(), _text("who"), _prose("reason"), _json("months"), _text("first_step", nullable=True),
        _json("auxiliaries"), _text("state"), _time("created_at"),
    )  # fmt: skip
    op.create_table("leases", _text("name", primary_key=True), _text("owner"), _time("until"))


_KEPT = {
    "postgresql": (
        """CREATE FUNCTION gravstream_keep_events() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'events are never changed'; END $$""",
        """CREATE TRIGGER events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON events
           FOR EACH STATEMENT EXECUTE FUNCTION gravstream_keep_events()""",
    ),
    "sqlite": tuple(
        f"CREATE TRIGGER events_are_kept_from_{verb.lower()} BEFORE {verb} ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are never changed'); END"
        for verb in ("UPDATE", "DELETE")
    ),
}
