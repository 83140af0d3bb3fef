"""From potential to water: the factor of each degree (Wahr et al. 1998, doi 10.1029/98JB02844)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.constants import DENSITY_WATER, GRAVITATIONAL_CONSTANT

Array = NDArray[np.float64]


def mean_density(gm: float, radius: float) -> float:
    """Mean density [kg m^-3] of an Earth of this GM [m^3 s^-2] and radius [m]: 3 GM / (4 pi G R^3)."""
    return 3.0 * gm / (4.0 * np.pi * GRAVITATIONAL_CONSTANT * radius**3)


def water_height(love: Array, gm: float, radius: float, density: float | None = None) -> Array:
    """Equivalent water height per unit of a potential coefficient, for each degree.

    Parameters
    ----------
    love : [nmax + 1] load Love numbers k_n
    gm, radius : of the coefficients [m^3 s^-2, m]
    density : mean density of the Earth [kg m^-3]; by default 3 GM / (4 pi G R^3)

    Returns
    -------
    factor : [nmax + 1] metres of water: R rho_e (2n + 1) / (3 rho_w (1 + k_n))
    """
    rho = mean_density(gm, radius) if density is None else density
    degree = np.arange(love.size)
    return radius * rho * (2.0 * degree + 1.0) / (3.0 * DENSITY_WATER * (1.0 + love))
