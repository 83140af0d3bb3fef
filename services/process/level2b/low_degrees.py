"""Low degrees that satellite laser ranging sees better: C20, C30 and, if asked for, C21 and S21.

Cheng and Ries (2017), doi 10.1007/s00190-016-0995-5; Loomis et al. (2020), doi 10.1029/2019GL085488.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from shared.geodesy import ordering
from shared.models.auxiliaries import CoefficientTable
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies
from shared.models.epoch import Month, Span
from shared.models.provenance import LOW_DEGREE_ROWS, Source
from shared.models.table_lookup import row_for, rows_for

# (coefficient, first month, last month) in which it is replaced, months written YYYY-MM
Periods = tuple[tuple[str, str, str], ...]

ALWAYS = ("2002-01", "2199-12")
PLACES = {"C20": (2, 0, False), "C30": (3, 0, False), "C21": (2, 1, False), "S21": (2, 1, True)}


def replace_low_degrees(
    fields: FilteredAnomalies,
    *,
    low_degrees: CoefficientTable,
    baseline: Baseline,
    periods: Periods,
) -> FilteredAnomalies:
    """Insert the coefficients of a table in every filter set, unfiltered.

    The table is absolute and the field an anomaly: what is inserted is the row's value minus the mean of
    the same table over the same reference months.

    Parameters
    ----------
    fields : the month's anomalies, each [(nmax + 1)^2]
    low_degrees : absolute coefficients, matched by the begin of the span
    periods : (coefficient, first month, last month) in which each is replaced

    Raises
    ------
    AuxiliaryMissing : if the table has no value for this month, or for a reference month
    """
    sets = {label: np.array(values) for label, values in fields.sets.items()}
    sigmas = None if fields.sigmas is None else np.array(fields.sigmas)
    for name, first, last in periods:
        if not Month.parse(first) <= fields.month <= Month.parse(last):
            continue
        value, sigma = row_for(low_degrees, fields.month, fields.span, name)
        anomaly = value - reference_mean(low_degrees, name, baseline)
        at = ordering.position(fields.nmax, *PLACES[name])
        for values in sets.values():
            values[at] = anomaly
        if sigmas is not None:
            sigmas[at] = sigma
    return replace(fields, sets=sets, sigmas=sigmas)


def reference_mean(table: CoefficientTable, name: str, baseline: Baseline) -> float:
    """Mean of a coefficient of the table over the months of the baseline."""
    values, _ = rows_for(table, tuple(zip(baseline.months, baseline.spans, strict=True)), name)
    return float(np.mean(values))


def rows_used(table: CoefficientTable, month: Month, span: Span, baseline: Baseline, periods: Periods) -> Source:
    """What of the table goes into a month, as a source of its own.

    These are the month's rows and those of the months of the baseline. A table grows by a row a month, so its file
    is another one every time; what is used of it stays as it is, and so does a file that names only that.

    Raises
    ------
    AuxiliaryMissing : if the table has no value for this month, or for a reference month
    """
    lines = []
    for name, first, last in periods:
        if Month.parse(first) <= month <= Month.parse(last):
            means, _ = rows_for(table, tuple(zip(baseline.months, baseline.spans, strict=True)), name)
            lines.append(f"{name} {row_for(table, month, span, name)!r} {means.tolist()!r}")
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Source(LOW_DEGREE_ROWS, f"{table.source.name} {month}", digest, table.source.citation)


def require_rows(
    table: CoefficientTable, month: Month, span: Span, periods: Periods, reference: tuple[Month, Month]
) -> None:
    """Raise AuxiliaryMissing if the table lacks a row that this month needs."""
    for name, first, last in periods:
        if Month.parse(first) <= month <= Month.parse(last) or reference[0] <= month <= reference[1]:
            row_for(table, month, span, name)
