"""Which month a file is: from its name, its header and the table, never by default."""

from pathlib import Path

import pytest

from shared.errors import GranuleRejected
from shared.formats.months import IRREGULAR_SPANS, MonthTable, read_month_table
from shared.models.epoch import Month, Span
from tests.builders import span_of

TABLE = MonthTable.default()
CSV = b"nominal_month,begin_yyyyddd,end_yyyyddd,end_source\n2011-10,2011274,2011304,x\n2011-11,2011289,2011319,x\n"


def days(label: str) -> Span:
    """The span written as YYYYDDD-YYYYDDD."""
    return TABLE.identify(f"GSM-2_{label}_x.gfc")[1]


@pytest.mark.parametrize(
    ("name", "month", "label"),
    [
        ("ITSG-Grace2018_n96_2008-04.gfc.gz", "2008-04", "2008092-2008121"),
        ("ITSG-Grace2018_n96_2011-11.gfc.gz", "2011-11", "2011289-2011319"),
        ("ITSG-Grace_operational_n96_2018-10.gfc", "2018-10", "2018295-2018313"),
        ("GSM-2_2011289-2011319_GRAC_COSTG_BF01_0200.gfc", "2011-11", "2011289-2011319"),
        ("GSM-2_2015345-2016003_GRAC_COSTG_BF01_0200.gfc", "2015-12", "2015345-2016003"),
        ("GSM-2_2017143-2017179_GRAC_COSTG_BF01_0200.gfc", "2017-06", "2017143-2017179"),
        ("GSM-2_2015102-2015131_GRAC_COSTG_BF01_0200.gfc", "2015-05", "2015102-2015131"),
        # one day later than in the table, as another centre cuts it: still May, although its middle is in April
        ("GSM-2_2015103-2015131_GRAC_UTCSR_BB01_0600.gfc", "2015-05", "2015103-2015131"),
        # far from every span of the table, or after its end: the month of the mid-epoch
        ("GSM-2_2015110-2015125_GRAC_COSTG_BF01_0200.gfc", "2015-04", "2015110-2015125"),
        ("GSM-2_2027032-2027059_GRFO_COSTG_BF01_0200.gfc", "2027-02", "2027032-2027059"),
        ("GSM-2_2027040-2027072_GRFO_COSTG_BF01_0200.gfc", "2027-02", "2027040-2027072"),
        ("GRAVIS-2B_2008092-2008121_COSTG_0200_VDK3_0001.gz", "2008-04", "2008092-2008121"),
    ],
)
def test_the_name_says_the_month(name: str, month: str, label: str) -> None:
    found, span = TABLE.identify(name)
    assert (str(found), span.label) == (month, label)


def test_the_header_says_the_month_where_the_name_does_not() -> None:
    assert TABLE.identify("field.gfc", days("2011289-2011319")) == (Month(2011, 11), days("2011289-2011319"))
    assert TABLE.identify("field.gfc", None, "ITSG-Grace2018_n96_2008-04")[0] == Month(2008, 4)


def test_the_true_span_of_the_header_goes_before_that_of_the_table() -> None:
    month, span = TABLE.identify("ITSG_2008-04.gfc", days("2008093-2008120"))
    assert (month, span.label) == (Month(2008, 4), "2008093-2008120")


def test_neighbours_that_overlap_are_told_apart() -> None:
    """Pairs of months of the mission that share days: never one name for both."""
    for first, second in (
        ("2011-10", "2011-11"),
        ("2012-03", "2012-04"),
        ("2015-04", "2015-05"),
        ("2019-01", "2019-02"),
    ):
        spans = [TABLE.span_of(Month.parse(text)) for text in (first, second)]
        assert spans[1].begin < spans[0].end
        assert [str(TABLE.month_of(span)) for span in spans] == [first, second]


@pytest.mark.parametrize(
    ("name", "header", "model", "found"),
    [
        ("field.gfc", None, "", "neither name nor header"),
        ("ITSG-Grace2018_daily_2008-04-05.gfc", None, "", "neither name nor header"),
        ("ITSG_n96_2008-13.gfc", None, "", "neither name nor header"),
        ("ITSG_n96_2008-04.gfc", "2008-05", "", "different months: 2008-04 and 2008-05"),
        ("ITSG_n96_2008-04.gfc", None, "ITSG_n96_2008-05", "different months"),
        ("GSM-2_2008092-2008121_x.gfc", "2008-05", "", "different periods"),
        ("GSM-2_2008092-2008121_x.gfc", None, "GSM-2_2008122-2008152_x", "different periods"),
        ("GSM-2_2002095-2020091_MEAN.gfc", None, "", "longer than any month"),
        ("GSM-2_2008400-2008430_x.gfc", None, "", "none"),
        ("GSM-2_2008121-2008092_x.gfc", None, "", "none"),
    ],
)
def test_a_month_that_is_not_certain_is_rejected(name: str, header: str | None, model: str, found: str) -> None:
    with pytest.raises(GranuleRejected, match=found) as caught:
        TABLE.identify(name, None if header is None else span_of(header), model)
    assert caught.value.file == name


def test_an_end_that_is_the_day_behind_the_last_is_no_contradiction() -> None:
    span = span_of("2008-04")
    assert TABLE.identify("GSM-2_2008092-2008121_x.gfc", Span(span.begin, span.end + 1.0)) == (Month(2008, 4), span)


def test_every_span_listed_is_an_exception_to_the_rule() -> None:
    assert len({month for month, *_ in IRREGULAR_SPANS}) == len(IRREGULAR_SPANS)
    for text, *_ in IRREGULAR_SPANS:
        assert TABLE.span_of(Month.parse(text)) != span_of(text)


def test_a_table_of_months_is_read() -> None:
    table = read_month_table(CSV, name="months.csv")
    assert table.span_of(Month(2011, 11)).label == "2011289-2011319"
    assert table.span_of(Month(2030, 1)) == span_of("2030-01")


@pytest.mark.parametrize(
    ("content", "found", "line"),
    [
        (CSV.replace(b"2011319", b"2011500"), "none", 3),
        (CSV.replace(b"2011-11", b"2011-10"), "second time", 3),
        (CSV.replace(b"2011304,x", b""), "none", 2),
        (CSV.replace(b"begin_yyyyddd", b"begin"), "begin_yyyyddd", 2),
        (CSV.split(b"\n")[0], "without a month", None),
    ],
)
def test_a_damaged_table_of_months_is_rejected_by_its_line(content: bytes, found: str, line: int | None) -> None:
    with pytest.raises(GranuleRejected, match=found) as caught:
        read_month_table(content, name="months.csv")
    assert (caught.value.file, caught.value.line) == ("months.csv", line)


@pytest.mark.real_data
def test_rule_and_list_make_the_table_of_cost_g(real_data: Path) -> None:
    """All 252 months, both ways; no month is listed that the table does not have."""
    table = read_month_table(real_data / "level2" / "cost-g" / "months_rl02.csv")
    assert len(table.spans) == 252
    assert {month: TABLE.span_of(month) for month in table.spans} == dict(table.spans)
    assert all(TABLE.month_of(span) == month for month, span in table.spans.items())
    assert {Month.parse(text) for text, *_ in IRREGULAR_SPANS} <= set(table.spans)
