"""What is estimated once and then kept: the reference of the anomalies, and a frozen evaluation.

A baseline makes months independent of each other: given it, Level-2B of a month needs no other month.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from shared.geodesy import ordering
from shared.geodesy.covariance import ErrorCovariance
from shared.models.coefficients import TideSystem, Vector, frozen
from shared.models.epoch import Month, Span
from shared.models.provenance import Source


@dataclass(frozen=True)
class EarthquakeFit:
    """The fitted signal of one earthquake: amplitudes on the cells of its cap.

    cells: [cells] flat index into [lat, lon]; step, decay: [cells] m of water; tau: relaxation time [yr].
    """

    name: str
    tau: float
    cells: Vector
    step: Vector
    decay: Vector

    def __post_init__(self) -> None:
        for name in ("cells", "step", "decay"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


@dataclass(frozen=True)
class Evaluation:
    """All that the series as a whole decides; frozen for an interim record.

    deterministic: for each filter set [6, (nmax + 1)^2], trend zero at `epoch` [yr]; mean_noise: [m];
    latitude: [k] parameters p_k of the latitude scale; ocean: [6, cells] fit to the open-ocean cells, m;
    weak_noise: rms over open ocean of the residual of the filter that the deterministic part is taken from [m];
    cofactor: [6, 6] of the fit's parameters, so that weak_noise^2 a' cofactor a is the variance of its value;
    covariance: how the errors of two cells correlate.
    """

    epoch: float
    deterministic: Mapping[str, Vector]
    mean_noise: float
    earthquakes: tuple[EarthquakeFit, ...] = ()
    latitude: Vector | None = None
    ocean: Vector | None = None
    weak_noise: float = 0.0
    cofactor: Vector | None = None
    covariance: ErrorCovariance | None = None

    def __post_init__(self) -> None:
        fits = {label: frozen(values) for label, values in self.deterministic.items()}
        object.__setattr__(self, "deterministic", MappingProxyType(fits))

    def __reduce__(self) -> tuple[object, ...]:
        arguments = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return _evaluation, (arguments | {"deterministic": dict(self.deterministic)},)


def _evaluation(arguments: dict[str, object]) -> Evaluation:
    return Evaluation(**arguments)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Baseline:
    """The reference of the anomalies, and the months behind it.

    mean: [(nmax + 1)^2]; sigmas: [(nmax + 1)^2] median standard deviation or None where months have none;
    alias: for each filter set [2, (nmax + 1)^2] cosine and sine of the S2 alias, empty until estimated.
    """

    period: tuple[Month, Month]
    months: tuple[Month, ...]
    spans: tuple[Span, ...]
    checksums: tuple[str, ...]
    mean: Vector
    sigmas: Vector | None
    gm: float
    radius: float
    tide_system: TideSystem
    alias: Mapping[str, Vector] = field(default_factory=dict)
    evaluation: Evaluation | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", frozen(self.mean))
        if self.sigmas is not None:
            object.__setattr__(self, "sigmas", frozen(self.sigmas))
        alias = {label: frozen(values) for label, values in self.alias.items()}
        object.__setattr__(self, "alias", MappingProxyType(alias))

    def __reduce__(self) -> tuple[object, ...]:
        # A mapping proxy cannot be pickled. The digest goes along: each process would compute it for every month.
        arguments = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return _baseline, (arguments | {"alias": dict(self.alias)}, self.digest)

    @property
    def nmax(self) -> int:
        """Maximum degree."""
        return ordering.maximum_degree(self.mean.size)

    @property
    def mid_epoch(self) -> float:
        """Mean mid-epoch of the reference months [MJD]: where trends of models are zero."""
        return sum(span.mid for span in self.spans) / len(self.spans)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that Level-2B depends on (the frozen evaluation is not part of it)."""
        hasher = hashlib.sha256()
        spans = [(span.begin, span.end) for span in self.spans]
        hasher.update(" ".join(map(str, (*self.period, *self.months, *spans, *self.checksums))).encode())
        hasher.update(repr((self.gm, self.radius, str(self.tide_system), sorted(self.alias))).encode())
        for array in (self.mean, self.sigmas, *(self.alias[label] for label in sorted(self.alias))):
            hasher.update(b"-" if array is None else array.tobytes())
        return hasher.hexdigest()

    @property
    def source(self) -> Source:
        """The baseline as a source of what is made with it."""
        return Source("baseline", f"{self.period[0]}..{self.period[1]} ({len(self.months)} months)", self.digest)


def _baseline(arguments: dict[str, object], digest: str) -> Baseline:
    baseline = Baseline(**arguments)  # type: ignore[arg-type]
    baseline.__dict__["digest"] = digest
    return baseline
