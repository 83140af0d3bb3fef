"""Synthesis and analysis: pyshtools, a direct sum, and what follows from them being linear."""

import math

import numpy as np
import pyshtools
import pytest
from scipy.special import lpmv

from shared.geodesy import ordering
from shared.geodesy.ellipsoid import ellipsoid, sphere
from shared.geodesy.harmonics import Synthesis, analyse
from shared.models.grid import Grid

R = 6378136.3
# IERS Conventions (2010), Table 1.1
A, INVERSE_FLATTENING = 6378136.6, 298.25642


def random_fields(count: int, nmax: int, seed: int = 1) -> np.ndarray:
    """Fields whose power is the same in every degree: all of them matter."""
    degree = ordering.index(nmax).degree
    return np.random.default_rng(seed).standard_normal((count, degree.size)) / np.sqrt(2 * degree + 1.0)


def on_sphere(nmax: int, grid: Grid, kernel: np.ndarray | None = None) -> Synthesis:
    """Synthesis on the sphere of the reference radius, without kernel unless one is given."""
    factor = np.ones(nmax + 1) if kernel is None else kernel
    return Synthesis.of(nmax, sphere(grid.latitudes, R), grid.longitudes, factor)


def direct_sum(field: np.ndarray, kernel: np.ndarray, latitude: float, radius: float, longitude: float) -> float:
    """The double sum over degree and order as it is written on paper; geocentric latitude in degrees."""
    nmax = ordering.maximum_degree(field.size)
    c, s = ordering.unpack(field)
    t, lam, total = math.sin(math.radians(latitude)), math.radians(longitude), 0.0
    for n in range(nmax + 1):
        for m in range(n + 1):
            norm = math.sqrt((2 if m else 1) * (2 * n + 1) * math.factorial(n - m) / math.factorial(n + m))
            p = (-1) ** m * norm * lpmv(m, n, t)  # scipy includes the Condon-Shortley phase
            term = c[n, m] * math.cos(m * lam) + s[n, m] * math.sin(m * lam)
            total += kernel[n] * (R / radius) ** (n + 2) * p * term
    return total


