"""The corrections of a month, each by what it must do to a field that is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.process.baseline import estimate_mean, with_alias
from services.process.level2b.decorrelation import VDK_STRENGTHS, decorrelate, error_scale
from services.process.level2b.geocenter import insert_degree_one
from services.process.level2b.glacial_isostasy import remove_gia
from services.process.level2b.low_degrees import ALWAYS, replace_low_degrees, require_rows, rows_used
from services.process.level2b.mean import subtract_mean
from services.process.level2b.tidal_aliases import estimate_alias, remove_s2_alias
from shared import settings
from shared.errors import AuxiliaryMissing, GranuleRejected, RequestRefused
from shared.formats.bundled import ddk_normals
from shared.geodesy import ordering
from shared.models.auxiliaries import CoefficientTable, NormalMatrix
from shared.models.baseline import Baseline
from shared.models.coefficients import Anomaly, ErrorKind, FilteredAnomalies, FilterSource, TideSystem
from shared.models.epoch import Month, Span, months_between
from tests.unit.process.builders import (
    GM,
    NMAX,
    RADIUS,
    REFERENCE,
    calendar,
    dense_of,
    make_anomalies,
    make_block_normals,
    make_geometry,
    make_gia,
    make_month,
    make_reference,
    make_table,
    median_errors,
    seasonal_model,
    source,
    times_of,
)

BASELINE = make_reference()
TABLE = make_table()
DEGREE = ordering.index(NMAX).degree
C20, C30 = ordering.position(NMAX, 2, 0), ordering.position(NMAX, 3, 0)
MAY = Month(2004, 5)


# --- the mean ---------------------------------------------------------------------------------------------------------


def test_an_anomaly_is_the_month_minus_the_mean() -> None:
    month = make_month()
    assert np.array_equal(subtract_mean(month, baseline=BASELINE).values, month.values - BASELINE.mean)


def test_the_anomalies_of_the_reference_months_have_no_mean() -> None:
    anomalies = [subtract_mean(make_month(month), baseline=BASELINE).values for month in REFERENCE]
    # C00 = 1 is known to 1e-16; the largest anomaly is 3e-10.
    assert np.abs(np.mean(anomalies, axis=0)).max() < 1e-16


def test_a_month_in_other_units_gives_the_same_anomaly() -> None:
    """The same potential, written relative to another GM and radius: rescaled before, not after, the mean goes."""
    month, gm, radius = make_month(), 3.986004418e14, 6378137.0
    factor = (GM / gm) * (RADIUS / radius) ** DEGREE
    other = replace(month, values=month.values * factor, sigmas=month.sigmas * factor, gm=gm, radius=radius)
    expected = subtract_mean(month, baseline=BASELINE)
    found = subtract_mean(other, baseline=BASELINE)
    # Powers up to 8, there and back: 16 roundings of the absolute value. Left as it is, C20 would be off by 1e-10.
    assert np.all(np.abs(found.values - expected.values) <= 16 * 2.3e-16 * np.abs(month.values))
    assert np.allclose(found.sigmas, expected.sigmas, rtol=4e-15, atol=0.0)
    assert (found.gm, found.radius) == (GM, RADIUS)


@pytest.mark.parametrize("tide", [TideSystem.ZERO_TIDE, TideSystem.MEAN_TIDE, TideSystem.UNKNOWN])
def test_tide_systems_are_never_mixed(tide: TideSystem) -> None:
    with pytest.raises(GranuleRejected, match=f"the tide system is {tide}, that of the baseline tide_free") as caught:
        subtract_mean(make_month(tide_system=tide), baseline=BASELINE)
    assert caught.value.file == "2004-05.gfc"


def test_a_month_that_ends_below_the_baseline_is_rejected() -> None:
    with pytest.raises(GranuleRejected, match="ends at degree 7, the baseline at 8"):
        subtract_mean(make_month(nmax=NMAX - 1), baseline=BASELINE)


def test_a_month_that_goes_on_above_the_baseline_is_cut() -> None:
    month = make_month(nmax=NMAX + 4)
    found = subtract_mean(month, baseline=BASELINE)
    assert np.array_equal(found.values, ordering.truncate(month.values, NMAX) - BASELINE.mean)
    assert found.sigmas is not None and found.sigmas.size == found.values.size


# --- the baseline -----------------------------------------------------------------------------------------------------


def test_the_mean_is_that_of_the_months_of_the_period_and_no_others() -> None:
    months = [make_month(month) for month in months_between(Month(2002, 10), Month(2004, 3))]
    baseline = estimate_mean(months, (Month(2003, 1), Month(2003, 12)))
    assert [str(month) for month in baseline.months] == [f"2003-{number:02d}" for number in range(1, 13)]
    expected = sum(month.values for month in months[3:15]) / 12.0
    assert np.allclose(baseline.mean, expected, rtol=1e-15, atol=0.0)
    assert baseline.checksums == tuple(month.sources[0].sha256 for month in months[3:15])


def test_the_mean_is_one_of_fields_in_the_same_units_tide_system_and_degree() -> None:
    alike = [make_month(Month(2003, number), nmax=NMAX) for number in range(1, 6)]
    scaled = alike[2].rescaled(3.986004418e14, 6378137.0)
    longer = make_month(Month(2003, 2), nmax=NMAX + 3)
    other_tide = make_month(Month(2003, 6), tide_system=TideSystem.ZERO_TIDE)
    baseline = estimate_mean(
        [alike[0], longer, scaled, alike[3], alike[4], other_tide], (Month(2003, 1), Month(2003, 12))
    )
    used = [alike[0].values, ordering.truncate(longer.values, NMAX), *(month.values for month in alike[2:])]
    # Scaling there and back: four roundings of a month, which may be ten times the mean of five.
    assert np.allclose(baseline.mean, np.mean(used, axis=0), rtol=1e-14, atol=0.0)
    assert Month(2003, 6) not in baseline.months
    assert baseline.tide_system is TideSystem.TIDE_FREE


def test_typical_errors_are_the_median_of_months_that_have_errors() -> None:
    errors = (1.0, 1.5, 40.0, None, 0.0)
    months = [make_month(Month(2003, 1 + at), errors=error) for at, error in enumerate(errors)]
    baseline = estimate_mean(months, (Month(2003, 1), Month(2003, 12)))
    assert baseline.sigmas is not None
    assert np.allclose(baseline.sigmas, 1.5 * median_errors(), rtol=1e-15, atol=0.0)
    assert estimate_mean(months[3:], (Month(2003, 1), Month(2003, 12))).sigmas is None


def test_no_month_in_the_period_is_no_baseline() -> None:
    with pytest.raises(RequestRefused, match=r"none of the 1 months lies in the reference period 2010-01\.\.2011-12"):
        estimate_mean([make_month()], (Month(2010, 1), Month(2011, 12)))


# --- low degrees ------------------------------------------------------------------------------------------------------

PERIODS = (("C20", *ALWAYS), ("C30", "2004-01", "2004-06"))


def replaced(
    month: Month = MAY, periods: tuple[tuple[str, str, str], ...] = PERIODS, **more: object
) -> FilteredAnomalies:
    given = {"low_degrees": TABLE, "baseline": BASELINE} | more
    return replace_low_degrees(make_anomalies(month), periods=periods, **given)  # type: ignore[arg-type]


def test_c20_is_taken_from_laser_ranging_in_every_filter_set() -> None:
    row = REFERENCE.index(MAY)
    expected = TABLE.values["C20"][row] - sum(TABLE.values["C20"]) / len(REFERENCE)
    for values in replaced().sets.values():
        # A difference of numbers of 5e-4, known to 1e-19, a little more for the mean.
        assert values[C20] == pytest.approx(expected, abs=3e-19)


def test_no_absolute_coefficient_gets_into_an_anomaly() -> None:
    """The table holds C20 = -4.8e-4; a month's anomaly is below 1e-9."""
    for values in replaced().sets.values():
        assert abs(values[C20]) < 1e-9
        assert abs(values[C30]) < 1e-9


