"""The row of a month: by the begin of its data; a missing row is an error, never a neighbour."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.errors import AuxiliaryMissing
from shared.formats.low_degrees import read_table
from shared.formats.months import MonthTable
from shared.models.epoch import Month, months_between
from shared.models.table_lookup import row_for, rows_for
from tests.builders import make_table

MONTHS = list(months_between(Month(2008, 1), Month(2008, 12)))
TABLE = make_table(("C20", "C30"), MONTHS)
TIMES = MonthTable.default()


def at(text: str) -> tuple[Month, object]:
    month = Month.parse(text)
    return month, TIMES.span_of(month)


def test_a_month_gets_its_own_row() -> None:
    for row, month in enumerate(MONTHS):
        assert row_for(TABLE, month, month.calendar, "C20") == (TABLE.values["C20"][row], TABLE.sigmas["C20"][row])
    values, sigmas = rows_for(TABLE, [(month, month.calendar) for month in MONTHS[3:6]], "C30")
    assert np.array_equal(values, TABLE.values["C30"][3:6])
    assert np.array_equal(sigmas, TABLE.sigmas["C30"][3:6])


def test_a_month_behind_the_end_waits_and_does_not_take_the_last_row() -> None:
    with pytest.raises(AuxiliaryMissing) as caught:
        row_for(TABLE, *at("2009-01"), "C20")
    assert caught.value.file == "table.dat"
    assert "no C20 for 2009-01, whose data begin on 2009-01-01" in caught.value.found
    assert "12 rows of C20 begin from 2008-01-01 to 2008-12-01" in caught.value.found


def test_a_hole_in_the_table_is_no_reason_to_take_a_neighbour() -> None:
    keep = np.arange(12) != 5
    table = replace(
        TABLE,
        begin=TABLE.begin[keep],
        values={name: column[keep] for name, column in TABLE.values.items()},
        sigmas={name: column[keep] for name, column in TABLE.sigmas.items()},
    )
    with pytest.raises(AuxiliaryMissing, match="2008-06"):
        row_for(table, *at("2008-06"), "C20")


def test_a_hole_in_a_column_is_missing_only_there() -> None:
    c30 = np.where(np.arange(12) < 6, np.nan, TABLE.values["C30"])
    table = replace(TABLE, values=dict(TABLE.values) | {"C30": c30})
    assert row_for(table, *at("2008-03"), "C20")[0] == TABLE.values["C20"][2]
    with pytest.raises(AuxiliaryMissing, match="6 rows of C30 begin from 2008-07-01"):
        row_for(table, *at("2008-03"), "C30")


def test_a_coefficient_that_the_table_never_has_is_named() -> None:
    with pytest.raises(AuxiliaryMissing, match=r"no S21 for 2008-03.*it has C20, C30"):
        row_for(TABLE, *at("2008-03"), "S21")


def test_the_tolerance_is_less_than_half_the_least_distance_of_two_rows() -> None:
    """Ten days, 2018-10 and 2018-11: the row of one is never that of the other, also when one is missing."""
    table = replace(make_table(("C20",), MONTHS[:2]), begin=np.array([58413.0, 58423.0]))
    assert row_for(table, *at("2018-10"), "C20")[0] == table.values["C20"][0]
    assert row_for(table, *at("2018-11"), "C20")[0] == table.values["C20"][1]
    with pytest.raises(AuxiliaryMissing):
        row_for(replace(table, begin=np.array([58413.0, 58523.0])), *at("2018-11"), "C20")


def test_a_begin_four_days_off_is_the_same_month_and_five_is_not() -> None:
    for shift, found in ((4.0, True), (-4.0, True), (5.0, False), (-5.0, False)):
        table = replace(TABLE, begin=TABLE.begin + shift)
        if found:
            assert row_for(table, *at("2008-06"), "C20")[0] == TABLE.values["C20"][5]
        else:
            with pytest.raises(AuxiliaryMissing):
                row_for(table, *at("2008-06"), "C20")


def test_a_missing_row_is_still_told_behind_a_process_border() -> None:
    with pytest.raises(AuxiliaryMissing) as caught:
        row_for(TABLE, *at("2009-01"), "C20")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.real_data
def test_each_of_the_252_real_months_has_exactly_its_row(real_data: Path) -> None:
    for name in ("GRACE+SLR_LOW_DEGREES", "GEOCENTER"):
        table = read_table(real_data / "gravis" / f"GRAVIS-2B_COSTG_0200_{name}_0001.dat")
        months = [TIMES.month_of(TIMES.identify(f"GSM-2_{label}_x")[1]) for label in _labels(real_data)]
        coefficient = next(iter(table.values))
        values, _ = rows_for(table, [(month, TIMES.span_of(month)) for month in months], coefficient)
        assert np.array_equal(values, table.values[coefficient])
        exact, _ = rows_for(table, [(m, TIMES.span_of(m)) for m in months], coefficient, tolerance=0.0)
        assert np.array_equal(values, exact)


def _labels(real_data: Path) -> list[str]:
    rows = (real_data / "level2" / "cost-g" / "months_rl02.csv").read_text().split()
    return ["-".join(row.split(",")[1:3]) for row in rows if row[0] == "2"]


@pytest.mark.real_data
def test_the_months_that_other_centres_cut_otherwise_are_missing_not_wrong(real_data: Path) -> None:
    """Of all COST-G months TN-14 lacks three, whose data it begins 6 to 10 days later; their neighbours differ."""
    table = read_table(real_data / "low-degree" / "TN-14_C30_C20_SLR_GSFC.txt")
    missing = []
    for label in _labels(real_data):
        month, span = TIMES.identify(f"GSM-2_{label}_x")
        try:
            row_for(table, month, span, "C20")
        except AuxiliaryMissing:
            missing.append(str(month))
    assert missing == ["2016-12", "2017-01", "2017-04"]
