"""The S2 tidal alias: what the tide model gets wrong comes back with a period of 161 days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.constants import DAYS_PER_YEAR, S2_ALIAS_OFFSET_DEGREES, S2_ALIAS_PERIOD
from shared.geodesy import ordering
from shared.models.epoch import Span, years
from shared.simulation.earth import Earth
from shared.simulation.seeds import Part, generator, normal_field

Array = NDArray[np.float64]

# Root mean square over the sphere [m of water] of each of the two patterns, and the degree at which they fade
_HEIGHT = 4e-3
_FADING_DEGREE = 14.0
_LAST_DEGREE = 60


def alias_patterns(earth: Earth, nmax: int, seed: int) -> Array:
    """Amplitudes [2, (nmax + 1)^2] of cosine and sine of the alias, degrees 2 and above.

    C20 has one, too: a chain that replaces C20 never sees it.
    """
    random = generator(seed, Part.ALIAS)
    kernel = earth.height_kernel(_LAST_DEGREE)
    degrees = np.arange(_LAST_DEGREE + 1)
    heights = np.where(degrees < 2, 0.0, np.exp(-degrees / _FADING_DEGREE))
    heights *= _HEIGHT / np.sqrt(np.sum((2.0 * degrees + 1.0) * heights**2))
    spread = (heights / kernel)[ordering.index(_LAST_DEGREE).degree]
    patterns = spread * np.stack([normal_field(random, _LAST_DEGREE) for _ in range(2)])
    return ordering.truncate(patterns, nmax) if nmax <= _LAST_DEGREE else ordering.extend(patterns, nmax)


def alias_terms(span: Span) -> Array:
    """Cosine and sine [2] of the alias at the mid-epoch of a span.

    The orbit planes of GRACE and GRACE-FO are 100 degrees apart in its phase (Landerer et al. 2020, doi
    10.1029/2020GL088306).
    """
    phase = 2.0 * np.pi * (DAYS_PER_YEAR / S2_ALIAS_PERIOD) * years(span.mid)
    phase += np.deg2rad(S2_ALIAS_OFFSET_DEGREES) if span.is_follow_on else 0.0
    return np.array([np.cos(phase), np.sin(phase)])
