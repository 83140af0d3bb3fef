"""When each month first reached each stage of its way: what our latency is measured by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from services.publish.chronicle import Chronicle
from shared.storage.catalogue import Catalogue
from shared.storage.records import Granule, MonthUnit

# What a month needs beside its own file before it can be worked on
NEEDED = ("low-degrees", "gia")
USED = ("accepted", "superseded")

Stages = dict[tuple[str, str], dict[str, datetime]]


def stages(catalogue: Catalogue, chronicle: Chronicle, products: Iterable[str]) -> Stages:
    """The moments by product and month, and in that by stage; for the file of each month that is in use.

    What is computed again keeps the moments of the first time: that is when its users had it.
    """
    months = [each for each in catalogue.granules("level-2") if each.month is not None]
    tables = [[each for each in catalogue.granules(role, state=None) if each.state in USED] for role in NEEDED]
    units: dict[tuple[str, str], list[MonthUnit]] = {}
    for unit in catalogue.month_units():
        units.setdefault((unit.product, unit.level2), []).append(unit)
    return {
        (product, str(month.month)): dict(_stages(month, tables, units.get((product, month.sha256), []), chronicle))
        for product in products
        for month in months
    }


def _stages(
    month: Granule, tables: Iterable[list[Granule]], units: list[MonthUnit], chronicle: Chronicle
) -> Iterator[tuple[str, datetime]]:
    if units and all(unit.state == "dropped" for unit in units):
        return  # a person has given it up: nobody waits for it
    yield "upstream", month.arrived_at
    ready = _ready(month, tables)
    processed = _first(chronicle.processed, units)
    # Whether a table has all that a month needs is seen by who works on it.
    waits = processed is None and any(unit.state == "waiting" for unit in units)
    if ready is not None and not waits:
        yield "ready", ready
    firsts = {"processed": processed, "evaluated": _first(chronicle.evaluated, units)}
    for stage, moment in {**firsts, "released": _first(chronicle.released, units)}.items():
        if moment is not None:
            yield stage, moment


def _ready(month: Granule, tables: Iterable[list[Granule]]) -> datetime | None:
    """When the month and, of each table, the first that reaches it had come; None while one has not."""
    ready = month.arrived_at
    for versions in tables:
        reaching = [each.arrived_at for each in versions if _reaches(each, month)]
        if not reaching:
            return None
        ready = max(ready, min(reaching))
    return ready


def _reaches(table: Granule, month: Granule) -> bool:
    return table.end is None or month.begin is None or month.begin < table.end


def _first(moments: Mapping[str, datetime], units: Iterable[MonthUnit]) -> datetime | None:
    return min((moments[unit.key] for unit in units if unit.key in moments), default=None)
