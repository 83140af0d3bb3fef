"""How far each month of a product is, read off the catalogue and the latest release."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from services.publish.file_names import maps_in
from shared.errors import GravstreamError
from shared.formats.level3_reader import read_level3
from shared.models.epoch import Month, mjd_of_day, months_between
from shared.storage.catalogue import Catalogue
from shared.storage.records import Granule, ReleaseRecord, Unit

# Since GRACE has data
FIRST = Month(2002, 4)

# YYYYDDD-YYYYDDD, as names of Level-2 have it
_DAYS = re.compile(r"_((?:19|20)\d{5})-((?:19|20)\d{5})_")

MonthState = Literal[
    "missing", "waiting", "in-process", "released", "held", "parked", "dropped", "quarantined"
]  # fmt: skip


@dataclass(frozen=True)
class MonthView:
    """How far a month of a product is, and why.

    noise_mm: over open ocean; fallback: whether the noise chose the stronger filter; release: the latest, if it
    holds the month.
    """

    month: str
    state: MonthState
    reason: str
    noise_mm: float | None
    fallback: bool
    release: str | None


@dataclass(frozen=True)
class ProductMonths:
    """All months of a product, from the first of GRACE to the newest that is known."""

    product: str
    threshold_mm: float | None
    months: tuple[MonthView, ...]


@dataclass(frozen=True)
class Noise:
    """Noise over open ocean by month, and the threshold of the fallback [mm]; the months that exceed it."""

    threshold: float
    months: Mapping[str, float]
    fallback: frozenset[str]


def noise_of(directory: str) -> Noise | None:
    """The noise that a release says of its months; None for one without maps or without files."""
    product = maps_in(Path(directory)) if directory else None
    try:
        return None if product is None else _noise(product)
    except GravstreamError:
        return None


@lru_cache(maxsize=8)
def _noise(product: Path) -> Noise:
    """Read once: a release never changes."""
    maps = read_level3(product)
    noise = {str(month): round(float(value), 3) for month, value in zip(maps.months, maps.noise, strict=True)}
    return Noise(round(maps.threshold, 3), noise, frozenset(map(str, maps.fallback)))


def product_months(catalogue: Catalogue, product: str) -> ProductMonths:
    """How far every month of a product is."""
    files = _files(catalogue.granules("level-2", state=None))
    latest = catalogue.latest(product)
    noise = noise_of(latest.directory) if latest else None
    newest = max((Month.parse(month) for month in files), default=None)
    known = _Known(
        files,
        _newest_units(catalogue.units(None, "month", product), files),
        latest,
        _months_in(catalogue, latest),
        [(release, _months_in(catalogue, release)) for release in catalogue.releases(product, "held")],
        noise,
        baseline=catalogue.baseline(product) is not None,
    )
    months = months_between(FIRST, newest) if newest is not None and newest >= FIRST else ()
    views = tuple(known.view(str(month)) for month in months)
    return ProductMonths(product, noise.threshold if noise else None, views)


def _files(granules: Iterable[Granule]) -> dict[str, list[Granule]]:
    """The versions of the file of each month, in the order in which they came."""
    files: dict[str, list[Granule]] = {}
    for granule in sorted(granules, key=lambda each: each.id):
        if month := month_of_file(granule):
            files.setdefault(month, []).append(granule)
    return files


def month_of_file(granule: Granule) -> str | None:
    """The month of a file; of one that was refused, the month of the days in its name."""
    days = None if granule.month else _DAYS.search(granule.name)
    if days is None:
        return granule.month
    first, last = (mjd_of_day(date(int(text[:4]), 1, 1)) + int(text[4:]) - 1.0 for text in days.groups())
    return str(Month.containing(0.5 * (first + last + 1.0)))


def _newest_units(units: Iterable[Unit], files: Mapping[str, list[Granule]]) -> dict[str, Unit]:
    """The unit of each month that is of the file in use; of several the one that was planned last."""
    used = {month: _used(versions) for month, versions in files.items()}
    newest: dict[str, Unit] = {}
    for unit in sorted(units, key=lambda each: each.created_at):
        file = used.get(unit.month or "")
        if unit.month and (file is None or unit.inputs.get("level-2") == file.sha256):
            newest[unit.month] = unit
    return newest


def _used(versions: Iterable[Granule]) -> Granule | None:
    return next((each for each in versions if each.state == "accepted"), None)


def _months_in(catalogue: Catalogue, release: ReleaseRecord | None) -> Mapping[str, str]:
    """Key of the unit of each month that a release holds."""
    unit = catalogue.unit(release.key) if release else None
    return dict(unit.inputs.get("months", {})) if unit else {}


@dataclass(frozen=True)
class _Known:
    """What is known of a product; units and files by month."""

    files: Mapping[str, list[Granule]]
    units: Mapping[str, Unit]
    latest: ReleaseRecord | None
    released: Mapping[str, str]
    held: Iterable[tuple[ReleaseRecord, Mapping[str, str]]]
    noise: Noise | None
    baseline: bool

    def view(self, month: str) -> MonthView:
        """How far a month is."""
        state, reason = self._state(month)
        noise = self.noise.months.get(month) if self.noise else None
        fallback = self.noise is not None and month in self.noise.fallback
        release = self.latest.id if self.latest and month in self.released else None
        return MonthView(month, state, reason, noise, fallback, release)

    def _state(self, month: str) -> tuple[MonthState, str]:
        versions = self.files.get(month, [])
        if not versions:
            return "missing", "no file of it has come"
        if _used(versions) is None:
            return ("held" if versions[-1].state == "held" else "quarantined"), versions[-1].reason
        unit = self.units.get(month)
        if unit is None:
            return self._unplanned()
        if unit.state in ("parked", "dropped", "waiting"):
            return unit.state, last_line(unit)
        if unit.state != "done":
            return "in-process", "it is being computed" if unit.state == "running" else last_line(unit)
        return self._done(month, unit, versions[-1])

    def _unplanned(self) -> tuple[MonthState, str]:
        if self.baseline:
            return "in-process", "it has come and is computed next"
        return "waiting", "for the baseline, which is made once enough months are there"

    def _done(self, month: str, unit: Unit, newest: Granule) -> tuple[MonthState, str]:
        if self.released.get(month) == unit.key:
            doubtful = newest.state in ("held", "quarantined")
            return "released", f"a newer file is {newest.state}: {newest.reason}" if doubtful else ""
        for release, months in self.held:
            if months.get(month) == unit.key:
                return "held", f"{release.id} waits for a decision: {'; '.join(release.reasons)}"
        return "in-process", "it is computed and waits for the series or its release"


def last_line(unit: Unit) -> str:
    """Why a unit is as it is; of a trace its last line."""
    lines = [line.strip() for line in (unit.error or unit.reason).splitlines() if line.strip()]
    return lines[-1] if lines else ""
