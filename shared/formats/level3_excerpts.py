"""Parts of a Level-3 product as small NetCDF files of their own, after CF-1.11: a map, or a series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from shared.formats.level3_attributes import TIME_ORIGIN, coordinate_attributes, map_attributes
from shared.formats.level3_reader import ONE_AT_A_TIME
from shared.models.coefficients import Vector
from shared.models.epoch import Month, Span
from shared.models.grid import Grid

_FILL = np.float32(netCDF4.default_fillvals["f4"])

# What an excerpt says as the file it is from
_KEPT = (
    "summary", "institution", "creator_name", "creator_email", "creator_url", "license", "references",
    "acknowledgement", "product", "product_version", "code_version", "reference_period",
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A series at a place.

    mid: mid-epochs [time] MJD; columns: [time] in mm by the names that a product has; place: latitude and longitude
    (lat, lon) of a point, which become coordinates, or whatever tells a region, as attributes.
    """

    months: tuple[Month, ...]
    mid: Vector
    columns: Mapping[str, Vector]
    fallback: NDArray[np.bool_]
    place: Mapping[str, float | int | str]


def global_words(attributes: Mapping[str, str], title: str, release: str) -> dict[str, str]:
    """What an excerpt says about itself; attributes: of the file of its release."""
    words = {"Conventions": "CF-1.11", "title": title, "release": release}
    words["source"] = f"{release}, file {attributes.get('id', 'without name')}"
    return words | {name: attributes[name] for name in _KEPT if name in attributes}


def map_netcdf(
    name: str, values: NDArray[np.floating], span: Span, words: Mapping[str, str], *, attributes: Mapping[str, object]
) -> bytes:
    """A map [lat, lon] of the grid of products as a NetCDF file.

    Parameters
    ----------
    name : of the variable; one that a product has takes the product's attributes
    values : rows from south to north, NaN where there is no value
    span : from when to when the data reach
    words : global attributes
    attributes : of the variable, such as its unit
    """

    def write(file: netCDF4.Dataset) -> None:
        grid = Grid(180.0 / values.shape[0])
        coordinates = coordinate_attributes(grid)
        file.createDimension("bnds", 2)
        for axis, centres in (("lat", grid.latitudes), ("lon", grid.longitudes)):
            file.createDimension(axis, centres.size)
            _add(file, axis, "f8", (axis,), coordinates[axis], centres)
            edges = np.stack([centres - grid.step / 2, centres + grid.step / 2], axis=1)
            _add(file, f"{axis}_bnds", "f8", (axis, "bnds"), {}, edges)
        _add(file, "time", "f8", (), coordinates["time"], span.mid - TIME_ORIGIN)
        _add(file, "time_bnds", "f8", ("bnds",), {}, np.array([span.begin, span.end]) - TIME_ORIGIN)
        _add(file, "crs", "i4", (), coordinates["crs"], 0)
        own = {k: v for k, v in map_attributes().get(name, {}).items() if k != "ancillary_variables"}
        own |= {**attributes, "coordinates": "time", "grid_mapping": "crs"}
        _add(file, name, "f4", ("lat", "lon"), own, np.where(np.isnan(values), _FILL, values), fill=_FILL)

    return _written(write, words)


def series_netcdf(series: Series, words: Mapping[str, str]) -> bytes:
    """The series of a point or a region as a NetCDF file; months without data are left out."""

    def write(file: netCDF4.Dataset) -> None:
        coordinates = coordinate_attributes(Grid())
        place = {name: series.place[name] for name in ("lat", "lon") if name in series.place}
        file.setncatts({name: value for name, value in series.place.items() if name not in place})
        file.createDimension("time", len(series.months))
        words_of_time = {name: value for name, value in coordinates["time"].items() if name != "bounds"}
        _add(file, "time", "f8", ("time",), words_of_time, series.mid - TIME_ORIGIN)
        for name, value in place.items():
            own = {key: word for key, word in coordinates[name].items() if key not in ("bounds", "axis")}
            _add(file, name, "f8", (), own, value)
        for name, column in series.columns.items():
            own = {key: map_attributes()[name][key] for key in ("long_name", "units")}
            own |= {"coordinates": " ".join(place)} if place else {}
            _add(file, name, "f4", ("time",), own, np.where(np.isnan(column), _FILL, column), fill=_FILL)
        numbers = [100 * month.year + month.month for month in series.months]
        nominal = {"long_name": "nominal month as year times 100 plus month", "units": "1"}
        _add(file, "nominal_month", "i4", ("time",), nominal, numbers)
        flags = {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "usual_filter stronger_filter"}
        about = {"standard_name": "status_flag", "long_name": "filter of the residual signal"}
        _add(file, "fallback", "i1", ("time",), about | flags, series.fallback)

    return _written(write, words)


def _add(
    file: netCDF4.Dataset,
    name: str,
    kind: str,
    dimensions: tuple[str, ...],
    attributes: Mapping[str, object],
    values: object,
    fill: np.float32 | bool = False,
) -> None:
    packed: dict[str, Any] = {"compression": "zlib", "complevel": 1, "shuffle": True} if len(dimensions) > 1 else {}
    variable = file.createVariable(name, kind, dimensions, fill_value=fill, **packed)
    variable.setncatts(attributes)
    variable.set_auto_maskandscale(False)
    variable[...] = np.asarray(values)


def _written(write: Callable[[netCDF4.Dataset], None], words: Mapping[str, str]) -> bytes:
    """The bytes of a file that lives in memory only."""
    with ONE_AT_A_TIME:
        file = netCDF4.Dataset("excerpt.nc", "w", format="NETCDF4", memory=2**16)
        file.setncatts(words)
        write(file)
        return bytes(file.close())
