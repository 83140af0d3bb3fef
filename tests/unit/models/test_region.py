"""Means over regions: which cells belong to a polygon, and how they weigh."""

import json
from pathlib import Path

import boule
import numpy as np
import pytest
import shapely
from scipy.integrate import quad

from shared.models.grid import Grid
from shared.models.region import Region, area_mean, cell_areas, cells_inside

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


def test_a_box_across_the_date_line_is_that_of_its_two_halves() -> None:
    across = [(170.3, -20.5), (189.7, -20.5), (189.7, 30.5), (170.3, 30.5)]
    halves = [[(170.3, -20.5), (180.0, -20.5), (180.0, 30.5), (170.3, 30.5)],
              [(-180.0, -20.5), (-170.3, -20.5), (-170.3, 30.5), (-180.0, 30.5)]]  # fmt: skip
    found = cells_inside([across], GRID)
    east, west = GRID.longitudes > 170.3, GRID.longitudes < -170.3
    assert np.array_equal(found, between(GRID.latitudes, -20.5, 30.5)[:, None] & (east | west))
    assert np.array_equal(found, cells_inside([halves[0]], GRID) ^ cells_inside([halves[1]], GRID))
    westward = [(lon - 360.0, lat) for lon, lat in across]
    assert np.array_equal(cells_inside([westward], GRID), found)


def test_a_region_around_the_pole_holds_the_pole() -> None:
    coast = [(lon, -70.0 + 5.0 * np.sin(np.deg2rad(lon))) for lon in np.arange(-180.0, 181.0, 10.0)]
    cap = Region("cap", "Cap", ((*coast, (180.0, -90.0), (-180.0, -90.0)),))
    edge = np.interp(GRID.longitudes, *np.array(coast).T)
    assert np.array_equal(cap.cells(GRID), GRID.latitudes[:, None] < edge)


SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        (SQUARE[:2], "three corners"),
        ((*SQUARE[:2], SQUARE[0]), "three corners"),
        (((0.0, 0.0), (1.0, 1.0), (2.0, 2.0)), "without area"),
        ((*SQUARE[:3], (float("nan"), 1.0)), "no place on the Earth"),
        ((*SQUARE[:3], (0.0, float("inf"))), "no place on the Earth"),
        ((*SQUARE[:3], (0.0, 90.5)), "latitude 90.5"),
        ((*SQUARE[:3], (-361.0, 0.0)), "longitude -361"),
        (((170.0, 0.0), (-170.0, 0.0), (-170.0, 9.0), (170.0, 9.0)), "edge spans 340 degrees"),
        (((-200.0, 0.0), (-40.0, 0.0), (120.0, 0.0), (200.0, 0.0), (50.0, 9.0), (-90.0, 9.0)), "more than once"),
    ],
)
def test_what_is_no_region_is_said_in_words(ring: tuple[tuple[float, float], ...], said: str) -> None:
    assert Region("square", "Square", (SQUARE,)).cells(GRID).sum() == 25
    with pytest.raises(ValueError, match=said):
        Region("other", "Other", (SQUARE, ring))


def test_cells_have_the_area_that_the_ellipsoid_has_between_their_sides() -> None:
    """The area element of the ellipsoid (N cos lat)(M) integrated numerically over a box of 10 by 10 degrees."""
    a, e2 = 6378136.6, (2.0 - 1.0 / 298.25642) / 298.25642

    def element(lat: float) -> float:
        return a**2 * (1.0 - e2) * np.cos(lat) / (1.0 - e2 * np.sin(lat) ** 2) ** 2

    expected = np.deg2rad(10.0) * quad(element, np.deg2rad(40.0), np.deg2rad(50.0))[0]
    box = cells_inside([[(0.0, 40.0), (10.0, 40.0), (10.0, 50.0), (0.0, 50.0)]], GRID)
    assert box.sum() == 25
    assert cell_areas(box, GRID).sum() == pytest.approx(expected, rel=1e-12)
    ball = boule.Ellipsoid("IERS", a, 1.0 / 298.25642, 3.986004415e14, 7.292115e-5)
    assert cell_areas(np.ones(GRID.shape, bool), GRID).sum() == pytest.approx(ball.area, rel=1e-13)


def test_the_mean_of_a_constant_is_the_constant() -> None:
    areas = cell_areas(cells_inside([RECTANGLE], GRID), GRID)
    assert np.allclose(
        area_mean(np.full((3, areas.size), 0.25), areas), 0.25, rtol=1e-14, atol=0.0
    )  # a sum of a thousand


def test_the_mean_weighs_by_area() -> None:
    found = area_mean(np.array([[1.0, 4.0]]), np.array([3.0, 1.0]))
    assert found == pytest.approx([1.75], rel=1e-15)


def test_maps_in_single_precision_are_averaged_in_double() -> None:
    areas = cell_areas(np.ones(GRID.shape, bool), GRID)
    found = area_mean(np.full((1, areas.size), 0.1, np.float32), areas)
    assert found.dtype == np.float64
    assert found[0] == pytest.approx(float(np.float32(0.1)), rel=1e-13)


def test_a_region_smaller_than_the_cells_is_an_error_and_not_a_zero() -> None:
    tiny = cells_inside([[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)]], GRID)
    assert not tiny.any()
    with pytest.raises(ValueError, match="no cell of the grid"):
        area_mean(np.ones((1, 0)), cell_areas(tiny, GRID))
