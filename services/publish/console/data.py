"""Values of releases, their pictures and files: what readers of the product ask for."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from services.publish.console.basins import NamedRegions
from services.publish.console.context import Context
from services.publish.console.data_answers import (
    AreaView,
    Basins,
    PointView,
    Polygon,
    Value,
    View,
    area_view,
    point_view,
    value_of,
    view_of,
)
from services.publish.console.errors import Refusal
from services.publish.console.opening import CSV, NETCDF, PNG, Maps, Opener, as_asked, month_of
from services.publish.console.parameters import ReleaseId
from services.publish.downloads import map_csv, map_netcdf, series_csv, series_netcdf
from services.publish.layers import LayerMap, layer_map, layer_of, rms_difference
from services.publish.pictures import plain_png, titled_png
from services.publish.series import AreaSeries, PointSeries, area_series, cell_of, point_series
from shared.errors import RequestRefused
from shared.formats.level3_reader import read_level3
from shared.formats.regions import name_of
from shared.models.region import Region

MapKind = Literal["png", "csv", "nc"]
SeriesKind = Literal["json", "csv", "nc"]
Name = Annotated[str, Query(max_length=100)]
MonthQuery = Annotated[str | None, Query(description="YYYY-MM; the last month if none is given.", max_length=10)]
Latitude = Annotated[float, Query(description="Degrees, -90 to 90.")]
Longitude = Annotated[float, Query(description="Degrees, -180 to 180.")]
Titled = Annotated[bool, Query(description="With title, coast and colour bar, instead of the bare map.")]

_NOT_AGAIN: dict[int | str, dict[str, Any]] = {304: {"description": "The reader has it."}}
_OF_MAPS: dict[int | str, dict[str, Any]] = {200: {"content": {PNG: {}, CSV: {}, NETCDF: {}}}, **_NOT_AGAIN}
_OF_SERIES: dict[int | str, dict[str, Any]] = {200: {"content": {CSV: {}, NETCDF: {}}}, **_NOT_AGAIN}


def data_routes(context: Context) -> APIRouter:
    """The routes of values and pictures."""
    routes = APIRouter(prefix="/api/v1", tags=["values"])
    opener, basins = Opener(context), NamedRegions(context.settings.basins)
    _add_maps(routes, opener, basins)
    _add_differences(routes, opener)
    _add_points(routes, opener)
    _add_areas(routes, opener, basins)
    _add_basins(routes, basins)
    return routes


def _add_maps(routes: APIRouter, opener: Opener, basins: NamedRegions) -> None:
    @routes.get("/releases/{id}/view", response_model=View, responses=_NOT_AGAIN)
    def view(id: ReleaseId, request: Request) -> Response:
        """Months and layers that a release can show."""
        maps = opener.maps(id)
        return opener.answer(
            request, (maps,), "json", "", lambda: view_of(id, maps.product, read_level3(maps.path).months, bool(basins))
        )

    @routes.get("/releases/{id}/map/{layer}.{kind}", response_class=Response, responses=_OF_MAPS)
    def one_map(
        id: ReleaseId, layer: str, kind: MapKind, request: Request, month: MonthQuery = None, titled: Titled = False
    ) -> Response:
        """A map as a bare picture (EPSG:4326), as a picture for a report, as CSV of its cells, or as NetCDF."""
        maps, at = opener.maps(id), month_of(month)

        def made() -> bytes | str:
            return _as_file(layer_map(maps.path, layer_of(layer), at), kind, maps, titled=titled)

        return opener.answer(request, (maps,), kind, f"{id}_{name_of(layer)}{f'_{at}' if at else ''}", made)


def _add_differences(routes: APIRouter, opener: Opener) -> None:
    @routes.get("/releases/{a}/changes/{b}/difference.{kind}", response_class=Response, responses=_OF_MAPS)
    def difference(a: ReleaseId, b: ReleaseId, kind: MapKind, request: Request, titled: Titled = True) -> Response:
        """The rms of the differences of two releases over the months of both."""
        before, after = opener.maps(a), opener.maps(b)
        if before.product != after.product:
            raise Refusal(400, f"{a} and {b} are of two products", "Name two releases of one product.")

        def made() -> bytes | str:
            return _as_file(_difference(after.path, before.path), kind, after, titled=titled, against=before)

        return opener.answer(request, (before, after), kind, f"{b}_against_{a}", made)


@lru_cache(maxsize=4)
def _difference(after: Path, before: Path) -> LayerMap:
    return rms_difference(after, before)


def _as_file(shown: LayerMap, kind: str, maps: Maps, *, titled: bool, against: Maps | None = None) -> bytes | str:
    """A map in a form to take away; maps: the release that it is of, against: the one it is compared with."""
    if kind == "csv":
        return map_csv(shown)
    if kind == "png" and not titled:
        return plain_png(shown)
    release = maps.release if against is None else f"{maps.release} against {against.release}"
    words = read_level3(maps.path).attributes
    if kind == "nc":
        return map_netcdf(shown, words, release)
    reference = words.get("reference_period", "").replace("..", " to ")
    subtitle = f"{release}, relative to the mean of {reference}" if against is None else release
    return titled_png(shown, subtitle, f"{words.get('title', '')}. {words.get('institution', '')}")


def _add_points(routes: APIRouter, opener: Opener) -> None:
    @routes.get("/releases/{id}/value")
    def value(id: ReleaseId, layer: Name, lat: Latitude, lon: Longitude, month: MonthQuery = None) -> Value:
        """The value of the cell of a map that a place lies in."""
        maps, at = opener.maps(id), month_of(month)
        with as_asked():
            cell = cell_of(read_level3(maps.path), lat, lon)
            return value_of(id, layer_map(maps.path, layer_of(layer), at), *cell)

    @routes.get("/releases/{id}/point.{kind}", response_model=PointView, responses=_OF_SERIES)
    def point(id: ReleaseId, kind: SeriesKind, request: Request, lat: Latitude, lon: Longitude) -> Response:
        """The series of the cell that a place lies in, with its uncertainty."""
        maps = opener.maps(id)

        def made() -> bytes | str | PointView:
            series = point_series(maps.path, lat, lon)
            return point_view(id, series) if kind == "json" else _as_table(series, kind, maps)

        return opener.answer(request, (maps,), kind, f"{id}_{lat:g}_{lon:g}", made)


def _as_table(series: PointSeries | AreaSeries, kind: str, maps: Maps) -> bytes | str:
    """A series in a form to take away."""
    if kind == "csv":
        return series_csv(series)
    return series_netcdf(series, read_level3(maps.path).attributes, maps.release)


def _add_areas(routes: APIRouter, opener: Opener, basins: NamedRegions) -> None:
    def answered(request: Request, id: str, kind: str, region: Region) -> Response:
        maps = opener.maps(id)

        def made() -> bytes | str | AreaView:
            series = area_series(maps.path, region)
            return area_view(id, series) if kind == "json" else _as_table(series, kind, maps)

        return opener.answer(request, (maps,), kind, f"{id}_{region.name}", made)

    @routes.get("/releases/{id}/area.{kind}", response_model=AreaView, responses=_OF_SERIES)
    def basin_mean(id: ReleaseId, kind: SeriesKind, request: Request, basin: Name) -> Response:
        """The mean over a named region, with its uncertainty."""
        return answered(request, id, kind, basins.named(basin))

    @routes.post("/releases/{id}/area.{kind}", response_model=AreaView, responses=_OF_SERIES)
    def polygon_mean(id: ReleaseId, kind: SeriesKind, request: Request, body: Polygon) -> Response:
        """The mean over a polygon, with its uncertainty; cells count whose centre lies inside."""
        with as_asked():
            region = _region(body)
        answer = answered(request, id, kind, region)
        # What is asked for stands in the body, so nobody may keep the answer under its address.
        del answer.headers["ETag"]
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _region(body: Polygon) -> Region:
    try:
        return Region(name_of(body.name) or "polygon", body.name, (tuple(body.polygon),))
    except ValueError as error:
        raise RequestRefused(str(error), advice="Give the corners in order, [[longitude, latitude], ...].") from error


def _add_basins(routes: APIRouter, basins: NamedRegions) -> None:
    @routes.get("/basins")
    def named() -> Basins:
        """The named regions, such as river basins."""
        return Basins(basins=basins.views)

    @routes.get("/basins.geojson")
    def outlines() -> dict[str, Any]:
        """The named regions as GeoJSON."""
        return dict(basins.outlines)
