"""Which months the simulated missions delivered, and how noisy each of them was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.formats.months import MonthTable
from shared.models.epoch import Month, Span, months_between
from shared.simulation.seeds import Part, generator

FIRST, LAST = Month(2002, 4), Month(2025, 12)

# Nominal months without a solution of COST-G RL02 (the gaps of GravIS' low-degree table, version 0001,
# doi 10.5880/COST-G.GRAVIS_02_L2B)
MISSING = frozenset(
    Month(year, month)
    for year, months in {
        2002: (6, 7),
        2003: (6,),
        2011: (1, 6),
        2012: (5, 10),
        2013: (3, 8, 9),
        2014: (2, 7, 12),
        2015: (6, 10, 11),
        2016: (4, 9, 10),
        2017: (2, 7, 8, 9, 10, 11, 12),
        2018: (1, 2, 3, 4, 5, 8, 9),
    }.items()
    for month in months
)

# Months with another level of noise, after what the missions went through: the first year, the repeat orbit
# of 2004, the ageing batteries, the single accelerometer of the end. (first, last, factor, tilt)
_EPISODES = (
    ("2002-04", "2003-02", 1.35, 0.10),
    ("2004-07", "2004-10", 1.60, 0.45),
    ("2012-01", "2016-10", 1.10, 0.00),
    ("2016-11", "2017-06", 1.60, 0.20),
    ("2018-06", "2018-12", 1.10, 0.00),
)
# Months whose formal errors are too small by this factor, as those of the real bad months are: errors that
# a month owns up to, the error-scaled filter takes care of. The first two must fall back to the strong filter
# in the combination, the third comes close.
_OPTIMISTIC = {Month(2015, 2): 2.9, Month(2016, 12): 2.6, Month(2017, 6): 1.6}

_USUAL_DAYS = 30.0
_SPREAD = 0.08
_TILT_SPREAD = 0.05


@dataclass(frozen=True)
class NoiseLevel:
    """How noisy a month is, relative to the usual month.

    level: factor of its formal errors; tilt: exponent of (n / 40) by which that grows with degree;
    excess: factor by which its noise is larger than its formal errors say.
    """

    level: float
    tilt: float
    excess: float


def delivered_months(first: Month, last: Month, gaps: bool = True) -> tuple[Month, ...]:
    """The months of the record from `first` to `last`, with or without its gaps."""
    return tuple(month for month in months_between(first, last) if not (gaps and month in MISSING))


def span_of(month: Month) -> Span:
    """The days whose data a month of the real record has."""
    return MonthTable.default().span_of(month)


def noise_level(month: Month, seed: int) -> NoiseLevel:
    """The level of a month: its episode, its days, and a mild variation."""
    span = span_of(month)
    random = generator(seed, Part.LEVEL, month.ordinal)
    level = np.sqrt(_USUAL_DAYS / (span.end - span.begin)) * np.exp(_SPREAD * random.standard_normal())
    tilt = _TILT_SPREAD * random.standard_normal()
    for first, last, factor, added in _EPISODES:
        if Month.parse(first) <= month <= Month.parse(last):
            level, tilt = level * factor, tilt + added
    return NoiseLevel(float(level), float(tilt), _OPTIMISTIC.get(month, 1.0))
