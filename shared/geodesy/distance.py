"""Distances on the sphere from every cell of a grid to the nearest land."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from shared.constants import RADIUS_MEAN

Array = NDArray[np.float64]


def unit_vectors(latitudes: Array, longitudes: Array) -> Array:
    """Unit vectors [..., 3] of points [deg], broadcast against each other."""
    lat, lon = np.broadcast_arrays(np.deg2rad(latitudes), np.deg2rad(longitudes))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def distance_to_land(land: NDArray[np.bool_], latitudes: Array, longitudes: Array) -> Array:
    """Distance [lat, lon] in metres to the nearest land cell, zero on land."""
    points = unit_vectors(latitudes[:, None], longitudes[None, :])
    chord = np.zeros(land.shape)
    chord[~land], _ = cKDTree(points[land]).query(points[~land])
    return 2.0 * RADIUS_MEAN * np.arcsin(0.5 * chord)


def distance_to_point(latitude: float, longitude: float, latitudes: Array, longitudes: Array) -> Array:
    """Great-circle distance [lat, lon] in metres from the cells of a grid to a point; all in degrees."""
    points = unit_vectors(latitudes[:, None], longitudes[None, :])
    chord = np.linalg.norm(points - unit_vectors(np.array(latitude), np.array(longitude)), axis=-1)
    return 2.0 * RADIUS_MEAN * np.arcsin(np.minimum(0.5 * chord, 1.0))
