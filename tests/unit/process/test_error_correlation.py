"""The correlation of errors is found again in noise that was drawn with it, and kept where it must be."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from services.process.level3.error_correlation import fit_error_correlation
from services.process.level3.uncertainty import estimate_uncertainty
from shared.errors import RequestRefused
from shared.geodesy.covariance import ErrorCovariance
from shared.models.baseline import Evaluation
from shared.models.epoch import Month, months_between
from shared.models.grid import GridSeries
from tests.unit.process.builders import make_geometry, make_maps, seasonal_model, times_of

GEOMETRY = make_geometry()
MONTHS = tuple(months_between(Month(2003, 1), Month(2020, 12)))

# Lengths that a grid of 5 degrees resolves
TRUTH = ErrorCovariance(east=(900e3, -200e3), north=2500e3, share=0.3, distance=1500e3)
REACH = 5000e3


@cache
def drawn_maps(months: int = len(MONTHS)) -> GridSeries:
    """Seasons and trend, and over them noise drawn with the true correlation, twice as strong at 60 degrees."""
    random = np.random.default_rng(9)
    grid = GEOMETRY.grid
    lat, lon = (each[GEOMETRY.open_ocean] for each in np.meshgrid(grid.latitudes, grid.longitudes, indexing="ij"))
    correlation = TRUTH.correlation((lat[:, None], lon[:, None]), (lat, lon))
    factor = np.linalg.cholesky(correlation + 1e-3 * np.eye(lat.size))
    noise = np.zeros((len(MONTHS), *grid.shape))
    noise[:, GEOMETRY.open_ocean] = (factor @ random.standard_normal((lat.size, len(MONTHS)))).T
    noise *= 0.02 * (1.0 + np.abs(grid.latitudes) / 60.0)[:, None]
    season = np.tensordot(seasonal_model(times_of(MONTHS), 2010.0), random.standard_normal((6, *grid.shape)), 1)
    maps = make_maps(MONTHS[:months], (season + noise)[:months], grid)
    return estimate_uncertainty(maps, geometry=GEOMETRY, frozen=None, latitude_scale=None, terms=3, fit_error=False)


def fitted(
    maps: GridSeries, frozen: Evaluation | None = None, given: ErrorCovariance | None = None, reach: float = REACH
) -> GridSeries:
    return fit_error_correlation(maps, geometry=GEOMETRY, frozen=frozen, error_correlation=given, reach=reach)


def test_the_correlation_that_the_noise_was_drawn_with_is_found_again() -> None:
    """216 months of an ocean with some twenty waves side by side: a correlation is known to a hundredth or two."""
    found = fitted(drawn_maps()).covariance
    assert found is not None
    places = (np.array([0.0, 0.0, 0.0, 0.0, 40.0, 40.0]), np.zeros(6))
    others = (np.array([0.0, 0.0, 10.0, 25.0, 40.0, 50.0]), np.array([10.0, 25.0, 0.0, 0.0, 15.0, 10.0]))
    assert np.abs(found.correlation(places, others) - TRUTH.correlation(places, others)).max() < 0.06
    latitudes = np.array([0.0, 45.0])
    assert found.length(latitudes) == pytest.approx(TRUTH.length(latitudes), rel=0.1)
    assert found.north == pytest.approx(TRUTH.north, rel=0.15)


def test_noise_of_each_cell_for_itself_is_told_apart() -> None:
    """Or the test above might pass whatever the noise is."""
    maps = drawn_maps()
    alone = 0.02 * np.random.default_rng(10).standard_normal(maps.twsa.shape)
    again = estimate_uncertainty(
        replace(maps, twsa=alone), geometry=GEOMETRY, frozen=None, latitude_scale=None, terms=3, fit_error=False
    )
    place, neighbour = (np.zeros(1), np.zeros(1)), (np.zeros(1), np.full(1, 5.0))
    assert TRUTH.correlation(place, neighbour) > 0.8
    found = fitted(again).covariance
    assert found is not None and found.correlation(place, neighbour) < 0.1


def test_a_bad_month_counts_no_more_than_any_other() -> None:
    """Some six times the noise, without any correlation: forty times the variance."""
    maps = drawn_maps()
    worse = np.array(maps.twsa)
    worse[100] += 0.2 * np.random.default_rng(11).standard_normal(worse[100].shape)
    again = estimate_uncertainty(
        replace(maps, twsa=worse), geometry=GEOMETRY, frozen=None, latitude_scale=None, terms=3, fit_error=False
    )
    place, neighbour = (np.zeros(1), np.zeros(1)), (np.zeros(1), np.full(1, 5.0))
    found = fitted(again).covariance
    assert found is not None
    assert found.correlation(place, neighbour) == pytest.approx(TRUTH.correlation(place, neighbour), abs=0.06)


def test_maps_and_uncertainty_are_not_touched() -> None:
    maps = drawn_maps()
    found = fitted(maps)
    for name in ("twsa", "sigma", "scale", "noise"):
        assert getattr(found, name) is getattr(maps, name) or np.array_equal(getattr(found, name), getattr(maps, name))
    assert found.parameters["error_correlation_origin"] == "fitted to the open ocean of this run"


def test_the_fit_is_the_same_to_the_last_bit_for_any_number_of_threads() -> None:
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(fitted(drawn_maps()).covariance)
    assert found[0] == found[1]


def test_a_frozen_correlation_is_kept_and_goes_before_a_file() -> None:
    maps = drawn_maps()
    frozen = replace(maps.evaluation, covariance=TRUTH)
    found = fitted(maps, frozen, ErrorCovariance((1e6,), 1e6, 0.5, 1e6))
    assert found.covariance == TRUTH == found.evaluation.covariance
    assert found.parameters["error_correlation_origin"] == "frozen with the baseline"


def test_a_parameter_file_is_taken_as_it_is() -> None:
    found = fitted(drawn_maps(), given=TRUTH)
    assert found.covariance == TRUTH == found.evaluation.covariance
    assert found.parameters["error_correlation_origin"] == "parameter file"


def test_a_baseline_of_before_lets_the_run_fit_its_own() -> None:
    maps = drawn_maps()
    assert fitted(maps, replace(maps.evaluation, covariance=None)).covariance == fitted(maps).covariance


def test_an_ocean_that_leaves_nothing_over_is_refused() -> None:
    maps = drawn_maps()
    still = replace(maps, twsa=np.zeros(maps.twsa.shape))
    still = replace(still, evaluation=replace(maps.evaluation, ocean=np.zeros_like(maps.evaluation.ocean)))
    with pytest.raises(RequestRefused, match="does not tell how errors"):
        fitted(still)
