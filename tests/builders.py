"""Good fields, tables and files; a test makes its broken input from one of them by a named edit."""

from __future__ import annotations

import numpy as np

from shared.formats.icgem import level2_name, write_level2
from shared.geodesy import ordering
from shared.models.auxiliaries import CoefficientTable, GiaModel
from shared.models.coefficients import (
    ErrorKind,
    FilteredAnomalies,
    FilterSource,
    GravityField,
    TideSystem,
)
from shared.models.epoch import Month, Span
from shared.models.provenance import Source

GM, RADIUS = 3.986004415e14, 6378136.3
A_SOURCE = Source("level-2", "a.gfc", "0" * 64, "COST-G, doi 10.5880/COST-G.ICGEM_02_L2")


def make_field(nmax: int = 6, *, month: Month = Month(2008, 4), seed: int = 1) -> GravityField:
    """An absolute field of Kaula's magnitude, with C00 = 1, the Earth's flattening, and errors."""
    at = ordering.index(nmax)
    random = np.random.default_rng(seed)
    values = random.standard_normal(ordering.size(nmax)) * 1e-5 / np.maximum(at.degree, 1) ** 2
    values[at.degree < 2] = 0.0
    values[ordering.position(nmax, 0, 0)] = 1.0
    values[ordering.position(nmax, 2, 0)] = -4.84165e-4
    sigmas = np.where(at.degree < 2, 0.0, 1e-12 * (1.0 + random.random(values.size)))
    name = level2_name(month.calendar).removesuffix(".gfc")
    return GravityField(
        name, values, sigmas, GM, RADIUS, TideSystem.TIDE_FREE, ErrorKind.EMPIRICAL, month.calendar,
        comments=("Weights are based on coefficients of degrees 2 - 90.", "0.61*GSM-2_UTCSR"),
    )  # fmt: skip


def make_gfc(nmax: int = 6, **more: object) -> bytes:
    """A Level-2 file as COST-G writes it."""
    return write_level2(make_field(nmax, **more), digits=16)  # type: ignore[arg-type]


def make_anomalies(nmax: int = 6, *, month: Month = Month(2008, 4), seed: int = 2) -> FilteredAnomalies:
    """A month of Level-2B in two filter sets."""
    random = np.random.default_rng(seed)
    at = ordering.index(nmax)
    values = np.where(at.degree == 0, 0.0, random.standard_normal(ordering.size(nmax)) * 1e-10)
    return FilteredAnomalies(
        month, month.calendar, {"NFIL": values, "VDK3": 0.5 * values}, np.full(values.size, 1e-12), GM, RADIUS,
        FilterSource.ERROR_SCALED, history=("mean subtracted", "decorrelated: VDK3"), sources=(A_SOURCE,),
        comments=("a note of the month",),
    )  # fmt: skip


def make_table(names: tuple[str, ...], months: list[Month], *, seed: int = 3) -> CoefficientTable:
    """A table with a row for each calendar month, printed to 12 digits like the published ones."""
    random = np.random.default_rng(seed)
    values, sigmas = {}, {}
    for name in names:
        offset = {"C20": -4.84165e-4, "C30": 9.57e-7}.get(name, 1e-10)
        column = offset + 1e-10 * random.standard_normal(len(months))
        values[name] = np.array([float(f"{value:.11e}") for value in column])
        sigmas[name] = np.full(len(months), 5e-13 if name[1] != "1" else 4.4e-11)
    begin = np.array([month.calendar.begin for month in months])
    return CoefficientTable("table.dat", begin, values, sigmas, Source("table", "table.dat", "1" * 64))


def make_gia(nmax: int = 6, *, seed: int = 4) -> GiaModel:
    """Rates of the magnitude of ICE-6G_D, printed to 12 digits."""
    random = np.random.default_rng(seed)
    rates = np.array([float(f"{rate:.11e}") for rate in 1e-12 * random.standard_normal(ordering.size(nmax))])
    rates[ordering.index(nmax).degree < 2] = 0.0
    return GiaModel("gia.gz", rates, GM, 6378136.46, Source("gia", "gia.gz", "2" * 64, "doi 10.1002/2016JB013844"))


def span_of(text: str) -> Span:
    """The span of the calendar month written as YYYY-MM."""
    return Month.parse(text).calendar
