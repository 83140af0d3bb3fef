"""The one order in which the coefficients of a field stand in a vector.

Order-major: for every order m first all cosine coefficients C_nm, n = m..nmax, then (m > 0) all sine
coefficients S_nm. A field of maximum degree nmax is a vector of (nmax + 1)^2 numbers without a hole,
and a block of one order and kind, which filters and Legendre sums work on, is a contiguous slice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Block(NamedTuple):
    """The coefficients of one order and kind: where they stand in the vector."""

    order: int
    sine: bool
    slice: slice


class Index(NamedTuple):
    """Degree, order and kind of every place in the vector, each of shape [(nmax + 1)^2]."""

    degree: NDArray[np.int64]
    order: NDArray[np.int64]
    sine: NDArray[np.bool_]


def size(nmax: int) -> int:
    """Number of coefficients of a field of maximum degree `nmax`."""
    return (nmax + 1) ** 2


def maximum_degree(count: int) -> int:
    """Maximum degree of a field with `count` coefficients; ValueError if there is none."""
    nmax = round(count**0.5) - 1
    if size(nmax) != count:
        raise ValueError(f"{count} is not the number of coefficients of a complete field")
    return nmax


@lru_cache(maxsize=16)
def blocks(nmax: int) -> tuple[Block, ...]:
    """All blocks in the order of the vector: C0, C1, S1, C2, S2, ..."""
    found, start = [], 0
    for order in range(nmax + 1):
        for sine in (False, True)[: 1 if order == 0 else 2]:
            stop = start + nmax + 1 - order
            found.append(Block(order, sine, slice(start, stop)))
            start = stop
    return tuple(found)


@lru_cache(maxsize=16)
def index(nmax: int) -> Index:
    """Degree, order and kind of every coefficient of the vector (read-only arrays)."""
    degree = np.empty(size(nmax), np.int64)
    order = np.empty_like(degree)
    sine = np.empty(size(nmax), np.bool_)
    for block in blocks(nmax):
        degree[block.slice] = np.arange(block.order, nmax + 1)
        order[block.slice] = block.order
        sine[block.slice] = block.sine
    for array in (degree, order, sine):
        array.flags.writeable = False
    return Index(degree, order, sine)


def position(nmax: int, degree: int, order: int, sine: bool = False) -> int:
    """Place of one coefficient in the vector; ValueError if the field has none such."""
    if not 0 <= order <= degree <= nmax or (sine and order == 0):
        raise ValueError(f"no {'S' if sine else 'C'}({degree},{order}) in a field of maximum degree {nmax}")
    return blocks(nmax)[2 * order - 1 + sine if order else 0].slice.start + degree - order


def pack(triangles: Vector) -> Vector:
    """Vector [..., (nmax + 1)^2] from cosine and sine triangles [..., 2, nmax + 1, nmax + 1] ([degree, order])."""
    at = index(triangles.shape[-1] - 1)
    packed: Vector = triangles[..., at.sine.astype(int), at.degree, at.order]
    return packed


def unpack(vector: Vector) -> Vector:
    """Cosine and sine triangles [..., 2, nmax + 1, nmax + 1] ([degree, order]) from a vector."""
    nmax = maximum_degree(vector.shape[-1])
    at = index(nmax)
    triangles = np.zeros((*vector.shape[:-1], 2, nmax + 1, nmax + 1))
    triangles[..., at.sine.astype(int), at.degree, at.order] = vector
    return triangles


@lru_cache(maxsize=16)
def _places(nmax: int, within: int) -> NDArray[np.int64]:
    """Places of the coefficients of a field of degree `nmax` in a larger one of degree `within`."""
    starts = {(block.order, block.sine): block.slice.start for block in blocks(within)}
    return np.concatenate(
        [starts[block.order, block.sine] + np.arange(nmax + 1 - block.order) for block in blocks(nmax)]
    )


def truncate(vector: Vector, nmax: int) -> Vector:
    """The coefficients up to degree `nmax` of a larger field [..., count]; ValueError if it is smaller."""
    have = maximum_degree(vector.shape[-1])
    if have < nmax:
        raise ValueError(f"a field of maximum degree {have} has no degree {nmax}")
    return vector if have == nmax else vector[..., _places(nmax, have)]


def extend(vector: Vector, nmax: int) -> Vector:
    """The field [..., count] as one of maximum degree `nmax`, zero where it had no coefficients."""
    have = maximum_degree(vector.shape[-1])
    if have > nmax:
        raise ValueError(f"a field of maximum degree {have} cannot be extended to {nmax}")
    wide = np.zeros((*vector.shape[:-1], size(nmax)))
    wide[..., _places(have, nmax)] = vector
    return wide
