"""Spherical harmonic synthesis and analysis on regular grids.

Both work on many fields at once, order by order, as matrix products: a field is a row of an order-major
vector. The synthesis folds the four quadrants of longitude on one another, since cos and sin of m lambda
are even or odd about 0 and 90 degrees; that leaves a quarter of the products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import ordering
from shared.geodesy.ellipsoid import Surface
from shared.geodesy.legendre import legendre

Array = NDArray[np.float64]

# Fields per matrix product. It bounds the memory of a call, and since it is fixed and a whole number of the
# rows that linear algebra takes at a time, a field comes out the same to the bit whatever stands beside it.
_BATCH = 8

# Parallels that are unfolded at a time: their eight work arrays stay in the processor's second-level cache.
_ROWS = 90


@dataclass(frozen=True)
class Synthesis:
    """Values on a grid from coefficients; made once for a surface and a kernel.

    tables: for each order [nmax + 1 - m, lat], Legendre functions times kernel times (R / r)^(n + 2).
    """

    nmax: int
    tables: tuple[Array, ...]
    cosines: Array  # [m, quarter of the longitudes]
    sines: Array

    @classmethod
    def of(
        cls, nmax: int, surface: Surface, longitudes: Array, kernel: Array, reference_radius: float | None = None
    ) -> Synthesis:
        """Prepare the synthesis.

        Parameters
        ----------
        nmax : maximum degree
        surface : parallels of the grid [lat]
        longitudes : [lon] degrees; symmetric to 0 and to 90 degrees, as cell centres of a regular grid are
        kernel : [nmax + 1] factor of each degree
        reference_radius : R of the attenuation (R / r)^(n + 2); None leaves it out

        Raises
        ------
        ValueError : if the longitudes cannot be folded
        """
        quarter = longitudes.size // 4
        if longitudes.size % 4 or not np.allclose(longitudes, _unfold_longitudes(longitudes[2 * quarter :][:quarter])):
            raise ValueError("the longitudes must be cell centres from -180 to 180 degrees, a multiple of four")
        degree = np.arange(nmax + 1)[:, None]
        weight = kernel[: nmax + 1, None] * np.ones_like(surface.radius)
        if reference_radius is not None:
            weight = weight * (reference_radius / surface.radius) ** (degree + 2)
        tables = tuple(table * weight[m:] for m, table in enumerate(legendre(nmax, surface.latitude)))
        angles = np.arange(nmax + 1)[:, None] * np.deg2rad(longitudes[2 * quarter : 3 * quarter])
        return cls(nmax, tables, np.cos(angles), np.sin(angles))

    def __call__(self, fields: Array, out: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
        """Maps [time, lat, lon] of fields [time, (nmax + 1)^2]; into `out` (of any float type) if given."""
        if fields.ndim != 2 or fields.shape[1] != ordering.size(self.nmax):
            raise ValueError(f"fields of shape {fields.shape} for a synthesis up to degree {self.nmax}")
        if out is None:
            out = np.empty((fields.shape[0], self.tables[0].shape[1], 4 * self.cosines.shape[1]))
        for start in range(0, fields.shape[0], _BATCH):
            batch = fields[start : start + _BATCH]
            count = batch.shape[0]
            if count < _BATCH:  # same shapes, same order of summation, same bits
                batch = np.concatenate([batch, np.zeros((_BATCH - count, batch.shape[1]))])
            self._synthesise(batch, out[start : start + count])
        return out

    def _synthesise(self, batch: Array, out: NDArray[np.floating]) -> None:
        """One batch of fields onto its maps."""
        count, rows = batch.shape[0], self.tables[0].shape[1]
        along = np.zeros((2, self.nmax + 1, count * rows))  # [cosine or sine, order, field and parallel]
        for block in ordering.blocks(self.nmax):
            target = along[int(block.sine), block.order].reshape(count, rows)
            np.matmul(batch[:, block.slice], self.tables[block.order], out=target)
        used = out.shape[0] * rows
        parallels = out.reshape(used, -1)
        work = np.empty((8, min(_ROWS, used), self.cosines.shape[1]))
        for start in range(0, used, _ROWS):
            self._unfold(along[:, :, start : min(start + _ROWS, used)], parallels[start : start + _ROWS], work)

    def _unfold(self, along: Array, out: NDArray[np.floating], work: Array) -> None:
        """Sum over the orders on the first quadrant of some parallels, then mirror it onto all four."""
        cos_even, cos_odd, sin_even, sin_odd, plus, minus, same, other = work[:, : out.shape[0]]
        for target, kind, table, first in (
            (cos_even, 0, self.cosines, 0), (cos_odd, 0, self.cosines, 1),
            (sin_even, 1, self.sines, 0), (sin_odd, 1, self.sines, 1),
        ):  # fmt: skip
            np.matmul(along[kind, first::2].T, table[first::2], out=target)
        np.add(cos_even, cos_odd, out=plus)
        np.subtract(cos_even, cos_odd, out=minus)
        np.add(sin_even, sin_odd, out=same)
        np.subtract(sin_odd, sin_even, out=other)
        west, middle, east = (k * self.cosines.shape[1] for k in (1, 2, 3))
        np.add(plus, same, out=out[:, middle:east], casting="same_kind")
        np.add(minus, other, out=out[:, : east - 1 : -1], casting="same_kind")
        np.subtract(plus, same, out=out[:, middle - 1 : west - 1 : -1], casting="same_kind")
        np.subtract(minus, other, out=out[:, :west], casting="same_kind")


def _unfold_longitudes(first: Array) -> Array:
    """All longitudes [deg] of which these are the ones of the first quadrant."""
    return np.concatenate([first - 180.0, -first[::-1], first, 180.0 - first[::-1]])


def analyse(maps: Array, latitudes: Array, longitudes: Array, areas: Array, nmax: int) -> Array:
    """Coefficients of functions on the sphere by quadrature over the cells.

    Parameters
    ----------
    maps : [..., lat, lon] values at the centres of the cells
    latitudes, longitudes : [lat], [lon] degrees, taken as geocentric
    areas : [lat] area of a cell as a share of the sphere
    nmax : maximum degree

    Returns
    -------
    fields : [..., (nmax + 1)^2], the mean over the sphere of map times harmonic
    """
    angles = np.deg2rad(longitudes)[:, None] * np.arange(nmax + 1)
    weighted = maps * areas[:, None]
    along = {False: weighted @ np.cos(angles), True: weighted @ np.sin(angles)}  # [..., lat, m]
    tables = legendre(nmax, np.deg2rad(latitudes))
    fields = np.empty((*maps.shape[:-2], ordering.size(nmax)))
    for block in ordering.blocks(nmax):
        fields[..., block.slice] = along[block.sine][..., block.order] @ tables[block.order].T
    return fields
