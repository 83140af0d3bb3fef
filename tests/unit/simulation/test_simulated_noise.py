import numpy as np
import pytest

from shared.constants import RADIUS_LEVEL2
from shared.geodesy import ordering
from shared.geodesy.decorrelation import cut_blocks, filter_blocks
from shared.geodesy.distance import distance_to_land
from shared.geodesy.ellipsoid import ellipsoid
from shared.geodesy.harmonics import Synthesis
from shared.models.epoch import Month
from shared.simulation.earth import Earth
from shared.simulation.noise import USUAL, CoupledNoise, NoiseModel, block_rows, noise_scale
from shared.simulation.record import NoiseLevel, noise_level

NMAX = 8
DRAWS = 4000


@pytest.fixture(scope="module")
def model(earth: Earth) -> NoiseModel:
    return NoiseModel.of(earth.normals.blocks, NMAX)


def deviation_from_identity(covariance: np.ndarray, normal: np.ndarray) -> float:
    """Largest element of L^T C L - I, L the Cholesky factor of the normals."""
    factor = np.linalg.cholesky(normal)
    return float(np.abs(factor.T @ covariance @ factor - np.eye(normal.shape[0])).max())


# Whitened, an element of a sample covariance scatters by sqrt(2 / draws) at most; five times that, since
# some thousand elements are looked at.
TOLERANCE = 5.0 * np.sqrt(2.0 / DRAWS)


def test_drawn_noise_has_the_covariance_of_the_inverse_normals(earth: Earth, model: NoiseModel) -> None:
    random = np.random.default_rng(5)
    draws = np.stack([model.draw(random) for _ in range(DRAWS)])
    for number, normal in enumerate(cut_blocks(earth.normals.blocks, NMAX)):
        sample = draws[:, block_rows(NMAX)[number]]
        assert deviation_from_identity(sample.T @ sample / DRAWS, normal) < TOLERANCE, number


def test_noise_of_different_blocks_is_independent(model: NoiseModel) -> None:
    random = np.random.default_rng(6)
    whitened = np.stack([model.draw(random) for _ in range(DRAWS)]) / np.where(model.spread > 0.0, model.spread, 1.0)
    first, second = (whitened[:, rows] for rows in block_rows(NMAX)[1:3])
    assert np.abs(first.T @ second / DRAWS).max() < TOLERANCE


def test_standard_deviations_are_the_root_of_the_inverse_normals_diagonal(earth: Earth, model: NoiseModel) -> None:
    for rows, normal in zip(block_rows(NMAX), cut_blocks(earth.normals.blocks, NMAX), strict=True):
        np.testing.assert_allclose(model.spread[rows], np.sqrt(np.diag(np.linalg.inv(normal))), rtol=1e-9)


def test_degrees_zero_and_one_have_neither_noise_nor_errors(model: NoiseModel) -> None:
    low = ordering.index(NMAX).degree < 2
    assert not model.draw(np.random.default_rng(1))[low].any()
    assert not model.spread[low].any()


def test_a_month_with_full_normals_has_the_noise_of_their_inverse(model: NoiseModel) -> None:
    coupled = CoupledNoise.of(model, np.random.default_rng(2))
    kept = ordering.index(NMAX).degree >= 2
    scale = np.linspace(1.0, 2.0, kept.size)
    normal = coupled.matrix(scale)
    np.testing.assert_allclose((coupled.spread * scale)[kept], np.sqrt(np.diag(np.linalg.inv(normal))), rtol=1e-8)
    random, other = np.random.default_rng(3), np.random.default_rng(4)
    draws = np.stack([scale * coupled.draw(random, other) for _ in range(DRAWS)])[:, kept]
    assert deviation_from_identity(draws.T @ draws / DRAWS, normal) < TOLERANCE


def test_full_normals_are_not_block_diagonal(model: NoiseModel) -> None:
    normal = CoupledNoise.of(model, np.random.default_rng(2)).matrix(np.ones(ordering.size(NMAX)))
    correlation = normal / np.sqrt(np.outer(np.diag(normal), np.diag(normal)))
    order = ordering.index(NMAX).order[ordering.index(NMAX).degree >= 2]
    assert np.abs(correlation[order[:, None] != order[None, :]]).max() > 0.05
    assert np.linalg.eigvalsh(correlation).min() > 0.0


def test_usual_noise_behind_ddk3_is_sixteen_millimetres_over_open_ocean(earth: Earth) -> None:
    nmax, draws = 96, 6
    model, random = NoiseModel.of(earth.normals.blocks, nmax), np.random.default_rng(7)
    noise = [USUAL * model.draw(random) for _ in range(draws)]
    filtered = np.stack([filter_blocks(model.normals, [1e12], field)[0] for field in noise])
    grid = earth.grid
    surface = ellipsoid(grid.latitudes)
    synthesis = Synthesis.of(nmax, surface, grid.longitudes, earth.height_kernel(nmax), RADIUS_LEVEL2)
    ocean = distance_to_land(earth.mask.land, grid.latitudes, grid.longitudes) > 1000e3
    weights = np.broadcast_to(grid.areas[:, None], grid.shape)[ocean]
    rms = np.sqrt(np.mean(synthesis(filtered)[:, ocean] ** 2 @ (weights / weights.sum())))
    # Months scatter by 4 %; the range is what the real series has.
    assert 15e-3 < rms < 17e-3


def test_bad_months_are_worse_than_their_errors_say() -> None:
    assert all(noise_level(Month.parse(text), 1).excess > 2.5 for text in ("2015-02", "2016-12"))
    assert noise_level(Month(2010, 5), 1).excess == 1.0


def test_short_months_and_the_repeat_orbit_are_noisier() -> None:
    usual = np.median([noise_level(Month(year, 8), 1).level for year in range(2005, 2011)])
    assert noise_level(Month(2004, 1), 1).level > 1.2 * usual  # 13 days
    assert noise_level(Month(2004, 9), 1).level > 1.2 * usual


def test_a_tilt_leaves_the_errors_of_degree_forty_as_they_are() -> None:
    ratio = noise_scale(NoiseLevel(1.0, 0.3, 1.0), 60) / noise_scale(NoiseLevel(1.0, 0.0, 1.0), 60)
    degree = ordering.index(60).degree
    np.testing.assert_allclose(ratio[degree == 40], 1.0)
    assert (ratio[degree == 60] > 1.0).all() and (ratio[degree == 10] < 1.0).all()
