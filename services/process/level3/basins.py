"""Means over river basins and other regions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from shared.models.coefficients import Vector
from shared.models.grid import Grid

Ring = Sequence[Sequence[float]]


def cells_inside(rings: Iterable[Ring], grid: Grid) -> NDArray[np.bool_]:
    """Cells [lat, lon] whose centre lies inside polygons.

    Parameters
    ----------
    rings : closed rings of (longitude, latitude) [deg] that do not cross the date line; a point inside an
        even number of them (a hole) is outside
    """
    inside = np.zeros(grid.shape, bool)
    for ring in rings:
        corners = np.asarray(ring, float)
        if not np.array_equal(corners[0], corners[-1]):
            corners = np.vstack([corners, corners[:1]])
        for row, latitude in enumerate(grid.latitudes):
            inside[row] ^= np.searchsorted(_crossings(corners, latitude), grid.longitudes) % 2 == 1
    return inside


def _crossings(corners: Vector, latitude: float) -> Vector:
    """Longitudes, in order, at which a ring crosses a parallel."""
    (lon0, lat0), (lon1, lat1) = corners[:-1].T, corners[1:].T
    across = (lat0 > latitude) != (lat1 > latitude)
    share = (latitude - lat0[across]) / (lat1[across] - lat0[across])
    crossings: Vector = np.sort(lon0[across] + share * (lon1[across] - lon0[across]))
    return crossings


def area_mean(maps: NDArray[np.floating], cells: NDArray[np.bool_], grid: Grid) -> Vector:
    """Area-weighted mean [time] of maps [time, lat, lon] over cells [lat, lon]; ValueError if there is none."""
    if not cells.any():
        raise ValueError("the region holds no cell of the grid")
    weights = np.broadcast_to(grid.areas[:, None], grid.shape)[cells]
    mean: Vector = maps[:, cells].astype(float) @ (weights / weights.sum())
    return mean
