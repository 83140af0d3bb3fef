"""Which cells hold land, from a NetCDF file of any orientation; its grid must be the product's.

Made for the mask of G3P (Sharifi et al. 2025, doi 10.5880/g3p.2025.001), and tolerant: the variable is
found by its shape, latitudes may run either way, longitudes from 0 or from -180 degrees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from shared.errors import GranuleRejected
from shared.formats.files import sha256_of
from shared.models.auxiliaries import LandMask
from shared.models.grid import Grid
from shared.models.provenance import Source

ROLE = "land-mask"

_NETCDF_ADVICE = "Give a NetCDF file with one variable on latitude and longitude"
_LATITUDE, _LONGITUDE = ("lat", "latitude", "y"), ("lon", "longitude", "x")
_NOT_LAND = re.compile(r"ocean|sea(?!son)|water|no_?data|fill", re.IGNORECASE)
# Words of land that hold one of water
_LAND = re.compile(r"land|lake|inland|island|grounded|ice", re.IGNORECASE)


def read_land_mask(
    path: Path, grid: Grid, *, variable: str | None = None, citation: str = "", role: str = ROLE
) -> LandMask:
    """Read a mask as land [lat, lon], rows from south to north, columns from 180 W.

    Parameters
    ----------
    path : NetCDF file; a cell is land where it is not zero, or where `flag_meanings` calls it land
    grid : the cells that are needed
    variable : its name, where the file has several on latitude and longitude
    citation, role : for the provenance

    Raises
    ------
    GranuleRejected : if the file is no NetCDF, has no such variable or several, lies on another grid, has
        cells without a value, or is no map of the Earth
    """
    try:
        with netCDF4.Dataset(path) as file:
            land = _land(file, path, grid, variable)
    except (OSError, RuntimeError) as error:
        raise GranuleRejected(f"no readable NetCDF file ({error})", advice=_NETCDF_ADVICE, file=path) from error
    try:
        return LandMask(path.name, land, Source(role, path.name, sha256_of(path), citation))
    except ValueError as error:
        raise GranuleRejected(str(error), advice="Check which values of the mask mean land", file=path) from error


def _land(file: netCDF4.Dataset, path: Path, grid: Grid, name: str | None) -> NDArray[np.bool_]:
    latitude, longitude = (_axis(file, path, names) for names in (_LATITUDE, _LONGITUDE))
    found = _variable(file, path, (latitude.dimensions[0], longitude.dimensions[0]), name)
    rows = _places(np.ma.filled(latitude[:].astype(float), np.nan), grid.latitudes)
    columns = _places(_west_to_east(np.ma.filled(longitude[:].astype(float), np.nan)), grid.longitudes)
    if rows is None or columns is None:
        raise GranuleRejected(
            f"a grid of {_described(latitude)} by {_described(longitude)}",
            advice=f"Needed are the centres of {grid.shape[0]} x {grid.shape[1]} cells of {grid.step:g} degrees; "
            "resample the mask (a cell is land if it contains any)",
            file=path,
        )
    values = _values(found, path, (latitude.dimensions[0], longitude.dimensions[0]))
    land: NDArray[np.bool_] = _is_land(found, values)[np.ix_(rows, columns)]
    return land


def _axis(file: netCDF4.Dataset, path: Path, names: Sequence[str]) -> netCDF4.Variable[Any]:
    """The one-dimensional variable that is latitude or longitude, by standard name, then by name."""
    candidates = [variable for variable in file.variables.values() if variable.ndim == 1]
    for variable in candidates:
        if getattr(variable, "standard_name", "") == names[1]:
            return variable
    for variable in candidates:
        if variable.name.lower() in names:
            return variable
    raise GranuleRejected(f"no variable {names[1]} with one dimension", advice=_NETCDF_ADVICE, file=path)


def _variable(file: netCDF4.Dataset, path: Path, axes: tuple[str, str], name: str | None) -> netCDF4.Variable[Any]:
    """The mask itself: the only variable on both axes, or the one of this name."""
    on_axes = [
        variable
        for variable in file.variables.values()
        if set(axes) <= set(variable.dimensions) and np.prod(variable.shape) == _cells(file, axes)
    ]
    if name is not None:
        on_axes = [variable for variable in on_axes if variable.name == name]
    elif len(on_axes) > 1:
        named = [v for v in on_axes if "mask" in f"{v.name} {getattr(v, 'standard_name', '')}".lower()]
        on_axes = named if len(named) == 1 else on_axes
    if len(on_axes) == 1:
        return on_axes[0]
    listed = ", ".join(variable.name for variable in on_axes)
    found = f"several variables that could be the mask: {listed}" if listed else "no variable on latitude and longitude"
    found += f" of the name {name}" if name is not None else ""
    advice = "Name the one that is the mask" if listed else _NETCDF_ADVICE
    raise GranuleRejected(found, advice=advice, file=path)


def _cells(file: netCDF4.Dataset, axes: tuple[str, str]) -> int:
    return len(file.dimensions[axes[0]]) * len(file.dimensions[axes[1]])


def _west_to_east(longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes between -180 and 180 degrees."""
    return (longitudes + 180.0) % 360.0 - 180.0


def _places(found: NDArray[np.float64], needed: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Where in the file each needed centre stands, or None if the centres are others."""
    order = np.argsort(found)
    # A hundredth of a degree: coordinates in single precision or rounded to two decimals still fit.
    fits = found.size == needed.size and bool(np.all(np.abs(found[order] - needed) < 0.01))
    return order if fits else None


def _described(axis: netCDF4.Variable[Any]) -> str:
    values = axis[:]
    return f"{axis.size} {axis.name} from {float(values[0]):g} to {float(values[-1]):g}"


def _values(variable: netCDF4.Variable[Any], path: Path, axes: tuple[str, str]) -> NDArray[np.float64]:
    """The mask as [lat, lon] in the file's own order; every cell must have a value."""
    kept = [dimension for dimension in variable.dimensions if dimension in axes]
    data: np.ma.MaskedArray[Any, Any] = np.ma.masked_invalid(np.ma.asarray(variable[...], dtype=float).squeeze())
    missing = int(np.sum(np.ma.getmaskarray(data)))
    if missing:
        raise GranuleRejected(
            f"{missing} cells of {variable.name} without a value", advice="Every cell must be land or not", file=path
        )
    values = np.asarray(data, np.float64)
    return values if kept == list(axes) else values.T


def _is_land(variable: netCDF4.Variable[Any], values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Land where `flag_meanings` says so, else where the value is not zero."""
    meanings = str(getattr(variable, "flag_meanings", "")).replace(",", " ").split()
    flags = np.atleast_1d(getattr(variable, "flag_values", []))
    if not meanings or len(meanings) != flags.size:
        return values != 0.0
    land = [flag for flag, meaning in zip(flags, meanings, strict=True) if _means_land(meaning)]
    return np.isin(values, np.asarray(land, float))


def _means_land(meaning: str) -> bool:
    return bool(_LAND.search(meaning)) or not _NOT_LAND.search(meaning)