def test_the_mean_that_goes_is_that_of_the_table_not_of_the_fields() -> None:
    """Table and fields differ by 4e-9 in C20: that difference must not appear as water."""
    anomalies = [replaced(month).sets["VDK3"][C20] for month in REFERENCE]
    assert abs(np.mean(anomalies)) < 1e-19 * len(REFERENCE)


def test_the_mean_is_over_the_reference_months_and_not_over_the_whole_table() -> None:
    table = make_table(list(months_between(Month(2003, 1), Month(2008, 12))))
    found = replaced(low_degrees=table).sets["VDK3"][C20]
    expected = table.values["C20"][REFERENCE.index(MAY)] - np.mean(table.values["C20"][: len(REFERENCE)])
    assert found == pytest.approx(expected, abs=3e-19)
    assert abs(np.mean(table.values["C20"]) - np.mean(table.values["C20"][: len(REFERENCE)])) > 1e-12


def test_c30_is_replaced_only_in_its_months() -> None:
    for month, inside in (("2003-12", False), ("2004-01", True), ("2004-06", True), ("2004-07", False)):
        before, after = make_anomalies(Month.parse(month)), replaced(Month.parse(month))
        assert bool(after.sets["VDK3"][C30] != before.sets["VDK3"][C30]) is inside, month


def test_all_other_coefficients_stay_to_the_bit() -> None:
    before, after = make_anomalies(), replaced()
    others = np.setdiff1d(np.arange(DEGREE.size), [C20, C30])
    for label in before.sets:
        assert np.array_equal(after.sets[label][others], before.sets[label][others])


