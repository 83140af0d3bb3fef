"""Tables of low-degree coefficients as bytes, in the layout of GravIS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.constants import GM_EARTH
from shared.formats.low_degrees import calendar_year
from shared.formats.shm import RADIUS_ICE6G_D as RADIUS_GRAVIS
from shared.models.auxiliaries import CoefficientTable

_DIFFERENCE_UNIT = 1e-10


@dataclass(frozen=True)
class _Layout:
    """Which coefficients a table has, in which order, widths and units."""

    names: tuple[str, ...]
    sigma_unit: float
    sigma_title: str
    difference_width: int
    title: str


# FORMAT(F7.1,F10.4,4(E20.12,F8.4,F7.4)) and FORMAT(F7.1,F10.4,3(E20.12,F9.4,F7.4)) of GravIS
_LOW_DEGREES = _Layout(("C20", "C30", "C21", "S21"), 1e-12, "formal standard deviation", 8, "low degree harmonics")
_GEOCENTER = _Layout(("C10", "C11", "S11"), 1e-10, "uncertainty", 9, "geocenter coefficient")


def low_degrees_bytes(
    table: CoefficientTable, *, means: Mapping[str, float] | None = None, remarks: Sequence[str] = ()
) -> bytes:
    """A table of C20, C30, C21 and S21 (in this order) with the columns of GravIS, 12 digits.

    Parameters
    ----------
    table : absolute values and standard deviations
    means : what the differences are taken from; default the means of the table
    remarks : lines for the header
    """
    return _bytes(table, _LOW_DEGREES, means or {}, remarks)


def geocenter_bytes(
    table: CoefficientTable, *, means: Mapping[str, float] | None = None, remarks: Sequence[str] = ()
) -> bytes:
    """A table of C10, C11 and S11 with the columns of GravIS."""
    return _bytes(table, _GEOCENTER, means or {}, remarks)


def _bytes(table: CoefficientTable, layout: _Layout, given: Mapping[str, float], remarks: Sequence[str]) -> bytes:
    digits = {name: [_fortran(value) for value in table.values[name].tolist()] for name in layout.names}
    # Differences are taken from the printed numbers, so that each row agrees with itself.
    means = {name: _fortran(given.get(name, float(np.nanmean(table.values[name])))) for name in layout.names}
    lines = _header(table, layout, means, remarks)
    for row, begin in enumerate(table.begin.tolist()):
        line = f"{begin:7.1f}{calendar_year(begin):10.4f}"
        for name in layout.names:
            difference = (float(digits[name][row]) - float(means[name])) / _DIFFERENCE_UNIT
            sigma = float(table.sigmas[name][row]) / layout.sigma_unit
            line += f"{digits[name][row]:>20}{difference:{layout.difference_width}.4f}{sigma:7.4f}"
        if lines[-1] != "PRODUCT:" and len(line) != len(lines[-1]):
            raise ValueError(f"{table.name}: the row of MJD {begin:g} does not fit into the columns: {line}")
        lines.append(line)
    return ("\n".join(lines) + "\n").encode()


def _header(table: CoefficientTable, layout: _Layout, means: dict[str, str], remarks: Sequence[str]) -> list[str]:
    lines = [f"TITLE:  {layout.title} time series, {table.name}", "", "REMARKS:"]
    lines += [f"        {remark}" for remark in remarks]
    lines += [
        "",
        "FORMAT:",
        "        Column  1: MJD of BEGINNING of solution data span",
        "        Column  2: Year and fraction of year of BEGINNING of solution data span",
    ]
    for place, name in enumerate(layout.names):
        written = f"{name[0]}({name[1]},{name[2]})"
        lines += [
            f"        Column {3 * place + 3:2d}: Coefficient {written}",
            f"        Column {3 * place + 4:2d}: Coefficient {written} - mean {written} (1.0E-10)",
            f"        Column {3 * place + 5:2d}: {written} {layout.sigma_title} ({_unit(layout.sigma_unit)})",
        ]
    lines += ["", "CONSTANTS:"]
    lines += [f"        Mean {name[0]}({name[1]},{name[2]}): {mean}" for name, mean in means.items()]
    lines += [f"                 GM: {GM_EARTH:.10E} (m^3/s^2)", f"                  R: {RADIUS_GRAVIS:.10E} (m)"]
    return [*lines, "", "PRODUCT:"]


def _unit(unit: float) -> str:
    return f"{unit:.1E}"


def _fortran(value: float) -> str:
    """A number as Fortran's E20.12 writes it: 0.484165439633E-03 and -.484165439633E-03."""
    if np.isnan(value):
        return "NaN"
    mantissa, exponent = f"{abs(value):.11e}".split("e")
    power = int(exponent) + 1 if value else 0
    sign = "-" if value < 0.0 else "0"
    return f"{sign}.{mantissa.replace('.', '')}E{power:+03d}"
