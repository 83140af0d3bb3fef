"""Level-3 products, baselines and land masks: whether their numbers can be what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from services.ingest.findings import Findings, degree_and_constants
from shared.formats.baseline import read_baseline
from shared.formats.level3_attributes import missing_months, month_ranges
from shared.formats.masks import read_land_mask
from shared.formats.netcdf import Level3, read_level3
from shared.models.grid import Grid

# What a map may say [mm]: Greenland's margin has lost metres since 2002, nothing has changed by tens of them.
_LARGEST_ANOMALY = 30e3
_LARGEST_UNCERTAINTY = 1e3
# Land by the any-land rule is 33 % of the globe; less or more is another mask.
_LAND_SHARE = (0.25, 0.45)
_WORDS = ("title", "product_version", "code_version", "reference_period", "evaluation_mode", "filter_source_summary")


def inspect_level3(path: Path) -> Findings:
    """What a product says of itself, and whether its land has plausible values."""
    product = read_level3(path)
    findings = Findings()
    for word in _WORDS:
        findings.add(word.replace("_", " "), product.attributes.get(word, "not stated"))
        findings.require(word in product.attributes, f"the attribute {word} is missing")
    findings.require("CF-1." in product.attributes.get("Conventions", ""), "the attribute Conventions does not name CF")
    _check_time(product, findings)
    _check_noise(product, findings)
    _check_sources(product, findings)
    grid = _grid(product, findings)
    if grid is not None:
        _check_land(product, grid, findings)
    if grid is not None and product.land.any():
        _check_maps(product, grid, findings)
    return findings


def _check_time(product: Level3, findings: Findings) -> None:
    months = product.months
    findings.add("months", f"{len(months)}, {months[0]} to {months[-1]}")
    findings.add("gaps", month_ranges(missing_months(months)))
    findings.require(list(months) == sorted(set(months)), "the months are not in order, or one comes twice")
    findings.require(bool(np.all(np.diff(product.mid) > 0.0)), "time does not increase from month to month")
    begin, end = product.bounds.T
    findings.require(bool(np.all(begin < end)), "time_bnds end before they begin")
    findings.require(bool(np.allclose(product.mid, (begin + end) / 2)), "time is not the middle of time_bnds")


def _check_noise(product: Level3, findings: Findings) -> None:
    findings.add("fallback months", month_ranges(product.fallback))
    findings.add("noise over open ocean", f"mean {product.noise.mean():.1f} mm, threshold {product.threshold:.1f} mm")
    noisy = product.noise > product.threshold
    mixed = set(product.strength[noisy].tolist()) & set(product.strength[~noisy].tolist())
    findings.require(not mixed, "flag_filter does not fit noise_open_ocean and its threshold")
    findings.require(bool(np.all(product.noise > 0.0)), "a month has no noise over open ocean")


def _check_sources(product: Level3, findings: Findings) -> None:
    level2 = sum(source.role == "level-2" for source in product.sources)
    findings.add("made from", f"{len(product.sources)} files, {level2} of them Level-2")
    bad = [s.name for s in product.sources if len(s.sha256) != 64 or set(s.sha256) - set("0123456789abcdef")]
    findings.require(not bad, f"no SHA-256 for {', '.join(bad)}")
    findings.require(level2 >= len(product.months), f"{level2} Level-2 files for {len(product.months)} months")


def _grid(product: Level3, findings: Findings) -> Grid | None:
    """The regular grid that the coordinates are the centres of."""
    rows = product.latitudes.size
    grid = Grid(180.0 / rows)
    findings.add("grid", f"{rows} x {product.longitudes.size} cells of {grid.step:g} degrees")
    fits = (rows, product.longitudes.size) == grid.shape
    fits = fits and np.allclose(product.latitudes, grid.latitudes) and np.allclose(product.longitudes, grid.longitudes)
    findings.require(bool(fits), "lat and lon are not the centres of a regular global grid, from south and west")
    return grid if fits else None


def _check_land(product: Level3, grid: Grid, findings: Findings) -> None:
    share = float(product.land.sum(axis=1) @ grid.areas)
    findings.add("land", f"{product.land.sum()} cells, {share:.1%} of the globe")
    low, high = _LAND_SHARE
    findings.require(
        low < share < high, f"{share:.1%} of the globe are land, where {low:.0%} to {high:.0%} are expected"
    )


def _check_maps(product: Level3, grid: Grid, findings: Findings) -> None:
    weights = np.broadcast_to(grid.areas[:, None], grid.shape)[product.land]
    for name, limit in (("twsa", _LARGEST_ANOMALY), ("twsa_uncertainty", _LARGEST_UNCERTAINTY)):
        low, high, total, lacking, wet = np.inf, -np.inf, 0.0, 0, 0
        for _, values in product.slabs(name):
            land = values[:, product.land]
            lacking += int(np.isnan(land).sum())
            wet += int(np.isfinite(values).sum() - np.isfinite(land).sum())
            low = float(np.fmin.reduce(land, axis=None, initial=low))
            high = float(np.fmax.reduce(land, axis=None, initial=high))
            total += float(np.sum(np.nan_to_num(land) @ weights) / weights.sum())
        mean = total / len(product.months)
        findings.add(name, f"{low:.1f} to {high:.1f} mm, mean over land and time {mean:.2f} mm")
        findings.require(lacking == 0, f"{lacking} values of {name} are missing on land")
        findings.require(wet == 0, f"{wet} values of {name} stand on the ocean")
        findings.require(
            max(-low, high) <= limit, f"{name} reaches {max(-low, high):g} mm, which nothing on Earth does"
        )
        findings.require(name == "twsa" or low > 0.0, f"a value of {name} is not positive")


def inspect_baseline(path: Path) -> Findings:
    """Period, months and filter sets of a baseline; its digests are verified by reading it."""
    baseline = read_baseline(path)
    findings = Findings()
    findings.add("reference period", f"{baseline.period[0]} to {baseline.period[1]}, {len(baseline.months)} months")
    degree_and_constants(findings, baseline.nmax, baseline.gm, baseline.radius)
    findings.add("tide system", baseline.tide_system.value)
    findings.add("S2 alias", ", ".join(baseline.alias) or "not estimated")
    fits = baseline.evaluation
    frozen = (
        "none" if fits is None else f"mean noise {1000.0 * fits.mean_noise:.1f} mm, {len(fits.earthquakes)} earthquakes"
    )
    findings.add("frozen evaluation", frozen)
    findings.add("digest", baseline.digest)
    outside = [month for month in baseline.months if not baseline.period[0] <= month <= baseline.period[1]]
    findings.require(not outside, f"months outside the reference period: {month_ranges(outside)}")
    findings.require(len(baseline.spans) == len(baseline.months), "months and spans differ in number")
    findings.require(bool(np.all(np.isfinite(baseline.mean))), "a coefficient of the mean is not a number")
    return findings


def inspect_land_mask(path: Path) -> Findings:
    """Share of land of a mask on the grid of the product."""
    grid = Grid()
    mask = read_land_mask(path, grid)
    findings = Findings()
    share = float(mask.land.sum(axis=1) @ grid.areas)
    findings.add("grid", f"{grid.shape[0]} x {grid.shape[1]} cells of {grid.step:g} degrees")
    findings.add("land", f"{int(mask.land.sum())} cells, {share:.1%} of the globe")
    low, high = _LAND_SHARE
    findings.require(
        low < share < high, f"{share:.1%} of the globe are land, where {low:.0%} to {high:.0%} are expected"
    )
    return findings