def test_the_error_is_that_of_the_table() -> None:
    row, after = REFERENCE.index(MAY), replaced()
    assert after.sigmas is not None
    assert after.sigmas[C20] == TABLE.sigmas["C20"][row]
    assert after.sigmas[C30] == TABLE.sigmas["C30"][row]
    others = np.setdiff1d(np.arange(DEGREE.size), [C20, C30])
    assert np.array_equal(after.sigmas[others], median_errors()[others])


def test_a_month_without_errors_gets_none_from_the_table() -> None:
    without = replace(make_anomalies(), sigmas=None)
    found = replace_low_degrees(without, low_degrees=TABLE, baseline=BASELINE, periods=PERIODS)
    assert found.sigmas is None


def test_c21_and_s21_go_to_their_own_places() -> None:
    after = replaced(periods=(("C21", *ALWAYS), ("S21", *ALWAYS)))
    row = REFERENCE.index(MAY)
    for name, sine in (("C21", False), ("S21", True)):
        expected = TABLE.values[name][row] - np.mean(TABLE.values[name])
        assert after.sets["VDK5"][ordering.position(NMAX, 2, 1, sine=sine)] == pytest.approx(expected, abs=1e-22)


def test_a_month_after_the_end_of_the_table_waits_and_never_gets_its_last_row() -> None:
    with pytest.raises(AuxiliaryMissing, match="no C20 for 2006-01"):
        replaced(Month(2006, 1))


def test_a_reference_month_without_a_row_makes_no_shorter_mean() -> None:
    keep = np.arange(len(REFERENCE)) != 7
    hole = replace(
        TABLE,
        begin=TABLE.begin[keep],
        values={name: column[keep] for name, column in TABLE.values.items()},
        sigmas={name: column[keep] for name, column in TABLE.sigmas.items()},
    )
    with pytest.raises(AuxiliaryMissing, match=f"no C20 for {REFERENCE[7]}"):
        replaced(low_degrees=hole)


def test_rows_that_will_be_needed_are_asked_for_before_the_work_begins() -> None:
    """A month inside the period of C30 or of the reference needs its row, any other only C20."""
    begin = TABLE.begin[:12]
    table = replace(
        TABLE, begin=begin, values={"C20": TABLE.values["C20"][:12]}, sigmas={"C20": TABLE.sigmas["C20"][:12]}
    )
    inside, reference = Month(2003, 5), (Month(2004, 1), Month(2004, 12))
    periods = (("C20", *ALWAYS), ("C30", "2003-05", "2003-06"))
    require_rows(table, Month(2003, 4), Month(2003, 4).calendar, periods, reference)
    for month, period in ((inside, reference), (Month(2003, 4), (Month(2003, 1), Month(2003, 12)))):
        with pytest.raises(AuxiliaryMissing, match="no C30"):
            require_rows(table, month, month.calendar, periods, period)


LATER = Month(2007, 5)  # behind the reference, where C30 is not replaced


def other_row(column: str, name: str, month: Month) -> CoefficientTable:
    """A table of six years in which one number of one month is another; column: values or sigmas."""
    months = list(months_between(Month(2003, 1), Month(2008, 12)))
    table = make_table(months)
    numbers = np.array(getattr(table, column)[name])
    numbers[months.index(month)] *= 1.01
    return replace(table, **{column: {**getattr(table, column), name: numbers}})


@pytest.mark.parametrize(
    ("column", "name", "month", "used"),
    [
        ("values", "C20", LATER, True),
        ("sigmas", "C20", LATER, True),
        ("values", "C20", REFERENCE[7], True),
        ("sigmas", "C20", REFERENCE[7], False),
        ("values", "C20", Month(2006, 3), False),
        ("values", "C20", Month(2008, 12), False),
        ("values", "C30", LATER, False),
        ("values", "C21", LATER, False),
    ],
)
def test_the_rows_that_a_month_names_are_those_that_its_numbers_come_from(
    column: str, name: str, month: Month, used: bool
) -> None:
    plain = make_table(list(months_between(Month(2003, 1), Month(2008, 12))))
    changed = other_row(column, name, month)
    named, also = (rows_used(table, LATER, LATER.calendar, BASELINE, PERIODS) for table in (plain, changed))
    assert (named != also) is used
    before, after = (replaced(LATER, low_degrees=table) for table in (plain, changed))
    assert before.sigmas is not None and after.sigmas is not None
    same = all(np.array_equal(before.sets[label], after.sets[label]) for label in before.sets)
    assert (same and np.array_equal(before.sigmas, after.sigmas)) is not used
    assert (named.role, named.name) == ("low-degrees-rows", f"{plain.source.name} {LATER}")


