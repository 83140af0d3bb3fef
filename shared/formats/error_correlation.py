"""How errors correlate, as attributes of a NetCDF variable and as a small JSON file of the same names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from shared.errors import GranuleRejected
from shared.geodesy.covariance import FORM, ErrorCovariance

# The variable without a value that carries the attributes, as `crs` does those of the projection
VARIABLE = "error_correlation"

_ADVICE = "Take a Level-3 product, or a JSON file with form, east_length, north_length, share and distance"


def correlation_attributes(covariance: ErrorCovariance) -> dict[str, object]:
    """The parameters with their units and meaning, as CF attributes."""
    return {
        "long_name": "correlation of the errors of twsa in two cells of the same month",
        "form": FORM,
        "formula": "(1 - share) J0(sqrt((x1 - x2)^2 + (y1 - y2)^2)) exp(-((lat1 - lat2) R / north_length)^2 / 2) + "
        "share exp(-chord / distance); x + i y = R cos(lat) exp(i lon) / (sum_k east_length[k] P_2k(sin(lat))); "
        "chord: straight distance on a sphere of radius R = 6371008.8 m; J0: Bessel function; P: Legendre polynomials",
        "east_length": np.array(covariance.east),
        "north_length": covariance.north,
        "share": covariance.share,
        "distance": covariance.distance,
        "unit_of_lengths": "m",
        "units": "1",
        "references": "after Boergens et al. (2020), doi:10.1007/s13137-020-00160-0",
        "coverage_content_type": "auxiliaryInformation",
    }


def covariance_of(words: Mapping[str, Any]) -> ErrorCovariance:
    """The covariance that attributes name; KeyError or ValueError if they name none."""
    if words["form"] != FORM:
        raise ValueError(f"a form of correlation, {words['form']}, that is not known here; {FORM} is")
    return ErrorCovariance(
        east=tuple(np.atleast_1d(words["east_length"]).tolist()),
        north=float(words["north_length"]),
        share=float(words["share"]),
        distance=float(words["distance"]),
    )


def covariance_in(file: netCDF4.Dataset) -> ErrorCovariance | None:
    """The covariance of an open Level-3 file; None if it was made before there was one."""
    if VARIABLE not in file.variables:
        return None
    variable = file[VARIABLE]
    return covariance_of({name: variable.getncattr(name) for name in variable.ncattrs()})


def read_error_correlation(path: Path) -> ErrorCovariance:
    """How errors correlate, from a Level-3 product or from a JSON file; lengths in metres.

    Raises
    ------
    GranuleRejected : if it is neither, or lacks a parameter
    """
    try:
        if path.suffix == ".json":
            return covariance_of(json.loads(path.read_text(encoding="utf-8")))
        with netCDF4.Dataset(path) as file:
            found = covariance_in(file)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GranuleRejected(f"no parameters of an error correlation ({error})", advice=_ADVICE, file=path) from error
    if found is None:
        raise GranuleRejected(f"no variable {VARIABLE} in it", advice=_ADVICE, file=path)
    return found
