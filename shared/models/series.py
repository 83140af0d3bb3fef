"""The months together: what the combination, the fallback and the uncertainty look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import ordering
from shared.models.baseline import Evaluation
from shared.models.coefficients import FilteredAnomalies, FilterSource, Vector, frozen
from shared.models.epoch import Month, Span
from shared.models.provenance import Source


@dataclass(frozen=True)
class Level2BSeries:
    """Level-2B of all months: for each filter set [time, (nmax + 1)^2], months in order of time."""

    months: tuple[Month, ...]
    spans: tuple[Span, ...]
    sets: Mapping[str, Vector]
    filter_sources: tuple[FilterSource, ...]
    gm: float  # m^3 s^-2
    radius: float  # m
    history: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if list(self.months) != sorted(set(self.months)):
            raise ValueError("the months of a series must be in order and each only once")
        for label, values in self.sets.items():
            if values.shape[0] != len(self.months):
                raise ValueError(f"{label}: {values.shape[0]} fields for {len(self.months)} months")
        object.__setattr__(self, "sets", MappingProxyType({key: frozen(v) for key, v in self.sets.items()}))

    @classmethod
    def of(cls, months: Sequence[FilteredAnomalies]) -> Level2BSeries:
        """The series of single months; ValueError if they differ in GM, radius, degree or filter sets."""
        ordered = sorted(months, key=lambda month: month.month)
        if len({(month.gm, month.radius, month.nmax, tuple(month.sets)) for month in ordered}) != 1:
            raise ValueError("the months of a series must agree in GM, radius, maximum degree and filter sets")
        first = ordered[0]
        return cls(
            months=tuple(month.month for month in ordered),
            spans=tuple(month.span for month in ordered),
            sets={label: np.stack([month.sets[label] for month in ordered]) for label in first.sets},
            filter_sources=tuple(month.filter_source for month in ordered),
            gm=first.gm,
            radius=first.radius,
            history=first.history,
            sources=tuple(sorted({source for month in ordered for source in month.sources})),
        )

    @property
    def nmax(self) -> int:
        """Maximum degree."""
        return ordering.maximum_degree(next(iter(self.sets.values())).shape[1])

    @property
    def mid(self) -> Vector:
        """Mid-epochs [time] as MJD [d]."""
        return np.array([span.mid for span in self.spans])


@dataclass(frozen=True)
class CombinedSeries:
    """The one field of each month, combined of the filter strengths: values [time, (nmax + 1)^2].

    noise [time], threshold: rms over open ocean [m of water]; strength [time]: the VDK used for the residual;
    evaluation: the fits behind it.
    """

    months: tuple[Month, ...]
    spans: tuple[Span, ...]
    values: Vector
    noise: Vector
    threshold: float
    strength: NDArray[np.int8]
    filter_sources: tuple[FilterSource, ...]
    gm: float
    radius: float
    evaluation: Evaluation
    history: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for name in ("values", "noise"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def nmax(self) -> int:
        """Maximum degree."""
        return ordering.maximum_degree(self.values.shape[1])