def test_the_rows_that_a_month_names_stay_while_the_table_grows() -> None:
    table = make_table(list(months_between(Month(2003, 1), Month(2008, 12))))
    end = int(np.flatnonzero(table.begin == LATER.calendar.begin)[0]) + 1
    young = replace(
        table,
        begin=table.begin[:end],
        values={name: column[:end] for name, column in table.values.items()},
        sigmas={name: column[:end] for name, column in table.sigmas.items()},
    )
    named, later = (rows_used(each, LATER, LATER.calendar, BASELINE, PERIODS) for each in (young, table))
    assert named == later


# --- glacial isostatic adjustment -------------------------------------------------------------------------------------


def rates_at(nmax: int = NMAX) -> np.ndarray:
    """The model's rates relative to GM and radius of the fields, per year."""
    gia = make_gia()
    degree = ordering.index(12).degree
    return ordering.truncate(gia.rates * (gia.gm / GM) * (gia.radius / RADIUS) ** degree, nmax)


def test_a_field_that_moves_with_the_model_becomes_zero() -> None:
    """Sign and size: what the solid Earth does is taken out, counted from the middle of the reference."""
    mid = np.mean([span.mid for span in calendar(REFERENCE)])
    for month in (Month(2003, 1), Month(2005, 12), Month(2024, 7)):
        moved = rates_at() * (month.calendar.mid - mid) / 365.2422
        fields = replace(make_anomalies(month), sets={"VDK3": moved})
        left = remove_gia(fields, gia=make_gia(), baseline=BASELINE).sets["VDK3"]
        assert np.abs(left).max() < 1e-15 * np.abs(moved).max()


def test_a_month_by_itself_gets_its_gia() -> None:
    """It is counted from the baseline: whichever months are processed with it, and if none are."""
    alone = remove_gia(make_anomalies(), gia=make_gia(), baseline=BASELINE)
    expected = make_anomalies().sets["VDK3"] - alone.sets["VDK3"]
    years = (MAY.calendar.mid - np.mean([span.mid for span in calendar(REFERENCE)])) / 365.2422
    assert abs(years) > 0.1  # May 2004 is not the middle
    assert np.allclose(expected, years * rates_at(), rtol=0.0, atol=1e-25)  # 1e-10 known to 1e-26


def test_the_mean_over_the_reference_months_stays_zero() -> None:
    corrections = [
        remove_gia(
            replace(make_anomalies(month), sets={"VDK3": np.zeros(DEGREE.size)}), gia=make_gia(), baseline=BASELINE
        )
        for month in REFERENCE
    ]
    values = np.array([each.sets["VDK3"] for each in corrections])
    # The reference epoch, MJD 53000, is known to 7e-12 d, of months up to 530 d away.
    assert np.abs(values.mean(axis=0)).max() < 2e-14 * np.abs(values).max()


def test_gia_is_the_same_for_every_filter_set() -> None:
    before, after = make_anomalies(), remove_gia(make_anomalies(), gia=make_gia(), baseline=BASELINE)
    changes = [before.sets[label] - after.sets[label] for label in before.sets]
    assert np.allclose(changes, changes[0], rtol=0.0, atol=1e-25)


def test_a_model_below_the_degree_of_the_field_counts_as_zero_above() -> None:
    low = make_gia(5)
    after = remove_gia(make_anomalies(), gia=low, baseline=BASELINE).sets["VDK3"]
    assert np.array_equal(after[DEGREE > 5], make_anomalies().sets["VDK3"][DEGREE > 5])
    assert np.all(after[(DEGREE >= 2) & (DEGREE <= 5)] != make_anomalies().sets["VDK3"][(DEGREE >= 2) & (DEGREE <= 5)])


# --- degree one -------------------------------------------------------------------------------------------------------


def test_degree_one_is_inserted_in_each_filter_set_from_that_set() -> None:
    geometry, before = make_geometry(), make_anomalies()
    after = insert_degree_one(before, geometry=geometry)
    places = [ordering.position(NMAX, 1, 0), ordering.position(NMAX, 1, 1), ordering.position(NMAX, 1, 1, sine=True)]
    for label, values in before.sets.items():
        assert np.array_equal(after.sets[label][places], geometry.geocenter(values))
        assert np.array_equal(after.sets[label][DEGREE != 1], values[DEGREE != 1])
    assert not np.allclose(after.sets["VDK2"][places], after.sets["VDK5"][places], rtol=0.1, atol=0.0)


# --- the S2 alias -----------------------------------------------------------------------------------------------------

# Three years of GRACE and three of GRACE-FO, as the baseline of the product has both
BOTH_MISSIONS = (*months_between(Month(2003, 1), Month(2005, 12)), *months_between(Month(2018, 6), Month(2021, 5)))


