"""A mask is read whichever way it lies, and refused if it lies on another grid."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats.files import sha256_of
from shared.formats.masks import read_land_mask
from shared.models.grid import Grid
from tests.product_builders import continents, write_mask

GRID = Grid(5.0)
LAND = continents(GRID)
EAST = np.arange(2.5, 360.0, 5.0)


def half_turned(land: np.ndarray) -> np.ndarray:
    return np.roll(land, land.shape[1] // 2, axis=1)


@pytest.mark.parametrize(
    ("land", "latitudes", "longitudes"),
    [
        (LAND, GRID.latitudes, GRID.longitudes),
        (LAND[::-1], GRID.latitudes[::-1], GRID.longitudes),
        (half_turned(LAND), GRID.latitudes, EAST),
        (half_turned(LAND)[::-1], GRID.latitudes[::-1], EAST),
        (LAND[:, ::-1], GRID.latitudes, GRID.longitudes[::-1]),
        (LAND, GRID.latitudes.astype(np.float32), GRID.longitudes.astype(np.float32)),
    ],
    ids=["as needed", "from the north", "from Greenwich", "from the north and Greenwich", "from the east", "float32"],
)
def test_every_orientation_is_the_same_earth(land, latitudes, longitudes, tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", land, latitudes, longitudes)
    np.testing.assert_array_equal(read_land_mask(path, GRID).land, LAND)


def test_longitude_before_latitude_is_the_same_earth(tmp_path: Path) -> None:
    path = tmp_path / "turned.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (("longitude", GRID.longitudes), ("latitude", GRID.latitudes)):
            file.createDimension(name, values.size)
            file.createVariable(name, "f8", (name,))[:] = values
        file.createVariable("lsm", "i1", ("longitude", "latitude"))[:] = LAND.T
    np.testing.assert_array_equal(read_land_mask(path, GRID).land, LAND)


def test_flag_meanings_say_what_land_is(tmp_path: Path) -> None:
    flags = {"flag_values": np.array([0.0, 1.0, 2.0]), "flag_meanings": "land ocean inland_water"}
    values = np.where(LAND, 0.0, 1.0)
    values[LAND & (GRID.latitudes < -70.0)[:, None]] = 2.0
    path = write_mask(tmp_path / "mask.nc", values, GRID.latitudes, GRID.longitudes, **flags)
    np.testing.assert_array_equal(read_land_mask(path, GRID).land, LAND)


def test_source_is_the_file_by_digest(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", LAND, GRID.latitudes, GRID.longitudes)
    source = read_land_mask(path, GRID, citation="doi 10.5880/g3p.2025.001").source
    assert (source.role, source.name) == ("land-mask", "mask.nc")
    assert source.sha256 == sha256_of(path)


def add_second(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("mask", "one")
        file.createVariable("two", "f8", ("lat", "lon"))[:] = 1.0 - LAND


def test_of_several_variables_the_named_one_is_taken(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", LAND, GRID.latitudes, GRID.longitudes)
    add_second(path)
    with pytest.raises(GranuleRejected, match="several variables that could be the mask: one, two"):
        read_land_mask(path, GRID)
    np.testing.assert_array_equal(read_land_mask(path, GRID, variable="two").land, ~LAND)
    with pytest.raises(GranuleRejected, match="of the name three"):
        read_land_mask(path, GRID, variable="three")


def test_a_mask_beside_other_maps_is_known_by_its_name(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", LAND, GRID.latitudes, GRID.longitudes)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("height", "f8", ("lat", "lon"))[:] = 100.0
    np.testing.assert_array_equal(read_land_mask(path, GRID).land, LAND)


def test_a_mask_of_another_grid_is_rejected_with_both_grids(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", LAND, GRID.latitudes, GRID.longitudes)
    with pytest.raises(GranuleRejected, match=r"36 lat from -87.5 to 87.5 by 72 lon.*360 x 720 cells of 0.5") as caught:
        read_land_mask(path, Grid(0.5))
    assert caught.value.file == "mask.nc"


def test_a_mask_on_the_corners_of_the_cells_is_rejected(tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", LAND, GRID.latitudes, GRID.longitudes + 2.5)
    with pytest.raises(GranuleRejected, match="72 lon from -175"):
        read_land_mask(path, GRID)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.where(LAND, 1.0, np.nan), "cells of mask without a value"),
        (np.where(LAND, 1.0, netCDF4.default_fillvals["f8"]), "cells of mask without a value"),
        (np.ones(LAND.shape), "100% of its cells are land"),
        (np.zeros(LAND.shape), "0% of its cells are land"),
    ],
    ids=["nan", "fill value", "all land", "all ocean"],
)
def test_a_mask_that_is_no_map_of_the_earth_is_rejected(values, found: str, tmp_path: Path) -> None:
    path = write_mask(tmp_path / "mask.nc", values, GRID.latitudes, GRID.longitudes)
    with pytest.raises(GranuleRejected, match=found):
        read_land_mask(path, GRID)


def test_files_without_axes_or_map_are_rejected(tmp_path: Path) -> None:
    empty, text, bare = (tmp_path / name for name in ("empty.nc", "text.nc", "bare.nc"))
    netCDF4.Dataset(empty, "w").close()
    text.write_text("land or ocean")
    write_mask(bare, LAND, GRID.latitudes, GRID.longitudes)
    with netCDF4.Dataset(bare, "a") as file:
        file.renameDimension("lat", "row")
        file.renameVariable("lat", "latitude")
        file.renameVariable("mask", "heights")
    with pytest.raises(GranuleRejected, match="no variable latitude"):
        read_land_mask(empty, GRID)
    with pytest.raises(GranuleRejected, match="no readable NetCDF"):
        read_land_mask(text, GRID)
    np.testing.assert_array_equal(read_land_mask(bare, GRID).land, LAND)  # names do not matter, places do


def test_a_file_with_axes_but_no_map_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "axes.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (("lat", GRID.latitudes), ("lon", GRID.longitudes)):
            file.createDimension(name, values.size)
            file.createVariable(name, "f8", (name,))[:] = values
        file.createVariable("profile", "f8", ("lat",))[:] = 1.0
    with pytest.raises(GranuleRejected, match="no variable on latitude and longitude"):
        read_land_mask(path, GRID)


def test_the_real_mask_has_its_continents_where_they_are(real_data: Path) -> None:
    grid = Grid()
    land = read_land_mask(real_data / "masks" / "landsea_hd.nc", grid).land

    def at(latitude: float, longitude: float) -> bool:
        row = np.abs(grid.latitudes - latitude).argmin()
        return bool(land[row, np.abs(grid.longitudes - longitude).argmin()])

    places = {
        "Amazon": (-3, -60),
        "Sahara": (23, 5),
        "Siberia": (62, 100),
        "Greenland": (72, -40),
        "Antarctica": (-85, 0),
    }
    assert all(at(*place) for place in places.values())
    oceans = {
        "Pacific": (0, -150),
        "Atlantic": (0, -25),
        "Indian": (-20, 75),
        "Southern": (-58, -120),
        "Arctic": (88, 0),
    }
    assert not any(at(*place) for place in oceans.values())
    share = land.sum(axis=1) @ grid.areas
    assert 0.28 < share < 0.36  # 29 % of the Earth is land; ice shelves and islands add some
