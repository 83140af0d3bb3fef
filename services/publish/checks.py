"""The gate for maps: a file is measured against written limits before anybody gets to see it.

Only files are looked at, nothing is changed, and every check says what it measured and against what.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from services.publish import conventions
from services.publish.changes import Changes
from services.publish.comparison import compare
from services.publish.gate import LIMITS, GateLimits, GateReport, Result, below, faultless
from services.publish.metadata_checks import metadata_faults
from services.publish.scan import Scan, scan
from shared.errors import GranuleRejected
from shared.formats.netcdf import Level3, read_level3
from shared.models.epoch import Month

_MAPS = ("twsa", "twsa_uncertainty")


def check(
    product: Path,
    previous: Path | None = None,
    limits: GateLimits = LIMITS,
    *,
    changes: Changes | None = None,
    name: str | None = None,
) -> GateReport:
    """Measure a file of maps against the limits and against the release before it.

    Parameters
    ----------
    product, previous : Level-3 files; no previous one for the first release
    limits : what may be released without a person
    changes : what `compare` found for the two, so that it is not done twice
    name : the name that the file will have in the release, where it lies under another one
    """
    try:
        series = read_level3(product)
        before = None if previous is None else read_level3(previous)
        found = changes if changes is not None else compare(product, previous)
        results = (
            *_check_values(series, limits),
            *_check_past(found, before, limits),
            _check_noise(series, before, limits),
            *_check_mask(series, found, limits),
            faultless("metadata", metadata_faults(series, name or product.name), "the file says all that it must say"),
            _check_conventions(product),
        )
    except GranuleRejected as error:
        results = (Result("readable", False, str(error), 1.0, 0.0),)
    return GateReport(results)


def _check_values(series: Level3, limits: GateLimits) -> Iterator[Result]:
    heights, spreads = scan(series, "twsa"), scan(series, "twsa_uncertainty")
    yield faultless("completeness", _gaps_in(series, heights, spreads), "every land cell of every month has a value")
    yield below("range", *_worst(series, heights, limits.largest_anomaly, "largest anomaly"))
    yield below("uncertainty", *_worst(series, spreads, limits.largest_uncertainty, "largest standard deviation"))
    lowest = float(spreads.lowest.min())
    yield faultless("uncertainty above zero", [] if lowest > 0.0 else [f"{lowest:g} mm"], f"at least {lowest:.1f} mm")
    yield _check_closure(series, heights, limits)


def _worst(series: Level3, found: Scan, limit: float, what: str) -> tuple[float, float, str]:
    at = int(np.argmax(found.extreme))
    return float(found.extreme[at]), limit, f"{what} {found.extreme[at]:.0f} mm, in {series.months[at]}"


def _gaps_in(series: Level3, heights: Scan, spreads: Scan) -> Iterator[str]:
    for earlier, later in pairwise(series.months):
        if later <= earlier:
            yield f"{later} stands behind {earlier}"
    for begin, end in pairwise(range(len(series.months))):
        if series.mid[end] <= series.mid[begin]:
            yield f"the epoch of {series.months[end]} is not later than that of {series.months[begin]}"
    for kind, found in zip(_MAPS, (heights, spreads), strict=True):
        for at in np.flatnonzero(found.missing):
            yield f"{kind} of {series.months[at]} lacks {found.missing[at]} land cells"
        for at in np.flatnonzero(found.misplaced):
            yield f"{kind} of {series.months[at]} has values in {found.misplaced[at]} ocean cells"
    fields = sum(source.role == "level-2" for source in series.sources)
    if fields < len(series.months):
        yield f"{len(series.months)} months, but only {fields} monthly fields among the inputs"


def _check_closure(series: Level3, heights: Scan, limits: GateLimits) -> Result:
    """The area-weighted mean over all land: water moves between land and ocean, but not fast."""
    apart = np.diff([month.ordinal for month in series.months])
    # Across a gap the seasons move on: a step counts by the month.
    steps = np.abs(np.diff(heights.mean)) / np.maximum(apart, 1)
    if not steps.size:
        return below("closure", 0.0, limits.global_step, "a single month makes no step")
    at = int(np.argmax(np.where(np.isnan(steps), np.inf, steps)))
    text = f"mean over all land moves {steps[at]:.1f} mm a month, {series.months[at]} to {series.months[at + 1]}"
    return below("closure", steps[at], limits.global_step, text)


def _check_past(changes: Changes, before: Level3 | None, limits: GateLimits) -> Iterator[Result]:
    """Months that were released before: none is lost, and none moves by more than it may."""
    if before is None:
        yield Result("past months", True, "there is no release before this one", 0.0, 0.0)
        return
    lost = [str(month) for month in changes.months_removed]
    yield faultless("months kept", lost, f"all {len(before.months)} months of the release before are there")
    noted = [changes.note] if changes.note else []
    yield faultless("comparable", noted, "the grid is that of the release before")
    worst = max(changes.changed, key=lambda each: each.rms, default=None)
    where = f" in {worst.month}" if worst else ""
    yield below("step", changes.rms, limits.past_rms, f"largest rms change of a past month {changes.rms:.2f} mm{where}")
    largest = changes.largest
    size, where = (abs(largest.largest), f" in {largest.month}") if largest else (0.0, "")
    yield below("step of a cell", size, limits.past_cell, f"largest change of a past value {size:.1f} mm{where}")


def _check_noise(series: Level3, before: Level3 | None, limits: GateLimits) -> Result:
    """Noise over open ocean of the months that are new, in medians of the record."""
    known: set[Month] = set(before.months) if before else set()
    ratios = series.noise / np.median(before.noise if before else series.noise)
    new = [at for at, month in enumerate(series.months) if month not in known]
    at = max(new, key=lambda place: ratios[place], default=None)
    if at is None:
        return below("noise", 0.0, limits.noise_ratio, "no month is new")
    text = f"noise over open ocean {series.noise[at]:.1f} mm in {series.months[at]}, {ratios[at]:.1f} times the median"
    return below("noise", float(ratios[at]), limits.noise_ratio, f"{text} of {len(known or series.months)} months")


def _check_mask(series: Level3, changes: Changes, limits: GateLimits) -> Iterator[Result]:
    weights = np.cos(np.deg2rad(series.latitudes))
    share = float(weights @ series.land.mean(axis=1) / weights.sum())
    low, high = limits.land_share
    yield Result("mask", low <= share <= high, f"{share:.1%} is land (limits {low:.0%} and {high:.0%})", share, high)
    turned = [f"{changes.mask_cells} cells turned"] if changes.mask_cells else []
    yield faultless("mask kept", turned, "the mask is that of the release before, if there is one")


def _check_conventions(product: Path) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        thin = Path(folder, product.name)
        copy_without_maps(product, thin)
        try:
            complaints = conventions.complaints_of(thin)
        except (RuntimeError, OSError) as error:
            return Result("conventions", False, f"could not be checked: {error}", 1.0, 0.0)
    allowed = len(complaints) - len(left := conventions.not_allowed(complaints))
    good = f"{' and '.join(conventions.CONVENTIONS)} are kept but for {allowed} complaints on the written list"
    return faultless("conventions", left, good)


def copy_without_maps(product: Path, copy: Path) -> None:
    """The same file with empty maps.

    Structure, words and coordinates are all that conventions ask for; what checkers say is the same.
    """
    with netCDF4.Dataset(product) as source, netCDF4.Dataset(copy, "w", format="NETCDF4") as target:
        target.setncatts({name: source.getncattr(name) for name in source.ncattrs()})
        for name, dimension in source.dimensions.items():
            target.createDimension(name, None if dimension.isunlimited() else dimension.size)
        for name, variable in source.variables.items():
            words = {key: variable.getncattr(key) for key in variable.ncattrs()}
            fill = words.pop("_FillValue", False)
            chunks = variable.chunking()
            made: netCDF4.Variable[Any] = target.createVariable(
                name,
                variable.dtype,
                variable.dimensions,
                fill_value=fill,
                chunksizes=chunks if isinstance(chunks, list) else None,
            )
            made.setncatts(words)
            if name not in _MAPS:
                for each in (variable, made):
                    each.set_auto_maskandscale(False)
                made[...] = variable[...]
