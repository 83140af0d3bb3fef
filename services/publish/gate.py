"""What the gate says of a product: what was measured, against which limit, and whether it passed.

The limits stand here with their reasons. A product that does not pass is not wrong by that: a person looks at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class GateLimits:
    """What a product may be and still be released without a person; heights in mm."""

    # The Amundsen Sea coast of Antarctica loses most: 4915 mm below its mean of 2003 to 2022 by 2022-11, 430 mm more
    # a year; this reaches to the 2040s. A wrong unit, a field that is no anomaly or a lost filter are far above.
    largest_anomaly: float = 15000.0
    # 45 mm in the noisiest month of 2002 to 2022 (2017-03); a month four times as noisy is none.
    largest_uncertainty: float = 200.0
    # Mean over all land, mm a month. The seasons move it by 6 mm a month in the middle and never by more than 18 in
    # 2002 to 2022; a wrong C20, degree 1 or density of water moves it by more than that.
    global_step: float = 36.0
    # Evaluated anew with one more month, past months move by hundredths of a millimetre rms (the fits of trend and
    # seasons move); a month of another filter by millimetres. The error of a value is 10 mm at the least.
    past_rms: float = 5.0
    # The same in a single cell, where a month turned to another filter: twice the error of a cell in a noisy month.
    past_cell: float = 100.0
    # Noise over open ocean of a new month, in medians of the record: the stronger filter starts at 2, the worst month
    # of 2002 to 2022 (2017-06) has 2.5.
    noise_ratio: float = 5.0
    # Share of the globe whose cells hold any land: 29 % is land, cells of half a degree with any of it make it 32 %.
    land_share: tuple[float, float] = (0.25, 0.40)
    # An anomaly of a Stokes coefficient. The largest of 2002 to 2022 is 1.9e-9 (mostly land uplift, in degree 2); five
    # times that is an absolute field, or one of another reference.
    largest_coefficient: float = 1e-8
    # The unfiltered coefficients above degree 30 of a new month, in medians of months before it. They are mostly
    # noise; the repeat orbits of 2004-09 and 2015-02 have 7 times the usual one.
    coefficient_noise_ratio: float = 14.0


LIMITS = GateLimits()


@dataclass(frozen=True)
class Result:
    """One check: what was measured against what, in words and as numbers."""

    name: str
    passed: bool
    text: str
    measured: float
    limit: float


@dataclass(frozen=True)
class GateReport:
    """All that the gate found."""

    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether the product may be released without a person."""
        return all(result.passed for result in self.results)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it may not."""
        return tuple(f"{result.name}: {result.text}" for result in self.results if not result.passed)

    def to_dict(self) -> dict[str, Any]:
        """The results by their names, as plain words and numbers; None for what is no number."""
        sizes = {each.name: each.measured if isfinite(each.measured) else None for each in self.results}
        return {each.name: {**asdict(each), "measured": sizes[each.name]} for each in self.results}

    def __getitem__(self, name: str) -> Result:
        return next(result for result in self.results if result.name == name)


# Faults that a text names; more are counted
_NAMED = 3


def below(name: str, measured: float, limit: float, text: str) -> Result:
    """A check of a size; what is no number does not pass."""
    return Result(name, bool(measured <= limit), f"{text} (limit {limit:g})", float(measured), float(limit))


def faultless(name: str, faults: Iterable[str], good: str) -> Result:
    """A check that lists what is wrong; nothing may be."""
    found = list(faults)
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Result(name, not found, "; ".join(found[:_NAMED]) + more if found else good, float(len(found)), 0.0)
