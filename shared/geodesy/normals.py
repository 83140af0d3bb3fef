"""Numerics of the full normal matrix: cut, verify, and filter with one Cholesky per strength.

The parameters are the coefficients of degree 2 and above in the order-major order of
`shared.geodesy.ordering`; a matrix is square, C-contiguous, and only its upper triangle is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas
from threadpoolctl import threadpool_limits

from shared.geodesy import ordering
from shared.geodesy.cholesky import TILE, TiledCholesky, conjugate_gradients, strips

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LOWEST_DEGREE = 2


def size(nmax: int) -> int:
    """Number of parameters of a normal matrix of maximum degree `nmax`."""
    return ordering.size(nmax) - LOWEST_DEGREE**2


def maximum_degree(count: int) -> int:
    """Maximum degree of a normal matrix with `count` parameters; ValueError if there is none."""
    nmax = ordering.maximum_degree(count + LOWEST_DEGREE**2)
    if nmax < LOWEST_DEGREE:
        raise ValueError(f"{count} is not the number of parameters of a normal matrix")
    return nmax


def parameters(nmax: int) -> ordering.Index:
    """Degree, order and kind of every parameter, each of shape [(nmax + 1)^2 - 4]."""
    every = ordering.index(nmax)
    kept = every.degree >= LOWEST_DEGREE
    return ordering.Index(every.degree[kept], every.order[kept], every.sine[kept])


def cut(matrix: Matrix, nmax: int) -> Matrix:
    """The rows and columns up to degree `nmax` of a larger normal matrix.

    To cut is to hold the coefficients above fixed at what they were reduced with.

    Parameters
    ----------
    matrix : [P, P], 1 / variance of the coefficients
    nmax : maximum degree of the result

    Raises
    ------
    ValueError : the matrix ends below `nmax`
    """
    have = maximum_degree(matrix.shape[0])
    if have < nmax:
        raise ValueError(f"normal equations of maximum degree {have} cannot filter a field of degree {nmax}")
    if have == nmax:
        return matrix
    kept = np.flatnonzero(parameters(have).degree <= nmax)
    smaller = np.zeros((kept.size, kept.size))
    for row, place in enumerate(kept):  # row by row, from the diagonal on: the lower triangle stays untouched
        smaller[row, row:] = matrix[place, kept[row:]]
    return smaller


def fold(matrix: Matrix, threads: int = 2) -> None:
    """Add the lower triangle of a matrix to the upper one and leave zeros, in place.

    matrix: [P, P], each element on one side of the diagonal only.
    """
    parts = strips(matrix.shape[0], 256)  # tiles of half a megabyte: two fit into the cache

    def fold_row(k: int) -> None:
        corner = matrix[parts[k], parts[k]]
        corner[:] = np.triu(corner) + np.tril(corner, -1).T
        for j in range(k + 1, len(parts)):
            below = matrix[parts[j], parts[k]]
            matrix[parts[k], parts[j]] += below.T
            below[:] = 0.0

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fold_row, range(len(parts))))


def verify_spd(matrix: Matrix, *, threads: int = 2, tile: int = TILE) -> None:
    """Make sure that a normal matrix is finite and positive definite.

    A Cholesky factorisation of the correlations in single precision, at half the cost, settles it for a
    matrix that is far enough from singular; only for others the exact one is needed.

    Parameters
    ----------
    matrix : [P, P], upper triangle; not changed; may be a memory map
    threads : how many cores may work on it

    Raises
    ------
    ValueError : it is not; the message names the parameter at which that shows
    """
    _verify_sound(matrix)
    count = matrix.shape[0]
    with threadpool_limits(1, user_api="blas"):
        try:
            scale = 1.0 / np.sqrt(matrix.diagonal())
            TiledCholesky(count, tile, np.float32).make(matrix, np.full(count, -_single_error(count)), threads, scale)
        except ValueError:
            TiledCholesky(count, tile).make(matrix, np.zeros(count), threads)


def _single_error(count: int) -> float:
    """Ten times the error that rounding to single precision makes in an eigenvalue of a correlation matrix.

    Rounding errors add up like the square root of their number (Higham and Mary 2019, doi 10.1137/18M1226312).
    """
    return 10.0 * float(np.finfo(np.float32).eps) * count**0.5


def filter_dense(
    matrix: Matrix,
    degrees: NDArray[np.int64],
    alphas: Sequence[float],
    x: Vector,
    *,
    threads: int = 2,
    tile: int = TILE,
    verified: bool = False,
) -> Matrix:
    """Decorrelate coefficients with their normal matrix: (N + alpha M)^-1 N x.

    M = diag(n^4) is the inverse of the signal's expected variance, which falls with degree as in Kaula's
    rule. One Cholesky factorisation for each strength, in one working copy, of the correlations of N + alpha M
    in single precision; conjugate gradients with it give the solution in double precision. Where single precision
    is not enough, the factorisation is repeated in double. The result does not depend on `threads`, to the last bit.

    Parameters
    ----------
    matrix : N [P, P], upper triangle, 1 / variance of the coefficients; not changed; may be a memory map
    degrees : degree of each parameter [P]
    alphas : strengths of the filter, in the unit of N
    x : coefficients [P], any unit
    threads : how many cores may work on it
    tile : side of a tile, in parameters
    verified : whether N is known to be positive definite; otherwise that is made sure of first

    Returns
    -------
    filtered : [strengths, P], unit of x

    Raises
    ------
    ValueError : N is not finite or not positive definite, or the sizes do not fit

    References
    ----------
    Horvath et al. (2018), doi 10.3390/geosciences8090323; Kusche et al. (2009), doi 10.1007/s00190-009-0308-3;
    Carson and Higham (2018), doi 10.1137/17M1140819, for the two precisions
    """
    if verified:
        _verify_sound(matrix)
    else:
        verify_spd(matrix, threads=threads, tile=tile)
    if degrees.shape != x.shape or x.shape != (matrix.shape[0],):
        raise ValueError(f"{x.size} coefficients, {degrees.size} degrees, {matrix.shape[0]} normal equations")
    penalty = degrees.astype(np.float64) ** 4
    filtered = np.empty((len(alphas), x.size))
    with threadpool_limits(1, user_api="blas"):
        right = _multiply(matrix, x)
        factor = TiledCholesky(x.size, tile, np.float32)
        for row, alpha in enumerate(alphas):
            solution = _solve_mixed(factor, matrix, alpha * penalty, right, threads)
            if solution is None:
                exact = TiledCholesky(x.size, tile)
                exact.make(matrix, alpha * penalty, threads)
                solution = exact.solve(right)
            filtered[row] = solution
    return filtered


def _multiply(matrix: Matrix, x: Vector) -> Vector:
    """Product of a matrix, of which the upper triangle is read, and x [P]."""
    # The transpose of the upper triangle in rows is the lower triangle in columns, as Fortran wants it.
    product: Vector = blas.dsymv(1.0, matrix.T, x, lower=1)
    return product


def _solve_mixed(factor: TiledCholesky, matrix: Matrix, ridge: Vector, right: Vector, threads: int) -> Vector | None:
    """Solution x [P] of (matrix + diag(ridge)) x = right; None if single precision is not enough for it.

    In the unit of its expected error each coefficient has one on the diagonal, and fits into single precision.
    """
    scale = 1.0 / np.sqrt(matrix.diagonal() + ridge)
    scaled_ridge = ridge * scale**2
    try:
        factor.make(matrix, scaled_ridge, threads, scale)
    except ValueError:
        return None
    solution = conjugate_gradients(
        lambda step: scale * _multiply(matrix, scale * step) + scaled_ridge * step, scale * right, factor
    )
    return None if solution is None else scale * solution


def _verify_sound(matrix: Matrix) -> None:
    """ValueError unless the matrix is square, its diagonal positive and its upper triangle finite."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.flags.c_contiguous:
        raise ValueError(f"normal equations of shape {matrix.shape} are not a square matrix in rows")
    if matrix.dtype != np.float64:
        raise ValueError(f"normal equations are {matrix.dtype}, not float64")
    for strip in strips(matrix.shape[0], TILE):
        corner = np.triu(matrix[strip, strip])
        # A sum is finite only if every term is, and takes no memory.
        if not np.isfinite(corner.sum() + matrix[strip, strip.stop :].sum()):
            raise ValueError("the normal matrix holds a number that is not finite")
    diagonal = matrix.diagonal()
    if not np.all(diagonal > 0.0):
        first = int(np.argmin(diagonal > 0.0))
        raise ValueError(
            f"the normal matrix is not positive definite: parameter {first} has {diagonal[first]:.3g} on the diagonal"
        )
