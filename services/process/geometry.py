"""What follows from the grid, the land mask and the Love numbers; computed once for a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from shared.constants import GM_EARTH, RADIUS_LEVEL2
from shared.geodesy.distance import distance_to_land
from shared.geodesy.ellipsoid import Surface, ellipsoid, sphere
from shared.geodesy.geocenter import GeocenterEstimator, geocenter_estimator
from shared.geodesy.harmonics import Synthesis
from shared.geodesy.kernels import water_height
from shared.models.auxiliaries import LandMask, LoveNumbers
from shared.models.coefficients import Vector
from shared.models.grid import Grid
from shared.models.provenance import Source

# The ocean function of degree 1 keeps clear of the coast, where land signal leaks out (Sun et al. 2016) [m]
COASTAL_BUFFER = 200e3

# Open ocean: farther from any land than this [m] (algorithm document, section 3.2.2)
OPEN_OCEAN_DISTANCE = 1000e3

# Mean density of the Earth [kg m^-3] and ellipsoid latitude of GFZ's own Level-3 (geogravL3 1.2.4)
GFZ_DENSITY = 5517.0
GFZ_LATITUDE = 45.0


@dataclass(frozen=True)
class Geometry:
    """The Earth as the chain sees it: grid, land, coast, water heights."""

    grid: Grid
    mask: LandMask
    love: LoveNumbers

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that it is derived from."""
        return self.mask.source, self.love.source

    @cached_property
    def distance(self) -> Vector:
        """Distance to land [lat, lon], m."""
        return distance_to_land(self.mask.land, self.grid.latitudes, self.grid.longitudes)

    @cached_property
    def open_ocean(self) -> NDArray[np.bool_]:
        """Cells [lat, lon] farther than 1000 km from any land."""
        return self.distance > OPEN_OCEAN_DISTANCE

    @cached_property
    def ocean_weights(self) -> Vector:
        """Area weights [cells] of the open-ocean cells in the order of the mask; they sum to one."""
        areas = np.broadcast_to(self.grid.areas[:, None], self.grid.shape)[self.open_ocean]
        weights: Vector = areas / areas.sum()
        return weights

    def ocean_mean(self, values: NDArray[np.floating]) -> Vector:
        """Area-weighted means [rows] over the open ocean of values [rows, cells].

        Row by row and without the matrix library, whose rounding depends on how many rows and threads there
        are: a month keeps every bit when others join it.
        """
        return np.array([np.sum(row * self.ocean_weights) for row in values])

    @cached_property
    def geocenter(self) -> GeocenterEstimator:
        """Degree 1 from the other degrees."""
        kernel = water_height(self.love.k, GM_EARTH, RADIUS_LEVEL2)
        ocean = self.distance > COASTAL_BUFFER
        with threadpool_limits(1):  # sums over the sphere that are split over threads round differently
            return geocenter_estimator(ocean, self.grid.latitudes, self.grid.longitudes, self.grid.areas, kernel)

    def synthesis(self, nmax: int, gm: float, radius: float, surface: str = "ellipsoid") -> Synthesis:
        """Synthesis of water heights [m] on the grid.

        Parameters
        ----------
        nmax, gm, radius : of the coefficients
        surface : `ellipsoid`, the IERS ellipsoid at the geocentric latitude of each cell; `gfz-r45`, the form of
            GFZ's Level-3: geodetic latitude, R the ellipsoid's radius at 45 degrees, rho_e 5517; `sphere`

        Raises
        ------
        ValueError : for any other surface
        """
        latitudes, love = self.grid.latitudes, self.love.k[: nmax + 1]
        on: Surface
        if surface == "ellipsoid":
            on, kernel = ellipsoid(latitudes), water_height(love, gm, radius)
            return Synthesis.of(nmax, on, self.grid.longitudes, kernel, reference_radius=radius)
        if surface == "gfz-r45":
            local = float(ellipsoid(np.array([GFZ_LATITUDE])).radius[0])
            on, kernel = sphere(latitudes, local), water_height(love, gm, local, density=GFZ_DENSITY)
        elif surface == "sphere":
            on, kernel = sphere(latitudes, radius), water_height(love, gm, radius)
        else:
            raise ValueError(f"{surface} is no surface: take ellipsoid, gfz-r45 or sphere")
        return Synthesis.of(nmax, on, self.grid.longitudes, kernel)
