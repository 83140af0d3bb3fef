"""Degree 1 from the degrees above it and the ocean's mass.

Swenson et al. (2008), doi 10.1029/2007JB005338, with the settings of Sun et al. (2016), doi
10.1002/2016JB013073: over the ocean, away from the coast, mass changes are those of a uniform layer. The
method is usually iterated, since the layer depends on degree 1 itself; it is linear, so that the limit of
the iteration is one matrix, made here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import ordering
from shared.geodesy.harmonics import analyse

Array = NDArray[np.float64]

# Maximum degree of the harmonics that take part (Sun et al. 2016)
NMAX = 45


@dataclass(frozen=True)
class GeocenterEstimator:
    """Degree 1 as a linear function of the other coefficients.

    matrix: [3, (NMAX + 1)^2], rows C10, C11, S11, columns order-major, zero for degrees 0 and 1.
    """

    matrix: Array

    def __call__(self, field: Array) -> Array:
        """C10, C11, S11 [3] of a field [(nmax + 1)^2]; a field below degree 45 counts as zero above."""
        have = ordering.maximum_degree(field.size)
        used = ordering.truncate(field, NMAX) if have >= NMAX else ordering.extend(field, NMAX)
        return self.matrix @ used


def geocenter_estimator(
    ocean: NDArray[np.bool_], latitudes: Array, longitudes: Array, areas: Array, kernel: Array
) -> GeocenterEstimator:
    """The estimator for an ocean function and a kernel.

    With q the coefficients of surface mass, theta the ocean function and <> the mean over the sphere, the
    layer M / A = <theta q> / <theta> must have the same degree-1 moments over the ocean as q:
    (I - t t' / A) q_1 = M_2 t / A - G, with I_ij = <theta Y_i Y_j>, t_i = <theta Y_i>, and G_i, M_2 the
    moments <theta Y_i q>, <theta q> of degrees 2 and above.

    Parameters
    ----------
    ocean : [lat, lon] cells of the ocean function
    latitudes, longitudes : [lat], [lon] cell centres in degrees
    areas : [lat] area of a cell as a share of the sphere
    kernel : [>= NMAX + 1] surface mass of a unit potential coefficient of each degree, k_1 of the frame of
        the centre of figure; its unit cancels
    """
    lat, lon = np.deg2rad(latitudes)[:, None], np.deg2rad(longitudes)[None, :]
    cosine = np.sqrt(3.0) * np.cos(lat)
    harmonics = np.stack([np.sqrt(3.0) * np.sin(lat) + 0.0 * lon, cosine * np.cos(lon), cosine * np.sin(lon)])
    theta = ocean.astype(float)
    moments = analyse(np.concatenate([theta[None], theta * harmonics]), latitudes, longitudes, areas, NMAX)
    degree = ordering.index(NMAX).degree
    first = [ordering.position(NMAX, 1, 0), ordering.position(NMAX, 1, 1), ordering.position(NMAX, 1, 1, sine=True)]
    area, t, inner = moments[0, 0], moments[0, first], moments[1:, first]
    above = np.where(degree >= 2, kernel[degree], 0.0)
    right = np.outer(t, moments[0] * above) / area - moments[1:] * above
    return GeocenterEstimator(np.linalg.solve(inner - np.outer(t, t) / area, right) / kernel[1])
