from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.formats.months import read_month_table
from shared.geodesy import ordering
from shared.models.coefficients import ErrorKind
from shared.models.epoch import Month, years
from shared.simulation.alias import alias_terms
from shared.simulation.earth import Earth
from shared.simulation.level2 import Simulation, simulate
from shared.simulation.record import FIRST, LAST, delivered_months, span_of
from shared.simulation.settings import Settings

NMAX = 10
SETTINGS = Settings(first=Month(2010, 11), last=Month(2011, 5), seed=3, nmax=NMAX)


@pytest.fixture(scope="module")
def simulation(earth: Earth) -> Simulation:
    return simulate(SETTINGS, earth)


def at(name: str) -> int:
    return ordering.position(NMAX, int(name[1]), int(name[2]), name[0] == "S")


def test_equal_settings_make_equal_bits(earth: Earth, simulation: Simulation) -> None:
    for one, other in zip(simulate(SETTINGS, earth).fields, simulation.fields, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_another_seed_makes_another_archive(earth: Earth, simulation: Simulation) -> None:
    other = simulate(replace(SETTINGS, seed=4), earth)
    assert not np.any(other.truth.noise[:, at("C42")] == simulation.truth.noise[:, at("C42")])
    np.testing.assert_array_equal(other.truth.static, simulation.truth.static)


def test_a_month_does_not_depend_on_the_months_around_it(earth: Earth, simulation: Simulation) -> None:
    alone = simulate(replace(SETTINGS, first=Month(2011, 3), last=Month(2011, 3)), earth)
    month = Month(2011, 3)
    np.testing.assert_array_equal(alone.field_of(month).values, simulation.field_of(month).values)
    np.testing.assert_array_equal(alone.field_of(month).sigmas, simulation.field_of(month).sigmas)
    row = simulation.truth.months.index(month)
    for column in ("C20", "C30", "C21", "S21"):
        assert alone.low_degrees.values[column][0] == simulation.low_degrees.values[column][row]


def test_the_record_has_the_gaps_of_the_real_one(real_data: Path) -> None:
    real = read_month_table(real_data / "level2" / "cost-g" / "months_rl02.csv")
    assert delivered_months(FIRST, LAST) == tuple(sorted(real.spans))
    assert {month: span_of(month) for month in real.spans} == dict(real.spans)


def test_gaps_can_be_filled() -> None:
    settings = replace(SETTINGS, gaps=False)
    assert len(settings.months) == 7
    assert {Month(2011, 1)} == set(settings.months) - set(SETTINGS.months)


def test_degree_one_is_in_the_truth_and_not_in_the_files(simulation: Simulation) -> None:
    first = [at(name) for name in ("C10", "C11", "S11")]
    assert np.abs(simulation.truth.water[:, first]).min(axis=0).max() > 1e-12
    assert all(not field.values[first].any() and not field.sigmas[first].any() for field in simulation.fields)


def test_no_field_gains_mass(simulation: Simulation) -> None:
    assert all(field.values[0] == 1.0 for field in simulation.fields)
    assert np.abs(simulation.truth.water[:, 0]).max() < 1e-20


def test_a_field_is_the_sum_of_its_parts(simulation: Simulation) -> None:
    truth, month = simulation.truth, Month(2011, 4)
    row = truth.months.index(month)
    span = truth.spans[row]
    total = truth.static + truth.water[row] + truth.gia * (years(span.mid) - 2010.0) + truth.noise[row]
    total = total + alias_terms(span) @ truth.alias + sum(event.field(span) for event in truth.deformations)
    above = ordering.index(NMAX).degree >= 2
    # The sum is one of numbers up to 5e-4, in another order.
    np.testing.assert_allclose(simulation.fields[row].values[above], total[above], atol=2e-19)


def test_without_noise_the_filter_stays_the_same(earth: Earth, simulation: Simulation) -> None:
    clean = simulate(SETTINGS.without_noise(), earth)
    assert not clean.truth.noise.any()
    for one, other in zip(clean.fields, simulation.fields, strict=True):
        np.testing.assert_array_equal(one.sigmas, other.sigmas)
    np.testing.assert_array_equal(clean.truth.water, simulation.truth.water)


def test_each_part_can_be_switched_off(earth: Earth) -> None:
    nothing = replace(SETTINGS.without_noise(), water=False, gia=False, alias=False, ruptures=())
    simulation = simulate(nothing, earth)
    for field in simulation.fields:
        np.testing.assert_array_equal(field.values, simulation.truth.static)


def test_tables_hold_what_laser_ranging_would_see(earth: Earth) -> None:
    simulation = simulate(SETTINGS.without_noise(), earth)
    truth = simulation.truth
    elapsed = years(np.array([span.mid for span in truth.spans])) - 2010.0
    seen = truth.static + truth.water + elapsed[:, None] * truth.gia
    seen += sum(np.stack([event.field(span) for span in truth.spans]) for event in truth.deformations)
    for name, column in simulation.low_degrees.values.items():
        np.testing.assert_allclose(column, seen[:, at(name)], atol=2e-19)
    for name, column in simulation.geocenter.values.items():
        np.testing.assert_allclose(column, truth.water[:, at(name)], atol=1e-22)


def test_c20_of_level2_is_far_off_and_the_table_near(earth: Earth) -> None:
    settings = replace(SETTINGS, first=Month(2005, 1), last=Month(2009, 12), alias=False)
    simulation = simulate(settings, earth)
    level2 = np.array([field.values[at("C20")] for field in simulation.fields])
    clean = np.array(simulate(settings.without_noise(), earth).low_degrees.values["C20"])
    # 60 months of a standard deviation of 2.0e-10 and of 8e-12: a fifth and more is chance
    assert np.std(level2 - clean) == pytest.approx(2.0e-10, rel=0.35)
    assert np.std(simulation.low_degrees.values["C20"] - clean) == pytest.approx(8e-12, rel=0.35)


def test_c30_is_spoilt_with_one_accelerometer_only(earth: Earth) -> None:
    settings = replace(SETTINGS, first=Month(2016, 1), last=Month(2017, 6))
    truth = simulate(settings, earth).truth
    formal = np.array([field.sigmas[at("C30")] for field in simulate(settings, earth).fields])
    ratio = np.abs(truth.noise[:, at("C30")]) / formal
    spoilt = np.array([month >= Month(2016, 11) for month in truth.months])
    assert ratio[spoilt].max() > 30.0 and ratio[~spoilt].max() < 5.0


def test_formal_errors_are_those_of_the_noise(earth: Earth) -> None:
    settings = replace(SETTINGS, first=Month(2005, 1), last=Month(2010, 12), low_degree_errors=False)
    simulation = simulate(settings, earth)
    above = ordering.index(NMAX).degree >= 2
    sigmas = np.stack([field.sigmas for field in simulation.fields])[:, above]
    # 71 months of 117 correlated coefficients
    assert np.mean((simulation.truth.noise[:, above] / sigmas) ** 2) == pytest.approx(1.0, abs=0.1)


def test_empirical_errors_scatter_and_the_noise_stays(earth: Earth, simulation: Simulation) -> None:
    empirical = simulate(replace(SETTINGS, errors=ErrorKind.EMPIRICAL), earth)
    np.testing.assert_array_equal(empirical.truth.noise, simulation.truth.noise)
    above = ordering.index(NMAX).degree >= 2
    ratio = np.log(empirical.fields[0].sigmas[above] / simulation.fields[0].sigmas[above])
    assert np.std(ratio) == pytest.approx(0.3, rel=0.3)
    assert empirical.fields[0].errors is ErrorKind.EMPIRICAL


def test_full_normals_agree_with_the_errors_of_their_month(earth: Earth) -> None:
    month = Month(2011, 4)
    simulation = simulate(replace(SETTINGS, normals=frozenset({month})), earth)
    normals = simulation.normals_of(month)
    above = ordering.index(NMAX).degree >= 2
    spread = np.sqrt(np.diag(np.linalg.inv(normals.matrix)))
    np.testing.assert_allclose(spread, simulation.field_of(month).sigmas[above], rtol=1e-7)
    with pytest.raises(KeyError):
        simulation.normals_of(Month(2011, 3))


def test_the_truth_of_some_months_is_picked_by_name(simulation: Simulation) -> None:
    picked = simulation.truth.of([Month(2011, 5), Month(2010, 12)])
    assert picked.months == (Month(2011, 5), Month(2010, 12))
    np.testing.assert_array_equal(picked.water[0], simulation.truth.water[-1])
    with pytest.raises(KeyError):
        simulation.truth.of([Month(2011, 1)])


@pytest.mark.parametrize(
    "edit", [{"nmax": 2}, {"nmax": 121}, {"first": Month(2017, 8), "last": Month(2018, 2)}, {"errors": ErrorKind.NONE}]
)
def test_settings_that_cannot_be_simulated_are_refused(edit: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(SETTINGS, **edit)
