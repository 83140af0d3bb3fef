"""Shapes on the sphere: flat-topped patches for basins, bell-shaped ones for the solid Earth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.constants import RADIUS_MEAN
from shared.models.grid import Grid

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """An ellipse on the sphere.

    latitude, longitude: of its centre [deg]; along, across: half axes [m]; azimuth: of the axis `along`,
    from north over east [deg].
    """

    latitude: float
    longitude: float
    along: float
    across: float
    azimuth: float = 0.0


def bell(patch: Patch, grid: Grid) -> Array:
    """Gaussian [lat, lon] with the half axes as standard deviations, one at the centre."""
    return np.exp(-0.5 * _squared(patch, grid))


def plateau(patches: Sequence[Patch], grid: Grid) -> Array:
    """Union [lat, lon] of flat-topped patches: one inside, 1/e on the edges, then zero."""
    return np.exp(-(np.min([_squared(patch, grid) for patch in patches], axis=0) ** 2))


def _squared(patch: Patch, grid: Grid) -> Array:
    """Square of the distance [lat, lon] from the centre, in half axes."""
    latitude, centre = np.deg2rad(grid.latitudes)[:, None], np.deg2rad(patch.latitude)
    along_parallel = np.deg2rad(grid.longitudes - patch.longitude)[None, :]
    # Unit vectors of the cells, seen from the centre: to the north, to the east, and up
    cosine = np.cos(latitude) * np.cos(along_parallel)
    north = np.sin(latitude) * np.cos(centre) - np.sin(centre) * cosine
    east = np.cos(latitude) * np.sin(along_parallel)
    up = np.sin(latitude) * np.sin(centre) + np.cos(centre) * cosine
    sine = np.hypot(north, east)
    # Azimuthal equidistant: the distance in the direction of the cell; at the centre the ratio is one
    stretch = RADIUS_MEAN * np.divide(np.arctan2(sine, up), sine, out=np.ones_like(sine), where=sine > 0.0)
    azimuth = np.deg2rad(patch.azimuth)
    along = stretch * (np.cos(azimuth) * north + np.sin(azimuth) * east) / patch.along
    across = stretch * (np.cos(azimuth) * east - np.sin(azimuth) * north) / patch.across
    squared: Array = along**2 + across**2
    return squared
