"""The archive put together in memory: months, auxiliaries, and the truth that they were made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shared.formats.icgem_writer import level2_name
from shared.geodesy import ordering
from shared.geodesy.decorrelation import FIRST_DEGREE
from shared.models.auxiliaries import CoefficientTable, GiaModel, NormalMatrix
from shared.models.coefficients import ErrorKind, MonthlyField, TideSystem
from shared.models.epoch import Month, years
from shared.models.provenance import Source
from shared.simulation.alias import alias_patterns, alias_terms
from shared.simulation.auxiliaries import (
    GEOCENTER_SIGMAS,
    LOW_DEGREE_SIGMAS,
    coefficient_table,
    low_degree_errors,
)
from shared.simulation.earth import Earth
from shared.simulation.noise import CoupledNoise, NoiseModel, noise_scale
from shared.simulation.record import noise_level, span_of
from shared.simulation.seeds import Part, generator
from shared.simulation.settings import Settings
from shared.simulation.solid_earth import GIA_EPOCH, deform, gia_model, gia_rates, static_field
from shared.simulation.truth import Truth
from shared.simulation.water import WaterModel

Array = NDArray[np.float64]

# Scatter of the logarithm of empirical errors from coefficient to coefficient
_EMPIRICAL_SCATTER = 0.3


@dataclass(frozen=True)
class Simulation:
    """A simulated archive: Level-2 in order of time, its auxiliaries, and the truth.

    fields: without degree 1, as Level-2 is; low_degrees, geocenter: a row for each month; noise: what the months'
    normal matrices are made of.
    """

    settings: Settings
    fields: tuple[MonthlyField, ...]
    low_degrees: CoefficientTable
    geocenter: CoefficientTable
    gia: GiaModel
    truth: Truth
    noise: MonthlyNoise

    def field_of(self, month: Month) -> MonthlyField:
        """The Level-2 field of a month; KeyError if it was not simulated."""
        return self.fields[self._row(month)]

    def normals_of(self, month: Month) -> NormalMatrix:
        """The full normal matrix of a month of `settings.normals`; KeyError for any other."""
        if month not in self.settings.normals:
            raise KeyError(f"{month} was simulated without a normal matrix")
        span = self.truth.spans[self._row(month)]
        source = Source("normals", f"SIMULATED normals of {month}", "")
        return NormalMatrix(self.noise.matrix(month), self.settings.nmax, month, span, source)

    def _row(self, month: Month) -> int:
        rows = {each: row for row, each in enumerate(self.truth.months)}
        return rows[month]


@dataclass(frozen=True)
class MonthlyNoise:
    """Noise and formal errors of single months."""

    settings: Settings
    model: NoiseModel

    @cached_property
    def _coupled(self) -> CoupledNoise:
        return CoupledNoise.of(self.model, generator(self.settings.seed, Part.COUPLING))

    def sigmas(self, month: Month) -> Array:
        """Standard deviations [(nmax + 1)^2] that the month says it has; zero for degrees 0 and 1."""
        spread = self._coupled.spread if month in self.settings.normals else self.model.spread
        sigmas: Array = spread * self._scale(month)
        if self.settings.errors is ErrorKind.EMPIRICAL:
            random = generator(self.settings.seed, Part.SCATTER, month.ordinal)
            sigmas = sigmas * np.exp(_EMPIRICAL_SCATTER * random.standard_normal(sigmas.size))
        return sigmas

    def draw(self, month: Month) -> Array:
        """The month's noise [(nmax + 1)^2]; of a month with full normals by their covariance."""
        seed, key = self.settings.seed, month.ordinal
        random = generator(seed, Part.NOISE, key)
        if month in self.settings.normals:
            noise = self._coupled.draw(random, generator(seed, Part.COUPLING, key))
        else:
            noise = self.model.draw(random)
        drawn: Array = self.settings.noise * noise_level(month, seed).excess * self._scale(month) * noise
        if self.settings.low_degree_errors:
            drawn = drawn + low_degree_errors(month, self.settings.nmax, seed)
        return drawn

    def matrix(self, month: Month) -> Array:
        """The month's full normal matrix [P, P] in true units."""
        return self._coupled.matrix(self._scale(month))

    def _scale(self, month: Month) -> Array:
        return noise_scale(noise_level(month, self.settings.seed), self.settings.nmax)


