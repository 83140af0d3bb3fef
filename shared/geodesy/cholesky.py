"""Cholesky factorisation in tiles, on several threads, with the same bits for any number of them.

The tiles, and within each tile the order of summation, do not depend on the number of threads, and every
tile is worked on by one thread of BLAS; the threads inside BLAS do not promise that.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

# Side of a tile. Smaller ones balance better between threads, larger ones run nearer to the peak of BLAS.
TILE = 768


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
        (self._trsm,) = blas.get_blas_funcs(("trsm",), dtype=kind)
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
        given = matrix[self.slices[k], self.slices[j]]
        if scale is not None:
            given = given * scale[self.slices[k], None] * scale[self.slices[j]]
        if above:
            np.matmul(self.strips[k][:above].T, self.strips[j][:above], out=tile)
            np.subtract(given, tile, out=tile, casting="same_kind")
        else:
            tile[:] = given

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
        """Solution x of U^T U x = right [P]."""
        x = right.copy()
        for j, (cut, strip) in enumerate(zip(self.slices, self.strips, strict=True)):
            x[cut] -= strip[: cut.start].T @ x[: cut.start]
            x[cut] = blas.dtrsv(self._tile(j, j).T, x[cut], lower=1)
        for j, (cut, strip) in reversed(list(enumerate(zip(self.slices, self.strips, strict=True)))):
            x[cut] = blas.dtrsv(self._tile(j, j).T, x[cut], lower=1, trans=1)
            x[: cut.start] -= strip[: cut.start] @ x[cut]
        return x
