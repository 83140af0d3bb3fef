"""Two releases side by side, month by month; maps go by slab after slab, so memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.publish.changes import Changes, FlagChange, MonthChange
from services.publish.file_names import LEVEL2B_NAME, maps_name
from services.publish.manifest import Manifest, read_manifest
from shared.formats.level3_reader import Level3, read_level3
from shared.models.epoch import Month

Map = NDArray[np.float32]


def compare(new: Path, old: Path | None) -> Changes:
    """What a file of maps changes for somebody who has the old one.

    Parameters
    ----------
    new, old : Level-3 files, heights in mm; without an old one every month is new

    Raises
    ------
    GranuleRejected : if a file is no Level-3 product or damaged
    """
    after = read_level3(new)
    if old is None:
        return Changes(months_added=after.months)
    before = read_level3(old)
    gained = Changes(
        months_added=tuple(month for month in after.months if month not in before.months),
        months_removed=tuple(month for month in before.months if month not in after.months),
        flags=tuple(_turned(after, before)),
    )
    if not (_same(after.latitudes, before.latitudes) and _same(after.longitudes, before.longitudes)):
        return replace(gained, note="the grids differ, so values of single cells are not compared")
    common = set(after.months) & set(before.months)
    changed = tuple(_changed(after, before, common))
    return replace(
        gained,
        changed=changed,
        unchanged=len(common) - len(changed),
        mask_cells=int(np.count_nonzero(after.land != before.land)),
    )


def compare_level2b(new: Manifest, old: Manifest | None) -> Changes:
    """What a release of Level-2B changes, by the digests of its files."""
    if old is None:
        return Changes(months_added=new.months)
    after, before = (
        {output.name: output.sha256 for output in each.outputs if LEVEL2B_NAME.fullmatch(output.name)}
        for each in (new, old)
    )
    files = tuple(name for name, digest in sorted(after.items()) if before.get(name, digest) != digest)
    common = set(new.months) & set(old.months)
    return Changes(
        months_added=tuple(month for month in new.months if month not in common),
        months_removed=tuple(month for month in old.months if month not in common),
        unchanged=len(common) - len(spans_of(files)),
        files=files,
        files_lost=tuple(sorted(set(before) - set(after))),
    )


def compare_releases(new: Path, old: Path) -> Changes:
    """What a release changes for somebody who has another one, by their directories."""
    after, before = read_manifest(new), read_manifest(old)
    maps = [maps_name(output.name for output in each.outputs) for each in (after, before)]
    if maps[0] is None or maps[1] is None:
        return compare_level2b(after, before)
    return compare(new / maps[0], old / maps[1])


def spans_of(names: Iterable[str]) -> set[str]:
    """The spans that Level-2B files are of, as their names write them."""
    return {match["span"] for name in names if (match := LEVEL2B_NAME.fullmatch(name))}


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))


def _turned(after: Level3, before: Level3) -> Iterator[FlagChange]:
    """The flags of common months that are not what they were."""
    old = {month: at for at, month in enumerate(before.months)}
    for at, month in enumerate(after.months):
        if month not in old:
            continue
        then = old[month]
        pairs: Mapping[str, tuple[str, str]] = {
            "filter": (f"VDK{before.strength[then]}", f"VDK{after.strength[at]}"),
            "normals": (before.filter_sources[then].value, after.filter_sources[at].value),
        }
        yield from (FlagChange(month, flag, was, now) for flag, (was, now) in pairs.items() if was != now)


def _maps(series: Level3, wanted: set[Month]) -> Iterator[tuple[Month, Map]]:
    """The wanted months of a file in their order; a map is a view of its slab."""
    for places, values in series.slabs("twsa"):
        months = series.months[places]
        yield from ((month, values[at]) for at, month in enumerate(months) if month in wanted)


def _changed(after: Level3, before: Level3, common: set[Month]) -> Iterator[MonthChange]:
    """The common months that differ; cells that only one of them has count by the mask, not here."""
    cells = np.flatnonzero(after.land & before.land)
    rows, columns = np.divmod(cells, after.longitudes.size)
    # Cells of a regular grid shrink with the cosine of the latitude.
    weights = np.cos(np.deg2rad(after.latitudes))[rows]
    weights = weights / weights.sum()
    for (month, new), (other, old) in zip(_maps(after, common), _maps(before, common), strict=True):
        if month != other:
            raise ValueError(f"{other} stands where {month} should be: months out of order")
        difference = new.ravel()[cells].astype(np.float64) - old.ravel()[cells]
        if not difference.any():
            continue
        at = int(np.nanargmax(np.abs(difference)))
        yield MonthChange(
            month=month,
            rms=float(np.sqrt(np.nansum(weights * difference**2))),
            largest=float(difference[at]),
            latitude=float(after.latitudes[rows[at]]),
            longitude=float(after.longitudes[columns[at]]),
        )
