"""What the simulation must know of the Earth: load Love numbers, where land is, how noise correlates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.constants import GM_EARTH, RADIUS_LEVEL2
from shared.formats.bundled import ddk_normals, default_land_mask, love_numbers
from shared.geodesy import ordering
from shared.geodesy.ellipsoid import geocentric_latitude
from shared.geodesy.harmonics import analyse
from shared.geodesy.kernels import water_height
from shared.models.auxiliaries import BlockNormals, LandMask, LoveNumbers
from shared.models.grid import Grid
from shared.settings import cache_folder

Array = NDArray[np.float64]

# Maps that are analysed at a time: it bounds the memory at 0.5 degrees to about 100 MB
_CHUNK = 16


@dataclass(frozen=True, eq=False)
class Earth:
    """Love numbers, the land of a grid, and the block normals of the noise."""

    love: LoveNumbers
    grid: Grid
    mask: LandMask
    normals: BlockNormals

    @classmethod
    def bundled(cls, cache: Path | None = None) -> Earth:
        """The data of the installed packages, on the product's grid of 0.5 degrees.

        Parameters
        ----------
        cache : folder in which they are kept converted; by default the one of the deployment
        """
        grid, cache = Grid(), cache or cache_folder()
        return cls(love_numbers(), grid, default_land_mask(cache, grid), ddk_normals(cache))

    @cached_property
    def latitudes(self) -> Array:
        """Geocentric latitudes [lat] of the cells, whose own are geodetic, degrees."""
        return np.rad2deg(geocentric_latitude(np.deg2rad(self.grid.latitudes)))

    @cached_property
    def areas(self) -> Array:
        """Area of a cell between its geocentric edges [lat] as a share of the sphere; all sum to one."""
        edges = np.linspace(-90.0, 90.0, self.grid.latitudes.size + 1)
        sines = np.sin(geocentric_latitude(np.deg2rad(edges)))
        return np.diff(sines) / (2.0 * self.grid.longitudes.size)

    def mean(self, maps: Array) -> Array:
        """Mean over the sphere [...] of maps [..., lat, lon]."""
        return maps.sum(axis=-1) @ self.areas

    def height_kernel(self, nmax: int) -> Array:
        """Metres of water per unit of a coefficient of each degree [nmax + 1], degree 0 included."""
        return water_height(self.love.k[: nmax + 1], GM_EARTH, RADIUS_LEVEL2)

    def coefficients(self, heights: Array, nmax: int) -> Array:
        """Potential coefficients [maps, (nmax + 1)^2] of water heights [maps, lat, lon] in metres."""
        parts = [
            analyse(heights[start : start + _CHUNK], self.latitudes, self.grid.longitudes, self.areas, nmax)
            for start in range(0, heights.shape[0], _CHUNK)
        ]
        return np.concatenate(parts) / self.height_kernel(nmax)[ordering.index(nmax).degree]
