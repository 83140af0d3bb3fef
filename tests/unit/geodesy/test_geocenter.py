"""Degree 1 from an ocean that moves as one: the iterated method, and an Earth on which it is exactly true."""

import numpy as np
import pytest

from shared.geodesy import ordering
from shared.geodesy.distance import distance_to_point
from shared.geodesy.ellipsoid import sphere
from shared.geodesy.geocenter import NMAX, GeocenterEstimator, geocenter_estimator
from shared.geodesy.harmonics import Synthesis, analyse
from shared.geodesy.legendre import legendre
from shared.models.grid import Grid

GRID = Grid(2.0)
DEGREE = ordering.index(NMAX).degree
FIRST = [ordering.position(NMAX, 1, 0), ordering.position(NMAX, 1, 1), ordering.position(NMAX, 1, 1, sine=True)]
# Like R rho_e (2n + 1) / (3 (1 + k_n)), with k_1 of the centre of figure and a smooth k_n
KERNEL = 1.1e10 * (2 * np.arange(NMAX + 1) + 1) / (1.0 + np.r_[0.0, 0.02601, -0.3 / np.arange(2.0, NMAX + 1)])
CONTINENTS = ((20.0, 60.0, 55.0), (-15.0, -65.0, 25.0))  # latitude, longitude, radius [deg]


def make_ocean() -> np.ndarray:
    """Cells [lat, lon] outside round continents."""
    apart = [distance_to_point(lat, lon, GRID.latitudes, GRID.longitudes) for lat, lon, _ in CONTINENTS]
    return np.all([d > np.deg2rad(r) * 6371e3 for d, (_, _, r) in zip(apart, CONTINENTS, strict=True)], axis=0)


OCEAN = make_ocean()


def estimator(ocean: np.ndarray = OCEAN, kernel: np.ndarray = KERNEL) -> GeocenterEstimator:
    return geocenter_estimator(ocean, GRID.latitudes, GRID.longitudes, GRID.areas, kernel)


def random_field() -> np.ndarray:
    field = np.random.default_rng(1).standard_normal(DEGREE.size) / np.maximum(DEGREE, 1) ** 2
    return np.where(DEGREE >= 2, field, 0.0)


def harmonics_at(latitude: float, longitude: float) -> np.ndarray:
    """All harmonics up to NMAX at one point [deg]."""
    tables = legendre(NMAX, np.deg2rad(np.array([latitude])))
    values = np.empty(DEGREE.size)
    for block in ordering.blocks(NMAX):
        angle = block.order * np.deg2rad(longitude)
        values[block.slice] = tables[block.order][:, 0] * (np.sin(angle) if block.sine else np.cos(angle))
    return values


