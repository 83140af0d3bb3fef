"""The part of the catalogue that is measured: what has happened since, how often, and when first.

Events and polls are only ever added, and none appears later with a smaller number. So who remembers how far it
has read needs to read only what is new, and what it counts never falls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from sqlalchemy import func, select

from shared.storage.connection import reading
from shared.storage.ledger import Ledger, record
from shared.storage.records import Happening, MonthUnit, Poll, PollCount
from shared.storage.schema import baselines, deliveries, events, granules, polls, releases, reprocessings, units


class Measures(Ledger):
    """Numbers about all that the catalogue knows."""

    def last_event(self) -> int:
        """Number of the newest event; as long as it stands, so does all but polls and heartbeats."""
        with reading(self.engine) as connection:
            return int(connection.execute(select(func.max(events.c.id))).scalar() or 0)

    def happenings(self, kinds: Collection[str], after: int, until: int) -> list[Happening]:
        """Events of some kinds behind a number and up to another, without their words."""
        names = ("key", "product", "kind", "role", "error_kind")
        told = [events.c.details[name].as_string().label(f"of_{name}") for name in names]
        seconds = events.c.details["seconds"].as_float().label("seconds")
        columns: list[Any] = [events.c.time, events.c.subject, events.c.kind, *told, seconds]
        query = select(*columns).where(events.c.id > after, events.c.id <= until, events.c.kind.in_(kinds))
        with reading(self.engine) as connection:
            return [Happening(*row) for row in connection.execute(query.order_by(events.c.id))]

    def poll_counts(self, after: int) -> list[PollCount]:
        """How the looks at each source behind a number ended; ordered by the last of each end."""
        last = func.max(polls.c.id)
        went_well = (polls.c.outcome == "ok").label("went_well")
        query = select(polls.c.source, went_well, polls.c.status, func.count(), last)
        query = query.where(polls.c.id > after).group_by(polls.c.source, went_well, polls.c.status).order_by(last)
        with reading(self.engine) as connection:
            found = [tuple(row) for row in connection.execute(query)]
            rows = connection.execute(select(polls).where(polls.c.id.in_([row[-1] for row in found])))
            known = {row.id: record(Poll, row) for row in rows}
        return [PollCount(source, ok, status, count, known[id]) for source, ok, status, count, id in found]

    def month_units(self) -> list[MonthUnit]:
        """Every unit that is Level-2B of a month, with the digest of its Level-2 file."""
        digest = units.c.inputs["level-2"].as_string()
        columns = (units.c.key, units.c.product, units.c.month, units.c.state, digest)
        with reading(self.engine) as connection:
            rows = connection.execute(select(*columns).where(units.c.kind == "month"))
            return [MonthUnit(*row) for row in rows]

    def counts(self) -> dict[str, Counter[tuple[str, ...]]]:
        """How many there are in each state: files by role; releases and baselines by product, and so on."""
        tables: dict[str, tuple[Any, ...]] = {
            "files": (granules.c.role, granules.c.state),
            "units": (units.c.product, units.c.kind, units.c.state),
            "releases": (releases.c.product, releases.c.state),
            "baselines": (baselines.c.product, baselines.c.state),
            "deliveries": (deliveries.c.target, deliveries.c.state),
            "reprocessings": (reprocessings.c.state,),
        }
        with reading(self.engine) as connection:
            return {
                name: Counter(
                    {
                        tuple(row[:-1]): int(row[-1])
                        for row in connection.execute(select(*columns, func.count()).group_by(*columns))
                    }
                )
                for name, columns in tables.items()
            }