def alias_model(months: tuple[Month, ...]) -> np.ndarray:
    """Cosine and sine [time, 2] of the alias, 100 degrees on for GRACE-FO, written out."""
    rows = []
    for month, t in zip(months, times_of(months), strict=True):
        phase = 2.0 * np.pi * t * 365.2422 / 161.0 + (np.deg2rad(100.0) if month >= Month(2018, 6) else 0.0)
        rows.append([np.cos(phase), np.sin(phase)])
    return np.array(rows)


def alias_series(months: tuple[Month, ...] = BOTH_MISSIONS) -> tuple[np.ndarray, np.ndarray]:
    """Anomalies [time, coefficients] of trend, seasons and alias, and the alias [2, coefficients] in them."""
    random = np.random.default_rng(8)
    season, alias = random.standard_normal((6, DEGREE.size)), random.standard_normal((2, DEGREE.size))
    return seasonal_model(times_of(months), 2004.0) @ season + alias_model(months) @ alias, alias


def test_the_alias_is_recovered_beside_trend_and_seasons() -> None:
    series, alias = alias_series()
    # The phase, 3e4 rad, is known to 4e-12; the condition of the joint fit is below 100.
    assert np.allclose(estimate_alias(calendar(BOTH_MISSIONS), series), alias, rtol=0.0, atol=1e-9)


def test_fitted_without_mean_trend_and_seasons_it_would_be_wrong() -> None:
    """Why the fit is a joint one: at monthly sampling the alias is not orthogonal to the other terms."""
    series, alias = alias_series()
    alone = np.linalg.lstsq(alias_model(BOTH_MISSIONS), series, rcond=None)[0]
    assert np.abs(alone - alias).max() > 0.1


def test_months_of_the_follow_on_are_100_degrees_on() -> None:
    """The model of GRACE alone predicts the alias of GRACE-FO: seen with the same phase it would be wrong."""
    grace, follow_on = BOTH_MISSIONS[:36], BOTH_MISSIONS[36:]
    series, alias = alias_series()
    found = estimate_alias(calendar(grace), series[:36])
    assert np.allclose(found, alias, rtol=0.0, atol=1e-9)
    baseline = make_reference(alias={"VDK3": found})
    expected = alias_model(follow_on) @ alias
    for row in (0, 17, 35):
        fields = replace(make_anomalies(follow_on[row]), sets={"VDK3": expected[row]})
        left = remove_s2_alias(fields, baseline=baseline).sets["VDK3"]
        assert np.abs(left).max() < 1e-8  # as above


@pytest.mark.parametrize("month", ["2004-05", "2010-02", "2025-09"])
def test_every_month_is_corrected_in_the_baseline_and_outside_of_it(month: str) -> None:
    _, alias = alias_series()
    baseline = make_reference(alias={"VDK3": alias, "VDK5": 2.0 * alias})
    when = Month.parse(month)
    before = replace(make_anomalies(when), sets={"VDK3": np.zeros(DEGREE.size), "VDK5": np.zeros(DEGREE.size)})
    after = remove_s2_alias(before, baseline=baseline)
    expected = -(alias_model((when,)) @ alias)[0]
    assert np.allclose(after.sets["VDK3"], expected, rtol=0.0, atol=1e-10)
    assert np.allclose(after.sets["VDK5"], 2.0 * expected, rtol=0.0, atol=1e-10)


def test_the_baseline_fits_each_filter_set_to_its_own_months_only() -> None:
    series, alias = alias_series(REFERENCE)
    months = [
        replace(make_anomalies(month), sets={"VDK3": values, "VDK5": 3.0 * values})
        for month, values in zip(REFERENCE, series, strict=True)
    ]
    outside = replace(make_anomalies(Month(2010, 1)), sets={"VDK3": 1e6 + 0 * alias[0], "VDK5": 1e6 + 0 * alias[0]})
    baseline = with_alias(replace(BASELINE, alias={}), [outside, *reversed(months)])
    assert np.allclose(baseline.alias["VDK3"], alias, rtol=0.0, atol=1e-9)
    assert np.allclose(baseline.alias["VDK5"], 3.0 * alias, rtol=0.0, atol=3e-9)


@pytest.mark.parametrize("count", [0, 7])
def test_too_few_months_for_the_alias_are_refused(count: int) -> None:
    months = [make_anomalies(month) for month in REFERENCE[:count]]
    with pytest.raises(RequestRefused, match=f"{count} reference months cannot separate the 161-day alias"):
        with_alias(BASELINE, months)


# --- decorrelation ----------------------------------------------------------------------------------------------------

BLOCKS = make_block_normals()
SETS = ("NFIL", "VDK2", "VDK3", "VDK5")


def make_anomaly(errors: float | np.ndarray | None = 1.0, **more: object) -> Anomaly:
    return subtract_mean(make_month(errors=errors, **more), baseline=BASELINE)  # type: ignore[arg-type]


