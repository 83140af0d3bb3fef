"""Gravity fields of one month, from the file's content to Level-2B.

Coefficients are fully normalised (4 pi), without unit, relative to the field's own GM and radius, in the
order-major vector of `shared.geodesy.ordering`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import ordering
from shared.models.epoch import Month, Span
from shared.models.provenance import Source

Vector = NDArray[np.float64]


def frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The array as a read-only view of float64; nobody changes it in place."""
    view = np.asarray(values, dtype=np.float64).view()
    view.flags.writeable = False
    return view


class TideSystem(StrEnum):
    """Which part of the permanent tide the C20 of a field contains."""

    TIDE_FREE = "tide_free"
    ZERO_TIDE = "zero_tide"
    MEAN_TIDE = "mean_tide"
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """What the standard deviations of a field are."""

    FORMAL = "formal"
    CALIBRATED = "calibrated"
    CALIBRATED_AND_FORMAL = "calibrated_and_formal"
    EMPIRICAL = "empirical"
    NONE = "no"


class FilterSource(StrEnum):
    """Where the normal matrix of the decorrelation came from, in order of preference."""

    NORMALS = "normals"
    ERROR_SCALED = "error-scaled"
    DDK = "ddk"


@dataclass(frozen=True)
class GravityField:
    """A field of coefficients as a file holds it, absolute (with C00 = 1 and the flattening).

    values, sigmas: [(nmax + 1)^2], sigmas None where the file has none.
    """

    name: str
    values: Vector
    sigmas: Vector | None
    gm: float  # m^3 s^-2
    radius: float  # m
    tide_system: TideSystem
    errors: ErrorKind = ErrorKind.FORMAL
    span: Span | None = None
    month: Month | None = None
    comments: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ordering.maximum_degree(self.values.size)
        object.__setattr__(self, "values", frozen(self.values))
        if not np.all(np.isfinite(self.values)):
            raise ValueError(f"{self.name}: a coefficient is not a finite number")
        if self.sigmas is not None:
            if self.sigmas.shape != self.values.shape:
                raise ValueError(f"{self.name}: values and standard deviations differ in number")
            object.__setattr__(self, "sigmas", frozen(self.sigmas))

    @property
    def nmax(self) -> int:
        """Maximum degree."""
        return ordering.maximum_degree(self.values.size)

    def truncated(self, nmax: int) -> Self:
        """The same field up to degree `nmax`; ValueError if it ends below."""
        if nmax == self.nmax:
            return self
        sigmas = None if self.sigmas is None else ordering.truncate(self.sigmas, nmax)
        return replace(self, values=ordering.truncate(self.values, nmax), sigmas=sigmas)

    def rescaled(self, gm: float, radius: float) -> Self:
        """The same field relative to another GM [m^3 s^-2] and radius [m]: c (GM/GM') (R/R')^n."""
        if gm == self.gm and radius == self.radius:
            return self
        factor = (self.gm / gm) * (self.radius / radius) ** ordering.index(self.nmax).degree
        sigmas = None if self.sigmas is None else self.sigmas * factor
        return replace(self, values=self.values * factor, sigmas=sigmas, gm=gm, radius=radius)


@dataclass(frozen=True)
class MonthlyField(GravityField):
    """An absolute field that is known to be that of one month: where the chain starts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.month is None or self.span is None:
            raise ValueError(f"{self.name}: a monthly field needs its month and its span")


@dataclass(frozen=True)
class Anomaly(MonthlyField):
    """A monthly field after the long-term mean was subtracted."""


@dataclass(frozen=True)
class FilteredAnomalies:
    """A month's anomaly in several filter sets: NFIL (none) and VDK1..VDK8, each [(nmax + 1)^2]."""

    month: Month
    span: Span
    sets: Mapping[str, Vector]
    sigmas: Vector | None  # of NFIL, [(nmax + 1)^2]
    gm: float  # m^3 s^-2
    radius: float  # m
    filter_source: FilterSource
    history: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    comments: tuple[str, ...] = ()
    name: str = field(default="")

    def __post_init__(self) -> None:
        sizes = {values.size for values in self.sets.values()}
        if len(sizes) != 1:
            raise ValueError(f"{self.month}: filter sets of different size: {sorted(sizes)}")
        for label, values in self.sets.items():
            if not np.all(np.isfinite(values)):
                raise ValueError(f"{self.month}: a coefficient of {label} is not a finite number")
        object.__setattr__(self, "sets", MappingProxyType({key: frozen(v) for key, v in self.sets.items()}))
        if self.sigmas is not None:
            object.__setattr__(self, "sigmas", frozen(self.sigmas))

    def __reduce__(self) -> tuple[object, ...]:
        # A mapping proxy cannot be pickled; the months of a series are made in several processes.
        arguments = {key: getattr(self, key) for key in self.__dataclass_fields__} | {"sets": dict(self.sets)}
        return _filtered_anomalies, (arguments,)

    @property
    def nmax(self) -> int:
        """Maximum degree."""
        return ordering.maximum_degree(next(iter(self.sets.values())).size)


def _filtered_anomalies(arguments: dict[str, object]) -> FilteredAnomalies:
    return FilteredAnomalies(**arguments)  # type: ignore[arg-type]
