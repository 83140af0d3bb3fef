"""A baseline as NetCDF-4: exact to the last bit, the same bytes for the same input, and checked when read.

The coefficients stand in the order-major vector of `shared.geodesy.ordering`. The file holds two digests:
that of the baseline itself, which Level-2B is keyed by, and one of everything, with the frozen evaluation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import netCDF4
import numpy as np

from shared.errors import GranuleRejected
from shared.formats.error_correlation import VARIABLE, correlation_attributes, covariance_in
from shared.formats.files import appearing
from shared.models.baseline import Baseline, EarthquakeFit, Evaluation
from shared.models.coefficients import TideSystem, Vector
from shared.models.epoch import Month, Span

FORMAT = "gravstream baseline 1"

_ADVICE = "Estimate the baseline again, or restore the file"
_SCALARS = ("epoch", "mean_noise", "weak_noise")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline with its frozen evaluation; the file appears whole or not at all."""
    with appearing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        first, last = baseline.period
        file.setncatts(
            {
                "title": FORMAT,
                "summary": "Mean gravity field, typical errors and S2 tidal alias; epochs are modified Julian dates",
                "period": f"{first}..{last}",
                "gm": baseline.gm,
                "radius": baseline.radius,
                "tide_system": str(baseline.tide_system),
                "digest": baseline.digest,
                "digest_of_everything": digest_of_everything(baseline),
            }
        )
        _write_months(file, baseline)
        _write_vector(file, "mean", baseline.mean, ("coefficient",))
        if baseline.sigmas is not None:
            _write_vector(file, "sigmas", baseline.sigmas, ("coefficient",))
        _write_sets(file.createGroup("alias"), baseline.alias, "term")
        if baseline.evaluation is not None:
            _write_evaluation(file.createGroup("evaluation"), baseline.evaluation)


