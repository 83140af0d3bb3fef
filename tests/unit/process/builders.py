"""A small Earth with its months, tables and matrices: all that the recipes need."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import numpy as np

from services.process.geometry import Geometry
from shared.geodesy import ordering
from shared.geodesy.distance import distance_to_point
from shared.models.auxiliaries import BlockNormals, CoefficientTable, GiaModel, LandMask, LoveNumbers
from shared.models.baseline import Baseline, Evaluation
from shared.models.coefficients import (
    ErrorKind,
    FilteredAnomalies,
    FilterSource,
    MonthlyField,
    TideSystem,
)
from shared.models.epoch import Month, Span, months_between, years
from shared.models.grid import Grid, GridSeries
from shared.models.provenance import Source
from shared.models.series import Level2BSeries

GM, RADIUS = 3.986004415e14, 6378136.3
NMAX = 8
REFERENCE = tuple(months_between(Month(2003, 1), Month(2005, 12)))


def source(role: str, name: str = "") -> Source:
    """A source with a digest of its own."""
    return Source(role, name or f"{role}.dat", hashlib.sha256(f"{role} {name}".encode()).hexdigest())


def calendar(months: Sequence[Month]) -> tuple[Span, ...]:
    """The calendar spans of months."""
    return tuple(month.calendar for month in months)


def median_errors(nmax: int = NMAX) -> np.ndarray:
    """Errors that grow with degree, zero below degree 2 as in real files."""
    degree = ordering.index(nmax).degree
    return np.where(degree >= 2, 1e-13 * (1.0 + degree / 10.0) ** 3, 0.0)


def make_month(
    month: Month = Month(2004, 5),
    *,
    nmax: int = NMAX,
    seed: int = 1,
    errors: float | np.ndarray | None = 1.0,
    **more: Any,
) -> MonthlyField:
    """An absolute field; errors as a multiple of the median ones, None for a month without."""
    at = ordering.index(nmax)
    values = 1e-10 * np.random.default_rng((seed, month.ordinal)).standard_normal(at.degree.size)
    values = np.where(at.degree >= 2, values / np.maximum(at.degree, 1), 0.0)
    values[0] = 1.0
    values[ordering.position(nmax, 2, 0)] += -4.84165e-4
    values[ordering.position(nmax, 3, 0)] += 9.57e-7
    given: dict[str, Any] = {
        "name": f"{month}.gfc",
        "values": values,
        "sigmas": None if errors is None else errors * median_errors(nmax),
        "gm": GM,
        "radius": RADIUS,
        "tide_system": TideSystem.TIDE_FREE,
        "errors": ErrorKind.FORMAL,
        "span": month.calendar,
        "month": month,
        "comments": ("a comment",),
        "sources": (source("level-2", f"{month}.gfc"),),
        "history": ("read",),
    }
    return MonthlyField(**(given | more))


def make_reference(months: Sequence[Month] = REFERENCE, *, nmax: int = NMAX, **more: Any) -> Baseline:
    """A baseline of some months, with an alias in each filter set."""
    random = np.random.default_rng(9)
    mean = np.mean([make_month(month, nmax=nmax).values for month in months], axis=0)
    labels = ("NFIL", *(f"VDK{number}" for number in range(1, 9)))
    given: dict[str, Any] = {
        "period": (months[0], months[-1]),
        "months": tuple(months),
        "spans": calendar(months),
        "checksums": tuple(f"{month.ordinal:064x}" for month in months),
        "mean": mean,
        "sigmas": median_errors(nmax),
        "gm": GM,
        "radius": RADIUS,
        "tide_system": TideSystem.TIDE_FREE,
        "alias": {label: 1e-12 * random.standard_normal((2, mean.size)) for label in labels},
    }
    return Baseline(**(given | more))


def make_table(months: Sequence[Month] = REFERENCE) -> CoefficientTable:
    """Absolute low degrees of every calendar month, a little off those of the fields."""
    random, values, sigmas = np.random.default_rng(3), {}, {}
    for name, offset in (("C20", -4.84169e-4), ("C30", 9.5718e-7), ("C21", -2.2e-10), ("S21", 1.4e-9)):
        values[name] = offset + 1e-10 * random.standard_normal(len(months))
        sigmas[name] = 4e-12 * (1.0 + random.random(len(months)))
    return CoefficientTable(
        "low.dat", np.array([month.calendar.begin for month in months]), values, sigmas, source("low-degrees")
    )


def make_gia(nmax: int = 12) -> GiaModel:
    """Rates up to a degree above that of the fields, relative to another radius."""
    rates = 1e-12 * np.random.default_rng(4).standard_normal(ordering.size(nmax))
    rates[ordering.index(nmax).degree < 2] = 0.0
    return GiaModel("gia.gz", rates, GM, 6378136.46, source("gia"))


def make_block_normals(nmax: int = 12, seed: int = 5) -> BlockNormals:
    """Synthetic blocks C0, C1, S1, ... from degree 2: what DDK strengths of 1e10..1e14 filter visibly."""
    random, blocks = np.random.default_rng(seed), []
    for block in ordering.blocks(nmax):
        degree = np.arange(max(block.order, 2), nmax + 1.0)
        root = np.eye(degree.size) + 0.3 * random.standard_normal((degree.size, degree.size))
        scale = 1e8 * degree**-1.5
        blocks.append(scale[:, None] * (root @ root.T + 0.1 * np.eye(degree.size)) * scale)
    return BlockNormals(tuple(blocks), nmax, 2, source("filter"))


def dense_of(normals: BlockNormals, nmax: int) -> np.ndarray:
    """The full matrix [P, P] of the blocks, cut to a degree, in the order of the vector from degree 2."""
    places = {}
    at = ordering.index(nmax)
    kept = [i for i in range(at.degree.size) if at.degree[i] >= 2]
    for row, i in enumerate(kept):
        places[int(at.degree[i]), int(at.order[i]), bool(at.sine[i])] = row
    matrix = np.zeros((len(kept), len(kept)))
    for block, values in zip(ordering.blocks(normals.nmax), normals.blocks, strict=True):
        degrees = range(max(block.order, 2), normals.nmax + 1)
        for i, n in enumerate(degrees):
            for j, k in enumerate(degrees):
                if max(n, k) <= nmax:
                    matrix[places[n, block.order, block.sine], places[k, block.order, block.sine]] = values[i, j]
    return matrix


@cache
def make_geometry(step: float = 5.0) -> Geometry:
    """A round continent, a small one and a polar cap; land everywhere else is ocean."""
    grid = Grid(step)
    land = np.broadcast_to(grid.latitudes[:, None] < -70.0, grid.shape).copy()
    for latitude, longitude, radius in ((20.0, 60.0, 5000e3), (-15.0, -65.0, 2500e3)):
        land |= distance_to_point(latitude, longitude, grid.latitudes, grid.longitudes) < radius
    love = np.r_[0.0, 0.02601, -0.3 / np.arange(2.0, 121.0) ** 0.5]
    return Geometry(
        grid, LandMask("round", land, source("land-mask")), LoveNumbers("smooth", love, source("love-numbers"))
    )


def make_auxiliaries(**more: Any) -> dict[str, Any]:
    """Everything that the steps of both recipes ask for, by the names under which they do."""
    return {
        "baseline": make_reference(),
        "low_degrees": make_table(),
        "gia": make_gia(),
        "geometry": make_geometry(),
        "block_normals": make_block_normals(),
        "normals": None,
        "frozen": None,
        "latitude_scale": None,
        "error_correlation": None,
    } | more


def make_anomalies(month: Month = Month(2004, 5), *, nmax: int = NMAX, seed: int = 2, **more: Any) -> FilteredAnomalies:
    """A month of Level-2B in three filter sets."""
    random = np.random.default_rng((seed, month.ordinal))
    given: dict[str, Any] = {
        "month": month,
        "span": month.calendar,
        "sets": {label: 1e-10 * random.standard_normal(ordering.size(nmax)) for label in ("VDK2", "VDK3", "VDK5")},
        "sigmas": median_errors(nmax),
        "gm": GM,
        "radius": RADIUS,
        "filter_source": FilterSource.ERROR_SCALED,
        "history": ("read", "filtered"),
        "sources": (source("level-2", f"{month}.gfc"),),
    }
    return FilteredAnomalies(**(given | more))


def make_series(months: Sequence[Month], sets: dict[str, np.ndarray]) -> Level2BSeries:
    """A series with these fields [time, (nmax + 1)^2] in each filter set."""
    return Level2BSeries(
        months=tuple(months),
        spans=calendar(months),
        sets=sets,
        filter_sources=(FilterSource.DDK,) * len(months),
        gm=GM,
        radius=RADIUS,
        history=("monthly",),
        sources=(source("level-2", "all"),),
    )


def make_maps(months: Sequence[Month], twsa: np.ndarray, grid: Grid, **more: Any) -> GridSeries:
    """Maps [time, lat, lon] of these months; the evaluation knows only its epoch."""
    mid = np.array([month.calendar.mid for month in months])
    given: dict[str, Any] = {
        "grid": grid,
        "months": tuple(months),
        "spans": calendar(months),
        "twsa": twsa,
        "noise": np.full(len(months), 0.01),
        "threshold": 0.02,
        "strength": np.full(len(months), 3, np.int8),
        "filter_sources": (FilterSource.DDK,) * len(months),
        "evaluation": Evaluation(epoch=float(years(mid).mean()), deterministic={}, mean_noise=0.01),
        "history": ("combined",),
    }
    return GridSeries(**(given | more))


def seasonal_model(times: np.ndarray, epoch: float) -> np.ndarray:
    """Bias, trend, annual and semi-annual terms [time, 6], written out once more."""
    turn = 2.0 * np.pi * times
    rows = [
        [1.0, t - epoch, np.cos(a), np.sin(a), np.cos(2 * a), np.sin(2 * a)] for t, a in zip(times, turn, strict=True)
    ]
    return np.array(rows)


def times_of(months: Sequence[Month]) -> np.ndarray:
    """Mid-epochs of calendar months in tropical years."""
    return 2000.0 + (np.array([month.calendar.mid for month in months]) - 51544.5) / 365.2422


def without_season(series: np.ndarray, months: Sequence[Month]) -> np.ndarray:
    """What bias, trend and seasons leave of a series [time, ...]: a fit of that finds nothing in it."""
    times = times_of(months)
    design = seasonal_model(times, float(times.mean()))
    flat = series.reshape(len(months), -1)
    return (flat - design @ np.linalg.lstsq(design, flat, rcond=None)[0]).reshape(series.shape)


def snapshot(value: Any) -> Any:
    """All that a container holds, as bytes and plain values: two are equal only if not a bit differs."""
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype), value.tobytes()
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(snapshot(getattr(value, each.name)) for each in fields(value))
    if isinstance(value, list | tuple):
        return tuple(snapshot(each) for each in value)
    if hasattr(value, "items"):
        return tuple((key, snapshot(each)) for key, each in value.items())
    return repr(value)
