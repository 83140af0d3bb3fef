"""A series made again from the store, beside what is there, to see whether it comes out with the same bits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from services.process.hall import Hall
from services.process.workplace import LEVEL2B, make_month, make_series
from shared.errors import RequestRefused, StoreDamaged
from shared.storage.records import Unit
from shared.storage.store import Store

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Rebuilt:
    """What came out: digests by name of file, and months that differ.

    Months are compared with what is kept of them. A series is not made from months that differ: there are no
    outputs then.
    """

    outputs: Mapping[str, str]
    differing: tuple[str, ...]


class _Beside(Store):
    """A store that is read; what is put goes to a folder beside it."""

    def __init__(self, store: Store, folder: Path) -> None:
        super().__init__(store.place)
        self._beside = Store.at(folder)

    def put_file(self, path: Path) -> str:
        return self._beside.put_file(path)


def rebuild(hall: Hall, key: str, progress: Progress = lambda *_: None) -> Rebuilt:
    """Make the months of a series again from Level-2, and the series from them.

    The catalogue and the store stay as they are.

    Raises
    ------
    RequestRefused : if there is no such series, or its product is not made here
    StoreDamaged : if an input is missing
    """
    unit = hall.catalogue.unit(key)
    if unit is None or unit.kind != "series":
        advice = "Its release may be from another catalogue; check GRAVSTREAM_HOME."
        raise RequestRefused(f"the catalogue knows no series {key[:12]}", advice=advice)
    product = next((each for each in hall.products if each.name == unit.product), None)
    if product is None:
        raise RequestRefused(f"{unit.product} is not made here", advice="Add it to GRAVSTREAM_PRODUCTS.")
    hall.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=hall.scratch) as folder, threadpool_limits(1):
        aside = replace(hall, store=_Beside(hall.store, Path(folder)))
        outputs, differing = _months(aside, unit, progress)
        if differing and product.series is not None:
            outputs = {}
        else:
            progress("evaluating the series", 0, 1)
            outputs |= make_series(aside, unit)
            progress("evaluating the series", 1, 1)
    return Rebuilt(outputs, tuple(differing))


def _months(hall: Hall, series: Unit, progress: Progress) -> tuple[dict[str, str], list[str]]:
    """The files of all months but their working files; and which months differ from what is kept."""
    outputs: dict[str, str] = {}
    differing = []
    keys = series.inputs["months"]
    for done, (month, key) in enumerate(keys.items(), start=1):
        unit = hall.catalogue.unit(key)
        if unit is None:
            raise StoreDamaged(f"the catalogue does not know {month} any more", advice="Restore it from a backup.")
        made = make_month(hall, unit)
        if made != dict(unit.outputs):
            differing.append(month)
        outputs |= {name: digest for name, digest in made.items() if name != LEVEL2B}
        progress("making the months again", done, len(keys))
    return outputs, differing
