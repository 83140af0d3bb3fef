"""Noise of the months, correlated as the decorrelation filter believes: drawn from its inverse normals.

The normals are those of Kusche et al. (2009), doi 10.1007/s00190-009-0308-3, N = Q N0 Q with a month's own
diagonal Q, so that noise x = Q^-1 L^-T z with N0 = L L^T and z white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from shared.geodesy import ordering
from shared.geodesy.decorrelation import FIRST_DEGREE, cut_blocks
from shared.simulation.record import NoiseLevel

Array = NDArray[np.float64]

# Standard deviation of a usual month in units of that of N0. In the units of the filter's strengths N0 lacks
# a factor 1e6 (1e-3 here); the rest brings the rms over open ocean, filtered by DDK3, to that of the
# real series, 16 mm for a usual month.
USUAL = 1.20e-3

# The degree at which the tilt of a month's errors turns
_PIVOT = 40.0

# Full normals couple the blocks by a matrix of this rank, each of its vectors of this strength: the noise of
# a month changes by some percent along a few directions.
_RANK = 4
_STRENGTH = 3.0


@dataclass(frozen=True)
class NoiseModel:
    """Noise with the covariance of the usual month.

    normals: N0, [rows, rows] for degrees max(m, 2)..nmax; whiteners: L^-T of each, upper triangular.
    """

    nmax: int
    normals: tuple[Array, ...]
    whiteners: tuple[Array, ...]
    spread: Array  # [(nmax + 1)^2] standard deviations, zero for degrees 0 and 1

    @classmethod
    def of(cls, normals: Sequence[Array], nmax: int) -> NoiseModel:
        """The noise of block normals C0, C1, S1, ..., cut to a maximum degree; ValueError if they end below."""
        cut = cut_blocks(normals, nmax)
        whiteners = tuple(
            solve_triangular(cholesky(matrix, lower=True), np.eye(matrix.shape[0]), lower=True).T for matrix in cut
        )
        spread = np.zeros(ordering.size(nmax))
        for rows, whitener in zip(block_rows(nmax), whiteners, strict=True):
            spread[rows] = np.sqrt(np.sum(whitener**2, axis=1))
        return cls(nmax, cut, whiteners, spread)

    def draw(self, random: np.random.Generator) -> Array:
        """Noise [(nmax + 1)^2] of covariance N0^-1, degrees 0 and 1 zero."""
        white = random.standard_normal(ordering.size(self.nmax))
        noise = np.zeros_like(white)
        for rows, whitener in zip(block_rows(self.nmax), self.whiteners, strict=True):
            noise[rows] = whitener @ white[rows]
        return noise

    def solve(self, right: Array) -> Array:
        """N0^-1 times columns [(nmax + 1)^2, columns], zero for degrees 0 and 1."""
        solution = np.zeros_like(right)
        for rows, whitener in zip(block_rows(self.nmax), self.whiteners, strict=True):
            solution[rows] = whitener @ (whitener.T @ right[rows])
        return solution


@dataclass(frozen=True)
class CoupledNoise:
    """Noise whose normals N0 + V V^T are full: V [(nmax + 1)^2, rank] ties all blocks weakly together."""

    blocks: NoiseModel
    coupling: Array

    @classmethod
    def of(cls, blocks: NoiseModel, random: np.random.Generator) -> CoupledNoise:
        """Block noise with a weak random coupling."""
        diagonal = np.zeros(ordering.size(blocks.nmax))
        for rows, normal in zip(block_rows(blocks.nmax), blocks.normals, strict=True):
            diagonal[rows] = np.diag(normal)
        directions = random.standard_normal((diagonal.size, _RANK))
        return cls(blocks, _STRENGTH / np.sqrt(diagonal.size) * np.sqrt(diagonal)[:, None] * directions)

    @property
    def spread(self) -> Array:
        """Standard deviations [(nmax + 1)^2]: the root of the diagonal of the inverse."""
        solved, inner = self._woodbury()
        return np.sqrt(self.blocks.spread**2 - np.einsum("ik,ik->i", solved, solved @ inner))

    def draw(self, random: np.random.Generator, coupling_random: np.random.Generator) -> Array:
        """Noise [(nmax + 1)^2] of covariance (N0 + V V^T)^-1, near to that of the blocks for the same seed."""
        solved, inner = self._woodbury()
        # N^-1 (L z + V w) has covariance N^-1, since L z + V w has covariance N.
        loose = self.blocks.draw(random) + solved @ coupling_random.standard_normal(self.coupling.shape[1])
        noise: Array = loose - solved @ (inner @ (self.coupling.T @ loose))
        return noise

    def _woodbury(self) -> tuple[Array, Array]:
        """N0^-1 V, and (I + V^T N0^-1 V)^-1."""
        solved = self.blocks.solve(self.coupling)
        inner = np.linalg.inv(np.eye(self.coupling.shape[1]) + self.coupling.T @ solved).astype(np.float64)
        return solved, inner

    def matrix(self, scale: Array) -> Array:
        """Full normals [P, P], degrees 2 and above, of noise multiplied by `scale`."""
        kept = ordering.index(self.blocks.nmax).degree >= FIRST_DEGREE
        place = np.cumsum(kept) - 1
        vectors = self.coupling[kept] / scale[kept, None]
        matrix: Array = vectors @ vectors.T
        for rows, normal in zip(block_rows(self.blocks.nmax), self.blocks.normals, strict=True):
            at = slice(place[rows.start], place[rows.start] + normal.shape[0])
            matrix[at, at] += normal / np.outer(scale[rows], scale[rows])
        return matrix


def block_rows(nmax: int) -> list[slice]:
    """Where the degrees from max(m, 2) on of each block stand in the vector."""
    return [
        slice(block.slice.stop - (nmax + 1 - max(block.order, FIRST_DEGREE)), block.slice.stop)
        for block in ordering.blocks(nmax)
    ]


def noise_scale(level: NoiseLevel, nmax: int) -> Array:
    """Factor [(nmax + 1)^2] of N0's standard deviations for what a month's formal errors say: Q^-1."""
    degree = np.maximum(ordering.index(nmax).degree, FIRST_DEGREE)
    scale: Array = USUAL * level.level * (degree / _PIVOT) ** level.tilt
    return scale
