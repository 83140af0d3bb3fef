"""Water storage of a point or a region over time, as a release holds it: every month, gaps as NaN.

A region is the cells whose centre lies inside it and that are land; each weighs by its area on the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.errors import RequestRefused
from shared.formats.level3_reader import Level3, read_level3
from shared.geodesy.covariance import area_mean_uncertainty
from shared.models.coefficients import Vector
from shared.models.epoch import Month, moment_of_mjd, months_between
from shared.models.grid import Grid
from shared.models.region import Region, area_mean, cell_areas

# Months of a chunk of the file, and values that are read at a time: some megabytes
_SLAB, _HELD = 16, 1_000_000

MOST_CORNERS = 2000
MOST_CELLS = 40_000  # all of Antarctica has 36 000


@dataclass(frozen=True)
class Series:
    """Water storage of every month from the first to the last.

    months: nominal; times: mid-epochs of the data, None in gaps; twsa, uncertainty: anomaly and standard deviation
    [time] in mm, NaN in gaps; fallback: months whose residual comes from the stronger filter.
    """

    months: tuple[Month, ...]
    times: tuple[datetime | None, ...]
    twsa: Vector
    uncertainty: Vector
    fallback: tuple[bool, ...]

    @property
    def gaps(self) -> tuple[Month, ...]:
        """The months without data."""
        return tuple(month for month, time in zip(self.months, self.times, strict=True) if time is None)


@dataclass(frozen=True)
class PointSeries(Series):
    """The series of a cell; latitude and longitude of its centre in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class AreaSeries(Series):
    """The mean over the land cells of a region; area: of these cells in square metres."""

    region: Region
    cells: int
    area: float


def point_series(path: Path, latitude: float, longitude: float) -> PointSeries:
    """The series of the cell that a place lies in.

    Parameters
    ----------
    path : Level-3 file
    latitude, longitude : of the place, degrees; longitudes from -180 to 360

    Raises
    ------
    RequestRefused : if it is no place on the Earth, or the sea
    """
    product = read_level3(path)
    row, column = cell_of(product, latitude, longitude)
    cell = (slice(None), slice(row, row + 1), slice(column, column + 1))
    twsa, uncertainty = (product.block(name, *cell)[:, 0, 0] for name in ("twsa", "twsa_uncertainty"))
    return PointSeries(
        **_spread(product, twsa, uncertainty),
        latitude=float(product.latitudes[row]),
        longitude=float(product.longitudes[column]),
    )


def area_series(path: Path, region: Region) -> AreaSeries:
    """The mean over a region with its uncertainty; errors of neighbours are alike.

    Parameters
    ----------
    path : Level-3 file; one made before the errors' correlation was told gives no uncertainty (NaN)
    region : its cells are those whose centre lies inside

    Raises
    ------
    RequestRefused : if the region has too many corners or cells, no land, or is smaller than a cell
    """
    product = read_level3(path)
    cells = land_cells(product, region)
    areas = cell_areas(cells, grid_of(product))
    twsa = np.concatenate([area_mean(values, areas) for values in _slabs(product, "twsa", cells)])
    uncertainty = np.full(twsa.shape, np.nan)
    if product.covariance is not None:
        rows, columns = np.nonzero(cells)
        places = product.latitudes[rows], product.longitudes[columns]
        spreads = _slabs(product, "twsa_uncertainty", cells)
        uncertainty = np.concatenate(
            [area_mean_uncertainty(product.covariance, *places, areas, values) for values in spreads]
        )
    spread = _spread(product, twsa, uncertainty)
    return AreaSeries(**spread, region=region, cells=areas.size, area=float(areas.sum()))


def cell_of(product: Level3, latitude: float, longitude: float) -> tuple[int, int]:
    """Row and column of the land cell that a place lies in; RequestRefused if there is none."""
    if not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 360.0):
        raise RequestRefused(
            f"latitude {latitude:g}, longitude {longitude:g} is no place on the Earth",
            advice="Give degrees: latitude from -90 to 90, longitude from -180 to 180.",
        )
    step = grid_of(product).step
    row = min(int((latitude + 90.0) / step), product.latitudes.size - 1)
    column = int((longitude + 180.0) / step) % product.longitudes.size
    if not product.land[row, column]:
        raise RequestRefused(
            f"latitude {latitude:g}, longitude {longitude:g} is sea, and the product holds land only",
            advice=f"Take a place on land; the nearest is {_nearest_land(product, row, column)}.",
        )
    return row, column


def _nearest_land(product: Level3, row: int, column: int) -> str:
    """The land cell nearest to a cell, in words."""
    rows, columns = np.nonzero(product.land)
    there, here = np.deg2rad(product.latitudes[rows]), np.deg2rad(product.latitudes[row])
    turn = np.deg2rad(product.longitudes[columns] - product.longitudes[column])
    cosine = np.sin(there) * np.sin(here) + np.cos(there) * np.cos(here) * np.cos(turn)
    at = int(np.argmax(cosine))
    return f"latitude {product.latitudes[rows[at]]:g}, longitude {product.longitudes[columns[at]]:g}"


def land_cells(product: Level3, region: Region) -> NDArray[np.bool_]:
    """The land cells [lat, lon] of a region; RequestRefused if there are none or too many."""
    if region.corners > MOST_CORNERS:
        raise RequestRefused(
            f"a region of {region.corners} corners",
            advice=f"Give at most {MOST_CORNERS}: the grid has half a degree, finer outlines change nothing.",
        )
    inside = region.cells(grid_of(product))
    cells: NDArray[np.bool_] = inside & product.land
    count = int(cells.sum())
    if not inside.any():
        raise RequestRefused(
            f"no centre of a cell lies inside {region.title}",
            advice="Draw a larger region, or take the series of a point; the product resolves about 300 km.",
        )
    if not count:
        raise RequestRefused(
            f"{region.title} holds no land, and the product holds land only", advice="Draw a region on land."
        )
    if count > MOST_CELLS:
        raise RequestRefused(
            f"a region of {count} cells", advice=f"Draw a smaller one, of at most {MOST_CELLS}: a continent."
        )
    return cells


def grid_of(product: Level3) -> Grid:
    """The grid that a product lies on."""
    return Grid(180.0 / product.latitudes.size)


def _slabs(product: Level3, name: str, cells: NDArray[np.bool_]) -> Iterator[NDArray[np.float32]]:
    """Values [months, cells], some months at a time; only the box around the cells is read."""
    rows, columns = (np.flatnonzero(cells.any(axis=axis)) for axis in (1, 0))
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    inside = cells[box]
    step = _SLAB * max(1, _HELD // (_SLAB * inside.size))
    for start in range(0, len(product.months), step):
        yield product.block(name, slice(start, start + step), *box)[:, inside]


def _spread(product: Level3, twsa: NDArray[np.floating], uncertainty: NDArray[np.floating]) -> dict[str, Any]:
    """What is known of the months of a file, spread over all months from the first to the last."""
    months = tuple(months_between(product.months[0], product.months[-1]))
    places = [month.ordinal - months[0].ordinal for month in product.months]
    columns = np.full((2, len(months)), np.nan)
    columns[:, places] = twsa, uncertainty
    times: list[datetime | None] = [None] * len(months)
    for place, mid in zip(places, product.mid, strict=True):
        times[place] = moment_of_mjd(float(mid)).replace(tzinfo=UTC)
    noisy = set(product.fallback)
    fallback = tuple(month in noisy for month in months)
    return {
        "months": months, "times": tuple(times), "twsa": columns[0], "uncertainty": columns[1], "fallback": fallback,
    }  # fmt: skip