def read_baseline(path: Path) -> Baseline:
    """Read a baseline and its frozen evaluation, exactly as they were written.

    Raises
    ------
    GranuleRejected : if the file is none, is damaged, or its content does not have the digest it states
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            if getattr(file, "title", "") != FORMAT:
                raise GranuleRejected(f"no file of the format '{FORMAT}'", advice=_ADVICE, file=path)
            baseline = _baseline(file)
            stated = file.digest, file.digest_of_everything
    except (OSError, RuntimeError, KeyError, IndexError, AttributeError, ValueError, TypeError) as error:
        raise GranuleRejected(f"a damaged baseline ({error})", advice=_ADVICE, file=path) from error
    found = baseline.digest, digest_of_everything(baseline)
    if found != stated:
        which = "the baseline" if found[0] != stated[0] else "its evaluation"
        raise GranuleRejected(f"{which} is not what its digest says; it was changed", advice=_ADVICE, file=path)
    return baseline


def digest_of_everything(baseline: Baseline) -> str:
    """SHA-256 of the baseline together with its frozen evaluation."""
    hasher = hashlib.sha256(baseline.digest.encode())
    fits = baseline.evaluation
    if fits is not None:
        hasher.update(repr((fits.epoch, fits.mean_noise, fits.weak_noise)).encode())
        hasher.update(repr([(fit.name, fit.tau) for fit in fits.earthquakes]).encode())
        hasher.update(repr(sorted(fits.deterministic)).encode())
        arrays = [fits.deterministic[label] for label in sorted(fits.deterministic)]
        arrays += [array for fit in fits.earthquakes for array in (fit.cells, fit.step, fit.decay)]
        for array in (*arrays, fits.latitude, fits.ocean, fits.cofactor):
            hasher.update(b"-" if array is None else repr(array.shape).encode() + array.tobytes())
        if fits.covariance is not None:  # baselines of before have none, and keep their digest
            hasher.update(repr(fits.covariance).encode())
    return hasher.hexdigest()


def _write_vector(group: netCDF4.Dataset, name: str, values: Vector, dimensions: tuple[str, ...]) -> None:
    """An array of float64 with its dimensions, made where the group does not know them yet."""
    for dimension, length in zip(dimensions, values.shape, strict=True):
        if dimension not in group.dimensions and dimension not in getattr(group.parent, "dimensions", {}):
            group.createDimension(dimension, length)
    group.createVariable(name, "f8", dimensions, fill_value=False, fletcher32=True)[...] = values


def _write_texts(group: netCDF4.Dataset, name: str, texts: list[str], dimension: str) -> None:
    group.createVariable(name, str, (dimension,), fill_value=False)[:] = np.array(texts, dtype=object)


def _write_months(file: netCDF4.Dataset, baseline: Baseline) -> None:
    spans = np.array([(span.begin, span.end) for span in baseline.spans]).reshape(-1, 2)
    _write_vector(file, "span", spans, ("month", "bnds"))
    _write_texts(file, "nominal_month", [str(month) for month in baseline.months], "month")
    # One text, not one for each month: months and checksums need not be the same in number.
    file.setncattr("checksums", " ".join(baseline.checksums))


def _write_sets(group: netCDF4.Dataset, sets: Mapping[str, Vector], rows: str) -> None:
    """Arrays of several filter sets, in their order."""
    for label, values in sets.items():
        _write_vector(group, label, values, (rows, "coefficient"))


def _write_evaluation(group: netCDF4.Dataset, fits: Evaluation) -> None:
    group.setncatts({name: float(getattr(fits, name)) for name in _SCALARS})
    _write_sets(group.createGroup("deterministic"), fits.deterministic, "parameter")
    if fits.latitude is not None:
        _write_vector(group, "latitude", fits.latitude, ("latitude_term",))
    if fits.cofactor is not None:
        _write_vector(group, "cofactor", fits.cofactor, ("parameter", "parameter_too"))
    if fits.ocean is not None:
        _write_vector(group, "ocean", fits.ocean, ("parameter", "ocean_cell"))
    if fits.covariance is not None:
        group.createVariable(VARIABLE, "i4", ()).setncatts(correlation_attributes(fits.covariance))
    quakes = group.createGroup("earthquakes")
    for number, fit in enumerate(fits.earthquakes):
        quake = quakes.createGroup(f"earthquake_{number:02d}")
        quake.setncatts({"name": fit.name, "tau": float(fit.tau)})
        for name in ("cells", "step", "decay"):
            _write_vector(quake, name, getattr(fit, name), ("cell",))


def _array(group: netCDF4.Dataset, name: str) -> Vector | None:
    """An array of the group, None where it has none of this name."""
    return np.asarray(group[name][...], np.float64) if name in group.variables else None


def _complete(group: netCDF4.Dataset, name: str) -> Vector:
    array = _array(group, name)
    if array is None:
        raise KeyError(f"no {name}")
    return array


def _sets(group: netCDF4.Dataset) -> dict[str, Vector]:
    return {label: _complete(group, label) for label in group.variables}


def _baseline(file: netCDF4.Dataset) -> Baseline:
    first, _, last = file.period.partition("..")
    return Baseline(
        period=(Month.parse(first), Month.parse(last)),
        months=tuple(Month.parse(text) for text in file["nominal_month"][:]),
        spans=tuple(Span(float(begin), float(end)) for begin, end in file["span"][:]),
        checksums=tuple(file.checksums.split()),
        mean=_complete(file, "mean"),
        sigmas=_array(file, "sigmas"),
        gm=float(file.gm),
        radius=float(file.radius),
        tide_system=TideSystem(file.tide_system),
        alias=_sets(file["alias"]),
        evaluation=_evaluation(file["evaluation"]) if "evaluation" in file.groups else None,
    )


def _evaluation(group: netCDF4.Dataset) -> Evaluation:
    quakes = tuple(
        EarthquakeFit(
            name=quake.getncattr("name"),
            tau=float(quake.tau),
            cells=_complete(quake, "cells"),
            step=_complete(quake, "step"),
            decay=_complete(quake, "decay"),
        )
        for quake in group["earthquakes"].groups.values()
    )
    return Evaluation(
        **{name: float(getattr(group, name)) for name in _SCALARS},
        deterministic=_sets(group["deterministic"]),
        earthquakes=quakes,
        latitude=_array(group, "latitude"),
        ocean=_array(group, "ocean"),
        cofactor=_array(group, "cofactor"),
        covariance=covariance_in(group),
    )
