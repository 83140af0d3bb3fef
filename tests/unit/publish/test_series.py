"""Series of points and regions are what another program reads from the same file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from services.publish.series import MOST_CORNERS, area_series, point_series
from shared.errors import RequestRefused
from shared.formats.level3_reader import read_level3
from shared.formats.netcdf import write_level3
from shared.geodesy.covariance import area_mean_uncertainty
from shared.models.epoch import Month
from shared.models.grid import Grid
from shared.models.region import Region
from tests.product_builders import ABOUT, COVARIANCE, make_maps

GAP = ("2002-06", "2002-07", "2003-01")
BOX = Region("box", "Box", (((40.0, 10.0), (60.0, 10.0), (60.0, 30.0), (40.0, 30.0)),))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty months on cells of five degrees, three months missing."""
    path = tmp_path_factory.mktemp("series") / "twsa.nc"
    write_level3(path, make_maps(40, without=GAP), ABOUT)
    return path


@pytest.fixture(scope="module")
def read(product: Path) -> xarray.Dataset:
    with xarray.open_dataset(product) as opened:
        return opened.load()


class TestPoint:
    def test_series_is_that_of_the_cell_which_the_place_lies_in(self, product: Path, read: xarray.Dataset) -> None:
        series = point_series(product, 21.0, 64.9)
        cell = read.sel(lat=22.5, lon=62.5)
        known = np.isfinite(series.twsa)
        assert (series.latitude, series.longitude) == (22.5, 62.5)
        np.testing.assert_array_equal(series.twsa[known], cell.twsa.values)
        np.testing.assert_array_equal(series.uncertainty[known], cell.twsa_uncertainty.values)
        times = [time.replace(tzinfo=None) for time in series.times if time is not None]
        np.testing.assert_array_equal(np.array(times, "datetime64[s]"), read.time.values.astype("datetime64[s]"))

    def test_every_month_is_there_and_gaps_are_without_value(self, product: Path) -> None:
        series = point_series(product, 21.0, 64.9)
        assert [month.ordinal for month in series.months] == list(range(12 * 2002 + 3, 12 * 2002 + 3 + 43))
        assert [str(month) for month in series.gaps] == list(GAP)
        missing = [month in series.gaps for month in series.months]
        assert np.isnan(series.twsa).tolist() == np.isnan(series.uncertainty).tolist() == missing
        assert [month for month, noisy in zip(series.months, series.fallback, strict=True) if noisy] == [Month(2002, 5)]

    @pytest.mark.parametrize(("longitude", "centre"), [(-180.0, -177.5), (180.0, -177.5), (359.9, -2.5), (-0.1, -2.5)])
    def test_longitudes_of_either_count_mean_the_same_place(
        self, product: Path, longitude: float, centre: float
    ) -> None:
        south = point_series(product, -90.0, longitude)
        assert (south.latitude, south.longitude) == (-87.5, centre)

    def test_sea_is_refused_with_the_nearest_land(self, product: Path, read: xarray.Dataset) -> None:
        with pytest.raises(RequestRefused, match="sea") as refused:
            point_series(product, -10.0, -80.0)
        lat, lon = np.meshgrid(read.lat, read.lon, indexing="ij")
        here = np.array([np.cos(np.deg2rad(-7.5)), 0.0, np.sin(np.deg2rad(-7.5))])
        turn = np.deg2rad(lon + 77.5)
        there = np.stack(
            [np.cos(np.deg2rad(lat)) * np.cos(turn), np.cos(np.deg2rad(lat)) * np.sin(turn), np.sin(np.deg2rad(lat))],
            -1,
        )
        distance = np.where(read.land_mask, np.linalg.norm(there - here, axis=-1), np.inf)
        row, column = np.unravel_index(distance.argmin(), distance.shape)
        assert f"latitude {lat[row, 0]:g}, longitude {lon[0, column]:g}" in refused.value.advice

    @pytest.mark.parametrize(
        ("latitude", "longitude"), [(91.0, 0.0), (0.0, 361.0), (0.0, -181.0), (float("nan"), 0.0), (0.0, float("inf"))]
    )
    def test_what_is_no_place_on_the_earth_is_refused(self, product: Path, latitude: float, longitude: float) -> None:
        with pytest.raises(RequestRefused, match="no place on the Earth"):
            point_series(product, latitude, longitude)


