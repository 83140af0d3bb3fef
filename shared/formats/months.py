"""Which month a Level-2 file holds: table, rule, and the names of files.

The nominal month cannot be computed from dates alone: 2011-11 begins in October, 2015-12 ends in 2016.
The rule is the calendar month; the spans that differ are facts of the mission, listed below.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from shared.errors import GranuleRejected
from shared.formats.icgem import day
from shared.formats.text import open_document
from shared.models.epoch import Month, Span, months_between

# COST-G RL02 months whose data do not fill their calendar month: nominal month, first day, last day. Begins: GFZ,
# GravIS COST-G RL02 low-degree table, version 0001 (doi 10.5880/COST-G.GRAVIS_02_L2B); ends: names of the CSR RL06
# files, except 2002-05, 2017-01 and 2017-05, which are inferred from the mission's outages.
IRREGULAR_SPANS = (
    ("2002-04", "2002-04-05", "2002-04-30"),
    ("2002-05", "2002-05-02", "2002-05-17"),
    ("2003-05", "2003-05-01", "2003-05-21"),
    ("2004-01", "2004-01-01", "2004-01-13"),
    ("2004-02", "2004-02-04", "2004-02-29"),
    ("2007-02", "2007-02-01", "2007-02-27"),
    ("2010-12", "2010-12-01", "2010-12-27"),
    ("2011-02", "2011-02-08", "2011-02-28"),
    ("2011-07", "2011-07-05", "2011-07-31"),
    ("2011-11", "2011-10-16", "2011-11-15"),
    ("2011-12", "2011-12-13", "2012-01-11"),
    ("2012-04", "2012-03-20", "2012-04-18"),
    ("2012-09", "2012-09-01", "2012-09-25"),
    ("2012-11", "2012-11-06", "2012-11-30"),
    ("2013-02", "2013-02-01", "2013-02-26"),
    ("2013-04", "2013-04-11", "2013-04-30"),
    ("2014-01", "2014-01-01", "2014-01-16"),
    ("2014-06", "2014-06-01", "2014-06-24"),
    ("2015-01", "2015-01-13", "2015-01-31"),
    ("2015-05", "2015-04-12", "2015-05-11"),
    ("2015-07", "2015-06-29", "2015-07-31"),
    ("2015-09", "2015-09-01", "2015-09-27"),
    ("2015-12", "2015-12-11", "2016-01-03"),
    ("2016-02", "2016-01-29", "2016-02-29"),
    ("2016-05", "2016-05-08", "2016-05-31"),
    ("2016-07", "2016-07-01", "2016-07-29"),
    ("2016-08", "2016-08-08", "2016-09-03"),
    ("2016-11", "2016-11-14", "2016-12-10"),
    ("2017-01", "2017-01-01", "2017-02-01"),
    ("2017-03", "2017-03-17", "2017-04-14"),
    ("2017-05", "2017-05-01", "2017-05-22"),
    ("2017-06", "2017-05-23", "2017-06-28"),
    ("2018-07", "2018-07-01", "2018-07-18"),
    ("2018-10", "2018-10-22", "2018-11-09"),
    ("2019-02", "2019-01-26", "2019-03-07"),
)

# The longest month is 2019-02 with 41 days; what is longer is a mean of several, or a static field.
LONGEST_SPAN = 45.0
# Centres cut a month a few days apart; two months of the mission begin at least ten days apart.
_SAME_MONTH = 3.0
# A header may give the day behind the last one as its end.
_SAME_DAYS = 1.0

_NOMINAL = re.compile(r"(?<!\d)((?:19|20)\d\d-(?:0[1-9]|1[0-2]))(?!-?\d)")
_DAYS = re.compile(r"(?<!\d)(\d{7})-(\d{7})(?!\d)")
_ADVICE = "Name it as its centre does, ..._YYYY-MM.gfc or GSM-2_YYYYDDD-YYYYDDD_..., or give its header a time_period"


@dataclass(frozen=True)
class MonthTable:
    """The spans of the months that are known; every other month is its calendar month."""

    name: str
    spans: Mapping[Month, Span]

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", MappingProxyType(dict(self.spans)))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, dict(self.spans))

    @classmethod
    def default(cls) -> MonthTable:
        """The months of GRACE and GRACE-FO as COST-G RL02 has them."""
        spans = {
            Month.parse(month): Span.of_days(date.fromisoformat(first), date.fromisoformat(last))
            for month, first, last in IRREGULAR_SPANS
        }
        return cls("COST-G RL02", spans)

    def span_of(self, month: Month) -> Span:
        """The span of a nominal month: from the table, else the calendar month."""
        return self.spans.get(month, month.calendar)

    def month_of(self, span: Span) -> Month:
        """The nominal month of a span: of the table, else of its mid-epoch."""
        mid = Month.containing(span.mid)
        near = list(months_between(mid.plus(-2), mid.plus(2)))
        best = min(near, key=lambda month: _distance(self.span_of(month), span))
        return best if _distance(self.span_of(best), span) <= _SAME_MONTH else mid

    def identify(self, name: str, header_span: Span | None = None, model: str = "") -> tuple[Month, Span]:
        """The nominal month of a file, and its true span.

        Parameters
        ----------
        name : the name of the file, `..._YYYY-MM` or `GSM-2_YYYYDDD-YYYYDDD_...`
        header_span : the period that its header says, if any
        model : the name of the model in its header, if any, which is read like the file's

        Raises GranuleRejected if nothing says the month, or if two things contradict each other. There is
        no default: a field under a wrong month spoils the trend and the season of every coefficient.
        """
        spans = [span for text in (name, model) for span in _days_in(text, name)]
        spans += [header_span] if header_span is not None else []
        _check_spans(spans, name)
        months = [Month.parse(match[1]) for text in (name, model) for match in _NOMINAL.finditer(text)]
        if not spans and not months:
            raise GranuleRejected("neither name nor header says which month this is", advice=_ADVICE, file=name)
        said = {*months, *(self.month_of(span) for span in spans[:1])}
        if len(said) > 1:
            listed = " and ".join(str(month) for month in sorted(said))
            raise GranuleRejected(f"name and header say different months: {listed}", advice=_ADVICE, file=name)
        month = said.pop()
        return month, spans[0] if spans else self.span_of(month)


def _distance(first: Span, second: Span) -> float:
    """How far two spans are apart [d]: the larger of the differences of their begins and ends."""
    return max(abs(first.begin - second.begin), abs(first.end - second.end))


def _days_in(text: str, name: str) -> list[Span]:
    try:
        return [Span.of_days(day(first), day(last)) for first, last in _DAYS.findall(text)]
    except ValueError as error:
        raise GranuleRejected(f"a period in its name that is none ({error})", advice=_ADVICE, file=name) from None


def _check_spans(spans: list[Span], name: str) -> None:
    for span in spans:
        if span.end - span.begin > LONGEST_SPAN:
            raise GranuleRejected(
                f"the period {span.label} is longer than any month",
                advice="It is a mean or a static field; leave it out of the series",
                file=name,
            )
        if _distance(span, spans[0]) > _SAME_DAYS:
            raise GranuleRejected(
                f"name and header say different periods: {spans[0].label} and {span.label}",
                advice="One of them is wrong; fetch the file again",
                file=name,
            )


def read_month_table(source: Path | bytes, *, name: str | None = None) -> MonthTable:
    """Read a table of months from CSV.

    Its columns are nominal_month, begin_yyyyddd and end_yyyyddd. Raises GranuleRejected, with the line, for a row
    that is none, or a month that comes twice.
    """
    document = open_document(source, name)
    reader = csv.DictReader(document.text.splitlines())
    spans: dict[Month, Span] = {}
    for row in reader:
        try:
            month = Month.parse(row["nominal_month"])
            span = Span.of_days(day(row["begin_yyyyddd"]), day(row["end_yyyyddd"]))
        except (KeyError, TypeError, ValueError) as error:
            advice = "Its columns are nominal_month (YYYY-MM), begin_yyyyddd, end_yyyyddd"
            raise document.rejected(f"a row that is none ({error})", advice, reader.line_num) from None
        if month in spans:
            raise document.rejected(f"{month} for the second time", "Decide for one", reader.line_num)
        spans[month] = span
    if not spans:
        raise document.rejected("a table of months without a month")
    return MonthTable(document.name, spans)
