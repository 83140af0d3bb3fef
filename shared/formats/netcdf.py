"""Level-3 as NetCDF-4 after CF-1.11 and ACDD-1.3: written whole, in slabs, the same bytes for the same input.

Inside heights are metres and time is a modified Julian date; in the file they are millimetres and days
since 2002-01-01. HDF5 would note when an object was made; the NetCDF library switches that off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from shared.formats.error_correlation import VARIABLE, correlation_attributes
from shared.formats.files import appearing
from shared.formats.level3_attributes import (
    FILTER_SOURCE_FLAGS,
    SOURCE_ATTRIBUTES,
    TIME_ORIGIN,
    Attributes,
    coordinate_attributes,
    global_attributes,
    map_attributes,
    series_attributes,
)
from shared.formats.level3_reader import Level3, read_level3
from shared.models.grid import Grid, GridSeries
from shared.models.product import Level3Metadata

__all__ = ["CHUNK", "Level3", "read_level3", "write_level3"]

# Months, rows and columns of a chunk. A map of 0.5 degree touches 100 chunks, the series of a point over
# 214 months 14 of them: both open in a few hundredths of a second.
CHUNK = (16, 36, 72)
# Level 2 saves another hundredth of the size and takes longer.
_COMPRESSION = {"compression": "zlib", "complevel": 1, "shuffle": True}
# Slabs are whole chunks, so a cache of chunks [bytes] gains nothing; the library's own would be 64 MB a variable.
_CACHE = 2**20
_FILL = np.float32(netCDF4.default_fillvals["f4"])
_MM = 1000.0  # mm in a metre


def write_level3(path: Path, maps: GridSeries, about: Level3Metadata) -> None:
    """Write the product; the file appears whole or, on any error, not at all.

    Parameters
    ----------
    path : of the new file; an older one of this name is replaced
    maps : water storage anomaly [time, lat, lon] in m, with its uncertainty and land mask
    about : what the file says about itself

    Raises
    ------
    ValueError : if uncertainty, correlation or mask are missing, or a value on land is not finite
    """
    if maps.sigma is None or maps.scale is None or maps.covariance is None or maps.land is None:
        raise ValueError("maps without uncertainty, its correlation or land mask are no product yet")
    with appearing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        file.setncatts(global_attributes(maps, about))
        _write_coordinates(file, maps)
        _write_series(file, maps)
        _write_sources(file, maps)
        _variable(file, VARIABLE, "i4", (), correlation_attributes(maps.covariance))[...] = 0
        _variable(file, "land_mask", "i1", ("lat", "lon"), map_attributes()["land_mask"])[:] = maps.land
        for name, slabs in (("twsa", _heights(maps)), ("twsa_uncertainty", _uncertainties(maps))):
            _write_maps(file, name, maps, slabs)


def _variable(
    file: netCDF4.Dataset,
    name: str,
    kind: Any,
    dimensions: tuple[str, ...],
    attributes: Attributes,
    **storage: Any,
) -> netCDF4.Variable[Any]:
    """A new variable; what is always complete gets no fill value."""
    variable: netCDF4.Variable[Any] = file.createVariable(name, kind, dimensions, **({"fill_value": False} | storage))
    variable.setncatts(attributes)
    return variable


def _write_coordinates(file: netCDF4.Dataset, maps: GridSeries) -> None:
    grid, words = maps.grid, coordinate_attributes(maps.grid)
    for name, length in (("time", len(maps.months)), ("lat", grid.shape[0]), ("lon", grid.shape[1]), ("bnds", 2)):
        file.createDimension(name, length)
    bounds = np.array([(span.begin, span.end) for span in maps.spans]) - TIME_ORIGIN
    columns: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {
        "time": (maps.mid - TIME_ORIGIN, bounds),
        "lat": (grid.latitudes, _edges(grid.latitudes, grid)),
        "lon": (grid.longitudes, _edges(grid.longitudes, grid)),
    }
    for name, (centres, edges) in columns.items():
        _variable(file, name, "f8", (name,), words[name])[:] = centres
        _variable(file, f"{name}_bnds", "f8", (name, "bnds"), {})[:] = edges
    _variable(file, "crs", "i4", (), words["crs"])[...] = 0


def _edges(centres: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Lower and upper edge [cells, 2] of the cells of a row or column, degrees."""
    return np.stack([centres - grid.step / 2, centres + grid.step / 2], axis=1)