def filtered(
    anomaly: Anomaly, *, source: str = "auto", baseline: Baseline = BASELINE, **more: object
) -> FilteredAnomalies:
    given = {"block_normals": BLOCKS, "normals": None, "strengths": SETS} | more
    return decorrelate(anomaly, baseline=baseline, source=source, **given)  # type: ignore[arg-type]


def dense_filter(matrix: np.ndarray, alpha: float, field: np.ndarray) -> np.ndarray:
    """(N + alpha diag(n^4))^-1 N x by one dense solution; degrees 0 and 1 as they are."""
    at, found = np.flatnonzero(DEGREE >= 2), field.copy()
    found[at] = np.linalg.solve(matrix + alpha * np.diag(DEGREE[at] ** 4.0), matrix @ field[at])
    return found


def full_normals(nmax: int = NMAX, **more: object) -> NormalMatrix:
    """A full matrix in true units, with correlations between orders."""
    count = ordering.size(nmax) - 4
    root = np.random.default_rng(12).standard_normal((count, count + 10))
    degree = ordering.index(nmax).degree[ordering.index(nmax).degree >= 2]
    scale = 1e11 * degree**-1.5
    matrix = scale[:, None] * (root @ root.T / count + 0.1 * np.eye(count)) * scale
    given = {"matrix": matrix, "nmax": nmax, "month": MAY, "span": MAY.calendar, "source": source("normals")}
    return NormalMatrix(**(given | more))  # type: ignore[arg-type]


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    """Equal but for what solving loses: the condition of the scaled systems is below 1e5, times 1e-16."""
    return bool(np.abs(found - expected).max() < 1e-10 * np.abs(expected).max())


def test_the_strengths_are_the_published_ones() -> None:
    assert list(VDK_STRENGTHS.values()) == [1e20, 1e19, 1e18, 5e17, 1e17, 5e16, 1e16, 5e15]
    assert list(VDK_STRENGTHS) == [f"VDK{number}" for number in range(1, 9)]


@pytest.mark.parametrize(
    ("errors", "normals", "chosen"),
    [
        (1.0, True, FilterSource.NORMALS),
        (None, True, FilterSource.NORMALS),
        (1.0, False, FilterSource.ERROR_SCALED),
        (None, False, FilterSource.DDK),
        (0.0, False, FilterSource.DDK),
    ],
    ids=["normals", "normals without errors", "errors", "no errors", "errors zero"],
)
def test_the_best_source_that_a_month_has_is_chosen_and_recorded(
    errors: float | None, normals: bool, chosen: FilterSource
) -> None:
    found = filtered(make_anomaly(errors), normals=full_normals() if normals else None)
    assert found.filter_source is chosen
    assert (source("normals") in found.sources) is (chosen is FilterSource.NORMALS)


def test_one_missing_error_is_enough_to_leave_the_errors_aside() -> None:
    errors = np.ones(DEGREE.size)
    errors[ordering.position(NMAX, 7, 3, sine=True)] = 0.0
    assert filtered(make_anomaly(errors)).filter_source is FilterSource.DDK


def test_a_baseline_without_errors_leaves_the_static_filter() -> None:
    assert filtered(make_anomaly(), baseline=replace(BASELINE, sigmas=None)).filter_source is FilterSource.DDK


def test_a_source_that_is_asked_for_is_used_although_there_is_a_better_one() -> None:
    for name in ("error-scaled", "ddk"):
        found = filtered(make_anomaly(), source=name, normals=full_normals())
        assert found.filter_source == name
        assert not found.sources


@pytest.mark.parametrize(
    ("name", "errors", "lacking"),
    [
        ("normals", 1.0, "normal matrix"),
        ("error-scaled", None, "standard deviation"),
        ("error-scaled", 0.0, "standard"),
    ],
)
def test_a_source_that_is_asked_for_and_not_there_is_no_other_one(
    name: str, errors: float | None, lacking: str
) -> None:
    with pytest.raises(GranuleRejected, match=f"2004-05 has no {lacking}.*--filter-source {name}"):
        filtered(make_anomaly(errors), source=name)


def test_the_median_month_gets_the_static_filter_of_its_own_degree() -> None:
    """Errors equal to the median: N0 cut at the degree of the field, with the strength of DDK."""
    anomaly = make_anomaly(1.0)
    found = filtered(anomaly)
    for name in ("VDK2", "VDK3", "VDK5"):
        expected = dense_filter(dense_of(BLOCKS, NMAX), 1e-6 * VDK_STRENGTHS[name], anomaly.values)
        assert close(found.sets[name], expected)


