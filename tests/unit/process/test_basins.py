"""Means over regions: which cells belong to a polygon, and how they weigh."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely

from services.process.level3.basins import area_mean, cells_inside
from shared.models.grid import Grid

GRID = Grid(2.0)
RECTANGLE = [(-31.0, 10.0), (45.0, 10.0), (45.0, 60.0), (-31.0, 60.0), (-31.0, 10.0)]
HOLE = [(0.0, 20.0), (20.0, 20.0), (20.0, 40.0), (0.0, 40.0), (0.0, 20.0)]


def inside_by_shapely(polygon: shapely.Geometry, grid: Grid = GRID) -> np.ndarray:
    lon, lat = np.meshgrid(grid.longitudes, grid.latitudes)
    return shapely.contains_xy(polygon, lon, lat)


def between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return (values > low) & (values < high)


def test_a_rectangle_holds_the_cells_between_its_sides() -> None:
    expected = between(GRID.latitudes, 10.0, 60.0)[:, None] & between(GRID.longitudes, -31.0, 45.0)
    found = cells_inside([RECTANGLE], GRID)
    # Cell centres are odd degrees: those on the western side, 31 W, may count or not, all others not.
    inner = GRID.longitudes != -31.0
    inner &= GRID.longitudes != 45.0
    assert np.array_equal(found[:, inner], expected[:, inner])
    assert found.shape == GRID.shape


def test_a_hole_is_outside() -> None:
    expected = cells_inside([RECTANGLE], GRID) & ~(
        between(GRID.latitudes, 20.0, 40.0)[:, None] & between(GRID.longitudes, 0.0, 20.0)
    )
    assert np.array_equal(cells_inside([RECTANGLE, HOLE], GRID), expected)


def test_islands_of_one_region_are_all_inside() -> None:
    other = [(lon + 100.0, lat - 80.0) for lon, lat in HOLE]
    both = cells_inside([HOLE, other], GRID)
    assert np.array_equal(both, cells_inside([HOLE], GRID) | cells_inside([other], GRID))


def test_an_open_ring_is_closed() -> None:
    assert np.array_equal(cells_inside([HOLE[:-1]], GRID), cells_inside([HOLE], GRID))


@pytest.mark.parametrize("seed", range(8))
def test_shapely_finds_the_same_cells_in_stars(seed: int) -> None:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0.0, 2.0 * np.pi, 30))
    radius = random.uniform(5.0, 40.0, 30)
    corners = np.stack([10.1 + radius * np.cos(angles), 5.07 + radius * np.sin(angles)], axis=1)
    found = cells_inside([corners], GRID)
    assert np.array_equal(found, inside_by_shapely(shapely.Polygon(corners)))
    assert found.sum() > 50
    assert np.array_equal(cells_inside([corners[::-1]], GRID), found)  # whichever way round it is drawn


def test_shapely_finds_the_same_cells_in_the_river_basins_of_gravis(real_data: Path) -> None:
    grid = Grid()
    features = json.loads((real_data / "gravis" / "basins_rivbas.json").read_text())["features"]
    checked = 0
    for feature in features[:25]:
        shape = shapely.geometry.shape(feature["geometry"])
        parts = getattr(shape, "geoms", [shape])
        rings = [ring.coords for part in parts for ring in (part.exterior, *part.interiors)]
        found, expected = cells_inside(rings, grid), inside_by_shapely(shape, grid)
        # Basins are drawn along quarter degrees in places: a centre on a side may count either way.
        for row, column in np.argwhere(found != expected):
            centre = shapely.Point(grid.longitudes[column], grid.latitudes[row])
            assert shape.boundary.distance(centre) < 1e-9, (feature["properties"]["name"], centre)
        checked += int(found.sum())
    assert checked > 1000


def test_the_mean_of_a_constant_is_the_constant() -> None:
    maps = np.full((3, *GRID.shape), 0.25)
    assert np.allclose(area_mean(maps, cells_inside([RECTANGLE], GRID), GRID), 0.25, rtol=1e-15, atol=0.0)


def test_the_mean_weighs_by_area() -> None:
    """Of sin(latitude): over a cell that of its centre times cos(h/2), over a region half the sum of its sides."""
    maps = np.broadcast_to(np.sin(np.deg2rad(GRID.latitudes))[None, :, None], (1, *GRID.shape))
    found = area_mean(maps, cells_inside([RECTANGLE], GRID), GRID)[0]
    expected = 0.5 * (np.sin(np.deg2rad(10.0)) + np.sin(np.deg2rad(60.0)))
    assert found * np.cos(np.deg2rad(1.0)) == pytest.approx(expected, rel=1e-13)  # sums of a thousand cells


def test_maps_in_single_precision_are_averaged_in_double() -> None:
    maps = np.full((1, *GRID.shape), 0.1, np.float32)
    found = area_mean(maps, np.ones(GRID.shape, bool), GRID)
    assert found.dtype == np.float64
    assert found[0] == pytest.approx(float(np.float32(0.1)), rel=1e-13)


def test_each_month_has_its_own_mean() -> None:
    maps = np.arange(4.0)[:, None, None] * np.ones(GRID.shape)
    assert np.allclose(area_mean(maps, cells_inside([HOLE], GRID), GRID), np.arange(4.0), rtol=1e-15, atol=0.0)


def test_a_region_smaller_than_the_cells_is_an_error_and_not_a_zero() -> None:
    tiny = cells_inside([[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)]], GRID)
    assert not tiny.any()
    with pytest.raises(ValueError, match="no cell of the grid"):
        area_mean(np.ones((1, *GRID.shape)), tiny, GRID)
