"""The S2 tidal alias: an error of 161 days period, fitted once over the reference months.

Dahle et al. (2025), doi 10.5194/essd-17-611-2025, section 2.1.4; the orbit planes of GRACE and GRACE-FO are
100 degrees apart in the phase of the alias (Landerer et al. 2020, doi 10.1029/2020GL088306).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shared.constants import DAYS_PER_YEAR, S2_ALIAS_OFFSET_DEGREES, S2_ALIAS_PERIOD
from shared.geodesy.least_squares import Projection, seasonal_design, tidal_alias_design
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies, Vector
from shared.models.epoch import Span, years


def remove_s2_alias(fields: FilteredAnomalies, *, baseline: Baseline) -> FilteredAnomalies:
    """Subtract the baseline's alias at the month's mid-epoch from every set."""
    terms = alias_terms([fields.span])[0]
    return replace(
        fields, sets={label: values - terms @ baseline.alias[label] for label, values in fields.sets.items()}
    )


def alias_terms(spans: Sequence[Span]) -> Vector:
    """Cosine and sine [time, 2] of the alias at the mid-epochs of spans."""
    offset = np.array([np.deg2rad(S2_ALIAS_OFFSET_DEGREES) if span.is_follow_on else 0.0 for span in spans])
    return tidal_alias_design(_years(spans), S2_ALIAS_PERIOD / DAYS_PER_YEAR, offset)


def estimate_alias(spans: Sequence[Span], series: Vector) -> Vector:
    """Fit the alias jointly with bias, trend, annual and semi-annual signals.

    Parameters
    ----------
    spans : [time] of the reference months
    series : [time, (nmax + 1)^2] their anomalies after all earlier steps

    Returns
    -------
    alias : [2, (nmax + 1)^2] amplitudes of cosine and sine; zero if the months are too few to separate it
    """
    times = _years(spans)
    design = np.hstack([seasonal_design(times, float(times.mean())), alias_terms(spans)])
    return Projection.of(design).parameters(series)[-2:]


def _years(spans: Sequence[Span]) -> Vector:
    return years(np.array([span.mid for span in spans]))
