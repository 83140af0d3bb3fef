"""Good products and baselines; a test makes its broken input from one of them by a named edit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np

from shared.formats.months import MonthTable
from shared.geodesy.covariance import ErrorCovariance
from shared.models.baseline import Baseline, EarthquakeFit, Evaluation
from shared.models.coefficients import FilterSource, TideSystem
from shared.models.epoch import Month, months_between
from shared.models.grid import Grid, GridSeries
from shared.models.product import Level3Metadata
from shared.models.provenance import Source

ABOUT = Level3Metadata(
    title="Terrestrial water storage anomaly",
    product="twsa",
    product_version="v1.0",
    code_version="0.1.0",
    reference_period=(Month(2003, 1), Month(2022, 12)),
    baseline_digest="ab" * 32,
    mode="re-evaluate",
    issued=datetime(2026, 11, 20, 12, 30),
    institution="Institute of Examples",
    creator_name="A. Author",
    creator_url="https://example.org",
    creator_email="author@example.org",
    project="Examples",
    naming_authority="org.example",
    acknowledgement="Level-2 by COST-G",
    citations=("Dahle et al. (2025), doi 10.5194/essd-17-611-2025",),
)


# As it comes out of the real record
COVARIANCE = ErrorCovariance(east=(272e3, -94e3), north=775e3, share=0.358, distance=794e3)


def continents(grid: Grid) -> np.ndarray:
    """A round continent, a polar cap and an island in the west, [lat, lon]: not symmetric in any way."""
    latitude, longitude = grid.latitudes[:, None], grid.longitudes[None, :]
    return (
        ((latitude - 20.0) ** 2 + (longitude - 60.0) ** 2 < 60.0**2)
        | (latitude < -70.0 + 0.0 * longitude)
        | ((latitude + 10.0) ** 2 + (longitude + 120.0) ** 2 < 15.0**2)
    )


def months_of_record(count: int, without: tuple[str, ...] = ()) -> tuple[Month, ...]:
    """So many months from 2002-04, without those named."""
    found = [month for month in months_between(Month(2002, 4), Month(2040, 1)) if str(month) not in without]
    return tuple(found[:count])


def make_maps(
    count: int = 3, *, step: float = 5.0, without: tuple[str, ...] = (), noisy: tuple[int, ...] = (1,)
) -> GridSeries:
    """Maps of so many months; those at the places `noisy` fall back to the stronger filter."""
    grid, months = Grid(step), months_of_record(count, without)
    random = np.random.default_rng(7)
    twsa = (0.1 * random.standard_normal((count, *grid.shape))).astype(np.float32)
    noise = 0.017 + 0.001 * random.random(count)
    noise[list(noisy)] = 0.05
    threshold = 0.036
    table = MonthTable.default()
    return GridSeries(
        grid=grid,
        months=months,
        spans=tuple(table.span_of(month) for month in months),
        twsa=twsa,
        noise=noise,
        threshold=threshold,
        strength=np.where(noise > threshold, 2, 3).astype(np.int8),
        filter_sources=(FilterSource.DDK, *[FilterSource.ERROR_SCALED] * (count - 1)),
        evaluation=Evaluation(epoch=2010.0, deterministic={}, mean_noise=0.018),
        sigma=noise,
        scale=1.0 + 0.2 * np.cos(np.deg2rad(grid.latitudes)),
        covariance=COVARIANCE,
        land=continents(grid),
        parameters={"gia_reference_epoch": "mean mid-epoch of the reference months"},
        history=("subtract_mean()", "decorrelate(source=auto)", "mask_ocean()"),
        sources=(
            Source("gia", "gia.gz", "f" * 64, "doi 10.1002/2016JB013844"),
            *(Source("level-2", f"GSM-2_{month}.gfc", f"{at:064x}") for at, month in enumerate(months)),
        ),
    )


def make_baseline(nmax: int = 4) -> Baseline:
    """A baseline in which every field is filled, with values that have no short decimal form."""
    random = np.random.default_rng(11)
    size = (nmax + 1) ** 2
    months = months_of_record(5, ("2002-06",))
    quakes = tuple(
        EarthquakeFit(name, tau, np.arange(cells, dtype=float), random.random(cells), random.random(cells))
        for name, tau, cells in (("Tohoku-oki", 0.1, 4), ("Maule", 1.0 / 3.0, 3))
    )
    evaluation = Evaluation(
        epoch=2012.0 + 1.0 / 7.0,
        deterministic={"VDK5": random.random((6, size)), "VDK3": random.random((6, size))},
        mean_noise=0.017 / 3.0,
        earthquakes=quakes,
        latitude=random.random(3),
        ocean=random.random((6, 10)),
        weak_noise=0.1 / 3.0,
        cofactor=random.random((6, 6)),
        covariance=COVARIANCE,
    )
    return Baseline(
        period=(Month(2002, 4), Month(2002, 9)),
        months=months,
        spans=tuple(MonthTable.default().span_of(month) for month in months),
        checksums=tuple(f"{at:064x}" for at in range(len(months))),
        mean=random.standard_normal(size),
        sigmas=random.random(size),
        gm=3.986004415e14,
        radius=6378136.3,
        tide_system=TideSystem.ZERO_TIDE,
        alias={"VDK5": random.random((2, size)), "NFIL": random.random((2, size))},
        evaluation=evaluation,
    )


def without_evaluation(baseline: Baseline) -> Baseline:
    """The baseline before the series was evaluated, of months without standard deviations."""
    return replace(baseline, evaluation=None, sigmas=None, alias={})


def write_mask(path: Path, land: np.ndarray, latitudes: np.ndarray, longitudes: np.ndarray, **flags: object) -> Path:
    """A mask file as somebody else might write it: a variable `mask` on `lat` and `lon`."""
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (("lat", latitudes), ("lon", longitudes)):
            file.createDimension(name, values.size)
            file.createVariable(name, "f8", (name,))[:] = values
        variable = file.createVariable("mask", "f8", ("lat", "lon"))
        variable.setncatts(flags)
        variable[:] = land
    return path
