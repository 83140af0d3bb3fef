"""Distances on the sphere: arcs of known length, and the half-angle formula for every cell."""

import numpy as np
import pytest

from shared.constants import RADIUS_MEAN
from shared.geodesy.distance import distance_to_land, distance_to_point, unit_vectors

LATITUDES, LONGITUDES = np.arange(-88.0, 90.0, 4.0), np.arange(-178.0, 180.0, 4.0)


def haversine(lat0: float, lon0: float, lat1: np.ndarray, lon1: np.ndarray) -> np.ndarray:
    """Great-circle distance [m] by the half-angle formula; all in degrees."""
    lat0, lon0, lat1, lon1 = (np.deg2rad(x) for x in (lat0, lon0, lat1, lon1))
    h = np.sin((lat1 - lat0) / 2) ** 2 + np.cos(lat0) * np.cos(lat1) * np.sin((lon1 - lon0) / 2) ** 2
    return 2.0 * RADIUS_MEAN * np.arcsin(np.sqrt(np.minimum(h, 1.0)))


def test_a_degree_along_a_meridian_or_the_equator_is_111_195_metres() -> None:
    degree = np.pi / 180.0 * RADIUS_MEAN
    found = distance_to_point(0.0, 0.0, np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert found[1, 0] == pytest.approx(degree, rel=1e-13)  # a chord of 0.017 known to 1e-16
    assert found[0, 1] == pytest.approx(degree, rel=1e-13)
    assert found[0, 0] == 0.0


def test_the_antipode_is_half_the_circumference_away() -> None:
    found = distance_to_point(10.0, 20.0, np.array([-10.0]), np.array([-160.0]))[0, 0]
    # The arc sine is flat at its end: a chord wrong by 1e-16 is an angle wrong by 1e-8, 0.1 m.
    assert found == pytest.approx(np.pi * RADIUS_MEAN, abs=0.5)


def test_the_date_line_is_no_border() -> None:
    found = distance_to_point(0.0, 179.5, np.array([0.0]), np.array([-179.5]))[0, 0]
    assert found == pytest.approx(np.pi / 180.0 * RADIUS_MEAN, rel=1e-12)


def test_every_cell_is_as_far_from_a_point_as_the_half_angle_formula_says() -> None:
    found = distance_to_point(3.295, 95.982, LATITUDES, LONGITUDES)
    expected = haversine(3.295, 95.982, LATITUDES[:, None], LONGITUDES[None, :])
    # Chord and half angle are equally exact; towards the antipode (4 degrees off at least) both lose two digits.
    assert np.allclose(found, expected, rtol=1e-13, atol=1e-7)


def test_every_ocean_cell_is_as_far_from_land_as_the_nearest_of_all_land_cells() -> None:
    land = np.random.default_rng(1).random((LATITUDES.size, LONGITUDES.size)) < 0.01
    rows, columns = np.nonzero(land)
    each = [
        haversine(LATITUDES[r], LONGITUDES[c], LATITUDES[:, None], LONGITUDES[None, :])
        for r, c in zip(rows, columns, strict=True)
    ]
    # Millimetres of thousands of kilometres; on land itself the half-angle formula is exactly zero, too.
    assert np.allclose(distance_to_land(land, LATITUDES, LONGITUDES), np.min(each, axis=0), rtol=0.0, atol=1e-3)


def test_land_is_no_distance_from_land() -> None:
    land = np.zeros((LATITUDES.size, LONGITUDES.size), bool)
    land[10:20, 30:40] = True
    distance = distance_to_land(land, LATITUDES, LONGITUDES)
    assert not distance[land].any()
    assert distance[~land].min() > 100e3  # the next cell is four degrees of latitude or of a short parallel away


def test_unit_vectors_have_length_one_and_point_to_the_pole_at_90_degrees() -> None:
    vectors = unit_vectors(LATITUDES[:, None], LONGITUDES[None, :])
    assert vectors.shape == (LATITUDES.size, LONGITUDES.size, 3)
    assert np.allclose(np.linalg.norm(vectors, axis=-1), 1.0, rtol=1e-15, atol=0.0)
    assert np.allclose(unit_vectors(np.array(90.0), np.array(33.0)), [0.0, 0.0, 1.0], atol=1e-16)
