"""Values of releases over HTTP: what is answered is what the file of the release holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest
import xarray
from PIL import Image

from services.publish.scales import STORAGE
from tests.integration.console.conftest import Console, Serve

Get = Callable[..., Any]

RELEASE, FIRST, RETRACTED = "twsa-v1.0-003", "twsa-v1.0-001", "twsa-v1.0-002"
ADDRESS = f"/api/v1/releases/{RELEASE}"
AMAZON = [[-70.0, -10.0], [-55.0, -10.0], [-55.0, 0.0], [-70.0, 0.0]]
PLACE = {"lat": -3.1, "lon": -60.0}


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    with console.client() as opened:
        yield opened


def file_of(console: Console, release: str) -> Path:
    record = console.catalogue.find_release(release)
    assert record is not None
    return next(Path(record.directory).glob("*.nc"))


@pytest.fixture(scope="module")
def product(console: Console) -> xarray.Dataset:
    """The file of the newest release, as another program reads it."""
    with xarray.open_dataset(file_of(console, RELEASE)) as opened:
        return opened.load()


@pytest.fixture(scope="module")
def older(console: Console) -> xarray.Dataset:
    with xarray.open_dataset(file_of(console, FIRST)) as opened:
        return opened.load()


def names_of(product: xarray.Dataset) -> list[str]:
    return [f"{number // 100}-{number % 100:02d}" for number in product.nominal_month.values.tolist()]


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def dataset(answer: httpx.Response) -> xarray.Dataset:
    assert answer.status_code == 200, answer.text
    with netCDF4.Dataset("answer.nc", memory=answer.content) as file:
        return xarray.open_dataset(xarray.backends.NetCDF4DataStore(file)).load()


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "advice"}
    return answer.json()["error"] + " | " + answer.json()["advice"]


def test_view_tells_months_gaps_and_layers(get: Get, product: xarray.Dataset) -> None:
    view = get(f"{ADDRESS}/view")
    assert view["months"] == names_of(product)
    assert view["missing"] == ["2003-06"]
    layers = {each["name"]: each for each in view["layers"]}
    assert {name: each["monthly"] for name, each in layers.items()} == {
        "twsa": True, "uncertainty": True, "trend": False, "annual": False,
    }  # fmt: skip
    assert layers["twsa"]["range"] == [-300.0, 300.0]
    assert layers["trend"]["unit"] == "mm/yr"
    assert view["basins"] is False


class TestMap:
    def test_bare_picture_has_the_colours_of_the_values(self, client: httpx.Client, product: xarray.Dataset) -> None:
        answer = client.get(f"{ADDRESS}/map/twsa.png", params={"month": "2004-05"})
        assert answer.headers["content-type"] == "image/png"
        image = Image.open(io.BytesIO(answer.content))
        assert image.size == (720, 360)
        pixels = np.asarray(image.convert("RGBA"))[::-1]
        values = product.twsa.values[names_of(product).index("2004-05")]
        np.testing.assert_array_equal(pixels[..., 3] > 0, ~np.isnan(values))
        land = ~np.isnan(values)
        np.testing.assert_array_equal(pixels[land][:, :3], STORAGE.table[STORAGE.indices(values[land]) - 1])

    def test_titled_picture_is_larger_and_opaque(self, client: httpx.Client) -> None:
        answer = client.get(f"{ADDRESS}/map/trend.png", params={"titled": "true"})
        image = Image.open(io.BytesIO(answer.content))
        assert image.mode == "RGB"
        assert image.size > (1440, 720)

    def test_table_lists_the_cells_that_have_a_value(self, client: httpx.Client, product: xarray.Dataset) -> None:
        rows = table(client.get(f"{ADDRESS}/map/uncertainty.csv", params={"month": "2004-05"}))
        values = product.twsa_uncertainty[names_of(product).index("2004-05")]
        assert len(rows) == int(values.notnull().sum())
        for row in rows[:: len(rows) // 50]:
            expected = values.sel(lat=float(row["latitude"]), lon=float(row["longitude"]))
            assert float(row["uncertainty_mm"]) == pytest.approx(float(expected), abs=5.1e-4)

    def test_netcdf_is_the_map_of_the_file(self, client: httpx.Client, product: xarray.Dataset) -> None:
        answer = client.get(f"{ADDRESS}/map/twsa.nc", params={"month": "2004-05"})
        found = dataset(answer)
        month = product.isel(time=names_of(product).index("2004-05"))
        np.testing.assert_array_equal(found.twsa, month.twsa)
        assert found.time.values == month.time.values
        assert found.attrs["release"] == RELEASE
        assert found.attrs["license"] == product.attrs["license"]
        assert f'filename="{RELEASE}_twsa_2004-05.nc"' in answer.headers["content-disposition"]

    def test_trend_is_that_of_a_fit_by_hand(self, client: httpx.Client, product: xarray.Dataset) -> None:
        found = dataset(client.get(f"{ADDRESS}/map/trend.nc"))
        annual = dataset(client.get(f"{ADDRESS}/map/annual.nc"))
        years = (product.time.values - np.datetime64("2004-01-01")) / np.timedelta64(1, "D") / 365.2422
        turn = 2 * np.pi * years
        columns = [np.ones_like(years), years, np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)]
        for lat, lon in ((-3.25, -60.25), (64.25, 100.25), (-75.25, -107.25)):
            series = product.twsa.sel(lat=lat, lon=lon).values.astype(float)
            fit = np.linalg.lstsq(np.stack(columns, 1), series, rcond=None)[0]
            assert float(found.trend.sel(lat=lat, lon=lon)) == pytest.approx(fit[1], rel=1e-5, abs=1e-4)
            assert float(annual.annual.sel(lat=lat, lon=lon)) == pytest.approx(np.hypot(*fit[2:4]), rel=1e-5)

    @pytest.mark.parametrize(
        ("rest", "query", "status", "said"),
        [
            ("map/snow.png", {}, 422, "no layer snow"),
            ("map/twsa.png", {"month": "2003-06"}, 422, "no 2003-06 in this release"),
            ("map/twsa.png", {"month": "May 2004"}, 422, "YYYY-MM"),
            ("map/twsa.gif", {}, 422, "kind"),
            ("value", {"layer": "twsa", "lat": 0, "lon": -30}, 422, "is sea"),
        ],
    )
    def test_that_there_is_not_is_refused_in_words(
        self, client: httpx.Client, rest: str, query: dict[str, Any], status: int, said: str
    ) -> None:
        assert said in refused(client.get(f"{ADDRESS}/{rest}", params=query), status)

    def test_value_is_that_of_the_cell(self, get: Get, product: xarray.Dataset) -> None:
        found = get(f"{ADDRESS}/value", layer="twsa", month="2004-05", **PLACE)
        month = product.isel(time=names_of(product).index("2004-05"))
        assert (found["latitude"], found["longitude"], found["unit"]) == (-3.25, -59.75, "mm")
        assert found["value"] == pytest.approx(float(month.twsa.sel(lat=-3.25, lon=-59.75)), abs=5.1e-4)


class TestPoint:
    def test_series_is_that_of_the_file_with_its_gap(self, get: Get, product: xarray.Dataset) -> None:
        found = get(f"{ADDRESS}/point.json", **PLACE)
        cell = product.sel(lat=-3.25, lon=-59.75)
        gap = found["months"].index("2003-06")
        assert found["twsa_mm"][gap] is found["uncertainty_mm"][gap] is found["times"][gap] is None
        assert [month for month in found["months"] if month != "2003-06"] == names_of(product)
        for key, name in (("twsa_mm", "twsa"), ("uncertainty_mm", "twsa_uncertainty")):
            values = [value for value in found[key] if value is not None]
            assert values == pytest.approx(cell[name].values.tolist(), abs=5.1e-4)
        assert found["fallback"].count(True) == int(
            (product.noise_open_ocean > product.noise_open_ocean.threshold).sum()
        )

    def test_table_and_netcdf_say_the_same(self, client: httpx.Client, product: xarray.Dataset) -> None:
        rows = table(client.get(f"{ADDRESS}/point.csv", params=PLACE))
        cell = product.sel(lat=-3.25, lon=-59.75)
        assert [row["twsa_mm"] for row in rows if row["month"] == "2003-06"] == [""]
        assert [float(row["twsa_mm"]) for row in rows if row["twsa_mm"]] == pytest.approx(cell.twsa.values, abs=5.1e-4)
        found = dataset(client.get(f"{ADDRESS}/point.nc", params=PLACE))
        np.testing.assert_array_equal(found.twsa, cell.twsa)
        np.testing.assert_array_equal(found.twsa_uncertainty, cell.twsa_uncertainty)
        # The mid-epoch is told to the second
        assert np.abs(found.time.values - product.time.values).max() <= np.timedelta64(1, "s")
        assert (float(found.lat), float(found.lon)) == (-3.25, -59.75)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ({"lat": "nan", "lon": 0}, "no place on the Earth"),
            ({"lat": 0, "lon": "inf"}, "no place on the Earth"),
            ({"lat": 91, "lon": 0}, "no place on the Earth"),
            ({"lat": "x", "lon": 0}, "lat"),
            ({"lat": 0}, "lon"),
            ({"lat": 0, "lon": -30}, "the nearest is latitude"),
        ],
    )
    def test_that_is_none_is_refused_in_words(self, client: httpx.Client, query: dict[str, Any], said: str) -> None:
        assert said in refused(client.get(f"{ADDRESS}/point.json", params=query), 422)


class TestArea:
    def test_mean_over_a_polygon_is_that_of_its_cells(self, client: httpx.Client, product: xarray.Dataset) -> None:
        answer = client.post(f"{ADDRESS}/area.json", json={"polygon": AMAZON})
        found = answer.json()
        box = product.sel(lat=slice(-10, 0), lon=slice(-70, -55))
        expected = box.twsa.weighted(np.cos(np.deg2rad(box.lat))).mean(("lat", "lon")).values
        values = [value for value in found["twsa_mm"] if value is not None]
        assert values == pytest.approx(expected, abs=0.1)  # sphere here, ellipsoid there
        assert found["cells"] == 600
        assert found["area_km2"] == pytest.approx(6371.0**2 * np.deg2rad(15) * np.sin(np.deg2rad(10)), rel=5e-3)
        sigmas = np.array([value for value in found["uncertainty_mm"] if value is not None])
        single = box.twsa_uncertainty.mean(("lat", "lon")).values
        assert np.all((sigmas > 0.05 * single) & (sigmas < single))
        assert answer.headers["cache-control"] == "no-store"

    def test_polygon_may_be_saved_as_table_and_netcdf(self, client: httpx.Client) -> None:
        body = {"polygon": AMAZON, "name": "My basin"}
        told = client.post(f"{ADDRESS}/area.json", json=body).json()
        rows = table(client.post(f"{ADDRESS}/area.csv", json=body))
        assert [float(row["twsa_mm"]) if row["twsa_mm"] else None for row in rows] == told["twsa_mm"]
        found = dataset(client.post(f"{ADDRESS}/area.nc", json=body))
        assert found.attrs["region"] == told["title"] == "My basin"
        assert found.twsa.values.tolist() == pytest.approx([v for v in told["twsa_mm"] if v is not None], abs=1e-3)

    @pytest.mark.parametrize(
        ("polygon", "said"),
        [
            ([[0.0, 0.0], [1.0, 1.0]], "three corners"),
            ([], "three corners"),
            ([*AMAZON[:3], [float("nan"), 0.0]], "no place on the Earth"),
            ([*AMAZON[:3], [-70.0, 90.1]], "no place on the Earth"),
            ([*AMAZON[:3], [-70.0]], "polygon.3"),
            ([AMAZON], "polygon.0"),
            ([[170.0, 0.0], [-170.0, 0.0], [-170.0, 9.0]], "edge spans 340"),
            ([[-30.0, 0.0], [-20.0, 0.0], [-20.0, 9.0]], "holds no land"),
            ([[0.1 * np.cos(at) + 20, 0.1 * np.sin(at) + 20] for at in np.linspace(0, 6.28, 10_000)], "10000 corners"),
        ],
    )
    def test_that_is_no_region_is_refused_in_words(self, client: httpx.Client, polygon: Any, said: str) -> None:
        body = json.dumps({"polygon": polygon})  # with NaN, as a careless program would send it
        answer = client.post(f"{ADDRESS}/area.json", content=body, headers={"content-type": "application/json"})
        assert said in refused(answer, 422)

    def test_no_basins_are_there_without_a_setting(self, client: httpx.Client, get: Get) -> None:
        assert get("/api/v1/basins") == {"basins": []}
        assert get("/api/v1/basins.geojson")["features"] == []
        assert "GRAVSTREAM_BASINS" in refused(client.get(f"{ADDRESS}/area.json", params={"basin": "nile"}), 404)


def write_basins(path: Path) -> Path:
    ring = [*AMAZON, AMAZON[0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    basin = {"type": "Feature", "properties": {"name": "Río Grande"}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [basin]}))
    return path


def test_named_basins_are_listed_drawn_and_averaged(serve: Serve, tmp_path: Path) -> None:
    with serve(basins=write_basins(tmp_path / "basins.json")).client() as client:
        assert client.get(f"{ADDRESS}/view").json()["basins"] is True
        (basin,) = client.get("/api/v1/basins").json()["basins"]
        assert (basin["name"], basin["title"]) == ("rio-grande", "Río Grande")
        (outline,) = client.get("/api/v1/basins.geojson").json()["features"]
        assert outline["properties"] == {"name": "rio-grande", "title": "Río Grande"}
        assert outline["geometry"]["coordinates"][0] == [*AMAZON, AMAZON[0]]
        named = client.get(f"{ADDRESS}/area.json", params={"basin": "rio-grande"}).json()
        drawn = client.post(f"{ADDRESS}/area.json", json={"polygon": AMAZON}).json()
        for key in ("twsa_mm", "uncertainty_mm", "cells", "area_km2"):
            assert named[key] == drawn[key]
        assert basin["area_km2"] == pytest.approx(named["area_km2"], abs=1.0)
        assert "/api/v1/basins" in refused(client.get(f"{ADDRESS}/area.json", params={"basin": "nile"}), 404)


class TestDifference:
    def test_is_the_rms_over_the_months_of_both(
        self, client: httpx.Client, product: xarray.Dataset, older: xarray.Dataset
    ) -> None:
        found = dataset(client.get(f"/api/v1/releases/{FIRST}/changes/{RELEASE}/difference.nc"))
        common = [name for name in names_of(product) if name in names_of(older)]
        new, old = (
            each.twsa.values[[names_of(each).index(name) for name in common]].astype(float) for each in (product, older)
        )
        expected = np.sqrt(np.mean((new - old) ** 2, axis=0))
        assert np.nanmax(expected) > 0.1  # a month was issued again in between
        np.testing.assert_allclose(found.difference.values, expected, rtol=1e-5, atol=1e-6)

    def test_comes_as_a_picture_with_its_colour_bar(self, client: httpx.Client) -> None:
        answer = client.get(f"/api/v1/releases/{FIRST}/changes/{RELEASE}/difference.png")
        assert Image.open(io.BytesIO(answer.content)).size > (1440, 720)


class TestRelease:
    def test_that_is_unknown_retracted_or_without_maps_shows_nothing(self, client: httpx.Client, get: Get) -> None:
        l2b = next(each["id"] for each in get("/api/v1/releases", product="l2b")["releases"] if each["latest"])
        assert "there is no release" in refused(client.get("/api/v1/releases/twsa-v9-001/view"), 404)
        assert "coefficients, not maps" in refused(client.get(f"/api/v1/releases/{l2b}/view"), 409)
        for rest in ("view", "map/twsa.png", "point.json?lat=0&lon=20", "value?layer=trend&lat=0&lon=20"):
            assert "retracted" in refused(client.get(f"/api/v1/releases/{RETRACTED}/{rest}"), 410)

    def test_is_not_sent_twice_to_one_who_has_it(self, client: httpx.Client) -> None:
        address = f"{ADDRESS}/map/twsa.png"
        first = client.get(address, params={"month": "2004-05"})
        assert first.headers["cache-control"] == "public, max-age=3600"
        again = client.get(address, params={"month": "2004-05"}, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        others = [
            client.get(address, params={"month": "2004-07"}),
            client.get(f"{ADDRESS}/map/uncertainty.png", params={"month": "2004-05"}),
            client.get(f"/api/v1/releases/{FIRST}/map/twsa.png", params={"month": "2004-05"}),
        ]
        assert len({each.headers["etag"] for each in (first, *others)}) == 4
        assert client.get(
            address, params={"month": "2004-07"}, headers={"If-None-Match": first.headers["etag"]}
        ).content

    def test_is_read_by_many_at_once(self, console: Console, product: xarray.Dataset) -> None:
        """The library under NetCDF is not made for threads; a crash would end the whole process."""
        places = [(-3.25, -65.25), (10.25, 20.25), (60.25, 30.25), (-3.25, 30.25)] * 2

        def ask(place: tuple[float, float]) -> list[float]:
            assert client.get(f"{ADDRESS}/map/twsa.png", params={"month": "2004-05"}).status_code == 200
            found = client.get(f"{ADDRESS}/point.json", params={"lat": place[0], "lon": place[1]}).json()
            return [value for value in found["twsa_mm"] if value is not None]

        with console.client() as client, ThreadPoolExecutor(6) as pool:
            for place, found in zip(places, pool.map(ask, places), strict=True):
                expected = product.twsa.sel(lat=place[0], lon=place[1]).values.tolist()
                assert found == pytest.approx(expected, abs=5.1e-4)


def test_a_closed_console_shows_values_only_with_a_token(serve: Serve) -> None:
    console = serve(reading="closed")
    with console.client() as client:
        assert client.get(f"{ADDRESS}/point.json", params=PLACE).status_code == 401
        assert client.post(f"{ADDRESS}/area.json", json={"polygon": AMAZON}).status_code == 401
    with console.client("operator") as client:
        answer = client.get(f"{ADDRESS}/point.json", params=PLACE)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, max-age=3600"
