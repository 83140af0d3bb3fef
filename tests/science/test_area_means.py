"""The predicted error of a mean over an area, against the scatter of real means where there is no land water.

River basins of all sizes are moved to the open ocean. There the truth is known: what trend and seasons do not explain
is error, but for what the ocean itself does, and its mean over the area scatters from month to month.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from services.process.geometry import Geometry
from services.process.production import Outcome
from shared import settings
from shared.constants import RADIUS_MEAN
from shared.formats import bundled
from shared.geodesy.covariance import area_mean_uncertainty
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.epoch import years
from shared.models.region import cells_inside
from tests.science.conftest import Record

pytestmark = pytest.mark.real_data

# Where basins are moved to: parallels and steps along them [deg]; a few places for each basin
PARALLELS, STEP, PLACES = range(-60, 46, 15), 12.0, 4

# Upper ends of the classes of size [10^6 km^2]
SIZES = (0.3, 0.6, 1.0, 2.0, 10.0)

# What is asked for
WITHIN = 0.2

HEAD = (
    "area, 10^6  places, observed, predicted / observed, with error of the fit, mean of the cells' errors",
    "km^2                      mm       all   8 of 10          / observed           / observed",
)


@dataclass(frozen=True)
class Place:
    """A basin in the ocean: its area [10^6 km^2] and standard deviations of its mean [mm]."""

    area: float
    observed: float
    predicted: float
    published: float
    mean_of_cells: float


def _shapes(real_data: Path) -> Iterator[list[np.ndarray]]:
    features = json.loads((real_data / "gravis" / "basins_rivbas.json").read_text())["features"]
    for geometry in (feature["geometry"] for feature in features):
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        yield [np.asarray(ring, float) for polygon in polygons for ring in polygon]


def _moved(rings: list[np.ndarray], ocean: np.ndarray, geometry: Geometry) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of a shape on other parallels, as wide in kilometres as before, all in the open ocean."""
    corners = np.concatenate(rings)
    lon, lat = (corners.min(axis=0) + corners.max(axis=0)) / 2.0
    for parallel in PARALLELS:
        stretch = np.cos(np.deg2rad(lat)) / np.cos(np.deg2rad(parallel))
        shifted = [(ring - (lon, lat)) * (stretch, 1.0) + (0.0, parallel) for ring in rings]
        rows, columns = np.nonzero(cells_inside(shifted, geometry.grid))
        for turn in range(0, 720, round(STEP / geometry.grid.step)):
            if rows.size and ocean[rows, (columns + turn) % 720].all():
                yield rows, (columns + turn) % 720


@pytest.fixture(scope="module")
def places(record: Record, real_data: Path) -> list[Place]:
    """Every basin at a few places, drawn once and for all."""
    outcome, random = record.outcome, np.random.default_rng(1)
    geometry = Geometry(
        outcome.maps.grid, bundled.default_land_mask(settings.cache_folder(), outcome.maps.grid), bundled.love_numbers()
    )
    found = []
    for rings in _shapes(real_data):
        choice = list(_moved(rings, geometry.open_ocean, geometry))
        drawn = random.permutation(len(choice))[:PLACES]
        found += [_place(outcome, geometry, *choice[each]) for each in drawn]
    return found


def _place(outcome: Outcome, geometry: Geometry, rows: np.ndarray, columns: np.ndarray) -> Place:
    maps = outcome.maps
    areas = geometry.grid.areas[rows]
    mean = maps.twsa[:, rows, columns].astype(float) @ (areas / areas.sum())
    times = years(maps.mid)
    fit = Projection.of(seasonal_design(times, float(times.mean())))
    residual = mean - fit.design @ fit.parameters(mean)
    # What was left over the ocean, without the error of the fit: that is not in the scatter around it
    design, evaluation = seasonal_design(times, maps.evaluation.epoch), maps.evaluation
    of_fit = evaluation.weak_noise**2 * np.einsum("tp,pq,tq->t", design, evaluation.cofactor, design)
    noise = np.sqrt(maps.sigma**2 - of_fit)
    where = geometry.grid.latitudes[rows], geometry.grid.longitudes[columns], areas
    predicted, published = (
        area_mean_uncertainty(maps.covariance, *where, np.outer(sigma, maps.scale[rows]))
        for sigma in (noise, maps.sigma)
    )
    cells = np.outer(noise, maps.scale[rows]) @ (areas / areas.sum())
    rms = [1e3 * float(np.sqrt(np.mean(each**2))) for each in (residual, predicted, published, cells)]
    return Place(4e-12 * np.pi * RADIUS_MEAN**2 * float(areas.sum()), *rms)


def _together(places: list[Place], name: str) -> float:
    return float(np.sqrt(np.mean([getattr(place, name) ** 2 for place in places])))


def test_the_predicted_error_of_a_mean_is_that_of_basins_moved_to_the_ocean(
    places: list[Place], capsys: pytest.CaptureFixture[str]
) -> None:
    ratios, lines = [], []
    for low, high in zip((0.0, *SIZES), SIZES, strict=False):
        some = [place for place in places if low <= place.area < high]
        observed = _together(some, "observed")
        of = {name: _together(some, name) / observed for name in ("predicted", "published", "mean_of_cells")}
        single = np.percentile([place.predicted / place.observed for place in some], (10, 90))
        ratios += [of["predicted"], of["published"]]
        eight = f"{single[0]:.2f}-{single[1]:.2f}"
        numbers = f"{of['predicted']:10.2f} {eight:>11} {of['published']:10.2f} {of['mean_of_cells']:14.2f}"
        lines.append(f"{low:4.1f}-{high:4.1f} {len(some):8d} {observed:9.1f} {numbers}")
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *HEAD, *lines, ""]))
    assert all(abs(ratio - 1.0) < WITHIN for ratio in ratios)


def test_the_mean_of_the_errors_would_be_far_off(places: list[Place]) -> None:
    """What the covariance is for: over a large basin it would be twice the error."""
    large = [place for place in places if place.area > 2.0]
    assert _together(large, "mean_of_cells") > 1.6 * _together(large, "observed")