class TestArea:
    def test_mean_of_a_constant_field_is_the_constant(self, tmp_path: Path) -> None:
        maps = make_maps(3)
        months = np.array([0.125, -0.25, 0.5], np.float32)  # m
        write_level3(tmp_path / "twsa.nc", replace(maps, twsa=maps.twsa * 0 + months[:, None, None]), ABOUT)
        series = area_series(tmp_path / "twsa.nc", BOX)
        assert series.twsa == pytest.approx(1e3 * months, rel=1e-12)
        assert series.cells == 16

    def test_mean_is_that_of_the_cells_weighed_by_their_area(self, product: Path, read: xarray.Dataset) -> None:
        """On the ellipsoid, a cell is as large as its centre says, to a part in a thousand for five degrees."""
        series = area_series(product, BOX)
        box = read.sel(lat=slice(10, 30), lon=slice(40, 60))
        sine2 = np.sin(np.deg2rad(box.lat)) ** 2
        weights = np.cos(np.deg2rad(box.lat)) / (1.0 - 0.00669438 * sine2) ** 2
        expected = box.twsa.weighted(weights).mean(("lat", "lon")).values
        assert series.twsa[np.isfinite(series.twsa)] == pytest.approx(expected, rel=1e-3)
        sphere = 6371008.8**2 * np.deg2rad(20.0) * (np.sin(np.deg2rad(30.0)) - np.sin(np.deg2rad(10.0)))
        assert series.area == pytest.approx(sphere, rel=4e-3)  # the ellipsoid is smaller there by about e^2 / 2

    def test_uncertainty_knows_that_errors_of_neighbours_are_alike(self, product: Path, read: xarray.Dataset) -> None:
        series = area_series(product, BOX)
        box = read.sel(lat=slice(10, 30), lon=slice(40, 60))
        lat, lon = (each.ravel() for each in np.meshgrid(box.lat, box.lon, indexing="ij"))
        weights = np.cos(np.deg2rad(lat))
        sigma = box.twsa_uncertainty.values.reshape(-1, lat.size)
        expected = area_mean_uncertainty(COVARIANCE, lat, lon, weights, sigma)
        found = series.uncertainty[np.isfinite(series.uncertainty)]
        assert found == pytest.approx(expected, rel=1e-3)  # of the weights, on sphere or ellipsoid
        matrix = COVARIANCE.correlation((lat[:, None], lon[:, None]), (lat[None], lon[None]))
        share = sigma * weights / weights.sum()
        assert found == pytest.approx(np.sqrt(np.einsum("ti,ij,tj->t", share, matrix, share)), rel=1e-3)

    def test_a_region_across_the_date_line_is_the_mean_of_both_sides(self, product: Path, read: xarray.Dataset) -> None:
        ring = ((170.0, -89.0), (190.0, -89.0), (190.0, -80.0), (170.0, -80.0))
        series = area_series(product, Region("across", "Across", (ring,)))
        cells = read.sel(lat=[-87.5, -82.5], lon=[172.5, 177.5, -177.5, -172.5])
        expected = cells.twsa.weighted(np.cos(np.deg2rad(cells.lat))).mean(("lat", "lon")).values
        assert series.cells == 8
        assert series.twsa[np.isfinite(series.twsa)] == pytest.approx(expected, abs=0.05)  # of 50 mm: no ellipsoid here

    def test_only_land_counts(self, product: Path) -> None:
        coast = Region("coast", "Coast", (((100.0, 10.0), (140.0, 10.0), (140.0, 30.0), (100.0, 30.0)),))
        grid = Grid(5.0)
        land = read_level3(product).land
        assert 0 < area_series(product, coast).cells == (coast.cells(grid) & land).sum() < coast.cells(grid).sum()

    def test_a_large_region_is_read_in_parts_and_gives_the_same(
        self, product: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = area_series(product, BOX)
        monkeypatch.setattr("services.publish.series._HELD", 1)
        parts = area_series(product, BOX)
        np.testing.assert_array_equal(parts.twsa, whole.twsa)
        # Each part takes its own month as the pattern of the others
        np.testing.assert_allclose(parts.uncertainty, whole.uncertainty, rtol=1e-6)

    def test_a_file_older_than_the_correlation_has_no_uncertainty_of_means(self, product: Path, tmp_path: Path) -> None:
        old = tmp_path / "old.nc"
        with netCDF4.Dataset(product) as source, netCDF4.Dataset(old, "w") as copy:
            copy.setncatts(source.__dict__)
            for name, dimension in source.dimensions.items():
                copy.createDimension(name, dimension.size)
            for name, variable in source.variables.items():
                if name != "error_correlation":
                    fill = getattr(variable, "_FillValue", False)
                    made = copy.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill)
                    made.setncatts({k: v for k, v in variable.__dict__.items() if k != "_FillValue"})
                    made[...] = variable[...]
        series = area_series(old, BOX)
        np.testing.assert_array_equal(series.twsa, area_series(product, BOX).twsa)
        assert np.isnan(series.uncertainty).all()

    @pytest.mark.parametrize(
        ("ring", "said"),
        [
            (((-100.0, 30.0), (-90.0, 30.0), (-90.0, 40.0), (-100.0, 40.0)), "holds no land"),
            (((40.1, 10.1), (40.2, 10.1), (40.2, 10.2)), "no centre of a cell"),
            (tuple((50.0 + np.cos(at), 20.0 + np.sin(at)) for at in np.linspace(0, 6, MOST_CORNERS + 1)), "corners"),
        ],
    )
    def test_a_region_that_gives_no_mean_is_refused(
        self, product: Path, ring: tuple[tuple[float, float], ...], said: str
    ) -> None:
        with pytest.raises(RequestRefused, match=said):
            area_series(product, Region("odd", "Odd", (ring,)))

    def test_too_many_cells_are_refused(self, product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.publish.series.MOST_CELLS", 15)
        with pytest.raises(RequestRefused, match="a region of 16 cells"):
            area_series(product, BOX)
