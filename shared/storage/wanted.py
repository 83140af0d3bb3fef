"""The part of the catalogue about what is wanted: of each product a series, and of the store its bytes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from shared.storage.claims import find_unit
from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import Ledger
from shared.storage.records import Unit
from shared.storage.schema import baselines, granules, releases, units, wanted_series

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Wanted(Ledger):
    """Which series is to be released, and what garbage collection must leave."""

    def want_series(self, product: str, key: str, *, now: datetime | None = None) -> None:
        """Note which series follows from the files in use; it may be one that was made long ago."""
        mine = wanted_series.c.product == product
        with reading(self.engine) as connection:
            if connection.execute(select(wanted_series.c.key).where(mine)).scalar() == key:
                return
        with writing(self.engine) as connection:
            connection.execute(delete(wanted_series).where(mine))
            connection.execute(insert(wanted_series).values(product=product, key=key, since=moment(now)))

    def wanted_series(self, product: str) -> Unit | None:
        """The series that is wanted, made or not; None before any is."""
        with reading(self.engine) as connection:
            key = connection.execute(select(wanted_series.c.key).where(wanted_series.c.product == product)).scalar()
            return None if key is None else find_unit(connection, key)

    def wanted_digests(self) -> set[str]:
        """Digests that a file, a baseline, a release or a unit of work still names.

        Every file that ever came in, every baseline; and what is reached from the units that are open, that a
        release was made from, that are wanted, or that are the newest done of their kind, product and month: their
        outputs, and the inputs and outputs of the units whose keys they name.
        """
        with reading(self.engine) as connection:
            wanted = set(connection.execute(select(granules.c.sha256)).scalars())
            wanted |= set(connection.execute(select(baselines.c.digest)).scalars())
            chosen = set(connection.execute(select(releases.c.key)).scalars())
            chosen |= set(connection.execute(select(wanted_series.c.key)).scalars())
            rows = connection.execute(select(units).order_by(units.c.updated_at)).all()
        known = {row.key: row for row in rows}
        newest = {(row.kind, row.product, row.month): row.key for row in rows if row.state == "done"}
        roots = {row.key for row in rows if row.state not in ("done", "dropped")}
        waiting = list((roots | chosen | set(newest.values())) & set(known))
        seen = set(waiting)
        while waiting:
            row = known[waiting.pop()]
            named = set(_digests([row.inputs, row.outputs]))
            wanted |= named
            following = (named & set(known)) - seen
            seen |= following
            waiting += following
        return wanted

    def forget_made(self, digests: Collection[str]) -> int:
        """Forget the units whose outputs are to be deleted, and say how many those were.

        So they are made again if they are wanted again. What happened to them stays in the log.
        """
        with writing(self.engine) as connection:
            rows = connection.execute(select(units.c.key, units.c.outputs).where(units.c.state == "done")).all()
            gone = [row.key for row in rows if not set(row.outputs.values()).isdisjoint(digests)]
            for key in gone:
                connection.execute(delete(units).where(units.c.key == key, units.c.state == "done"))
            return len(gone)


def _digests(value: Any) -> Iterator[str]:
    """Every digest named anywhere inside a value."""
    if isinstance(value, str):
        yield from _DIGEST.findall(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _digests([key, inner])
    elif isinstance(value, list):
        for inner in value:
            yield from _digests(inner)