def _write_series(file: netCDF4.Dataset, maps: GridSeries) -> None:
    """What is known of each month: filter, noise, source of the normals, nominal month."""
    words = series_attributes(maps.strength.tolist(), maps.threshold * _MM)
    columns: dict[str, tuple[str, Any]] = {
        "flag_filter": ("i1", maps.strength),
        "noise_open_ocean": ("f8", maps.noise * _MM),
        "filter_source": ("i1", [FILTER_SOURCE_FLAGS[source] for source in maps.filter_sources]),
        "nominal_month": ("i4", [100 * month.year + month.month for month in maps.months]),
    }
    for name, (kind, values) in columns.items():
        _variable(file, name, kind, ("time",), words[name])[:] = values


def _write_sources(file: netCDF4.Dataset, maps: GridSeries) -> None:
    """Every file that went in, as text over a dimension of their own: they are not one for each month."""
    file.createDimension("source", len(maps.sources))
    for name, words in SOURCE_ATTRIBUTES.items():
        texts = [getattr(source, name.removeprefix("source_")) for source in maps.sources]
        _variable(file, name, str, ("source",), words)[:] = np.array(texts, dtype=object)


Slabs = Iterator[tuple[slice, NDArray[np.float32]]]


def _write_maps(file: netCDF4.Dataset, name: str, maps: GridSeries, slabs: Slabs) -> None:
    chunk = tuple(min(pair) for pair in zip(CHUNK, maps.twsa.shape, strict=True))
    storage = _COMPRESSION | {"chunksizes": chunk, "fill_value": _FILL, "chunk_cache": _CACHE}
    variable = _variable(file, name, "f4", ("time", "lat", "lon"), map_attributes()[name], **storage)
    variable.set_auto_maskandscale(False)
    for months, values in slabs:
        variable[months] = values


def _heights(maps: GridSeries) -> Slabs:
    """Water heights [months, lat, lon] in mm, a slab of whole chunks at a time."""
    land = np.asarray(maps.land)
    for months, slab in _empty_slabs(maps):
        np.multiply(maps.twsa[months], np.float32(_MM), out=slab, casting="same_kind")
        if not np.all(np.isfinite(slab).all(axis=0), where=land):
            raise ValueError(f"a value on land is not finite, in {maps.months[months][0]} or the months after it")
        np.copyto(slab, _FILL, where=~land)
        yield months, slab


def _uncertainties(maps: GridSeries) -> Slabs:
    """Standard deviations [months, lat, lon] in mm, a slab of whole chunks at a time."""
    ocean = ~np.asarray(maps.land)
    of_rows = np.outer(np.asarray(maps.sigma), np.asarray(maps.scale)) * _MM
    if not np.all(np.isfinite(of_rows) & (of_rows > 0.0)):
        raise ValueError("an uncertainty is not a positive number")
    for months, slab in _empty_slabs(maps):
        slab[...] = of_rows[months, :, None]
        np.copyto(slab, _FILL, where=ocean)
        yield months, slab


def _empty_slabs(maps: GridSeries) -> Slabs:
    """One array, used again for each slab: memory does not grow with the months."""
    slab = np.empty((min(CHUNK[0], len(maps.months)), *maps.grid.shape), np.float32)
    for start in range(0, len(maps.months), CHUNK[0]):
        months = slice(start, min(start + CHUNK[0], len(maps.months)))
        yield months, slab[: months.stop - start]
