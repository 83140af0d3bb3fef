"""Level-3 as it is read back: what is known of the months at once, the maps one by one or slab by slab."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from shared.errors import GranuleRejected
from shared.formats.error_correlation import covariance_in
from shared.formats.level3_attributes import FILTER_SOURCE_FLAGS, TIME_ORIGIN, TIME_UNITS
from shared.geodesy.covariance import ErrorCovariance
from shared.models.coefficients import FilterSource, Vector
from shared.models.epoch import Month
from shared.models.provenance import Source

MAPS = ("twsa", "twsa_uncertainty")
SERIES = ("time", "time_bnds", "flag_filter", "noise_open_ocean", "filter_source", "nominal_month")
SOURCES = ("source_role", "source_name", "source_sha256", "source_citation")
REQUIRED = (*MAPS, *SERIES, *SOURCES, "lat", "lon", "lat_bnds", "lon_bnds", "land_mask", "crs")

_ADVICE = "Make the product again, or fetch it again"


# Slabs are whole chunks, so a cache of chunks [bytes] gains nothing; the library's own would be 64 MB a variable.
_CACHE = 2**20

# The library under NetCDF serves one thread at a time: whoever opens a file holds this meanwhile.
ONE_AT_A_TIME = RLock()

_ALL = slice(None)


@dataclass(frozen=True)
class Level3:
    """A Level-3 file without its maps, which are read when they are asked for; heights in mm.

    mid: [time] MJD and bounds: [time, 2] MJD of the data; latitudes, longitudes: degrees; land: [lat, lon];
    noise: [time] and threshold of the noise over open ocean, mm; strength: [time] VDK of the residual;
    covariance: how the errors of two cells correlate, None in a file made before that was told.
    """

    path: Path
    months: tuple[Month, ...]
    mid: Vector
    bounds: Vector
    latitudes: Vector
    longitudes: Vector
    land: NDArray[np.bool_]
    noise: Vector
    threshold: float
    strength: NDArray[np.int8]
    filter_sources: tuple[FilterSource, ...]
    sources: tuple[Source, ...]
    attributes: Mapping[str, str]
    covariance: ErrorCovariance | None

    @property
    def fallback(self) -> tuple[Month, ...]:
        """The months whose noise exceeds the threshold."""
        return tuple(month for month, noise in zip(self.months, self.noise, strict=True) if noise > self.threshold)

    def map(self, name: str, index: int) -> NDArray[np.float32]:
        """One month [lat, lon] of `twsa` or `twsa_uncertainty`, mm, NaN where there is no value."""
        position = range(len(self.months))[index]
        return self.block(name, slice(position, position + 1))[0]

    def block(self, name: str, months: slice = _ALL, rows: slice = _ALL, columns: slice = _ALL) -> NDArray[np.float32]:
        """Some months of some rows and columns [months, rows, columns], mm, NaN where there is no value."""
        with _opened(self.path) as file:
            variable = file[name]
            variable.set_var_chunk_cache(_CACHE)
            return _filled(variable, (months, rows, columns))

    def slabs(self, name: str) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """All months, a few [months, lat, lon] at a time, mm, NaN where there is no value."""
        with _opened(self.path) as file:
            variable = file[name]
            variable.set_var_chunk_cache(_CACHE)
            chunks = variable.chunking()
            step = 1 if chunks == "contiguous" else int(chunks[0])
            for start in range(0, len(self.months), step):
                months = slice(start, min(start + step, len(self.months)))
                yield months, _filled(variable, months)


def contents_of(path: Path) -> tuple[Mapping[str, str], frozenset[str]]:
    """Global attributes and names of the variables of any NetCDF file; GranuleRejected if it is none."""
    try:
        with _opened(path) as file:
            return _words(file), frozenset(file.variables)
    except (RuntimeError, OSError, AttributeError) as error:
        raise GranuleRejected(f"a damaged NetCDF file ({error})", advice=_ADVICE, file=path) from error


def read_level3(path: Path) -> Level3:
    """Read what a Level-3 file says about its months; heights stay in mm.

    Raises
    ------
    GranuleRejected : if it is no NetCDF file, lacks a variable, or a column makes no sense
    """
    with _opened(path) as file:
        missing = [name for name in REQUIRED if name not in file.variables]
        if missing:
            raise GranuleRejected(f"no Level-3 product: it lacks {', '.join(missing)}", advice=_ADVICE, file=path)
        try:
            return _level3(path, file)
        except (ValueError, KeyError, AttributeError, RuntimeError, OSError) as error:
            raise GranuleRejected(f"a damaged Level-3 product ({error})", advice=_ADVICE, file=path) from error


def _level3(path: Path, file: netCDF4.Dataset) -> Level3:
    if file["time"].units != TIME_UNITS:
        raise ValueError(f"time in {file['time'].units} instead of {TIME_UNITS}")
    kinds = {flag: kind for kind, flag in FILTER_SOURCE_FLAGS.items()}
    return Level3(
        path=path,
        months=tuple(Month(*divmod(int(number), 100)) for number in file["nominal_month"][:]),
        mid=np.asarray(file["time"][:]) + TIME_ORIGIN,
        bounds=np.asarray(file["time_bnds"][:]) + TIME_ORIGIN,
        latitudes=np.asarray(file["lat"][:]),
        longitudes=np.asarray(file["lon"][:]),
        land=np.asarray(file["land_mask"][:]) != 0,
        noise=np.asarray(file["noise_open_ocean"][:]),
        threshold=float(file["noise_open_ocean"].threshold),
        strength=np.asarray(file["flag_filter"][:]),
        filter_sources=tuple(kinds[int(flag)] for flag in file["filter_source"][:]),
        sources=tuple(Source(*map(str, texts)) for texts in zip(*(file[name][:] for name in SOURCES), strict=True)),
        attributes=_words(file),
        covariance=covariance_in(file),
    )


def _words(file: netCDF4.Dataset) -> dict[str, str]:
    return {name: str(file.getncattr(name)) for name in file.ncattrs()}


@contextmanager
def _opened(path: Path) -> Iterator[netCDF4.Dataset]:
    with ONE_AT_A_TIME:
        try:
            file = netCDF4.Dataset(path)
        except OSError as error:
            raise GranuleRejected(
                f"no readable NetCDF file ({error.strerror or error})", advice=_ADVICE, file=path
            ) from error
        with file:
            yield file


def _filled(variable: netCDF4.Variable[Any], part: slice | tuple[slice, ...]) -> NDArray[np.float32]:
    """Values of a part, NaN instead of the fill value; GranuleRejected if they cannot be unpacked."""
    variable.set_auto_maskandscale(False)
    try:
        values = np.asarray(variable[part], np.float32)
    except (RuntimeError, OSError) as error:
        path = variable.group().filepath()
        raise GranuleRejected(f"damaged values of {variable.name} ({error})", advice=_ADVICE, file=path) from error
    fill = getattr(variable, "_FillValue", None)
    if fill is not None:
        values[values == fill] = np.nan
    return values
