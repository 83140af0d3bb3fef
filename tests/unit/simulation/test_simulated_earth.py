from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from shared.constants import RADIUS_LEVEL2
from shared.geodesy import ordering
from shared.geodesy.ellipsoid import sphere
from shared.geodesy.harmonics import Synthesis
from shared.models.epoch import Month, Span, mjd_of_moment
from shared.simulation.alias import alias_patterns, alias_terms
from shared.simulation.earth import Earth
from shared.simulation.solid_earth import (
    GIA_NMAX,
    GIA_RADIUS,
    RUPTURES,
    deform,
    gia_model,
    gia_rates,
    rupture_terms,
    static_field,
)  # fmt: skip

TOHOKU = RUPTURES[2]


def heights(earth: Earth, fields: np.ndarray, nmax: int) -> np.ndarray:
    surface = sphere(earth.latitudes, RADIUS_LEVEL2)
    return Synthesis.of(nmax, surface, earth.grid.longitudes, earth.height_kernel(nmax))(fields)


def test_before_an_earthquake_there_is_nothing_of_it() -> None:
    assert rupture_terms(TOHOKU, Month(2011, 2).calendar) == (0.0, 0.0)


def test_after_an_earthquake_the_whole_step_is_there() -> None:
    step, relaxation = rupture_terms(TOHOKU, Month(2011, 4).calendar)
    assert step == 1.0
    assert 0.0 < relaxation < 0.25


def test_the_month_of_an_earthquake_counts_by_its_days() -> None:
    step, _ = rupture_terms(TOHOKU, Month(2011, 3).calendar)
    # 2011-03-11 05:46:24 is 10.2406 d into a month of 31.
    assert step == pytest.approx((31.0 - 10.24056) / 31.0, abs=1e-5)


def test_two_years_after_an_earthquake_its_signal_stays_as_it_is() -> None:
    full = 1.0 - np.exp(-2.0 / TOHOKU.tau)
    for year in (2013, 2020):
        # Differences of integrals of ten years
        assert rupture_terms(TOHOKU, Month(year, 6).calendar) == (1.0, pytest.approx(full, rel=1e-12))


@pytest.mark.parametrize("first_day", [date(2011, 3, 1), date(2011, 5, 1), date(2013, 2, 25)])
def test_the_relaxation_is_the_mean_over_the_days(first_day: date) -> None:
    span = Span.of_days(first_day, first_day + timedelta(days=29))
    times = np.linspace(span.begin, span.end, 300001) - mjd_of_moment(TOHOKU.moment)
    elapsed = np.clip(times / 365.2422, 0.0, 2.0)
    # A sum over moments 9 s apart
    assert rupture_terms(TOHOKU, span)[1] == pytest.approx(np.mean(1.0 - np.exp(-elapsed / TOHOKU.tau)), abs=1e-5)


def test_a_rupture_sinks_on_one_side_and_rises_on_the_other(earth: Earth) -> None:
    nmax = 60
    deformation = deform(earth, TOHOKU, nmax)
    step = heights(earth, deformation.step[None], nmax)[0]
    low, high = (np.unravel_index(at, step.shape) for at in (step.argmin(), step.argmax()))
    assert -0.25 < step.min() < -0.08 < 0.04 < step.max() < 0.2
    assert earth.grid.longitudes[low[1]] < TOHOKU.longitude < earth.grid.longitudes[high[1]]
    assert all(abs(earth.grid.latitudes[at[0]] - TOHOKU.latitude) < 4.0 for at in (low, high))
    far = np.abs(earth.grid.longitudes - TOHOKU.longitude) > 60.0
    assert np.abs(step[:, far]).max() < 0.005


def test_deformations_add_up_step_and_relaxation(earth: Earth) -> None:
    deformation = deform(earth, replace(TOHOKU, relaxation=0.0), 10)
    assert not deformation.relaxation.any()
    np.testing.assert_array_equal(deformation.field(Month(2015, 1).calendar), deformation.step)
    assert not deformation.step[ordering.index(10).degree < 2].any()


def test_the_static_field_of_a_lower_degree_is_part_of_that_of_a_higher() -> None:
    np.testing.assert_array_equal(ordering.truncate(static_field(30), 12), static_field(12))


def test_the_static_field_is_like_that_of_the_earth() -> None:
    field, at = static_field(96), ordering.index(96)
    assert field[0] == 1.0 and not field[at.degree == 1].any()
    assert field[ordering.position(96, 2, 0)] == pytest.approx(-4.8416945e-4)
    rms = np.sqrt(np.mean(field[at.degree == 90] ** 2))
    assert rms == pytest.approx(1e-5 / 90**2, rel=0.25)  # 181 draws: five times 1 / sqrt(2 * 181)


def test_rebound_lifts_hudson_bay_and_scandinavia_and_moves_no_mass(earth: Earth) -> None:
    model = gia_model(earth)
    assert not model.rates[ordering.index(GIA_NMAX).degree < 2].any()
    rates = heights(earth, gia_rates(model, 60)[None], 60)[0]

    def at(latitude: float, longitude: float) -> float:
        row = np.argmin(np.abs(earth.grid.latitudes - latitude))
        return float(rates[row, np.argmin(np.abs(earth.grid.longitudes - longitude))])

    assert 0.03 < at(60.0, -88.0) < 0.08
    assert 0.01 < at(64.0, 20.0) < 0.04
    assert abs(at(0.0, 0.0)) < 0.005


def test_rates_are_brought_to_the_radius_of_the_months(earth: Earth) -> None:
    model, nmax = gia_model(earth), 60
    last = ordering.position(nmax, 60, 3)
    ratio = gia_rates(model, nmax)[last] / ordering.truncate(model.rates, nmax)[last]
    assert ratio == pytest.approx((GIA_RADIUS / RADIUS_LEVEL2) ** 60, rel=1e-13)
    assert ratio > 1.0


def test_the_alias_repeats_after_161_days() -> None:
    begin = 53000.0
    once, again = (alias_terms(Span(begin + shift, begin + shift + 30.0)) for shift in (0.0, 161.0))
    np.testing.assert_allclose(again, once, atol=1e-9)  # phases of 1e4 rad


def test_the_alias_of_grace_fo_is_a_hundred_degrees_ahead() -> None:
    grace = alias_terms(Month(2017, 5).calendar)
    turns = 4  # of 161 d later, in the time of GRACE-FO
    begin = Month(2017, 5).calendar.begin + turns * 161.0
    follow_on = alias_terms(Span(begin, begin + 31.0))
    angle = np.angle(complex(*follow_on) / complex(*grace), deg=True)
    assert angle == pytest.approx(100.0, abs=1e-6)


def test_the_alias_is_millimetres_of_water(earth: Earth) -> None:
    patterns = alias_patterns(earth, 60, seed=1)
    degree = ordering.index(60).degree
    rms = np.sqrt(np.sum((patterns * earth.height_kernel(60)[degree]) ** 2, axis=1))
    np.testing.assert_allclose(rms, 4e-3, rtol=0.3)  # some 200 effective coefficients
    assert not patterns[:, degree < 2].any()


def test_the_alias_of_a_lower_degree_is_part_of_that_of_a_higher(earth: Earth) -> None:
    patterns = alias_patterns(earth, 96, seed=1)
    np.testing.assert_array_equal(ordering.truncate(patterns, 20), alias_patterns(earth, 20, seed=1))
