"""Maps on a regular grid of cells, and their series.

Index order [time, latitude, longitude]; rows from south to north, columns from 180 W to 180 E, both at the
centres of the cells. Latitudes are geodetic. Water heights in metres of equivalent water.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shared.geodesy.covariance import ErrorCovariance
from shared.models.baseline import Evaluation
from shared.models.coefficients import FilterSource, Vector, frozen
from shared.models.epoch import Month, Span
from shared.models.provenance import Source


@dataclass(frozen=True)
class Grid:
    """A regular global grid of cells of `step` degrees."""

    step: float = 0.5

    @cached_property
    def latitudes(self) -> Vector:
        """Geodetic latitudes of the cell centres [lat], degrees, south to north."""
        return frozen(np.arange(-90.0 + self.step / 2, 90.0, self.step))

    @cached_property
    def longitudes(self) -> Vector:
        """Longitudes of the cell centres [lon], degrees, -180 to 180."""
        return frozen(np.arange(-180.0 + self.step / 2, 180.0, self.step))

    @cached_property
    def areas(self) -> Vector:
        """Area of a cell of each row as a share of the sphere [lat]; all cells sum to one."""
        edges = np.deg2rad(np.linspace(-90.0, 90.0, self.latitudes.size + 1))
        return frozen(np.diff(np.sin(edges)) / (2.0 * self.longitudes.size))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.latitudes.size, self.longitudes.size


@dataclass(frozen=True)
class GridSeries:
    """Level-3: a map of water storage anomaly for each month.

    twsa: [time, lat, lon] m; sigma: [time] m and scale: [lat] (uncertainty = sigma x scale) once estimated, and
    covariance: how the errors of two cells correlate; land: [lat, lon] once masked. noise [time] and threshold in
    m, strength [time] the VDK of the residual; parameters: the values of all that the specification leaves open,
    by name.
    """

    grid: Grid
    months: tuple[Month, ...]
    spans: tuple[Span, ...]
    twsa: NDArray[np.floating]
    noise: Vector
    threshold: float
    strength: NDArray[np.int8]
    filter_sources: tuple[FilterSource, ...]
    evaluation: Evaluation
    sigma: Vector | None = None
    scale: Vector | None = None
    covariance: ErrorCovariance | None = None
    land: NDArray[np.bool_] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if self.twsa.shape != (len(self.months), *self.grid.shape):
            raise ValueError(f"maps of shape {self.twsa.shape} for {len(self.months)} months on {self.grid.shape}")
        view = self.twsa.view()
        view.flags.writeable = False
        object.__setattr__(self, "twsa", view)
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @property
    def mid(self) -> Vector:
        """Mid-epochs [time] as MJD [d]."""
        return np.array([span.mid for span in self.spans])