def bell(latitude: float, longitude: float, sharpness: float) -> np.ndarray:
    """Surface mass exp(sharpness (cos psi - 1)) around a point, less its mean: mass is taken from everywhere else.

    The Legendre coefficients of the bell by Gauss quadrature; the addition theorem moves it to its place.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    profile = np.exp(sharpness * (nodes - 1.0))
    zonal = np.array(
        [
            0.5 * np.sum(weights * profile * np.polynomial.legendre.legval(nodes, np.eye(n + 1)[n]))
            for n in range(NMAX + 1)
        ]
    )
    return np.where(DEGREE >= 1, zonal[DEGREE] * harmonics_at(latitude, longitude), 0.0)


def swenson(field: np.ndarray, rounds: int) -> np.ndarray:
    """The method as published: degree 1, the ocean's mass with it, degree 1 again, until nothing changes.

    On maps: moments are sums over the cells of the ocean function.
    """
    synthesis = Synthesis.of(NMAX, sphere(GRID.latitudes, 1.0), GRID.longitudes, np.ones(NMAX + 1))
    unit = np.zeros((3, DEGREE.size))
    unit[range(3), FIRST] = 1.0
    y = synthesis(unit)
    weights = GRID.areas[:, None] * OCEAN
    area, t = weights.sum(), np.sum(weights * y, axis=(1, 2))
    inner = np.einsum("iab,jab,ab->ij", y, y, weights)
    q = np.where(DEGREE >= 2, field * KERNEL[DEGREE], 0.0)
    above = synthesis(q[None])[0]
    first = np.zeros(3)
    for _ in range(rounds):
        mass = np.sum(weights * (above + np.tensordot(first, y, axes=1)))
        first = np.linalg.solve(inner, mass / area * t - np.sum(weights * y * above, axis=(1, 2)))
    return first / KERNEL[1]


def test_the_closed_form_is_the_limit_of_the_published_iteration() -> None:
    field = random_field()
    found = estimator()(field)
    # Each round shrinks the error by the share of degree 1 that a layer explains, here below 0.6: 0.6^60 = 5e-14.
    expected = swenson(field, 60)
    assert np.allclose(found, expected, rtol=0.0, atol=1e-12 * np.abs(expected).max())
    assert not np.allclose(found, swenson(field, 1), rtol=0.0, atol=1e-3 * np.abs(expected).max())


def test_degree_one_is_found_where_the_ocean_moves_as_one_and_all_else_is_on_land() -> None:
    """Water piled up on two continents, taken as a uniform layer from the whole Earth: degree 1 is known."""
    # 60 at 55 deg from the centre leaves exp(-60 x 0.43) = 7e-12 over the ocean, and above degree 45
    # exp(-45^2 / 120) = 5e-8 of the bell; 150 at 25 deg leaves 8e-7, and 45^2 / 300: 1e-3 of what is left there.
    for latitude, longitude, sharpness, error in ((20.0, 60.0, 60.0, 1e-6), (-15.0, -65.0, 150.0, 1e-3)):
        mass = bell(latitude, longitude, sharpness)
        field = mass / KERNEL[DEGREE]
        truth = field[FIRST].copy()
        field[FIRST] = 0.0
        assert np.allclose(estimator()(field), truth, rtol=0.0, atol=error * np.abs(truth).max())


def test_a_layer_that_is_the_same_everywhere_has_no_degree_one() -> None:
    assert not estimator()(np.zeros(DEGREE.size)).any()


def test_what_stands_in_degrees_0_and_1_before_does_not_count() -> None:
    field = random_field()
    other = np.where(DEGREE < 2, 7.0, field)
    assert np.array_equal(estimator()(field), estimator()(other))


def test_degrees_above_45_are_left_out_and_missing_ones_are_zero() -> None:
    field = random_field()
    wide = ordering.extend(field, 96)
    wide[ordering.index(96).degree > NMAX] = 3.0
    assert np.array_equal(estimator()(wide), estimator()(field))
    low = ordering.truncate(field, 20)
    assert np.array_equal(estimator()(low), estimator()(ordering.extend(low, NMAX)))


def test_it_is_linear() -> None:
    a, b = random_field(), random_field()[::-1] * (DEGREE >= 2)
    make = estimator()
    assert np.allclose(make(2.0 * a + b), 2.0 * make(a) + make(b), rtol=1e-12, atol=0.0)  # 2116 terms


def test_the_love_number_of_degree_one_scales_the_result() -> None:
    """In another frame the same mass has another potential: C_1 is divided by the kernel of degree 1."""
    other = KERNEL.copy()
    other[1] *= 1.3
    assert np.allclose(estimator(kernel=other)(random_field()), estimator()(random_field()) / 1.3, rtol=1e-13, atol=0.0)


def test_axes_are_c10_along_the_pole_c11_along_greenwich_s11_along_90_east() -> None:
    """Turning Earth and water by 90 degrees to the east turns C11 into S11 and leaves C10."""
    quarter = GRID.shape[1] // 4
    field = random_field()
    c, s = ordering.unpack(field)
    turn = np.arange(NMAX + 1) * np.pi / 2
    turned = ordering.pack(np.stack([c * np.cos(turn) - s * np.sin(turn), c * np.sin(turn) + s * np.cos(turn)]))
    z, x, y = estimator()(field)
    expected = np.array([z, -y, x])
    found = estimator(np.roll(OCEAN, quarter, axis=1))(turned)
    assert np.allclose(found, expected, rtol=0.0, atol=1e-13 * np.abs(expected).max() * 10)  # sums of 16200 cells


def test_moments_of_the_ocean_are_the_sums_over_its_cells() -> None:
    """What the estimator is built from: an analysis of theta is a sum over cells, to the last digits."""
    found = analyse(OCEAN.astype(float), GRID.latitudes, GRID.longitudes, GRID.areas, 1)
    assert found[0] == pytest.approx(np.sum(GRID.areas[:, None] * OCEAN), rel=1e-13)
