"""Legendre functions: closed forms, the addition theorem, an independent implementation."""

import numpy as np
import pytest
from pyshtools.legendre import PlmBar

from shared.geodesy.legendre import legendre

# Latitudes [rad] all over the sphere, not symmetric to the equator
LATITUDES = np.deg2rad(np.array([-89.75, -71.3, -45.0, -10.1, -0.25, 0.0, 3.3, 29.9, 60.25, 88.0]))


def closed_forms(latitude: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Fully normalised functions (4 pi, without Condon-Shortley phase) to degree 3, as textbooks print them."""
    t, u = np.sin(latitude), np.cos(latitude)
    return {
        (0, 0): np.ones_like(t),
        (1, 0): 3**0.5 * t,
        (1, 1): 3**0.5 * u,
        (2, 0): 5**0.5 / 2 * (3 * t**2 - 1),
        (2, 1): 15**0.5 * t * u,
        (2, 2): 15**0.5 / 2 * u**2,
        (3, 0): 7**0.5 / 2 * t * (5 * t**2 - 3),
        (3, 1): 42**0.5 / 4 * u * (5 * t**2 - 1),
        (3, 2): 105**0.5 / 2 * t * u**2,
        (3, 3): 70**0.5 / 4 * u**3,
    }


@pytest.mark.parametrize("place", [(n, m) for n in range(4) for m in range(n + 1)])
def test_each_function_to_degree_3_is_its_closed_form(place: tuple[int, int]) -> None:
    n, m = place
    # A few roundings of numbers up to 2.6.
    assert np.allclose(legendre(3, LATITUDES)[m][n - m], closed_forms(LATITUDES)[n, m], rtol=0.0, atol=2e-15)


def test_the_addition_theorem_holds_between_random_points_to_degree_96() -> None:
    random = np.random.default_rng(5)
    first, second = np.arcsin(random.uniform(-1.0, 1.0, (2, 40)))
    apart = random.uniform(0.0, 2.0 * np.pi, 40)
    cosine = np.sin(first) * np.sin(second) + np.cos(first) * np.cos(second) * np.cos(apart)
    a, b = legendre(96, first), legendre(96, second)
    for n in range(97):
        total = sum(a[m][n - m] * b[m][n - m] * np.cos(m * apart) for m in range(n + 1))
        # The recursions lose about one unit in the last place per degree, and the angle's cosine n^2 units of
        # its own rounding where the polynomial is steepest: 96^2 x 1e-16 = 1e-12 of the polynomial's maximum.
        expected = np.polynomial.legendre.legval(cosine, np.eye(n + 1)[n])
        assert np.allclose(total / (2 * n + 1), expected, rtol=0.0, atol=1e-12), n


def test_the_sum_of_squares_of_a_degree_is_2n_plus_1_also_close_to_the_pole() -> None:
    """The addition theorem of a point with itself, at a degree where functions underflow to 1e-300."""
    tables = legendre(256, np.deg2rad(np.array([-89.9, -50.0, 0.1, 89.75])))
    for n in (2, 96, 256):
        total = sum(tables[m][n - m] ** 2 for m in range(n + 1))
        assert np.allclose(total, 2 * n + 1, rtol=1e-12, atol=0.0)  # 256 roundings of a recursion: 256 x 2e-16 = 6e-14


def test_pyshtools_finds_the_same_to_degree_120() -> None:
    tables = legendre(120, LATITUDES)
    for column, latitude in enumerate(LATITUDES):
        expected = PlmBar(120, float(np.sin(latitude)))
        found = np.array([tables[m][n - m, column] for n in range(121) for m in range(n + 1)])
        bound = np.array([np.sqrt(2 * n + 1.0) for n in range(121) for _ in range(n + 1)])
        # Both recursions lose up to a unit in the last place per degree. pyshtools is told the sine only, and a
        # latitude of 89.75 deg is known from it to 1e-16 / cos = 3e-14 rad; times the slope, up to n: 3e-12 / 15.
        assert np.abs((found - expected) / bound).max() < 1e-12


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_at_a_pole_only_order_zero_is_left(side: float) -> None:
    tables = legendre(96, np.array([side * np.pi / 2]))
    degree = np.arange(97)
    # At the pole itself the recursion has no cancellation; its square roots round once per degree.
    assert np.allclose(tables[0][:, 0], side**degree * np.sqrt(2 * degree + 1.0), rtol=1e-13, atol=0.0)
    # cos(pi/2) is 6e-17 in floating point; the derivative of P_n1 at the pole is at most n^1.5 (x sqrt 2) there.
    assert max(np.abs(table).max() for table in tables[1:]) < 6.2e-17 * 2.0 * 96.0**1.5


def test_at_the_equator_odd_functions_vanish_and_zonal_ones_have_their_closed_form() -> None:
    tables = legendre(40, np.zeros(1))
    assert not any(table[1::2].any() for table in tables)  # n - m odd: every term holds sin 0 = 0
    central = 1.0  # (n - 1)!! / n!!
    for n in range(2, 41, 2):
        central *= -(n - 1) / n
        assert tables[0][n, 0] == pytest.approx(central * np.sqrt(2 * n + 1), rel=1e-13)
