"""Regions of the Earth, which cells of a grid belong to them, and how these weigh."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.geodesy.ellipsoid import zone_areas
from shared.models.coefficients import Vector
from shared.models.grid import Grid

Ring = Sequence[Sequence[float]]

_CIRCLE = 360.0


@dataclass(frozen=True)
class Region:
    """A named region: rings of (longitude, latitude) [deg]; a point inside an even number of them is outside.

    Edges are straight lines in longitude and latitude, as GeoJSON says (RFC 7946). A region across the date line
    goes on beyond 180 or below -180 degrees; one around a pole follows the parallel of 90 degrees.

    Raises
    ------
    ValueError : if a ring has fewer than three corners or no area, a corner is not on the Earth, an edge is longer
        than half a circle, or a ring overlaps itself around the Earth
    """

    name: str
    title: str
    rings: tuple[tuple[tuple[float, float], ...], ...]

    def __post_init__(self) -> None:
        if not self.rings:
            raise ValueError("a region without a ring")
        for ring in self.rings:
            _check(ring)

    @property
    def corners(self) -> int:
        """Number of corners of all rings."""
        return sum(len(ring) for ring in self.rings)

    def cells(self, grid: Grid) -> NDArray[np.bool_]:
        """Cells [lat, lon] whose centre lies inside."""
        return cells_inside(self.rings, grid)


def _check(ring: Ring) -> None:
    corners = np.asarray(ring, float)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(np.unique(corners, axis=0)) < 3:
        raise ValueError("a polygon needs three corners or more, each of longitude and latitude")
    wrong = ~np.isfinite(corners).all(axis=1) | (np.abs(corners) > (_CIRCLE, 90.0)).any(axis=1)
    if wrong.any():
        longitude, latitude = corners[wrong][0]
        raise ValueError(f"longitude {longitude:g}, latitude {latitude:g} is no place on the Earth")
    ends = np.roll(corners, -1, axis=0)
    along_pole = (np.abs(corners[:, 1]) == 90.0) & (ends[:, 1] == corners[:, 1])
    edges = np.where(along_pole, 0.0, np.abs(ends[:, 0] - corners[:, 0]))
    if edges.max() > _CIRCLE / 2:
        raise ValueError(
            f"an edge spans {edges.max():g} degrees of longitude, so it is open which way round it goes: "
            "write longitudes beyond 180 for a polygon across the date line, or add corners between"
        )
    if np.ptp(corners[:, 0]) > _CIRCLE:
        raise ValueError("a polygon reaches around the Earth more than once")
    if np.linalg.matrix_rank(corners - corners[0]) < 2:
        raise ValueError("a polygon without area: its corners lie on one line")


def cells_inside(rings: Iterable[Ring], grid: Grid) -> NDArray[np.bool_]:
    """Cells [lat, lon] whose centre lies inside polygons.

    Parameters
    ----------
    rings : rings of (longitude, latitude) [deg], which may go on beyond the date line; a point inside an even
        number of them (a hole) is outside
    """
    inside = np.zeros(grid.shape, bool)
    for ring in rings:
        corners = np.asarray(ring, float)
        if not np.array_equal(corners[0], corners[-1]):
            corners = np.vstack([corners, corners[:1]])
        low, high = corners.min(axis=0), corners.max(axis=0)
        for row in np.flatnonzero((grid.latitudes >= low[1]) & (grid.latitudes <= high[1])):
            crossings = _crossings(corners, grid.latitudes[row])
            for turn in (-_CIRCLE, 0.0, _CIRCLE):
                if low[0] - turn <= 180.0 and high[0] - turn >= -180.0:
                    inside[row] ^= np.searchsorted(crossings, grid.longitudes + turn) % 2 == 1
    return inside


def _crossings(corners: Vector, latitude: float) -> Vector:
    """Longitudes, in order, at which a ring crosses a parallel."""
    (lon0, lat0), (lon1, lat1) = corners[:-1].T, corners[1:].T
    across = (lat0 > latitude) != (lat1 > latitude)
    share = (latitude - lat0[across]) / (lat1[across] - lat0[across])
    crossings: Vector = np.sort(lon0[across] + share * (lon1[across] - lon0[across]))
    return crossings


def cell_areas(cells: NDArray[np.bool_], grid: Grid) -> Vector:
    """Area [cells] in square metres of the chosen cells of a grid, on the ellipsoid; they are its weights."""
    of_rows = zone_areas(np.linspace(-90.0, 90.0, grid.shape[0] + 1)) / grid.shape[1]
    areas: Vector = np.broadcast_to(of_rows[:, None], grid.shape)[cells]
    return areas


def area_mean(values: NDArray[np.floating], areas: Vector) -> Vector:
    """Area-weighted mean [time] of values [time, cells]; ValueError if there is no cell."""
    if not areas.size:
        raise ValueError("the region holds no cell of the grid")
    mean: Vector = np.asarray(values, float) @ (areas / areas.sum())
    return mean
