"""Why a month that was released before is left out: a person who has to decide wants to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue
from shared.storage.records import Unit, UnitState

_NOT_MADE: tuple[UnitState, ...] = ("parked", "waiting", "dropped")


def reasons_of_absence(catalogue: Catalogue, product: str, months: Iterable[Month]) -> Iterator[str]:
    """A sentence for each month that the release before has and the new one has not."""
    for month in months:
        units = catalogue.units(_NOT_MADE, "month", product, str(month))
        newest = max(units, key=lambda unit: unit.updated_at, default=None)
        yield f"{month} was released before and is left out: {_why(newest)}"


def _why(unit: Unit | None) -> str:
    if unit is None:
        return "there is no file of it in use"
    lines = (unit.reason or unit.error).strip().splitlines()
    return f"its Level-2B is {unit.state}{f' ({lines[-1].strip()})' if lines else ''}"
