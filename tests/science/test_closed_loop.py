"""The chain on simulated archives: what was put in must come out, and the uncertainty must be honest.

All runs start from files and end in maps, as a user's do. Runs without noise keep the formal errors, so that
the same filters are applied as with noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from services.process.geometry import Geometry
from services.process.level3.earthquakes import MAULE, SUMATRA, TOHOKU, Earthquake
from services.process.production import Outcome, Request, produce
from shared import settings
from shared.formats import bundled
from shared.formats.level2b_cache import read_cached_month
from shared.geodesy import ordering
from shared.geodesy.decorrelation import cut_blocks, filter_blocks
from shared.geodesy.distance import distance_to_point
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.epoch import Month, years
from shared.models.grid import Grid, GridSeries
from shared.models.series import Level2BSeries
from shared.simulation.archive import write_archive
from shared.simulation.settings import Settings
from shared.simulation.truth import Truth, read_truth

QUIET = Settings(last=Month(2022, 12), seed=5, nmax=40).without_noise()
NOISY = Settings(last=Month(2022, 12), seed=3)

DDK5 = 1e11  # strength of VDK5 in the units of the synthetic normals


@dataclass(frozen=True)
class Loop:
    """A simulated archive and what the chain made of it."""

    outcome: Outcome
    folder: Path
    truth: Truth

    @property
    def maps(self) -> GridSeries:
        assert self.outcome.maps is not None
        return self.outcome.maps

    @property
    def level2b(self) -> Level2BSeries:
        months = [read_cached_month(path) for path in (self.folder / ".level2b").glob("*.level2b")]
        return Level2BSeries.of([month for month in months if month is not None])

    @property
    def reference(self) -> np.ndarray:
        """Which months lie in the reference period [time]."""
        first, last = self.outcome.product.reference
        return np.array([first <= month <= last for month in self.maps.months])


Run = Callable[[Settings], Loop]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Simulate and process, each archive only once."""
    known: dict[Settings, Loop] = {}

    def process(wanted: Settings) -> Loop:
        if wanted not in known:
            folder = tmp_path_factory.mktemp("loop")
            paths = write_archive(wanted, folder / "archive")
            request = Request(
                level2=paths.level2,
                auxiliaries=paths.auxiliaries,
                out=folder / "product",
                cache=settings.cache_folder(),
                workers=settings.worker_count(),
            )
            known[wanted] = Loop(produce(request), folder / "product", read_truth(paths.truth / "truth.npz"))
        return known[wanted]

    return process


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    grid = Grid()
    return Geometry(grid, bundled.default_land_mask(settings.cache_folder(), grid), bundled.love_numbers())


def _rms(values: np.ndarray) -> float:
    """Root of the mean square in mm of values in m."""
    return float(1e3 * np.sqrt(np.mean(np.square(values, dtype=float))))


