"""The decorrelation filter x_f = (N + alpha M)^-1 N x, M = diag(n^4), block by block.

Kusche et al. (2009), doi 10.1007/s00190-009-0308-3; Horvath et al. (2018), doi 10.3390/geosciences8090323.
A block is all degrees of one order and kind (cosine, sine), degrees 0 and 1 left out: they pass unfiltered.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from shared.geodesy import ordering

Array = NDArray[np.float64]

FIRST_DEGREE = 2


def cut_blocks(blocks: Sequence[Array], nmax: int, first_degree: int = FIRST_DEGREE) -> tuple[Array, ...]:
    """The blocks C0, C1, S1, ... of a larger block matrix, cut to some degrees.

    Parameters
    ----------
    blocks : [rows, rows] each, last rows belong to the common maximum degree; C0, C1, S1, C2, ...
    nmax : new maximum degree

    Raises
    ------
    ValueError : if the blocks end below `nmax`
    """
    have = blocks[0].shape[0] + _first_of(blocks) - 1
    if have < nmax:
        raise ValueError(f"normals up to degree {have} cannot filter a field up to degree {nmax}")
    cut = []
    for block, matrix in zip(ordering.blocks(nmax), blocks, strict=False):
        lowest = max(block.order, first_degree)
        begin = matrix.shape[0] - (have + 1 - lowest)
        size = nmax + 1 - lowest
        cut.append(np.ascontiguousarray(matrix[begin : begin + size, begin : begin + size]))
    return tuple(cut)


def _first_of(blocks: Sequence[Array]) -> int:
    """First degree of the block of order 0, from the sizes: the block of the last order has one row."""
    return (len(blocks) + 1) // 2 - blocks[0].shape[0]


def filter_blocks(blocks: Sequence[Array], alphas: Sequence[float], field: Array, scale: Array | None = None) -> Array:
    """Filter a field with N = Q N0 Q for several strengths.

    With y = Q x it is z = (N0 + alpha Q^-1 M Q^-1)^-1 N0 y and x_f = Q^-1 z: N0 stays as it is and only a
    diagonal changes from month to month.

    Parameters
    ----------
    blocks : N0, [rows, rows] each for degrees max(m, 2)..nmax: C0, C1, S1, C2, ...
    alphas : strengths, in the units of N0
    field : [(nmax + 1)^2] order-major coefficients
    scale : diagonal of Q [(nmax + 1)^2]; None for the identity

    Returns
    -------
    filtered : [len(alphas), (nmax + 1)^2]

    Raises
    ------
    ValueError : if a block is not positive definite, naming its order
    """
    nmax = ordering.maximum_degree(field.size)
    q = np.ones_like(field) if scale is None else scale
    filtered = np.repeat(field[None, :], len(alphas), axis=0)
    for block, normal in zip(ordering.blocks(nmax), blocks, strict=True):
        lowest = max(block.order, FIRST_DEGREE)
        rows = slice(block.slice.stop - (nmax + 1 - lowest), block.slice.stop)
        if normal.shape[0] != nmax + 1 - lowest:
            raise ValueError(f"block of order {block.order} has {normal.shape[0]} rows, not {nmax + 1 - lowest}")
        weight = np.arange(lowest, nmax + 1, dtype=float) ** 4 / q[rows] ** 2
        right = normal @ (q[rows] * field[rows])
        for strength, alpha in enumerate(alphas):
            filtered[strength, rows] = _solve(normal, alpha * weight, right, block.order) / q[rows]
    return filtered


def _solve(normal: Array, diagonal: Array, right: Array, order: int) -> Array:
    """Solution of (normal + diag) z = right by Cholesky factorisation."""
    matrix = normal.copy()
    matrix.ravel()[:: matrix.shape[0] + 1] += diagonal
    _, solution, info = lapack.dposv(matrix.T, right, lower=0, overwrite_a=1)
    # Of a number that is not finite LAPACK may not complain; the sum does.
    if info != 0 or not isfinite(solution.sum()):
        raise ValueError(f"the normal matrix of order {order} is not positive definite")
    return solution
