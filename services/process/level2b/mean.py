"""Anomalies: the month minus the long-term mean."""

from __future__ import annotations

from dataclasses import fields

from shared.errors import GranuleRejected
from shared.models.baseline import Baseline
from shared.models.coefficients import Anomaly, MonthlyField


def subtract_mean(field: MonthlyField, *, baseline: Baseline) -> Anomaly:
    """Subtract the baseline's mean field from a month.

    The month is brought to GM and radius of the baseline first, and cut to its maximum degree. Both are
    fully normalised coefficients [(nmax + 1)^2].

    Raises
    ------
    GranuleRejected : if the month has another tide system than the baseline, or ends below its degree
    """
    if field.tide_system is not baseline.tide_system:
        raise GranuleRejected(
            f"the tide system is {field.tide_system}, that of the baseline {baseline.tide_system} "
            "(their C20 differ by 4.2e-9, a thousand times a month's signal)",
            advice="Take all months of one series; fields of different tide systems are never mixed.",
            file=field.name,
        )
    if field.nmax < baseline.nmax:
        raise GranuleRejected(
            f"the field ends at degree {field.nmax}, the baseline at {baseline.nmax}",
            advice="Make a baseline up to the lower degree, or leave this month out.",
            file=field.name,
        )
    same = field.truncated(baseline.nmax).rescaled(baseline.gm, baseline.radius)
    kept = {each.name: getattr(same, each.name) for each in fields(same) if each.name != "values"}
    return Anomaly(values=same.values - baseline.mean, **kept)
