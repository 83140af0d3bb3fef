"""How sure a value is: what is left over the open ocean, scaled with latitude.

Algorithm document of the C3S product, section 3.2.4, with the variance of the covariance model of Boergens et
al. (2020), doi 10.1007/s13137-020-00160-0, as a function of latitude.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.polynomial import legendre as polynomial
from numpy.typing import NDArray

from services.process.geometry import Geometry
from shared.errors import RequestRefused
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.baseline import Evaluation
from shared.models.coefficients import Vector
from shared.models.epoch import years
from shared.models.grid import GridSeries

# Cells whose series are held in double precision at a time
_CHUNK = 4096

# Parameters whose norm is this near to one are frozen ones: they stay as they are, to the last bit
_NORMALISED = 1e-12


def estimate_uncertainty(
    maps: GridSeries,
    *,
    geometry: Geometry,
    frozen: Evaluation | None,
    latitude_scale: Vector | None,
    terms: int,
    fit_error: bool,
) -> GridSeries:
    """Standard deviation sigma(t) s(lat) of the maps, m of water.

    sigma(t) is the area-weighted rms over open ocean of the maps minus their deterministic part. What it
    cannot see is the error of that part itself, which comes from the weak filter: it is added in variance.

    Parameters
    ----------
    maps : water storage anomaly [time, lat, lon], m
    latitude_scale : [k] parameters p_k of s = sqrt(sum p_k P_2k(sin lat)), or None to fit them to this run
    terms : number of parameters of such a fit
    fit_error : add the error of the deterministic part; without it the value is the specification's

    Returns
    -------
    maps : with sigma [time] and scale [lat], normalised so that the open-ocean mean of s^2 is one
    """
    residual_squares, ocean_fit = _ocean_residuals(maps, geometry, frozen)
    rms = np.sqrt(geometry.ocean_mean(residual_squares))
    sigma = np.hypot(rms, _fit_error(maps)) if fit_error else rms
    if frozen is not None and frozen.latitude is not None:
        parameters, origin = frozen.latitude, "frozen with the baseline"
    elif latitude_scale is not None:
        parameters, origin = latitude_scale, "parameter file"
    else:
        relative = np.mean(residual_squares / rms[:, None] ** 2, axis=0, dtype=float)
        parameters, origin = fit_latitude_scale(relative, geometry, terms), "fitted to the open ocean of this run"
    scale, parameters = latitude_factor(parameters, geometry)
    said = dict(maps.parameters) | {
        "uncertainty_of_deterministic_part": "added in variance" if fit_error else "left out",
        "uncertainty_latitude_scale_origin": origin,
        "uncertainty_latitude_scale_p": " ".join(f"{p:.6g}" for p in parameters),
    }
    evaluation = replace(maps.evaluation, latitude=parameters, ocean=ocean_fit)
    return replace(maps, sigma=sigma, scale=scale, parameters=said, evaluation=evaluation)


def _fit_error(maps: GridSeries) -> Vector:
    """Standard deviation [time] of the deterministic part over open ocean, m; larger where it is extrapolated."""
    fits = maps.evaluation
    if fits.cofactor is None:
        raise ValueError("an evaluation without cofactors does not tell the error of its fit")
    design = seasonal_design(years(maps.mid), fits.epoch)
    return fits.weak_noise * np.sqrt(np.einsum("tp,pq,tq->t", design, fits.cofactor, design))


def _ocean_residuals(
    maps: GridSeries, geometry: Geometry, frozen: Evaluation | None
) -> tuple[NDArray[np.float32], Vector]:
    """Squares [time, cells] of the residuals over open ocean, and the fit [6, cells] that was taken out."""
    times = years(maps.mid)
    cells = np.flatnonzero(geometry.open_ocean.ravel())
    flat = maps.twsa.reshape(len(maps.months), -1)
    design = seasonal_design(times, maps.evaluation.epoch)
    projection = Projection.of(design) if frozen is None or frozen.ocean is None else None
    squares = np.empty((len(times), cells.size), np.float32)
    fit = np.empty((design.shape[1], cells.size))
    for start in range(0, cells.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        observed = flat[:, cells[part]].astype(float)
        if projection is not None:
            fit[:, part] = projection.parameters(observed)
        elif frozen is not None and frozen.ocean is not None:
            fit[:, part] = frozen.ocean[:, part]
        squares[:, part] = (observed - design @ fit[:, part]) ** 2
    return squares, fit


def fit_latitude_scale(relative: Vector, geometry: Geometry, terms: int) -> Vector:
    """Parameters p_k fitted to the variance of open-ocean cells [cells].

    Each cell counts by its area. Terms are left out from the last on until the scale is positive everywhere.
    """
    latitude = np.broadcast_to(geometry.grid.latitudes[:, None], geometry.grid.shape)[geometry.open_ocean]
    root = np.sqrt(geometry.ocean_weights)
    for count in range(terms, 1, -1):
        design = _even_legendre(latitude, count)
        fitted: Vector = np.asarray(np.linalg.lstsq(design * root[:, None], relative * root, rcond=None)[0], float)
        if np.all(_square(fitted, geometry) > 0.0):
            return fitted
    return np.ones(1)  # what the ocean leaves over does not vary with latitude as a variance can


def latitude_factor(parameters: Vector, geometry: Geometry) -> tuple[Vector, Vector]:
    """Scale s(lat) [lat] and its parameters, normalised to an open-ocean mean of s^2 of one.

    The polynomial is only known where there is open ocean; beyond, towards the poles, it is held at its value
    on the last parallel with open ocean, since a polynomial may do anything outside its data.
    """
    square = _square(parameters, geometry)
    cells = np.broadcast_to(square[:, None], geometry.grid.shape)[geometry.open_ocean]
    norm = float(geometry.ocean_mean(cells[None])[0])
    if norm <= 0.0 or np.any(square <= 0.0):
        raise RequestRefused(
            f"the latitude scale p = {parameters} is not positive on every parallel",
            advice="Correct the parameter file, or take it out: then the scale is fitted to the run.",
        )
    if abs(norm - 1.0) > _NORMALISED:
        parameters = parameters / norm
    return np.sqrt(_square(parameters, geometry)), parameters


def _square(parameters: Vector, geometry: Geometry) -> Vector:
    """s^2 [lat] before it is normalised, held beyond the last parallels with open ocean."""
    latitudes = np.abs(geometry.grid.latitudes)
    covered = latitudes[geometry.open_ocean.any(axis=1)]
    square: Vector = _even_legendre(np.clip(latitudes, covered.min(), covered.max()), parameters.size) @ parameters
    return square


def _even_legendre(latitude: Vector, terms: int) -> Vector:
    """P_0, P_2, P_4, ... of sin latitude [points, terms]; latitude in degrees."""
    sine = np.sin(np.deg2rad(latitude))
    columns = [polynomial.legval(sine, np.eye(2 * k + 1)[2 * k]) for k in range(terms)]
    return np.stack(columns, axis=-1)