def test_the_static_filter_is_made_at_the_degree_of_its_normals_and_then_cut() -> None:
    """As published: the field is zero above its degree, which is not the same as normals that are cut."""
    anomaly = make_anomaly(None)
    wide = ordering.extend(anomaly.values, BLOCKS.nmax)
    at = np.flatnonzero(ordering.index(BLOCKS.nmax).degree >= 2)
    matrix = dense_of(BLOCKS, BLOCKS.nmax)
    penalty = np.diag(ordering.index(BLOCKS.nmax).degree[at] ** 4.0)
    wide[at] = np.linalg.solve(matrix + 1e12 * penalty, matrix @ wide[at])
    found = filtered(anomaly).sets["VDK3"]
    assert close(found, ordering.truncate(wide, NMAX))
    assert not close(found, dense_filter(dense_of(BLOCKS, NMAX), 1e12, anomaly.values))


@pytest.mark.parametrize("ratio", [0.5, 2.0, 10.0])
def test_errors_that_are_larger_act_as_a_strength_larger_by_their_square(ratio: float) -> None:
    anomaly = make_anomaly(ratio)
    expected = dense_filter(dense_of(BLOCKS, NMAX), 1e12 * ratio**2, anomaly.values)
    assert close(filtered(anomaly).sets["VDK3"], expected)


def test_a_month_with_larger_errors_is_filtered_stronger() -> None:
    """In the norm of the penalty n^4, which falls with every increase of the strength."""
    sizes = []
    for errors in (0.5, 1.0, 3.0):
        values = filtered(make_anomaly(errors)).sets["VDK3"]
        sizes.append(float(np.sum(DEGREE**4.0 * values**2)))
    assert sizes[0] > sizes[1] > sizes[2]


def test_stronger_filters_leave_less() -> None:
    found = filtered(make_anomaly(), strengths=tuple(VDK_STRENGTHS))
    sizes = [float(np.sum(DEGREE**4.0 * found.sets[name] ** 2)) for name in VDK_STRENGTHS]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("source_name", ["normals", "error-scaled", "ddk"])
def test_nfil_is_not_filtered_and_degrees_0_and_1_never_are(source_name: str) -> None:
    anomaly = make_anomaly()
    anomaly = replace(anomaly, values=np.where(DEGREE < 2, 3e-10, anomaly.values))
    found = filtered(anomaly, source=source_name, normals=full_normals())
    assert list(found.sets) == list(SETS)
    assert np.array_equal(found.sets["NFIL"], anomaly.values)
    for name in ("VDK2", "VDK3", "VDK5"):
        assert np.array_equal(found.sets[name][DEGREE < 2], anomaly.values[DEGREE < 2])
        assert not np.allclose(found.sets[name][DEGREE >= 2], anomaly.values[DEGREE >= 2], rtol=1e-3, atol=0.0)


def test_a_full_matrix_filters_with_its_true_units() -> None:
    anomaly, normals = make_anomaly(), full_normals()
    found = filtered(anomaly, normals=normals)
    for name in ("VDK2", "VDK3", "VDK5"):
        assert close(found.sets[name], dense_filter(normals.matrix, VDK_STRENGTHS[name], anomaly.values))


def test_a_full_matrix_above_the_field_is_cut_by_rows_and_columns() -> None:
    anomaly, normals = make_anomaly(), full_normals(NMAX + 2)
    degree = ordering.index(NMAX + 2).degree
    keep = np.flatnonzero(degree[degree >= 2] <= NMAX)
    expected = dense_filter(normals.matrix[np.ix_(keep, keep)], 1e18, anomaly.values)
    assert close(filtered(anomaly, normals=normals).sets["VDK3"], expected)


def test_a_full_matrix_that_is_block_diagonal_gives_the_filter_of_its_blocks() -> None:
    """The blocks are a millionth of true units: times 1e6 they are the same filter by another way."""
    anomaly = make_anomaly()
    matrix = np.ascontiguousarray(1e6 * dense_of(BLOCKS, NMAX))
    by_matrix = filtered(anomaly, normals=full_normals(matrix=matrix))
    by_blocks = filtered(anomaly, source="error-scaled")
    assert all(close(by_matrix.sets[name], by_blocks.sets[name]) for name in SETS)


def test_a_full_matrix_that_ends_below_the_field_is_rejected() -> None:
    with pytest.raises(GranuleRejected, match=r"2004-05: .*maximum degree 7 cannot filter a field of degree 8"):
        filtered(make_anomaly(), normals=full_normals(NMAX - 1))


@pytest.mark.parametrize("damage", ["indefinite", "not finite"])
def test_a_matrix_that_is_not_positive_definite_names_the_month_and_its_own_file(damage: str) -> None:
    matrix = full_normals().matrix.copy()
    matrix[30, 30] = -1e25 if damage == "indefinite" else np.nan
    with pytest.raises(GranuleRejected, match="2004-05: the decorrelation failed") as caught:
        filtered(make_anomaly(), normals=full_normals(matrix=matrix))
    assert caught.value.file == "normals.dat"


