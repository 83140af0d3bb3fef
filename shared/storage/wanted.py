"""The part of the catalogue about which bytes in the store are still needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from shared.storage.connection import reading
from shared.storage.ledger import Ledger
from shared.storage.schema import baselines, granules, releases, units

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Wanted(Ledger):
    """What garbage collection must leave."""

    def wanted_digests(self) -> set[str]:
        """Digests that a file, a baseline, a release or a unit of work still names.

        Every file that ever came in, every baseline; and what is reached from the units that are open, that a
        release was made from, or that are the newest done of their kind, product and month: their outputs, and
        the inputs and outputs of the units whose keys they name.
        """
        with reading(self.engine) as connection:
            wanted = set(connection.execute(select(granules.c.sha256)).scalars())
            wanted |= set(connection.execute(select(baselines.c.digest)).scalars())
            released = set(connection.execute(select(releases.c.key)).scalars())
            rows = connection.execute(select(units).order_by(units.c.updated_at)).all()
        known = {row.key: row for row in rows}
        newest = {(row.kind, row.product, row.month): row.key for row in rows if row.state == "done"}
        roots = {row.key for row in rows if row.state not in ("done", "dropped")}
        waiting = list((roots | released | set(newest.values())) & set(known))
        seen = set(waiting)
        while waiting:
            row = known[waiting.pop()]
            named = set(_digests([row.inputs, row.outputs]))
            wanted |= named
            following = (named & set(known)) - seen
            seen |= following
            waiting += following
        return wanted


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
