"""Glacial isostatic adjustment: the solid Earth's slow rebound, subtracted as a modelled trend.

ICE-6G_D (VM5a), Peltier et al. (2018), doi 10.1002/2016JB013844.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from shared.constants import DAYS_PER_YEAR
from shared.geodesy import ordering
from shared.models.auxiliaries import GiaModel
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies, Vector


def remove_gia(fields: FilteredAnomalies, *, gia: GiaModel, baseline: Baseline) -> FilteredAnomalies:
    """Subtract rate x (mid-epoch - reference epoch) from every filter set.

    The reference epoch is the mean mid-epoch of the reference months, so that a month's correction never
    depends on which other months are processed, and the mean over the reference period stays zero.
    """
    elapsed = (fields.span.mid - baseline.mid_epoch) / DAYS_PER_YEAR
    correction = elapsed * gia_rates(gia, fields.nmax, fields.gm, fields.radius)
    return replace(fields, sets={label: values - correction for label, values in fields.sets.items()})


def gia_rates(gia: GiaModel, nmax: int, gm: float, radius: float) -> Vector:
    """Rates [(nmax + 1)^2] per year relative to another GM [m^3 s^-2] and radius [m]."""
    have = ordering.maximum_degree(gia.rates.size)
    rates = ordering.truncate(gia.rates, nmax) if have >= nmax else ordering.extend(gia.rates, nmax)
    factor = (gia.gm / gm) * (gia.radius / radius) ** ordering.index(nmax).degree
    scaled: Vector = np.asarray(rates * factor)
    return scaled
