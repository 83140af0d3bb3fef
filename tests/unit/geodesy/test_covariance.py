"""The error of a mean over an area: closed forms, the matrix itself, drawn errors, and the corners of the Earth."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.special import j0

from shared.constants import RADIUS_MEAN
from shared.geodesy.covariance import ErrorCovariance, area_mean_uncertainty

# As it comes out of the real record
REAL = ErrorCovariance(east=(260e3, -95e3), north=1100e3, share=0.36, distance=920e3)

# Lengths that make all cells one, a millionth of a millionth off over 10 km, and each cell its own: exp(-55)
TOGETHER = ErrorCovariance(east=(1e16,), north=1e16, share=0.5, distance=1e16)
APART = ErrorCovariance(east=(1e6,), north=1e6, share=1.0, distance=10e3)

# The table of J0 is right to 1e-5, and straight lines between its points do not bend like it
TABLE = 1e-5


def box(south: float, west: float, rows: int, columns: int, step: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes [cell] of a box of cells, row by row."""
    lat, lon = south + step * (0.5 + np.arange(rows)), west + step * (0.5 + np.arange(columns))
    return np.repeat(lat, columns), np.tile(lon, rows)


def weights_of(latitudes: np.ndarray) -> np.ndarray:
    return np.cos(np.deg2rad(latitudes))


def matrix(covariance: ErrorCovariance, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    return covariance.correlation((lat[:, None], lon[:, None]), (lat, lon))


def test_one_cell_has_its_own_uncertainty() -> None:
    found = area_mean_uncertainty(REAL, np.array([52.25]), np.array([13.25]), np.array([7.0]), np.array([[3.0], [4.0]]))
    assert found == pytest.approx([3.0, 4.0], rel=1e-12)


def test_errors_that_are_one_error_have_the_mean_of_the_uncertainties() -> None:
    lat, lon = box(-10.0, 20.0, 6, 8)
    weights, sigmas = weights_of(lat), 1.0 + np.random.default_rng(1).random((4, lat.size))
    found = area_mean_uncertainty(TOGETHER, lat, lon, weights, sigmas)
    assert found == pytest.approx(sigmas @ weights / weights.sum(), rel=1e-9)


def test_errors_that_know_nothing_of_each_other_shrink_with_the_root_of_their_number() -> None:
    lat, lon = box(-1.0, 20.0, 4, 9, step=5.0)
    found = area_mean_uncertainty(APART, lat, lon, np.ones(lat.size), np.full((2, lat.size), 6.0))
    assert found == pytest.approx(6.0 / np.sqrt(lat.size), rel=1e-12)


@pytest.mark.parametrize("months", [1, 5])
@pytest.mark.parametrize("kind", ["sigma times scale", "any"])
def test_the_result_is_that_of_the_whole_matrix(kind: str, months: int) -> None:
    random = np.random.default_rng(2)
    lat, lon = box(40.0, 171.0, 20, 40)
    chosen = random.random(lat.size) < 0.6  # a ragged region, across the date line
    lat, lon = lat[chosen], np.where(lon[chosen] > 180.0, lon[chosen] - 360.0, lon[chosen])
    sigmas = random.random((months, 1)) * (1.0 + 0.01 * lat) if kind != "any" else random.random((months, lat.size))
    weights = random.random(lat.size)
    shares = sigmas * weights / weights.sum()
    expected = np.sqrt(np.einsum("ti,ij,tj->t", shares, matrix(REAL, lat, lon), shares))
    # sums of 10^5 products, rounded
    assert area_mean_uncertainty(REAL, lat, lon, weights, sigmas) == pytest.approx(expected, rel=1e-10)


def test_proportion_is_taken_to_be_one_no_farther_than_single_precision_rounds() -> None:
    lat, lon = box(0.0, 0.0, 10, 10)
    sigmas = np.outer([1.0, 2.5, 0.3], 1.0 + 0.01 * lat)
    other = sigmas.copy()
    other[1, :50] *= 1.5
    for values in (sigmas, other):
        one_by_one = [area_mean_uncertainty(REAL, lat, lon, weights_of(lat), row[None])[0] for row in values]
        found = area_mean_uncertainty(REAL, lat, lon, weights_of(lat), values.astype(np.float32))
        assert found == pytest.approx(one_by_one, rel=1e-6)


def test_drawn_errors_scatter_as_predicted() -> None:
    """Errors drawn with a Cholesky factor of the covariance; the mean over a region the size of the Danube's."""
    random, draws = np.random.default_rng(3), 20000
    lat, lon = box(43.0, 9.0, 10, 34)
    weights, sigmas = weights_of(lat), 15.0 + 0.1 * lat
    factor = np.linalg.cholesky(matrix(REAL, lat, lon) + 2e-5 * np.eye(lat.size))
    errors = sigmas[:, None] * (factor @ random.standard_normal((lat.size, draws)))
    scatter = np.std(weights @ errors / weights.sum())
    (predicted,) = area_mean_uncertainty(REAL, lat, lon, weights, sigmas[None])
    # A standard deviation of n draws is known to 1 / sqrt(2 n) of itself: 0.5 %, and four times that
    assert predicted == pytest.approx(scatter, rel=4.0 / np.sqrt(2.0 * draws))
    assert predicted < 0.9 * sigmas.mean()  # or it would not tell a mean from a cell


def test_two_points_correlate_as_the_formula_says() -> None:
    """The formula of the product's attribute, typed anew with the Bessel function of scipy."""
    random = np.random.default_rng(4)
    lat, lon = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, (2, 5000)))), random.uniform(-180.0, 180.0, (2, 5000))
    phi, at = np.radians(lat), np.radians(lon)
    length = 260e3 - 95e3 * (1.5 * np.sin(phi) ** 2 - 0.5)
    point = RADIUS_MEAN * np.cos(phi) / length * np.exp(1j * at)
    angle = np.arccos(
        np.clip(np.sin(phi[0]) * np.sin(phi[1]) + np.cos(phi[0]) * np.cos(phi[1]) * np.cos(at[0] - at[1]), -1, 1)
    )
    decay = np.exp(-2.0 * RADIUS_MEAN * np.sin(angle / 2.0) / 920e3)
    bands = np.exp(-(((phi[0] - phi[1]) * RADIUS_MEAN / 1100e3) ** 2) / 2.0)
    expected = 0.64 * j0(np.abs(point[0] - point[1])) * bands + 0.36 * decay
    found = REAL.correlation((lat[0], lon[0]), (lat[1], lon[1]))
    assert np.abs(found - expected).max() < TABLE