def test_a_block_that_is_not_positive_definite_names_the_month_and_the_order() -> None:
    blocks = list(BLOCKS.blocks)
    blocks[7] = -1e30 * np.eye(blocks[7].shape[0])
    with pytest.raises(GranuleRejected, match=r"2004-05: .*order 4 is not positive definite"):
        filtered(make_anomaly(), block_normals=replace(BLOCKS, blocks=tuple(blocks)))


def scattered_errors() -> np.ndarray:
    """Multiples of the median errors that scatter from coefficient to coefficient."""
    return np.exp(0.4 * np.random.default_rng(14).standard_normal(DEGREE.size))


def test_formal_errors_are_taken_coefficient_by_coefficient() -> None:
    scatter = scattered_errors()
    found = error_scale(make_anomaly(scatter), BASELINE)
    assert np.allclose(found[DEGREE >= 2], 1.0 / scatter[DEGREE >= 2], rtol=1e-14, atol=0.0)


def test_empirical_errors_are_smoothed_over_degree_and_order_cosine_and_sine_together() -> None:
    """A Gaussian mean of log(ratio), 1.5 wide and cut at four widths, of the coefficients that exist."""
    scatter = scattered_errors()
    found = error_scale(empirical(scatter), BASELINE)
    at = ordering.index(NMAX)
    known = np.flatnonzero(at.degree >= 2)
    for n, m, sine in ((2, 0, False), (5, 3, True), (8, 8, False), (8, 1, True)):
        down, along = at.degree[known] - n, at.order[known] - m
        weights = np.exp(-(down**2 + along**2) / (2.0 * 1.5**2)) * (np.abs(down) <= 6) * (np.abs(along) <= 6)
        expected = -np.sum(weights * np.log(scatter[known])) / weights.sum()
        assert np.log(found[ordering.position(NMAX, n, m, sine)]) == pytest.approx(expected, abs=1e-13)


def empirical(errors: float | np.ndarray) -> Anomaly:
    """An anomaly whose errors are marked empirical."""
    return replace(make_anomaly(errors), errors=ErrorKind.EMPIRICAL)


def test_smoothing_keeps_a_ratio_that_is_the_same_everywhere() -> None:
    found = error_scale(empirical(4.0), BASELINE)
    assert np.allclose(found[DEGREE >= 2], 0.25, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize(("given", "published"), [("in", "out"), ("lmax60in", "lmax60out")], ids=["n120", "n60"])
def test_the_static_source_is_the_published_ddk2(real_data: Path, given: str, published: str) -> None:
    """The official test pair through the step itself: VDK2 of a month without errors."""
    field, expected = (official(real_data / "filters", kind) for kind in (given, published))
    nmax = ordering.maximum_degree(field.size)
    month = MAY
    anomaly = Anomaly("official", field, None, GM, RADIUS, TideSystem.TIDE_FREE, month=month, span=month.calendar)
    carried = ddk_normals(settings.cache_folder())
    found = decorrelate(
        anomaly, baseline=make_reference(nmax=nmax, months=REFERENCE[:1]), block_normals=carried, normals=None,
        strengths=("VDK2",), source="ddk",
    ).sets["VDK2"]  # fmt: skip
    # 15 digits in the files, and a matrix that went through an inversion of its own: 2e-11 are found.
    assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()


def official(folder: Path, kind: str) -> np.ndarray:
    """A field of the official test: a line META, then n m C S [and errors] in free columns."""
    rows = np.loadtxt(folder / f"GSM-2_2008122-2008153_0030_EIGEN_G---_0004{kind}", skiprows=1)
    nmax = int(rows[:, 0].max())
    triangles = np.zeros((2, nmax + 1, nmax + 1))
    n, m = rows[:, 0].astype(int), rows[:, 1].astype(int)
    triangles[0, n, m], triangles[1, n, m] = rows[:, 2], rows[:, 3]
    return ordering.pack(triangles)


def test_a_month_that_began_in_another_one_is_timed_by_its_data() -> None:
    """2011-11 began in October: trends and tides go by the true middle, not by the name."""
    shifted = replace(make_anomalies(), span=Span(MAY.calendar.begin - 9.0, MAY.calendar.end - 9.0))
    zero = {"VDK3": np.zeros(DEGREE.size)}
    for correct in (
        lambda fields: remove_gia(fields, gia=make_gia(), baseline=BASELINE),
        lambda fields: remove_s2_alias(fields, baseline=BASELINE),
    ):
        by_name = correct(replace(make_anomalies(), sets=zero)).sets["VDK3"]
        by_data = correct(replace(shifted, sets=zero)).sets["VDK3"]
        assert not np.allclose(by_name[DEGREE >= 2], by_data[DEGREE >= 2], rtol=0.01, atol=0.0)
