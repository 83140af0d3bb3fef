"""How the errors of two cells belong together, fitted to what is left over the open ocean.

The form is that of `shared.geodesy.covariance`, after Boergens et al. (2020), doi 10.1007/s13137-020-00160-0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from threadpoolctl import threadpool_limits

from services.process.geometry import Geometry
from shared.constants import RADIUS_MEAN
from shared.errors import RequestRefused
from shared.geodesy.covariance import ErrorCovariance
from shared.geodesy.distance import unit_vectors
from shared.geodesy.least_squares import seasonal_design
from shared.models.baseline import Evaluation
from shared.models.coefficients import Vector
from shared.models.epoch import years
from shared.models.grid import GridSeries

# Sampling of the correlation [deg]: parallels, and steps along them; the waves are some ten degrees long
_PARALLELS, _STEPS = 3.0, 1.0

# A mean over fewer pairs of cells than these says nothing
_FEWEST_PAIRS = 10

# Where the search begins, its limits, and its unit of length [m]: the length along the parallels at the equator
# and at the poles, the length along the meridians, the share and the distance of what is alike in all directions
_UNIT = 1e5
_FIRST = np.array([2.5, 2.5, 8.0, 0.3, 8.0])
_LIMITS = np.array([0.5, 0.5, 0.5, 0.0, 0.5]), np.array([100.0, 100.0, 100.0, 1.0, 100.0])


def fit_error_correlation(
    maps: GridSeries,
    *,
    geometry: Geometry,
    frozen: Evaluation | None,
    error_correlation: ErrorCovariance | None,
    reach: float,
) -> GridSeries:
    """Add how the errors of two cells correlate; maps and uncertainty stay as they are.

    Parameters
    ----------
    maps : with their uncertainty, and the fit over open ocean that it was estimated with
    error_correlation : parameters of a file, or None to fit them to this run
    reach : distance of two cells up to which their correlation is fitted, m

    Raises
    ------
    RequestRefused : if the open ocean of the run does not tell
    """
    if frozen is not None and frozen.covariance is not None:
        covariance, origin = frozen.covariance, "frozen with the baseline"
    elif error_correlation is not None:
        covariance, origin = error_correlation, "parameter file"
    else:
        covariance, origin = _fitted(_correlations(maps, geometry, reach)), "fitted to the open ocean of this run"
    said = dict(maps.parameters) | {"error_correlation_origin": origin}
    evaluation = replace(maps.evaluation, covariance=covariance)
    return replace(maps, covariance=covariance, parameters=said, evaluation=evaluation)


def _fitted(samples: Vector) -> ErrorCovariance:
    """The covariance that comes nearest to samples [pairs, 5] of `_correlations`.

    Lengths are kept to 100 m and the share to a thousandth: more is not known, and so the last digits of a sum,
    which depend on the machine, do not matter.
    """
    if len(samples) < _FIRST.size:
        raise RequestRefused(
            "what is left over the open ocean does not tell how errors of two cells correlate",
            advice="Process more months, or give the parameters in a file *error_correlation*.json.",
        )
    latitude, other, apart, correlation, weight = samples.T
    root = np.sqrt(weight)

    def misfit(parameters: Vector) -> Vector:
        return root * (_covariance(parameters).correlation((latitude, 0.0 * apart), (other, apart)) - correlation)

    with threadpool_limits(1):
        found = _covariance(least_squares(misfit, _FIRST, bounds=_LIMITS).x)
    east, north, distance = (np.round(length, -2) for length in (found.east, found.north, found.distance))
    return ErrorCovariance(tuple(east), float(north), round(found.share, 3), float(distance))


def _covariance(parameters: Vector) -> ErrorCovariance:
    """The parameters of the search as a covariance; two even Legendre terms join the equator to the poles."""
    equator, pole, north, share, distance = map(float, parameters)
    slope = (pole - equator) / 1.5
    return ErrorCovariance((_UNIT * (equator + slope / 2.0), _UNIT * slope), _UNIT * north, share, _UNIT * distance)


def _correlations(maps: GridSeries, geometry: Geometry, reach: float) -> Vector:
    """Samples [pairs, 5]: two latitudes and a difference of longitudes [deg], mean correlation and weight."""
    latitudes, residuals, ocean = _sampled(maps, geometry)
    columns = ocean.shape[1]
    apart = 360.0 / columns * np.arange(columns // 2 + 1)
    spectra, present = np.fft.rfft(residuals), np.fft.rfft(ocean.astype(float))
    roots = np.sqrt(np.sum(np.mean(residuals**2, axis=1), axis=1) / ocean.sum(axis=1))
    samples = [np.empty((0, 5))]
    for row, other in _near(latitudes, reach):
        pairs = np.rint(_folded(np.conj(present[row]) * present[other], columns))
        kept = (pairs >= _FEWEST_PAIRS) & (_distance(latitudes[row], latitudes[other], apart) <= reach)
        products = _folded(np.mean(np.conj(spectra[row]) * spectra[other], axis=0), columns)[kept]
        correlation = products / (pairs[kept] * roots[row] * roots[other])
        # Towards the poles there are more cells to the same area
        weight = pairs[kept] * np.sqrt(np.cos(np.deg2rad(latitudes[row])) * np.cos(np.deg2rad(latitudes[other])))
        lines = np.broadcast_arrays(latitudes[row], latitudes[other], apart[kept], correlation, weight)
        samples.append(np.stack(lines, axis=1))
    return np.concatenate(samples)


def _sampled(maps: GridSeries, geometry: Geometry) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """Latitudes [row], residuals [row, time, column] in units of the month's sigma, and where there are any.

    They are what the fit over open ocean leaves, on some parallels; zero where there is no open ocean.
    """
    fit = maps.evaluation.ocean
    if fit is None or maps.sigma is None:
        raise ValueError("the correlation of errors is fitted after their size")
    place = np.full(geometry.grid.shape, -1)
    place[geometry.open_ocean] = np.arange(fit.shape[1])
    steps = (max(1, round(size / geometry.grid.step)) for size in (_PARALLELS, _STEPS))
    sample = tuple(slice(None, None, step) for step in steps)
    place = place[sample]
    rows = np.flatnonzero((place >= 0).sum(axis=1) >= _FEWEST_PAIRS)
    place, ocean = place[rows], place[rows] >= 0
    design = seasonal_design(years(maps.mid), maps.evaluation.epoch)
    residuals = np.zeros((rows.size, len(maps.months), place.shape[1]))
    for row, (cells, here) in enumerate(zip(place, ocean, strict=True)):
        observed = maps.twsa[:, sample[0], sample[1]][:, rows[row], here]
        residuals[row][:, here] = (observed - design @ fit[:, cells[here]]) / maps.sigma[:, None]
    varying = np.any(residuals != 0.0, axis=(1, 2))
    return geometry.grid.latitudes[sample[0]][rows][varying], residuals[varying], ocean[varying]


def _near(latitudes: Vector, reach: float) -> Iterator[tuple[int, int]]:
    """Pairs of parallels, each with itself and those north of it, that lie within reach of each other."""
    for row, latitude in enumerate(latitudes):
        for other in range(row, len(latitudes)):
            if _distance(latitude, latitudes[other], np.zeros(1))[0] <= reach:
                yield row, other


def _distance(latitude: float, other: float, apart: Vector) -> Vector:
    """Straight distance [m] of points on two parallels that are so far apart in longitude [deg]."""
    start = unit_vectors(np.array(latitude), np.array(0.0))
    return RADIUS_MEAN * np.linalg.norm(unit_vectors(np.array(other), apart) - start, axis=-1)


def _folded(spectrum: Vector, columns: int) -> Vector:
    """Sums of products over a parallel, for differences of longitude to the east and to the west together."""
    sums = np.fft.irfft(spectrum, columns)
    return np.asarray(sums[: columns // 2 + 1] + np.roll(sums[::-1], 1)[: columns // 2 + 1], float)
