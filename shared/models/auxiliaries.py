"""What the corrections need beside the months: tables, models, masks, normal matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shared.models.coefficients import Vector, frozen
from shared.models.epoch import Month, Span
from shared.models.provenance import Source


@dataclass(frozen=True)
class CoefficientTable:
    """A time series of a few coefficients (low degrees, geocenter), one row a month.

    begin: [rows] MJD of the begin of each span; values, sigmas: for each name (C20, C30, C21, S21, C10,
    C11, S11) [rows], absolute and fully normalised, NaN where the table has none.
    """

    name: str
    begin: Vector
    values: Mapping[str, Vector]
    sigmas: Mapping[str, Vector]
    source: Source

    def __post_init__(self) -> None:
        if np.any(np.diff(self.begin) <= 0.0):
            raise ValueError(f"{self.name}: rows are not in the order of time")
        object.__setattr__(self, "begin", frozen(self.begin))
        for key in ("values", "sigmas"):
            columns = {name: frozen(column) for name, column in getattr(self, key).items()}
            if any(column.shape != self.begin.shape for column in columns.values()):
                raise ValueError(f"{self.name}: columns of different length")
            object.__setattr__(self, key, MappingProxyType(columns))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.begin, dict(self.values), dict(self.sigmas), self.source)


@dataclass(frozen=True)
class GiaModel:
    """Rates of the coefficients by glacial isostatic adjustment, [(nmax + 1)^2] per year."""

    name: str
    rates: Vector
    gm: float  # m^3 s^-2
    radius: float  # m
    source: Source

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", frozen(self.rates))
        if not np.all(np.isfinite(self.rates)) or not np.any(self.rates):
            raise ValueError(f"{self.name}: rates of glacial isostatic adjustment that are zero or not finite")


@dataclass(frozen=True)
class BlockNormals:
    """Normal matrix that is block-diagonal by order and kind (Kusche et al. 2009): C0, C1, S1, C2, ...

    blocks[b]: [rows, rows] for the degrees from max(order, first_degree) to nmax.
    """

    blocks: tuple[NDArray[np.float64], ...]
    nmax: int
    first_degree: int
    source: Source


@dataclass(frozen=True)
class NormalMatrix:
    """A month's full normal matrix [P, P], true units, without degrees 0 and 1.

    Rows in the order-major order, P = (nmax + 1)^2 - 4. Only the upper triangle needs to hold numbers. It may be
    a memory map of a dense file: at degree 96 it has 708 MB.
    """

    matrix: NDArray[np.float64]
    nmax: int
    month: Month | None
    span: Span | None
    source: Source
    verified: bool = False  # known to be positive definite


@dataclass(frozen=True)
class LandMask:
    """Which cells of a regular grid hold any land: land [lat, lon], rows from south to north."""

    name: str
    land: NDArray[np.bool_]
    source: Source

    def __post_init__(self) -> None:
        view = np.asarray(self.land, dtype=np.bool_).view()
        view.flags.writeable = False
        object.__setattr__(self, "land", view)
        if not 0.05 < view.mean() < 0.95:
            raise ValueError(f"{self.name}: {view.mean():.0%} of its cells are land; it is no map of the Earth")


@dataclass(frozen=True)
class LoveNumbers:
    """Load Love numbers k_n [nmax + 1], k_1 in the frame of the centre of figure."""

    name: str
    k: Vector
    source: Source

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", frozen(self.k))
