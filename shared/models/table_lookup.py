"""Which row of a table belongs to a month: by begin, not the nearest or the last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.errors import AuxiliaryMissing
from shared.models.auxiliaries import CoefficientTable
from shared.models.coefficients import Vector
from shared.models.epoch import Month, Span, moment_of_mjd

# How far the begin of a row may be from that of the month [d]. In the tables made for COST-G they are equal;
# those made for other centres cut some months up to four days later (TN-14: 2011-12). Two rows are never closer
# than ten days (2018-10 and 2018-11), so less than five cannot be ambiguous, and no neighbour stands in for a
# missing row.
BEGIN_TOLERANCE = 4.0


def row_for(
    table: CoefficientTable, month: Month, span: Span, name: str, *, tolerance: float = BEGIN_TOLERANCE
) -> tuple[float, float]:
    """Value and standard deviation of one coefficient in one month.

    Parameters
    ----------
    table : the table
    month, span : the nominal month, and when its data begin
    name : C20, C30, C21, S21, C10, C11 or S11
    tolerance : largest difference of the begins [d]

    Raises AuxiliaryMissing if the table has no such coefficient, no row that begins with the month's data, or
    no number in that row.
    """
    rows = np.flatnonzero(np.abs(table.begin - span.begin) <= tolerance)
    if name not in table.values or rows.size != 1:
        raise _missing(table, month, span, name)
    value, sigma = float(table.values[name][rows[0]]), float(table.sigmas[name][rows[0]])
    if np.isnan(value) or np.isnan(sigma):
        raise _missing(table, month, span, name)
    return value, sigma


def rows_for(
    table: CoefficientTable, months: Sequence[tuple[Month, Span]], name: str, *, tolerance: float = BEGIN_TOLERANCE
) -> tuple[Vector, Vector]:
    """Values and standard deviations [months] of one coefficient, like `row_for`."""
    begins = np.array([span.begin for _, span in months])
    near = np.abs(table.begin[:, None] - begins) <= tolerance
    rows = near.argmax(axis=0)
    if name in table.values and np.all(near.sum(axis=0) == 1):
        values, sigmas = table.values[name][rows], table.sigmas[name][rows]
        if not np.isnan(values).any() and not np.isnan(sigmas).any():
            return values, sigmas
    for month, span in months:  # to say which one is missing
        row_for(table, month, span, name, tolerance=tolerance)
    return np.empty(0), np.empty(0)  # no months were asked for


def _missing(table: CoefficientTable, month: Month, span: Span, name: str) -> AuxiliaryMissing:
    column = table.values.get(name)
    if column is None:
        covers = f"it has {', '.join(table.values)}"
    elif not np.any(np.isfinite(column)):
        covers = f"it has no {name} at all"
    else:
        begins = table.begin[np.isfinite(column)]
        first, last = (moment_of_mjd(float(mjd)).date() for mjd in (begins[0], begins[-1]))
        covers = f"its {begins.size} rows of {name} begin from {first} to {last}"
    return AuxiliaryMissing(
        f"no {name} for {month}, whose data begin on {span.first_day}; {covers}",
        advice="The month waits for a table that covers it",
        file=table.name,
    )