def simulate(settings: Settings, earth: Earth | None = None) -> Simulation:
    """Simulate an archive in memory; equal settings make equal bits.

    Water, alias and rebound are those of the mid-epoch of each month, earthquakes are averaged over its days.

    Parameters
    ----------
    settings : what is simulated
    earth : Love numbers, land and normals; by default those of the installed packages
    """
    earth = earth or Earth.bundled()
    gia = gia_model(earth)
    noise = MonthlyNoise(settings, NoiseModel.of(earth.normals.blocks, settings.nmax))
    truth = _truth(settings, earth, gia, noise)
    real = _solid(truth) + truth.water  # what laser ranging would see: no alias, no noise
    level2 = (real + _aliases(truth) + truth.noise) * (ordering.index(settings.nmax).degree >= FIRST_DEGREE)
    level2[:, 0] = truth.static[0]
    rows = (truth.months, truth.spans, real, settings.seed, settings.noise)
    return Simulation(
        settings=settings,
        fields=tuple(_field(values, row, truth, noise) for row, values in enumerate(level2)),
        low_degrees=coefficient_table("low-degrees", LOW_DEGREE_SIGMAS, *rows),
        geocenter=coefficient_table("geocenter", GEOCENTER_SIGMAS, *rows),
        gia=gia,
        truth=truth,
        noise=noise,
    )


def _truth(settings: Settings, earth: Earth, gia: GiaModel, noise: MonthlyNoise) -> Truth:
    """Every part of the signal and of the errors; zero where it is switched off."""
    nmax, months = settings.nmax, settings.months
    spans = tuple(span_of(month) for month in months)
    levels = [noise_level(month, settings.seed) for month in months]
    water = np.zeros((len(months), ordering.size(nmax)))
    if settings.water:
        model = WaterModel.of(earth, nmax, settings.seed)
        water[:] = [model.field(month, span) for month, span in zip(months, spans, strict=True)]
    return Truth(
        seed=settings.seed,
        months=months,
        spans=spans,
        static=static_field(nmax),
        water=water,
        alias=settings.alias * alias_patterns(earth, nmax, settings.seed),
        gia=settings.gia * gia_rates(gia, nmax),
        deformations=tuple(deform(earth, rupture, nmax) for rupture in settings.ruptures),
        noise=np.array([noise.draw(month) for month in months]),
        level=np.array([level.level for level in levels]),
        excess=np.array([level.excess for level in levels]),
    )


def _solid(truth: Truth) -> Array:
    """Static field, rebound and earthquakes [time, (nmax + 1)^2]."""
    elapsed = years(np.array([span.mid for span in truth.spans])) - GIA_EPOCH
    fields: Array = truth.static + elapsed[:, None] * truth.gia
    for deformation in truth.deformations:
        fields += [deformation.field(span) for span in truth.spans]
    return fields


def _aliases(truth: Truth) -> Array:
    return np.stack([alias_terms(span) @ truth.alias for span in truth.spans])


def _field(values: Array, row: int, truth: Truth, noise: MonthlyNoise) -> MonthlyField:
    month, span = truth.months[row], truth.spans[row]
    name = level2_name(span).removesuffix(".gfc")
    return MonthlyField(
        name=name,
        values=values,
        sigmas=noise.sigmas(month),
        gm=truth.gm,
        radius=truth.radius,
        tide_system=TideSystem.TIDE_FREE,
        errors=noise.settings.errors,
        span=span,
        month=month,
        comments=_comments(name, month, noise.settings),
    )


def _comments(name: str, month: Month, settings: Settings) -> tuple[str, ...]:
    """What a COST-G month says of itself, and that this one is none."""
    centres = [(weight, name.replace("COSTG_BF01_0200", f"SIM0{n}_BB01_0100")) for n, weight in ((1, 0.55), (2, 0.45))]
    return (
        f"SIMULATED: no observation of GRACE or GRACE-FO is in this file (gravstream, seed {settings.seed}).",
        f"COST-G style monthly gravity field {month.month:02d}/{month.year} combined by VCE on solution level.",
        f"Weights are based on coefficients of degrees 2 - {settings.nmax}.",
        *(f"{weight:.2f}*{centre}" for weight, centre in centres),
    )