def test_errors_are_long_from_south_to_north_and_waves_from_west_to_east() -> None:
    """2200 km is half a wave and more: there the error is of the other sign."""
    east = REAL.correlation((0.0, 0.0), (0.0, np.array([3.0, 10.0])))  # type: ignore[arg-type]
    north = REAL.correlation((-1.5, 0.0), (np.array([1.5, 8.5]), 0.0))  # type: ignore[arg-type]
    assert north[0] > east[0] > 0.5
    assert north[1] > 0.4 > 0.0 > east[1]


@pytest.mark.parametrize(
    "covariance",
    [
        REAL,
        ErrorCovariance(east=(400e3,), north=3000e3, share=0.0, distance=500e3),
        ErrorCovariance(east=(500e3, 450e3), north=400e3, share=0.1, distance=5000e3),
        ErrorCovariance(east=(300e3, -150e3, 100e3), north=2000e3, share=0.9, distance=300e3),
    ],
    ids=["real", "waves alone", "longer at the poles", "three terms"],
)
def test_no_choice_of_parameters_makes_a_variance_negative(covariance: ErrorCovariance) -> None:
    """All over the globe, poles and date line included."""
    lat, lon = np.meshgrid(np.linspace(-90.0, 90.0, 19), np.arange(-180.0, 181.0, 20.0))
    smallest = np.linalg.eigvalsh(matrix(covariance, lat.ravel(), lon.ravel())).min()
    # Points that coincide (the poles, the date line) make zeros, but for the table, whose errors add as a root
    assert smallest > -TABLE * np.sqrt(lat.size)


def test_a_region_across_the_date_line_is_like_any_other() -> None:
    lat, lon = box(-20.0, 170.0, 12, 40)
    sigmas, weights = 1.0 + np.random.default_rng(5).random((2, lat.size)), weights_of(lat)
    expected = area_mean_uncertainty(REAL, lat, lon - 100.0, weights, sigmas)
    for turned in (lon, np.where(lon > 180.0, lon - 360.0, lon), lon + 360.0):
        assert area_mean_uncertainty(REAL, lat, turned, weights, sigmas) == pytest.approx(expected, rel=1e-9)


def test_around_a_pole_all_longitudes_are_near() -> None:
    lon = np.arange(-179.75, 180.0, 0.5)
    found = area_mean_uncertainty(REAL, np.full(lon.size, 89.75), lon, np.ones(lon.size), np.ones((1, lon.size)))
    # within 28 km: less than 1 - exp(-56 / 920) of the share
    assert 0.98 < found[0] < 1.0
    at_pole = REAL.correlation((90.0, 10.0), (90.0, -120.0))  # type: ignore[arg-type]
    assert at_pole == pytest.approx(1.0, abs=1e-12)


def test_ten_thousand_cells_of_any_uncertainty_need_little_memory() -> None:
    """The matrix alone would have 800 MB, and all months at once 75 MB."""
    lat, lon = box(-25.0, -60.0, 100, 100)
    sigmas = 1.0 + np.random.default_rng(6).random((300, lat.size))
    tracemalloc.start()
    found = area_mean_uncertainty(REAL, lat, lon, weights_of(lat), sigmas)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.shape == (300,)
    assert peak < 50e6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": np.array([1.0, -1.0])}, "not negative"),
        ({"weights": np.zeros(2)}, "not all zero"),
        ({"latitudes": np.zeros(0), "longitudes": np.zeros(0), "weights": np.zeros(0)}, "needs cells"),
        ({"latitudes": np.zeros(3)}, "not those of 2 cells"),
        ({"uncertainty": np.ones((4, 3))}, "not those of 2 cells"),
        (
            {
                "longitudes": np.array([0.0, 1.0, np.pi]),
                "latitudes": np.zeros(3),
                "weights": np.ones(3),
                "uncertainty": np.ones((1, 3)),
            },
            "regular grid",
        ),
    ],
)
def test_what_is_no_area_is_refused(change: dict[str, np.ndarray], words: str) -> None:
    good = {
        "latitudes": np.zeros(2),
        "longitudes": np.array([0.0, 1.0]),
        "weights": np.ones(2),
        "uncertainty": np.ones((4, 2)),
    }
    assert area_mean_uncertainty(REAL, **good).shape == (4,)
    with pytest.raises(ValueError, match=words):
        area_mean_uncertainty(REAL, **(good | change))


@pytest.mark.parametrize(
    "wrong",
    [
        {"east": (300e3, 700e3)},
        {"east": ()},
        {"north": -1.0},
        {"share": 1.1},
        {"distance": 1e3},
        {"north": float("nan")},
    ],
)
def test_parameters_that_are_no_correlation_are_refused(wrong: dict[str, object]) -> None:
    good = {"east": (260e3,), "north": 1e6, "share": 0.3, "distance": 9e5}
    ErrorCovariance(**good)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"error correlation|share|no number"):
        ErrorCovariance(**(good | wrong))  # type: ignore[arg-type]
