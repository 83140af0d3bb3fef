"""The surface that maps are made on: where a geodetic latitude lies, seen from the centre of mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.constants import ELLIPSOID_INVERSE_FLATTENING, ELLIPSOID_SEMI_MAJOR_AXIS

Array = NDArray[np.float64]

_ECCENTRICITY_SQUARED = (2.0 - 1.0 / ELLIPSOID_INVERSE_FLATTENING) / ELLIPSOID_INVERSE_FLATTENING


def geocentric_latitude(geodetic: Array) -> Array:
    """Geocentric latitude [rad] of points on the ellipsoid of a geodetic latitude [rad]."""
    return np.arctan((1.0 - _ECCENTRICITY_SQUARED) * np.tan(geodetic))


def ellipsoid_radius(geodetic: Array) -> Array:
    """Distance [m] from the centre to the ellipsoid at a geodetic latitude [rad]."""
    sine, cosine = np.sin(geodetic), np.cos(geodetic)
    normal = ELLIPSOID_SEMI_MAJOR_AXIS / np.sqrt(1.0 - _ECCENTRICITY_SQUARED * sine**2)
    return normal * np.hypot(cosine, (1.0 - _ECCENTRICITY_SQUARED) * sine)


def zone_areas(edges: Array) -> Array:
    """Areas [zones] in m^2 of the ellipsoid between neighbouring parallels [deg].

    Latitudes are geodetic; the integral of M N cos(latitude) in closed form (Snyder 1987, doi 10.3133/pp1395,
    equation 3-12).
    """
    sine, e = np.sin(np.deg2rad(edges)), np.sqrt(_ECCENTRICITY_SQUARED)
    q = (1.0 - e**2) * (sine / (1.0 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return np.pi * ELLIPSOID_SEMI_MAJOR_AXIS**2 * np.diff(q)


@dataclass(frozen=True)
class Surface:
    """Parallels of a surface: [lat] argument of the Legendre functions [rad] and radius [m]."""

    latitude: Array
    radius: Array


def ellipsoid(geodetic_degrees: Array) -> Surface:
    """The IERS (2010) ellipsoid (doi: IERS Technical Note 36, Table 1.1) at geodetic latitudes [deg]."""
    geodetic = np.deg2rad(geodetic_degrees)
    return Surface(geocentric_latitude(geodetic), ellipsoid_radius(geodetic))


def sphere(latitude_degrees: Array, radius: float) -> Surface:
    """A sphere of a radius [m], latitudes [deg] taken as geocentric."""
    return Surface(np.deg2rad(latitude_degrees), np.full(latitude_degrees.shape, radius))