def _fit(mid: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Bias, trend and seasons [6, ...] of series [time, ...]."""
    times = years(mid)
    return Projection.of(seasonal_design(times, float(times.mean()))).parameters(np.asarray(series, float))


def _true_maps(loop: Loop, geometry: Geometry) -> np.ndarray:
    """The water that was put in, unfiltered, relative to its mean over the reference months [time, lat, lon]."""
    truth = loop.truth
    water = truth.water - truth.water[loop.reference].mean(axis=0)
    return geometry.synthesis(truth.nmax, truth.gm, truth.radius)(water)


def test_the_mean_over_the_reference_period_is_zero(run: Run) -> None:
    loop = run(QUIET)
    mean = loop.maps.twsa[loop.reference].mean(axis=0, dtype=float)
    # Not to the last digit: the filter varies from month to month, so that the mean of the filtered months is
    # not the filtered mean. It is strongest where the signal is: West Antarctica loses metres of water.
    assert _rms(mean) < 0.5
    assert 1e3 * np.abs(mean).max() < 3.0


def test_the_tidal_alias_is_taken_out(run: Run, geometry: Geometry) -> None:
    with_alias, without = run(QUIET), run(replace(QUIET, alias=False))
    truth = with_alias.truth
    put_in = geometry.synthesis(truth.nmax, truth.gm, truth.radius)(truth.alias)
    same = with_alias.maps.strength == without.maps.strength
    left = with_alias.maps.twsa[same] - without.maps.twsa[same]
    # The fit is linear and the alias is in its model. What is left is that the filter F = 1 / (1 + a / q^2) changes
    # with the errors q of a month: dF/F = 2 (1 - F) dq/q, a tenth for the 15 % by which q varies and F = 2/3.
    assert _rms(left) < 0.1 * _rms(put_in)


@pytest.mark.parametrize("event", [SUMATRA, MAULE, TOHOKU], ids=str)
def test_step_and_relaxation_of_each_earthquake_are_taken_out(run: Run, geometry: Geometry, event: Earthquake) -> None:
    # without water, since a fit of steps also takes a little of what water happens to do at the time
    still = replace(QUIET, water=False, alias=False)
    with_ruptures, without = run(still), run(replace(still, ruptures=()))
    grid = with_ruptures.maps.grid
    near = distance_to_point(event.latitude, event.longitude, grid.latitudes, grid.longitudes) < 700e3
    truth = with_ruptures.truth
    deformation = next(each for each in truth.deformations if each.rupture.moment == event.moment)
    synthesis = geometry.synthesis(truth.nmax, truth.gm, truth.radius)
    put_in = synthesis((deformation.step + deformation.relaxation)[None])[0][near]
    same = with_ruptures.maps.strength == without.maps.strength
    left = with_ruptures.maps.twsa[same][:, near] - without.maps.twsa[same][:, near]
    # Trend and season of the combination are those of the weak filter, the rest is that of the strong one: of a step
    # the projection on trend and season, half its rms, stays with the difference of the filters, a fifth, and is
    # then taken for a trend. The order of the steps is the specification's.
    assert _rms(left) < 0.12 * _rms(put_in)


def test_the_relaxation_time_is_found(run: Run) -> None:
    loop = run(replace(QUIET, water=False, alias=False))
    put_in = {each.rupture.name: each.rupture.tau for each in loop.truth.deformations}
    found = {fit.name: fit.tau for fit in loop.maps.evaluation.earthquakes}
    assert found == {name: put_in[name] for name in found}
    assert len(found) == 3  # Kamchatka is later than these months


@pytest.mark.parametrize("place", [(1, 0, False), (1, 1, False), (1, 1, True)], ids=["C10", "C11", "S11"])
def test_degree_one_is_recovered(run: Run, place: tuple[int, int, bool]) -> None:
    loop = run(QUIET)
    level2b, truth = loop.level2b, loop.truth
    ours = level2b.sets["VDK5"][:, ordering.position(level2b.nmax, *place)]
    put_in = truth.water[:, ordering.position(truth.nmax, *place)]
    amplitudes = [np.hypot(*_fit(level2b.mid, series)[2:4]) for series in (ours, put_in)]
    # Land signal that leaks more than 200 km off the coast is taken for ocean: one or two per cent.
    assert np.corrcoef(ours, put_in)[0, 1] > 0.99
    assert amplitudes[0] == pytest.approx(amplitudes[1], rel=0.03)


def test_trend_and_annual_signal_are_those_put_in_seen_through_the_weak_filter(run: Run, geometry: Geometry) -> None:
    loop = run(QUIET)
    truth = loop.truth
    blocks = cut_blocks(bundled.ddk_normals(settings.cache_folder()).blocks, truth.nmax)
    fits = _fit(loop.maps.mid, truth.water)[1:4]
    seen = np.stack([filter_blocks(blocks, [DDK5], fit)[0] for fit in fits])
    synthesis = geometry.synthesis(truth.nmax, truth.gm, truth.radius)
    expected, ours = synthesis(seen), _fit(loop.maps.mid, loop.maps.twsa)[1:4]
    land = geometry.mask.land & (np.abs(loop.maps.grid.latitudes) < 60.0)[:, None]
    # The filter of a month is not exactly that of the median month, and GIA is subtracted unfiltered.
    assert _rms(ours[0][land] - expected[0][land]) < 0.05 * _rms(expected[0][land])
    assert _rms(ours[1:, land] - expected[1:, land]) < 0.05 * _rms(expected[1:, land])


def test_the_uncertainty_is_honest(run: Run, geometry: Geometry) -> None:
    """The truth, seen through the same filter, lies within 1 (2) sigma in 68 (95) per cent of cells and months."""
    noisy, quiet = run(NOISY), run(NOISY.without_noise())
    maps = noisy.maps
    assert maps.sigma is not None and maps.scale is not None
    error = np.abs(maps.twsa - quiet.maps.twsa) / (maps.sigma[:, None] * maps.scale)[:, :, None]
    weights = np.broadcast_to(maps.grid.areas[:, None], maps.grid.shape)[geometry.mask.land]
    for sigmas, share in ((1, 0.683), (2, 0.954)):
        inside = (error[:, geometry.mask.land] < sigmas).mean(axis=0) @ weights / weights.sum()
        assert inside == pytest.approx(share, abs=0.05)


def test_the_coverage_of_the_unfiltered_truth_is_known(run: Run, geometry: Geometry) -> None:
    """Leakage is not part of the uncertainty; how much that matters is stated in the README."""
    noisy = run(NOISY)
    maps = noisy.maps
    assert maps.sigma is not None and maps.scale is not None
    error = np.abs(maps.twsa - _true_maps(noisy, geometry)) / (maps.sigma[:, None] * maps.scale)[:, :, None]
    weights = np.broadcast_to(maps.grid.areas[:, None], maps.grid.shape)[geometry.mask.land]
    shares = [(error[:, geometry.mask.land] < k).mean(axis=0) @ weights / weights.sum() for k in (1, 2)]
    # Less than of the filtered truth, since the signal that the filter takes away is missing in it.
    assert 0.45 < shares[0] < 0.683
    assert 0.70 < shares[1] < 0.954
