"""The water signal: basins that swing over land, and the ocean that takes up what they give.

Every pattern is balanced by a uniform layer over all of the ocean: no mass is lost, and degree 1 follows
from the others by the method of Swenson et al. (2008), doi 10.1029/2007JB005338, which assumes such a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shared.constants import DENSITY_WATER, RADIUS_LEVEL2
from shared.geodesy import ordering
from shared.models.coefficients import frozen
from shared.models.epoch import Month, Span, years
from shared.simulation.basins import BASINS, Basin
from shared.simulation.earth import Earth
from shared.simulation.patches import plateau
from shared.simulation.seeds import Part, generator

Array = NDArray[np.float64]

# Half-weight radius [m] of a Gaussian on the sphere that the outlines are smoothed with: a sharp coast would
# ring in a field that ends at some degree (Jekeli 1981; Wahr et al. 1998, doi 10.1029/98JB02844)
_SMOOTHING = 100e3

# When the trends are zero [yr]
TREND_EPOCH = 2010.0

# What is between the years: a few slow waves of these periods [yr], longer than the year so that they are
# told from the seasons, and a weather that has forgotten itself after a month, as a share of them.
_WAVES = 5
_SHORTEST, _LONGEST = 1.4, 9.0
_WEATHER = 0.3


@dataclass(frozen=True)
class WaterModel:
    """Patterns [basins, (nmax + 1)^2] per metre of water in a basin, and how the basins swing.

    trend: [basins] m/yr; period, phase: [basins, waves] yr and rad.
    """

    seed: int
    basins: tuple[Basin, ...]
    patterns: Array
    trend: Array
    period: Array
    phase: Array

    @classmethod
    def of(cls, earth: Earth, nmax: int, seed: int, basins: Sequence[Basin] = BASINS) -> WaterModel:
        """Patterns of the basins up to degree `nmax`, degrees 0 (zero) and 1 included."""
        patterns, area = _patterns(earth, nmax, tuple(basins))
        mass = np.array([basin.mass_trend for basin in basins])
        trend = np.where(mass != 0.0, mass / (DENSITY_WATER * area), [basin.trend for basin in basins])
        random = generator(seed, Part.WANDER)
        shape = (len(basins), _WAVES)
        period = np.exp(random.uniform(np.log(_SHORTEST), np.log(_LONGEST), shape))
        phase = random.uniform(0.0, 2.0 * np.pi, shape)
        return cls(seed, tuple(basins), patterns, trend, period, phase)

    def heights(self, month: Month, span: Span) -> Array:
        """Water [basins] in metres at the mid-epoch of a month, TREND_EPOCH being zero for trends."""
        t = years(span.mid)
        annual, peak, semi, semi_peak, wander = np.array(
            [(b.annual, b.peak, b.semi, b.semi_peak, b.wander) for b in self.basins]
        ).T
        waves = np.cos(2.0 * np.pi * (t - TREND_EPOCH) / self.period + self.phase).sum(axis=1) * np.sqrt(2.0 / _WAVES)
        weather = generator(self.seed, Part.WEATHER, month.ordinal).standard_normal(wander.size)
        seasons = annual * np.cos(2.0 * np.pi * (t - peak)) + semi * np.cos(4.0 * np.pi * (t - semi_peak))
        heights: Array = seasons + self.trend * (t - TREND_EPOCH) + wander * (waves + _WEATHER * weather)
        return heights

    def field(self, month: Month, span: Span) -> Array:
        """Coefficients [(nmax + 1)^2] of a month's water, degree 1 included, degree 0 zero."""
        return self.heights(month, span) @ self.patterns


@lru_cache(maxsize=4)
def _patterns(earth: Earth, nmax: int, basins: tuple[Basin, ...]) -> tuple[Array, Array]:
    """Smoothed coefficients of the patterns [basins, (nmax + 1)^2] and the basins' areas [m^2]."""
    maps = balanced_patterns(earth, basins)
    area = 4.0 * np.pi * RADIUS_LEVEL2**2 * earth.mean(np.where(earth.mask.land, maps, 0.0))
    return frozen(_smooth(earth.coefficients(maps, nmax))), frozen(area)


def _smooth(fields: Array) -> Array:
    """Fields [basins, (nmax + 1)^2] smoothed by the Gaussian, which keeps the mass."""
    degree = ordering.index(ordering.maximum_degree(fields.shape[1])).degree
    # The transform of a Gaussian of this half-weight radius, to a per mille of the spherical one
    width = _SMOOTHING / RADIUS_LEVEL2 / np.sqrt(2.0 * np.log(2.0))
    return fields * np.exp(-0.5 * degree * (degree + 1.0) * width**2)


def balanced_patterns(earth: Earth, basins: Sequence[Basin]) -> Array:
    """Water [basins, lat, lon] for one metre in each basin: on land its outline, at sea a uniform layer."""
    land = earth.mask.land
    ocean_share = float(earth.mean((~land).astype(float)))
    maps = np.stack([np.where(land, plateau(basin.patches, earth.grid), 0.0) for basin in basins])
    layer = earth.mean(maps) / ocean_share
    maps -= layer[:, None, None] * ~land
    return maps
