"""The surface of the maps: closed forms at pole and equator, and the ellipsoid of another package."""

import boule
import numpy as np
import pytest

from shared.geodesy.ellipsoid import ellipsoid, ellipsoid_radius, geocentric_latitude, sphere

# IERS Conventions (2010), Table 1.1
A, INVERSE_FLATTENING = 6378136.6, 298.25642
B = A * (1.0 - 1.0 / INVERSE_FLATTENING)


def test_the_radius_is_the_major_axis_at_the_equator_and_the_minor_axis_at_the_poles() -> None:
    radii = ellipsoid(np.array([-90.0, 0.0, 90.0])).radius
    assert np.allclose(radii, [B, A, B], rtol=4e-16, atol=0.0)  # one or two roundings


def test_geodetic_and_geocentric_latitude_are_the_same_at_the_equator_and_the_poles() -> None:
    latitudes = ellipsoid(np.array([-90.0, 0.0, 90.0])).latitude
    # tan of the pole is 1.6e16, so that its inverse is the pole to the last place.
    assert np.allclose(latitudes, [-np.pi / 2, 0.0, np.pi / 2], rtol=0.0, atol=3e-16)


def test_the_tangent_of_the_geocentric_latitude_is_smaller_by_the_square_of_the_axes() -> None:
    geodetic = np.deg2rad(np.linspace(-89.75, 89.75, 360))
    found = np.tan(geocentric_latitude(geodetic))
    assert np.allclose(found, (B / A) ** 2 * np.tan(geodetic), rtol=1e-13, atol=0.0)  # tan near 90 deg: 1e-16 x 230


def test_every_point_lies_on_the_ellipse() -> None:
    surface = ellipsoid(np.linspace(-89.75, 89.75, 360))
    out, up = surface.radius * np.cos(surface.latitude), surface.radius * np.sin(surface.latitude)
    assert np.allclose((out / A) ** 2 + (up / B) ** 2, 1.0, rtol=1e-15, atol=0.0)


def test_boule_finds_the_same_points() -> None:
    other = boule.Ellipsoid(
        name="IERS2010", semimajor_axis=A, flattening=1.0 / INVERSE_FLATTENING,
        geocentric_grav_const=3.986004418e14, angular_velocity=7.292115e-5,
    )  # fmt: skip
    geodetic = np.linspace(-89.75, 89.75, 360)
    _, latitude, radius = other.geodetic_to_spherical((np.zeros_like(geodetic), geodetic, np.zeros_like(geodetic)))
    found = ellipsoid(geodetic)
    # boule goes by sines and an arc sine, which loses digits like tan(latitude): 230 x 1e-16 rad, less in radius
    assert np.allclose(found.latitude, np.deg2rad(latitude), rtol=0.0, atol=5e-14)
    assert np.allclose(found.radius, radius, rtol=1e-15, atol=0.0)


def test_the_two_latitudes_differ_most_near_45_degrees_by_11_and_a_half_minutes() -> None:
    """The textbook's number: f (1 + f/2) rad, 11.55 arc minutes, for f = 1 / 298.256."""
    geodetic = np.deg2rad(np.linspace(0.0, 90.0, 9001))
    apart = geodetic - geocentric_latitude(geodetic)
    f = 1.0 / INVERSE_FLATTENING
    assert apart.max() == pytest.approx(f * (1 + f / 2), rel=1e-5)  # terms of f^3 are 1e-5 of it
    assert np.rad2deg(geodetic[apart.argmax()]) == pytest.approx(45.1, abs=0.05)


def test_a_sphere_takes_latitudes_as_they_are_and_has_one_radius() -> None:
    degrees = np.array([-60.0, 0.5, 89.0])
    surface = sphere(degrees, 6.4e6)
    assert np.array_equal(surface.latitude, np.deg2rad(degrees))
    assert np.array_equal(surface.radius, np.full(3, 6.4e6))


def test_the_radius_at_45_degrees_is_the_closed_form() -> None:
    """r^2 = (a^4 + b^4) / (a^2 + b^2), where sine and cosine of the geodetic latitude are equal."""
    expected = np.sqrt((A**4 + B**4) / (A**2 + B**2))
    assert ellipsoid_radius(np.deg2rad(45.0)) == pytest.approx(expected, rel=1e-15)
