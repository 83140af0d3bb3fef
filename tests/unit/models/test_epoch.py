"""Months, spans and the time that fits count in."""

import pickle
from datetime import date, datetime

import numpy as np
import pytest

from shared.models.epoch import (
    Month,
    Span,
    mjd_of_day,
    mjd_of_moment,
    moment_of_mjd,
    months_between,
    years,
)


@pytest.mark.parametrize(
    ("day", "mjd"),
    [(date(1858, 11, 17), 0.0), (date(2000, 1, 1), 51544.0), (date(2002, 4, 4), 52368.0), (date(2018, 5, 22), 58260.0)],
)
def test_modified_julian_dates_are_those_of_the_almanac(day: date, mjd: float) -> None:
    assert mjd_of_day(day) == mjd
    assert moment_of_mjd(mjd).date() == day


def test_a_moment_is_a_fraction_of_its_day() -> None:
    noon = datetime(2000, 1, 1, 12)
    assert mjd_of_moment(noon) == 51544.5
    sumatra = datetime(2004, 12, 26, 0, 58, 53)
    assert moment_of_mjd(mjd_of_moment(sumatra)) == sumatra  # a double holds an MJD to a microsecond


def test_j2000_is_the_year_2000_and_a_tropical_year_later_is_2001() -> None:
    assert years(51544.5) == 2000.0
    assert years(51544.5 + 365.2422) == pytest.approx(2001.0, abs=1e-12)
    both = years(np.array([51544.5, 51544.5 + 3652.422]))
    assert np.allclose(both, [2000.0, 2010.0], rtol=0.0, atol=1e-12)


def test_the_calendar_year_and_the_year_of_fits_stay_together() -> None:
    """The middle of 2022 is within a day of 2022.5: the season does not drift through the record."""
    assert years(mjd_of_day(date(2022, 7, 2))) == pytest.approx(2022.5, abs=1.0 / 365.0)


@pytest.mark.parametrize(
    ("month", "days"), [("2003-02", 28), ("2004-02", 29), ("2000-02", 29), ("2100-02", 28), ("2011-12", 31)]
)
def test_a_calendar_month_has_its_days(month: str, days: int) -> None:
    span = Month.parse(month).calendar
    assert span.end - span.begin == days
    assert span.first_day == date(int(month[:4]), int(month[5:]), 1)
    assert span.last_day == date(int(month[:4]), int(month[5:]), days)


@pytest.mark.parametrize("text", ["2003-1", "2003", "200301", "2003-13", "2003-00", "03-01", "2003-01-01", ""])
def test_what_is_not_written_as_a_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        Month.parse(text)


def test_a_month_is_written_as_it_is_read() -> None:
    assert str(Month.parse(" 2003-01 ")) == "2003-01"


@pytest.mark.parametrize(("offset", "expected"), [(0, "2003-11"), (1, "2003-12"), (2, "2004-01"), (-11, "2002-12")])
def test_counting_months_passes_the_end_of_a_year(offset: int, expected: str) -> None:
    start = Month(2003, 11)
    assert str(start.plus(offset)) == expected
    assert start.plus(offset).ordinal - start.ordinal == offset


def test_months_between_includes_both_ends_and_nothing_if_they_are_swapped() -> None:
    assert [str(month) for month in months_between(Month(2003, 11), Month(2004, 2))] == [
        "2003-11", "2003-12", "2004-01", "2004-02",
    ]  # fmt: skip
    assert list(months_between(Month(2004, 2), Month(2003, 11))) == []


def test_months_are_ordered_in_time() -> None:
    assert Month(2003, 12) < Month(2004, 1) < Month(2004, 2)


def test_the_last_second_belongs_to_its_month_and_the_next_does_not() -> None:
    end = Month(2003, 3).calendar.end
    assert Month.containing(end - 1.0 / 86400.0) == Month(2003, 3)
    assert Month.containing(end) == Month(2003, 4)


def test_a_span_of_days_includes_the_first_and_the_last() -> None:
    span = Span.of_days(date(2008, 4, 1), date(2008, 4, 30))
    assert span == Month(2008, 4).calendar
    assert span.mid == span.begin + 15.0
    assert span.label == "2008092-2008121"


@pytest.mark.parametrize(("begin", "end"), [(2.0, 2.0), (3.0, 2.0), (np.nan, 2.0), (1.0, np.inf)])
def test_a_span_that_does_not_end_after_it_begins_is_refused(begin: float, end: float) -> None:
    with pytest.raises(ValueError, match="must end after it begins"):
        Span(begin, end)


def test_grace_ends_before_the_launch_of_its_follow_on() -> None:
    assert not Month(2017, 6).calendar.is_follow_on
    assert Month(2018, 6).calendar.is_follow_on


def test_months_and_spans_cross_process_borders() -> None:
    for value in (Month(2003, 1), Month(2003, 1).calendar):
        assert pickle.loads(pickle.dumps(value)) == value
