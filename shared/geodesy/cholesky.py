"""Cholesky factorisation in tiles, on several threads, with the same bits for any number of them.

The tiles, and within each tile the order of summation, do not depend on the number of threads, and every
tile is worked on by one thread of BLAS; the threads inside BLAS do not promise that. A factor in single precision
takes half the time, and conjugate gradients get the solution in double precision out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Side of a tile. Smaller ones balance better between threads, larger ones run nearer to the peak of BLAS.
TILE = 768

# Rows of a tile that are scaled at once, so that what is scaled stays in the cache.
_ROWS = 64

# Conjugate gradients end at this error: relative to the solution, each coefficient in units of its expected error.
# A condition of 1e3 times the rounding of the matrix alone, 1e-16, is more. Where single precision describes the
# matrix well that takes three steps of 1 % of a factorisation each; twenty cost less than half of an exact one.
_ENOUGH = 1e-15
_MOST_STEPS = 20


def strips(count: int, width: int) -> list[slice]:
    """The numbers from 0 to `count` in slices of `width`, the last one shorter."""
    return [slice(start, min(start + width, count)) for start in range(0, count, width)]


class TiledCholesky:
    """Upper Cholesky factor U of a matrix U^T U, in strips of columns.

    A strip ends at the diagonal; it is contiguous, and so is each tile in it: BLAS works on tiles in place, and
    half a matrix of memory is enough. strips[j]: [last row of the strip, columns of the strip].
    """

    def __init__(self, count: int, tile: int, kind: type[np.floating[Any]] = np.float64) -> None:
        self.slices = strips(count, tile)
        self._trsm, self._trsv = blas.get_blas_funcs(("trsm", "trsv"), dtype=kind)
        (self._potrf,) = lapack.get_lapack_funcs(("potrf",), dtype=kind)
        self.strips = [np.empty((cut.stop, cut.stop - cut.start), kind) for cut in self.slices]

    def make(self, matrix: Matrix, ridge: Vector, threads: int, scale: Vector | None = None) -> None:
        """Factorise diag(scale) matrix diag(scale) + diag(ridge).

        matrix: [P, P], upper triangle; ridge, scale: [P]; the scale is one if it is not given. ValueError if the
        sum is not positive definite.

        Every tile waits for tiles above it. They were handed out earlier and the pool starts in that order,
        so whatever is waited for is finished or being worked on: no two tiles wait for each other.
        """
        done: dict[tuple[int, int], Future[None]] = {}

        def work(k: int, j: int) -> None:
            if k:
                done[k - 1, k].result()
                done[k - 1, j].result()
            self._reduce(matrix, scale, k, j)
            if k == j:
                self._factor_corner(ridge, k)
            else:
                done[k, k].result()
                self._divide(k, j)

        with ThreadPoolExecutor(threads) as pool:
            for k in range(len(self.slices)):
                for j in range(k, len(self.slices)):
                    done[k, j] = pool.submit(work, k, j)
        for future in done.values():
            future.result()

    def _tile(self, k: int, j: int) -> Matrix:
        return self.strips[j][self.slices[k]]

    def _reduce(self, matrix: Matrix, scale: Vector | None, k: int, j: int) -> None:
        """Tile (k, j): the matrix less what the rows of the factor above explain."""
        tile, above = self._tile(k, j), self.slices[k].start
        if above:
            np.matmul(self.strips[k][:above].T, self.strips[j][:above], out=tile)
        for rows in strips(tile.shape[0], _ROWS):
            given = matrix[self.slices[k], self.slices[j]][rows]
            if scale is not None:
                given = given * scale[self.slices[k]][rows, None]
                given *= scale[self.slices[j]]
            if above:
                np.subtract(given, tile[rows], out=tile[rows], casting="same_kind")
            else:
                tile[rows] = given

    def _factor_corner(self, ridge: Vector, k: int) -> None:
        """Tile (k, k) into its own Cholesky factor; ValueError if it has none."""
        tile = self._tile(k, k)
        tile[np.diag_indices_from(tile)] += ridge[self.slices[k]]
        _, info = self._potrf(tile.T, lower=1, clean=0, overwrite_a=1)
        if info:
            pivot = self.slices[k].start + info - 1
            raise ValueError(
                f"the normal matrix is not positive definite: the pivot of parameter {pivot} is not positive"
            )

    def _divide(self, k: int, j: int) -> None:
        """Tile (k, j) divided from the left by the transposed factor on the diagonal, in place."""
        self._trsm(1.0, self._tile(k, k).T, self._tile(k, j).T, side=1, lower=1, trans_a=1, overwrite_b=1)

    def solve(self, right: Vector) -> Vector:
        """Solution x of U^T U x = right [P], in the precision of the factor."""
        x = right.astype(self.strips[0].dtype)
        for j, (cut, strip) in enumerate(zip(self.slices, self.strips, strict=True)):
            x[cut] -= strip[: cut.start].T @ x[: cut.start]
            x[cut] = self._trsv(self._tile(j, j).T, x[cut], lower=1)
        for j, (cut, strip) in reversed(list(enumerate(zip(self.slices, self.strips, strict=True)))):
            x[cut] = self._trsv(self._tile(j, j).T, x[cut], lower=1, trans=1)
            x[: cut.start] -= strip[: cut.start] @ x[cut]
        return x


def conjugate_gradients(multiply: Callable[[Vector], Vector], right: Vector, factor: TiledCholesky) -> Vector | None:
    """Solution x [P] of A x = right by conjugate gradients; None if that takes too many steps.

    The factor is only nearly that of A, and rounds: every direction is made conjugate to the last one by what the
    residual has really changed by (Golub and Ye 1999, doi 10.1137/S1064827597323415).

    Parameters
    ----------
    multiply : the product of A, symmetric and positive definite, and a vector
    right : [P]
    factor : of a matrix close to A, in any precision
    """
    x, residual = np.zeros_like(right), right
    step = close = _divide(factor, residual)
    energy = whole = residual @ close
    for _ in range(_MOST_STEPS):
        if abs(energy) <= _ENOUGH**2 * whole:
            return x
        image = multiply(step)
        curvature = step @ image
        if not curvature > 0.0:  # nor if it is not a number
            return None
        length = energy / curvature
        x += length * step
        before, residual = residual, residual - length * image
        close = _divide(factor, residual)
        before_energy, energy = energy, residual @ close
        step = close + (close @ (residual - before)) / before_energy * step
    return None


def _divide(factor: TiledCholesky, residual: Vector) -> Vector:
    """Solution with a factor of any precision; residuals become too small for single precision as they are."""
    size_of_all = float(np.linalg.norm(residual)) or 1.0
    return size_of_all * factor.solve(residual / size_of_all).astype(np.float64)