@pytest.mark.parametrize(("nmax", "step"), [(96, 0.5), (60, 2.0)])
def test_pyshtools_finds_the_same_map(nmax: int, step: float) -> None:
    grid = Grid(step)
    field = random_fields(1, nmax)
    found = on_sphere(nmax, grid)(field)[0]
    reference = pyshtools.SHCoeffs.from_array(np.array(ordering.unpack(field[0])), normalization="4pi", csphase=1)
    for row in (0, 1, grid.shape[0] // 3, grid.shape[0] // 2, grid.shape[0] - 1):
        latitudes = np.full(grid.shape[1], grid.latitudes[row])
        expected = reference.expand(lat=latitudes, lon=np.array(grid.longitudes), degrees=True)
        # A sum of up to 97^2 terms: its roundings add up like sqrt(97^2) x 1e-16 of the largest.
        assert np.abs(found[row] - expected).max() < 1e-12 * np.abs(found).max(), row


@pytest.mark.parametrize("place", [(0, 0), (20, 3), (44, 36), (50, 71), (89, 40)])
def test_on_the_ellipsoid_it_is_the_direct_sum_at_geocentric_latitude_and_local_radius(place: tuple[int, int]) -> None:
    grid, nmax = Grid(2.0), 12
    kernel = 1.0 + np.arange(nmax + 1.0) ** 2
    field = random_fields(1, nmax)[0]
    synthesis = Synthesis.of(nmax, ellipsoid(grid.latitudes), grid.longitudes, kernel, reference_radius=R)
    row, column = place
    geodetic = math.radians(grid.latitudes[row])
    b = A * (1.0 - 1.0 / INVERSE_FLATTENING)
    # Cartesian coordinates of the point by the axes of the ellipse, then back to a latitude seen from the centre
    root = math.hypot(A * math.cos(geodetic), b * math.sin(geodetic))
    out, up = A**2 * math.cos(geodetic) / root, b**2 * math.sin(geodetic) / root
    latitude, radius = math.degrees(math.atan2(up, out)), math.hypot(out, up)
    expected = direct_sum(field, kernel, latitude, radius, float(grid.longitudes[column]))
    # 169 terms up to kernel x sqrt(2n + 1) = 700; scipy's unnormalised functions are good to 1e-13.
    assert synthesis(field[None])[0, row, column] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("place", [(0, 5), (30, 80), (60, 1), (89, 44)])
def test_on_the_sphere_it_is_the_direct_sum_with_nothing_attenuated(place: tuple[int, int]) -> None:
    grid, nmax = Grid(2.0), 12
    kernel = 1.0 + np.arange(nmax + 1.0)
    field = random_fields(1, nmax)[0]
    row, column = place
    expected = direct_sum(field, kernel, float(grid.latitudes[row]), R, float(grid.longitudes[column]))
    found = on_sphere(nmax, grid, kernel)(field[None])[0, row, column]
    assert found == pytest.approx(expected, abs=1e-11)  # as above, with terms up to 65


def test_a_constant_is_the_same_everywhere_on_a_sphere() -> None:
    field = np.zeros((1, ordering.size(4)))
    field[0, 0] = 2.5
    assert np.array_equal(on_sphere(4, Grid(5.0), 3.0 * np.ones(5))(field)[0], np.full(Grid(5.0).shape, 7.5))


def test_a_higher_surface_sees_a_degree_weakened_by_its_power_plus_two() -> None:
    grid, nmax = Grid(5.0), 6
    high = Synthesis.of(nmax, sphere(grid.latitudes, 1.1 * R), grid.longitudes, np.ones(nmax + 1), reference_radius=R)
    field = np.zeros((1, ordering.size(nmax)))
    field[0, ordering.position(nmax, 5, 3, sine=True)] = 1.0
    low = on_sphere(nmax, grid)(field)
    assert np.allclose(high(field), low * 1.1**-7, rtol=1e-13, atol=1e-15)


def test_it_is_linear() -> None:
    a, b = random_fields(2, 20)
    synthesis = on_sphere(20, Grid(5.0))
    together = synthesis((2.0 * a - 3.0 * b)[None])[0]
    apart = 2.0 * synthesis(a[None])[0] - 3.0 * synthesis(b[None])[0]
    assert np.allclose(together, apart, rtol=0.0, atol=1e-13 * np.abs(apart).max())  # roundings of 441 terms


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_a_month_has_the_same_bits_alone_and_among_twenty(count: int) -> None:
    fields = random_fields(20, 40)
    synthesis = on_sphere(40, Grid(2.0))
    every = synthesis(fields)
    for start in (0, 5, 20 - count):
        assert np.array_equal(synthesis(fields[start : start + count]), every[start : start + count])


def test_single_precision_is_the_rounded_double_precision() -> None:
    fields = random_fields(3, 20)
    synthesis = on_sphere(20, Grid(5.0))
    exact = synthesis(fields)
    out = np.empty(exact.shape, np.float32)
    assert synthesis(fields, out) is out
    assert np.array_equal(out, exact.astype(np.float32))


@pytest.mark.parametrize(
    "longitudes",
    [
        np.arange(-179.0, 180.0, 2.0)[:-2],  # not a multiple of four
        np.arange(-180.0, 180.0, 2.0),  # edges, not centres
        np.arange(1.0, 360.0, 2.0),  # from zero
        np.arange(-179.0, 180.0, 2.0)[::-1],  # from east to west
        np.arange(-178.8, 180.0, 2.0),  # not symmetric to zero
    ],
    ids=["count", "edges", "from zero", "westward", "shifted"],
)
def test_longitudes_that_cannot_be_folded_are_refused(longitudes: np.ndarray) -> None:
    with pytest.raises(ValueError, match="longitudes"):
        Synthesis.of(4, sphere(Grid(2.0).latitudes, R), longitudes, np.ones(5))


def test_a_field_of_another_degree_is_refused() -> None:
    with pytest.raises(ValueError, match="up to degree 6"):
        on_sphere(6, Grid(5.0))(random_fields(2, 5))


def test_the_fields_are_left_as_they_are() -> None:
    fields = random_fields(3, 20)
    before = fields.copy()
    on_sphere(20, Grid(5.0))(fields)
    assert np.array_equal(fields, before)


def midpoint_error(field: np.ndarray, step: float) -> np.ndarray:
    """What cells in place of points do to an analysis, to first order (h = the step in radian).

    Over a cell, the integral of f cos(lat) is that of the midpoint plus h^2/24 (f'' cos - 2 f' sin); summed by
    parts over all parallels the midpoint rule is wrong by h^2/24 (f(90 N) + f(90 S) - integral of f cos). Here f
    is a product of two harmonics: its integral is 2 or 0, and only those of order zero reach the poles.
    """
    nmax = ordering.maximum_degree(field.size)
    at = ordering.index(nmax)
    zonal = (at.order == 0).astype(float)
    root = np.sqrt(2.0 * at.degree + 1.0)
    north = zonal * root * np.sum(zonal * root * field)
    south = zonal * root * (-1.0) ** at.degree * np.sum(zonal * root * (-1.0) ** at.degree * field)
    return np.deg2rad(step) ** 2 / 24.0 * (0.5 * (north + south) - field)


@pytest.mark.parametrize("step", [2.0, 1.0])
def test_analysis_after_synthesis_gives_the_field_but_for_the_midpoint_rule(step: float) -> None:
    grid, nmax = Grid(step), 6
    field = random_fields(1, nmax)[0]
    maps = on_sphere(nmax, grid)(field[None])
    found = analyse(maps, grid.latitudes, grid.longitudes, grid.areas, nmax)[0]
    error = midpoint_error(field, step)
    assert np.abs(found - field).max() < 1.5 * np.abs(error).max()
    # The next term of the rule is smaller by 7/240 (h k)^2, k = 12 the degree of the product, with the poles' slopes
    following = 7.0 / 240.0 * (np.deg2rad(step) * 2 * nmax) ** 2
    assert np.abs(found - field - error).max() < 3.0 * following * np.abs(error).max()


def test_halving_the_cells_quarters_the_error_of_the_analysis() -> None:
    field = random_fields(1, 20)[0]
    errors = []
    for step in (2.0, 1.0, 0.5):
        grid = Grid(step)
        maps = on_sphere(20, grid)(field[None])
        errors.append(np.abs(analyse(maps, grid.latitudes, grid.longitudes, grid.areas, 20)[0] - field).max())
    # Of second order; the fourth adds 7/240 (h 40)^2 = 6 % at two degrees, a quarter of it at one.
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.04)


def test_the_mean_of_a_map_is_its_degree_zero() -> None:
    grid = Grid(5.0)
    maps = np.random.default_rng(2).standard_normal((2, 3, *grid.shape))
    found = analyse(maps, grid.latitudes, grid.longitudes, grid.areas, 4)
    assert found.shape == (2, 3, 25)
    mean = np.sum(maps * grid.areas[:, None], axis=(-2, -1))
    assert np.allclose(found[..., 0], mean, rtol=0.0, atol=1e-15)


def test_longitudes_are_exactly_orthogonal_on_cells() -> None:
    """Sums of cos and sin over equidistant longitudes vanish below half their number: no order leaks."""
    grid, nmax = Grid(5.0), 20
    field = np.zeros((1, ordering.size(nmax)))
    field[0, ordering.position(nmax, 20, 13)] = 1.0
    found = analyse(on_sphere(nmax, grid)(field), grid.latitudes, grid.longitudes, grid.areas, nmax)[0]
    at = ordering.index(nmax)
    assert np.abs(found[(at.order != 13) | at.sine]).max() < 1e-15  # 2592 roundings that cancel
