"""The reference of the anomalies, estimated once from the reference months and then kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.process.level2b.decorrelation import usable
from services.process.level2b.tidal_aliases import estimate_alias
from shared.errors import RequestRefused
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies, MonthlyField
from shared.models.epoch import Month


def estimate_mean(fields: Sequence[MonthlyField], period: tuple[Month, Month]) -> Baseline:
    """Unweighted mean and median errors of the months of a period; the tidal alias is not yet known.

    Months of the tide system that most of them have; brought to GM and radius of the first, and cut to the
    lowest maximum degree among them.

    Parameters
    ----------
    fields : absolute monthly fields, also from outside the period
    period : first and last reference month

    Raises
    ------
    RequestRefused : if no month lies in the period
    """
    inside = sorted((f for f in fields if _month(f) and period[0] <= _month(f) <= period[1]), key=_month)
    if not inside:
        raise RequestRefused(
            f"none of the {len(fields)} months lies in the reference period {period[0]}..{period[1]}",
            advice="Add months of that period, or name a baseline that was made before with --baseline.",
        )
    tide, _ = Counter(field.tide_system for field in inside).most_common(1)[0]
    nmax = min(field.nmax for field in inside)
    first = inside[0]
    used = [f.truncated(nmax).rescaled(first.gm, first.radius) for f in inside if f.tide_system is tide]
    errors = [field.sigmas for field in used if field.sigmas is not None and usable(field.sigmas)]
    return Baseline(
        period=period,
        months=tuple(_month(field) for field in used),
        spans=tuple(field.span for field in used if field.span),
        checksums=tuple(source.sha256 for field in used for source in field.sources if source.role == "level-2"),
        mean=np.mean([field.values for field in used], axis=0),
        sigmas=np.median(errors, axis=0) if errors else None,
        gm=first.gm,
        radius=first.radius,
        tide_system=tide,
    )


def _month(field: MonthlyField) -> Month:
    assert field.month is not None
    return field.month


def with_alias(baseline: Baseline, anomalies: Sequence[FilteredAnomalies]) -> Baseline:
    """The baseline with the S2 alias of each filter set, fitted to its own months.

    Parameters
    ----------
    anomalies : months after all steps before the alias is removed; those outside the baseline are left aside

    Raises
    ------
    RequestRefused : if the months are too few to separate the alias from trend and seasons
    """
    used = sorted((each for each in anomalies if each.month in set(baseline.months)), key=lambda each: each.month)
    spans = [each.span for each in used]
    try:
        alias = {label: estimate_alias(spans, np.stack([each.sets[label] for each in used])) for label in used[0].sets}
    except (ValueError, IndexError) as error:
        raise RequestRefused(
            f"{len(used)} reference months cannot separate the 161-day alias from trend and seasons ({error})",
            advice="Add months of the reference period, or name a baseline that was made before with --baseline.",
        ) from error
    return replace(baseline, alias=alias)
