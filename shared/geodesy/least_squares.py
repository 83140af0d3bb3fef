"""Least-squares fits of time series: one design matrix for many series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def seasonal_design(years: Array, epoch: float) -> Array:
    """Design matrix of bias, trend, annual and semi-annual signals.

    Parameters
    ----------
    years : [time] in years
    epoch : year at which the trend is zero

    Returns
    -------
    design : [time, 6]: 1, t - epoch [yr], cos and sin 2 pi t, cos and sin 4 pi t
    """
    annual, semi = 2.0 * np.pi * years, 4.0 * np.pi * years
    columns = [np.ones_like(years), years - epoch, np.cos(annual), np.sin(annual), np.cos(semi), np.sin(semi)]
    return np.stack(columns, axis=1)


def tidal_alias_design(years: Array, period: float, offset: Array) -> Array:
    """Cosine and sine [time, 2] of an alias of a period [yr] with a phase offset [time] [rad]."""
    phase = 2.0 * np.pi * years / period + offset
    return np.stack([np.cos(phase), np.sin(phase)], axis=1)


@dataclass(frozen=True)
class Projection:
    """The least-squares estimator of a design matrix: parameters [p, time] from observations.

    Made once, applied to any number of series; leverage [time] is the share of each observation in its
    own fitted value.
    """

    design: Array
    estimator: Array

    @classmethod
    def of(cls, design: Array) -> Projection:
        """The estimator of a design matrix [time, p]; ValueError if the data cannot separate it."""
        if design.shape[0] < design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
            raise ValueError(f"{design.shape[0]} epochs do not determine {design.shape[1]} parameters")
        return cls(design, np.asarray(np.linalg.pinv(design), float))

    @property
    def leverage(self) -> Array:
        """Diagonal [time] of the matrix that maps observations to fitted values."""
        return np.einsum("tp,pt->t", self.design, self.estimator)

    @property
    def cofactor(self) -> Array:
        """Covariance [p, p] of the parameters for observations of unit variance."""
        return self.estimator @ self.estimator.T

    def parameters(self, observations: Array) -> Array:
        """Parameters [p, ...] of observations [time, ...]."""
        return np.tensordot(self.estimator, observations, axes=1)
