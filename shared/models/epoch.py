"""Months and the spans of data behind them.

Time is a modified Julian date [d, UTC]; a span begins at the first second of its first day and ends at
the last of its last, that is at the begin of the next day. Fits count in mean tropical years from J2000.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import overload

import numpy as np
from numpy.typing import NDArray

from shared.constants import DAYS_PER_YEAR, MJD_GRACE_FO, MJD_J2000

_MJD_ZERO = date(1858, 11, 17)


@overload
def years(mjd: float) -> float: ...
@overload
def years(mjd: NDArray[np.float64]) -> NDArray[np.float64]: ...
def years(mjd: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Time in years, 2000.0 at J2000.0, unit the mean tropical year of 365.2422 d."""
    return 2000.0 + (mjd - MJD_J2000) / DAYS_PER_YEAR


def mjd_of_day(day: date) -> float:
    """Modified Julian date of the begin of a day."""
    return float((day - _MJD_ZERO).days)


def mjd_of_moment(moment: datetime) -> float:
    """Modified Julian date [d] of a moment given in UTC."""
    return (moment.replace(tzinfo=None) - datetime(1858, 11, 17)).total_seconds() / 86400.0


def moment_of_mjd(mjd: float) -> datetime:
    """The moment (UTC, without zone) of a modified Julian date, to the second."""
    return datetime(1858, 11, 17) + timedelta(seconds=round(mjd * 86400.0))


@dataclass(frozen=True, order=True)
class Month:
    """A nominal month: the name under which a field is counted."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1900 <= self.year <= 2200 and 1 <= self.month <= 12):
            raise ValueError(f"{self.year}-{self.month} is not a month")

    @classmethod
    def parse(cls, text: str) -> Month:
        """The month written as YYYY-MM; ValueError for anything else."""
        match = re.fullmatch(r"(\d{4})-(\d{2})", text.strip())
        if not match:
            raise ValueError(f"{text!r} is not a month written as YYYY-MM")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def containing(cls, mjd: float) -> Month:
        """The calendar month that a modified Julian date falls into."""
        moment = moment_of_mjd(mjd)
        return cls(moment.year, moment.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def ordinal(self) -> int:
        """Months since year 0: differences count months."""
        return 12 * self.year + self.month - 1

    def plus(self, months: int) -> Month:
        """The month so many months later."""
        year, month = divmod(self.ordinal + months, 12)
        return Month(year, month + 1)

    @property
    def calendar(self) -> Span:
        """The span from the first to the last day of the calendar month."""
        following = self.plus(1)
        return Span(mjd_of_day(date(self.year, self.month, 1)), mjd_of_day(date(following.year, following.month, 1)))


def months_between(first: Month, last: Month) -> Iterator[Month]:
    """Every month from `first` to `last`, both included."""
    for offset in range(last.ordinal - first.ordinal + 1):
        yield first.plus(offset)


@dataclass(frozen=True, order=True)
class Span:
    """From when to when the data of a field reach: begin and (exclusive) end as MJD [d]."""

    begin: float
    end: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.begin) and np.isfinite(self.end) and self.begin < self.end):
            raise ValueError(f"a span must end after it begins, not {self.begin} to {self.end}")

    @classmethod
    def of_days(cls, first: date, last: date) -> Span:
        """The span of whole days from `first` to `last`, both included."""
        return cls(mjd_of_day(first), mjd_of_day(last) + 1.0)

    @property
    def mid(self) -> float:
        """Mid-epoch [MJD]."""
        return 0.5 * (self.begin + self.end)

    @property
    def first_day(self) -> date:
        """First day with data."""
        return moment_of_mjd(self.begin).date()

    @property
    def last_day(self) -> date:
        """Last day with data."""
        return moment_of_mjd(self.end - 1.0 / 86400.0).date()

    @property
    def label(self) -> str:
        """The span as file names write it: YYYYDDD-YYYYDDD."""
        return f"{self.first_day:%Y%j}-{self.last_day:%Y%j}"

    @property
    def is_follow_on(self) -> bool:
        """Whether GRACE-FO, not GRACE, observed it."""
        return self.mid >= MJD_GRACE_FO
