"""Gravity fields: checked at birth, closed against change, the same physics in other units."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from shared.geodesy import ordering
from shared.models.coefficients import Anomaly, FilteredAnomalies, GravityField, MonthlyField, TideSystem
from shared.models.epoch import Month
from tests.builders import GM, RADIUS, make_anomalies, make_field

FIELD = make_field()


def monthly(kind: type[MonthlyField] = MonthlyField) -> MonthlyField:
    month = Month(2008, 4)
    return kind(
        FIELD.name, FIELD.values, FIELD.sigmas, GM, RADIUS, TideSystem.TIDE_FREE, month=month, span=month.calendar
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_coefficient_that_is_no_number_makes_no_field(bad: float) -> None:
    values = np.array(FIELD.values)
    values[7] = bad
    with pytest.raises(ValueError, match="not a finite number"):
        replace(FIELD, values=values)


def test_a_number_of_coefficients_that_fills_no_degree_makes_no_field() -> None:
    with pytest.raises(ValueError, match="48"):
        replace(FIELD, values=FIELD.values[:-1], sigmas=None)


def test_as_many_errors_as_coefficients_are_needed() -> None:
    assert FIELD.sigmas is not None
    with pytest.raises(ValueError, match="differ in number"):
        replace(FIELD, sigmas=FIELD.sigmas[:-1])


@pytest.mark.parametrize("kind", [MonthlyField, Anomaly])
@pytest.mark.parametrize("lacking", ["month", "span"])
def test_a_monthly_field_knows_its_month_and_its_span(kind: type[MonthlyField], lacking: str) -> None:
    with pytest.raises(ValueError, match="its month and its span"):
        replace(monthly(kind), **{lacking: None})


def test_what_a_field_holds_cannot_be_changed_in_place() -> None:
    for array in (FIELD.values, FIELD.sigmas):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[3] = 1.0
    with pytest.raises(FrozenInstanceError):
        FIELD.gm = 1.0  # type: ignore[misc]


def test_an_anomaly_is_a_monthly_field_and_a_monthly_field_is_no_anomaly() -> None:
    """What the fitting of recipes rests on: nothing absolute passes where an anomaly is taken."""
    assert issubclass(Anomaly, MonthlyField)
    assert not issubclass(MonthlyField, Anomaly)
    assert not issubclass(GravityField, MonthlyField)


def test_the_same_field_in_other_units_has_the_same_potential() -> None:
    """GM/r (R/r)^n c must not change: in every degree, at any radius."""
    gm, radius = 3.986004418e14, 6378136.46
    other = FIELD.rescaled(gm, radius)
    degree, r = ordering.index(6).degree, 6.9e6
    here = GM / r * (RADIUS / r) ** degree * FIELD.values
    there = gm / r * (radius / r) ** degree * other.values
    assert np.allclose(there, here, rtol=1e-14, atol=0.0)  # a handful of roundings
    assert (other.gm, other.radius) == (gm, radius)


def test_errors_are_rescaled_like_values() -> None:
    other = FIELD.rescaled(3.986004418e14, 6378136.46)
    some = FIELD.values != 0.0
    assert FIELD.sigmas is not None and other.sigmas is not None
    factor = other.values[some] / FIELD.values[some]
    assert np.allclose(other.sigmas[some], FIELD.sigmas[some] * factor, rtol=1e-14, atol=0.0)


def test_rescaling_there_and_back_changes_nothing_and_to_the_same_not_a_bit() -> None:
    there = FIELD.rescaled(3.986004418e14, 6378136.46)
    assert np.allclose(there.rescaled(GM, RADIUS).values, FIELD.values, rtol=1e-14, atol=0.0)
    assert FIELD.rescaled(GM, RADIUS) is FIELD


def test_a_truncated_field_keeps_values_and_errors_of_the_lower_degrees() -> None:
    cut = FIELD.truncated(3)
    assert cut.nmax == 3
    assert np.array_equal(cut.values, ordering.truncate(FIELD.values, 3))
    assert FIELD.sigmas is not None and np.array_equal(cut.sigmas, ordering.truncate(FIELD.sigmas, 3))
    with pytest.raises(ValueError, match="no degree 7"):
        FIELD.truncated(7)


def test_filter_sets_of_different_size_are_no_month() -> None:
    month = make_anomalies()
    with pytest.raises(ValueError, match="different size"):
        replace(month, sets={"NFIL": month.sets["NFIL"], "VDK3": month.sets["VDK3"][:25]})


def test_a_filter_set_with_a_number_that_is_none_is_named() -> None:
    month = make_anomalies()
    bad = np.array(month.sets["VDK3"])
    bad[5] = np.nan
    with pytest.raises(ValueError, match="2008-04: a coefficient of VDK3"):
        replace(month, sets=dict(month.sets) | {"VDK3": bad})


def test_filter_sets_cannot_be_exchanged_or_changed_in_place() -> None:
    month = make_anomalies()
    with pytest.raises(TypeError):
        month.sets["VDK3"] = month.sets["NFIL"]  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        month.sets["VDK3"][4] = 0.0


def test_a_month_of_level2b_crosses_process_borders_whole() -> None:
    month = make_anomalies()
    other = pickle.loads(pickle.dumps(month))
    assert isinstance(other, FilteredAnomalies)
    assert list(other.sets) == list(month.sets)
    assert all(np.array_equal(other.sets[label], month.sets[label]) for label in month.sets)
    kept = ("month", "span", "gm", "radius", "filter_source", "history", "sources", "comments", "name")
    assert all(getattr(other, name) == getattr(month, name) for name in kept)
    with pytest.raises(ValueError, match="read-only"):
        other.sets["NFIL"][0] = 1.0
