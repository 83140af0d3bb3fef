"""The VDK filter: striping errors decorrelated by what is known of the month's error covariance.

Horvath et al. (2018), doi 10.3390/geosciences8090323; Kusche et al. (2009), doi 10.1007/s00190-009-0308-3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from shared.errors import GranuleRejected
from shared.geodesy import ordering
from shared.geodesy.decorrelation import FIRST_DEGREE, cut_blocks, filter_blocks
from shared.geodesy.normals import cut, filter_dense
from shared.models.auxiliaries import BlockNormals, NormalMatrix
from shared.models.baseline import Baseline
from shared.models.coefficients import Anomaly, ErrorKind, FilteredAnomalies, FilterSource, Vector

UNFILTERED = "NFIL"  # the set that is not filtered, by GravIS' name

# Strengths alpha of VDK1..VDK8 for normal matrices in true units (geogravL3 1.2.4, GFZ)
VDK_STRENGTHS = {
    "VDK1": 1e20, "VDK2": 1e19, "VDK3": 1e18, "VDK4": 5e17, "VDK5": 1e17, "VDK6": 5e16, "VDK7": 1e16, "VDK8": 5e15,
}  # fmt: skip

# The synthetic normals of Kusche et al. are smaller by this factor: DDK1 = 1e14 ... DDK8 = 5e9
_SYNTHETIC_UNITS = 1e-6

# Width of the Gaussian, in degrees and orders, that smooths the logarithm of empirical errors. They scatter
# from coefficient to coefficient; formal ones do not, and are taken as they are.
_SMOOTHING_WIDTH = 1.5


def decorrelate(
    anomaly: Anomaly,
    *,
    baseline: Baseline,
    block_normals: BlockNormals,
    normals: NormalMatrix | None,
    strengths: Sequence[str],
    source: str = "auto",
) -> FilteredAnomalies:
    """Filter a month with each strength; degrees 0 and 1 pass unfiltered.

    Parameters
    ----------
    anomaly : the month, coefficients [(nmax + 1)^2]
    normals : the month's full normal matrix [P, P], or None
    strengths : names of the filter sets, NFIL or VDK1..VDK8
    source : normals, error-scaled, ddk, or auto for the first of them that the month has

    Raises
    ------
    GranuleRejected : if the asked source is not there or its matrix is not positive definite
    """
    chosen = _choose(anomaly, baseline, normals, source)
    alphas = [VDK_STRENGTHS[name] for name in strengths if name != UNFILTERED]
    try:
        if chosen is FilterSource.NORMALS and normals is not None:
            filtered = _by_normals(anomaly.values, normals, alphas)
        elif chosen is FilterSource.ERROR_SCALED:
            scale = error_scale(anomaly, baseline)
            blocks = cut_blocks(block_normals.blocks, anomaly.nmax)
            filtered = filter_blocks(blocks, [_SYNTHETIC_UNITS * a for a in alphas], anomaly.values, scale)
        else:
            filtered = _by_static_blocks(anomaly.values, block_normals, alphas)
    except ValueError as error:
        raise GranuleRejected(
            f"{anomaly.month}: the decorrelation failed: {error}",
            advice="Replace the month's normals or errors, or ask for --filter-source ddk.",
            file=normals.source.name if chosen is FilterSource.NORMALS and normals is not None else anomaly.name,
        ) from error
    rows = iter(filtered)
    return FilteredAnomalies(
        month=anomaly.month,  # type: ignore[arg-type]
        span=anomaly.span,  # type: ignore[arg-type]
        sets={name: anomaly.values if name == UNFILTERED else next(rows) for name in strengths},
        sigmas=anomaly.sigmas,
        gm=anomaly.gm,
        radius=anomaly.radius,
        filter_source=chosen,
        comments=anomaly.comments,
        name=anomaly.name,
        sources=(normals.source,) if chosen is FilterSource.NORMALS and normals is not None else (),
    )


def _choose(anomaly: Anomaly, baseline: Baseline, normals: NormalMatrix | None, source: str) -> FilterSource:
    """The source of the normal matrix that was asked for, or the best that the month has."""
    has_errors = baseline.sigmas is not None and usable(anomaly.sigmas) and usable(baseline.sigmas)
    if source == "auto":
        if normals is not None:
            return FilterSource.NORMALS
        return FilterSource.ERROR_SCALED if has_errors else FilterSource.DDK
    chosen = FilterSource(source)
    if (chosen is FilterSource.NORMALS and normals is None) or (chosen is FilterSource.ERROR_SCALED and not has_errors):
        lacking = "normal matrix" if chosen is FilterSource.NORMALS else "standard deviation for every coefficient"
        raise GranuleRejected(
            f"{anomaly.month} has no {lacking}, but --filter-source {chosen} asks for it",
            advice="Ask for --filter-source auto: it takes the best that each month has, and records which.",
            file=anomaly.name,
        )
    return chosen


def usable(sigmas: Vector | None) -> bool:
    """Whether every coefficient that is filtered has a standard deviation, S_n0 aside (it does not exist)."""
    return sigmas is not None and bool(np.all(sigmas[ordering.index(_nmax(sigmas)).degree >= FIRST_DEGREE] > 0.0))


def _nmax(vector: Vector) -> int:
    return ordering.maximum_degree(vector.size)


def error_scale(anomaly: Anomaly, baseline: Baseline) -> Vector:
    """Diagonal of Q [(nmax + 1)^2]: the series' median error over that of the month.

    Only the ratio enters: absolute formal errors are not comparable between centres. The median month
    gets the published DDK, a month with larger errors a stronger filter.
    """
    if anomaly.sigmas is None or baseline.sigmas is None:
        raise ValueError("an error-scaled filter needs the errors of the month and of the baseline")
    filtered = ordering.index(anomaly.nmax).degree >= FIRST_DEGREE
    logarithm = np.zeros_like(anomaly.values)
    logarithm[filtered] = np.log(baseline.sigmas[filtered] / anomaly.sigmas[filtered])
    if anomaly.errors is ErrorKind.EMPIRICAL:
        logarithm = _smooth(logarithm, filtered)
    scale: Vector = np.exp(logarithm)
    return scale


def _smooth(values: Vector, known: NDArray[np.bool_]) -> Vector:
    """Values smoothed over degree and order, cosine and sine together, from the known ones only."""
    shares = ordering.unpack(known.astype(float)).sum(axis=0)
    sums = ordering.unpack(np.where(known, values, 0.0)).sum(axis=0)
    smooth_shares = gaussian_filter(shares, _SMOOTHING_WIDTH, mode="constant")
    smooth = gaussian_filter(sums, _SMOOTHING_WIDTH, mode="constant") / np.maximum(smooth_shares, 1e-12)
    both = ordering.pack(np.stack([smooth, smooth]))
    return np.where(known, both, 0.0)


def _by_static_blocks(values: Vector, normals: BlockNormals, alphas: list[float]) -> Vector:
    """The published DDK: the filter matrix of degree 120, of which the sub-block is used."""
    nmax = _nmax(values)
    blocks = cut_blocks(normals.blocks, normals.nmax)
    wide = filter_blocks(blocks, [_SYNTHETIC_UNITS * a for a in alphas], ordering.extend(values, normals.nmax))
    return ordering.truncate(wide, nmax)


def _by_normals(values: Vector, normals: NormalMatrix, alphas: list[float]) -> Vector:
    """Filter with the month's full matrix, rows and columns above the field's degree left out."""
    nmax = _nmax(values)
    degrees = ordering.index(nmax).degree
    rows = np.flatnonzero(degrees >= FIRST_DEGREE)
    filtered = np.repeat(values[None, :], len(alphas), axis=0)
    matrix = cut(normals.matrix, nmax)
    filtered[:, rows] = filter_dense(matrix, degrees[rows], alphas, values[rows], verified=normals.verified)
    return filtered
