"""The series as a whole: combination, maps, earthquakes, uncertainty and mask, each on a series that is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pytest
from scipy.special import lpmv

from services.process.level3.combination import combine_filters
from services.process.level3.earthquakes import (
    KAMCHATKA,
    MAULE,
    SUMATRA,
    TAU_SEARCH,
    Earthquake,
    remove_earthquakes,
    seismic_terms,
)
from services.process.level3.land_mask import mask_ocean
from services.process.level3.uncertainty import estimate_uncertainty, fit_latitude_scale, latitude_factor
from services.process.level3.water_height import ocean_rms, synthesise_water_height
from shared.errors import RequestRefused
from shared.geodesy import ordering
from shared.geodesy.distance import distance_to_point
from shared.models.baseline import Evaluation
from shared.models.epoch import Month, Span, months_between
from shared.models.grid import Grid, GridSeries
from shared.models.series import CombinedSeries, Level2BSeries
from tests.unit.process.builders import (
    GM,
    RADIUS,
    make_geometry,
    make_maps,
    make_reference,
    make_series,
    seasonal_model,
    times_of,
    without_season,
)

GEOMETRY = make_geometry(5.0)
FINE = make_geometry(2.0)
MONTHS = tuple(months_between(Month(2003, 1), Month(2007, 12)))
NMAX = 6
SIZE = ordering.size(NMAX)
C20 = ordering.position(NMAX, 2, 0)
G = 6.67428e-11  # IERS Conventions (2010), Table 1.1


# --- combination ------------------------------------------------------------------------------------------------------


def random_series(months: tuple[Month, ...] = MONTHS, seed: int = 1) -> Level2BSeries:
    """Three filter sets that have nothing in common."""
    random = np.random.default_rng(seed)
    return make_series(months, {name: random.standard_normal((len(months), SIZE)) for name in ("VDK2", "VDK3", "VDK5")})


def noise_series(amplitudes: np.ndarray, months: tuple[Month, ...] = MONTHS) -> Level2BSeries:
    """Residuals of C20 alone with these amplitudes, in VDK3; half of them in VDK2; a season in VDK5."""
    fields = np.zeros((len(months), SIZE))
    fields[:, C20] = amplitudes
    season = seasonal_model(times_of(months), 2005.0) @ (1e-10 * np.ones((6, SIZE)))
    return make_series(months, {"VDK2": 0.5 * fields, "VDK3": fields, "VDK5": season})


def combine(
    series: Level2BSeries, frozen: Evaluation | None = None, *, factor: float = 2.0, surface: str = "sphere"
) -> CombinedSeries:
    return combine_filters(
        series, geometry=GEOMETRY, frozen=frozen, deterministic="VDK5", residual="VDK3", fallback="VDK2",
        factor=factor, surface=surface,
    )  # fmt: skip


def fitted(values: np.ndarray, months: tuple[Month, ...] = MONTHS) -> np.ndarray:
    """Bias, trend and seasons of a series, by numpy."""
    return values - without_season(values, months)


def c20_map(latitudes: np.ndarray) -> np.ndarray:
    """Water height [m] of C20 = 1 on the sphere: GM 5 P20 / (4 pi G R^2 rho_w (1 + k_2))."""
    height = 5.0 * GM / (4.0 * np.pi * G * RADIUS**2 * 1000.0 * (1.0 + GEOMETRY.love.k[2]))
    return height * math.sqrt(5.0) * 0.5 * (3.0 * np.sin(np.deg2rad(latitudes)) ** 2 - 1.0)


def test_open_ocean_is_farther_than_1000_km_from_land_and_weighs_by_area() -> None:
    distance = GEOMETRY.distance
    assert np.array_equal(GEOMETRY.open_ocean, distance > 1000e3)
    rows = np.nonzero(GEOMETRY.open_ocean)[0]
    # A cell between two parallels has the area of the difference of their sines.
    north, south = (np.sin(np.deg2rad(GEOMETRY.grid.latitudes + side * 2.5)) for side in (1, -1))
    expected = (north - south)[rows] / (north - south)[rows].sum()
    assert np.allclose(GEOMETRY.ocean_weights, expected, rtol=1e-12, atol=0.0)


def test_a_mean_over_the_ocean_weighs_by_area_and_has_the_same_bits_alone_and_among_others() -> None:
    maps = np.random.default_rng(3).standard_normal((5, *GEOMETRY.grid.shape))
    found = GEOMETRY.ocean_mean(maps[:, GEOMETRY.open_ocean])
    assert np.allclose(found, ocean_mean(maps), rtol=0.0, atol=1e-15)  # another order of a thousand cells
    assert np.array_equal(GEOMETRY.ocean_mean(maps[2:3, GEOMETRY.open_ocean]), found[2:3])


def test_the_noise_of_a_known_field_is_its_area_weighted_rms_over_open_ocean() -> None:
    """C20 is small at 35 degrees and large at the equator and the poles: without weights the rms is another."""
    amplitudes = without_season(1e-10 * np.random.default_rng(2).standard_normal(60), MONTHS)
    found = combine(noise_series(amplitudes))
    values = np.broadcast_to(c20_map(GEOMETRY.grid.latitudes)[:, None], GEOMETRY.grid.shape)[GEOMETRY.open_ocean]
    north, south = (np.sin(np.deg2rad(GEOMETRY.grid.latitudes + side * 2.5)) for side in (1, -1))
    areas = (north - south)[np.nonzero(GEOMETRY.open_ocean)[0]]
    weighted = math.sqrt(np.sum(areas * values**2) / areas.sum())
    # The residual of a fit to what has no season: 1e-13 of it.
    assert np.allclose(found.noise, np.abs(amplitudes) * weighted, rtol=1e-11, atol=0.0)
    assert abs(math.sqrt(np.mean(values**2)) / weighted - 1.0) > 0.05
    assert found.threshold == pytest.approx(2.0 * np.mean(np.abs(amplitudes)) * weighted, rel=1e-11)


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_months_above_the_factor_times_the_mean_noise_fall_back_and_say_so(factor: float) -> None:
    raw = np.where(np.arange(60) % 20 == 7, 9.0, 1.0) * np.where(np.arange(60) % 2, 1.0, -1.0)
    amplitudes = without_season(1e-10 * raw, MONTHS)
    found = combine(noise_series(amplitudes), factor=factor)
    noisy = np.abs(amplitudes) > factor * np.mean(np.abs(amplitudes))
    assert {7, 27, 47} <= set(np.flatnonzero(noisy)) and noisy.sum() < 30
    assert np.array_equal(found.strength, np.where(noisy, 2, 3))
    assert found.strength.dtype == np.int8


def test_the_product_is_what_repeats_in_vdk5_and_what_is_left_of_vdk3_or_vdk2() -> None:
    series = random_series()
    found = combine(series, factor=1.05)
    noisy = found.strength == 2
    assert 0 < noisy.sum() < 60
    left = np.where(noisy[:, None], *(without_season(series.sets[name], MONTHS) for name in ("VDK2", "VDK3")))
    # Two least-squares solutions of numbers of about one: condition 10 x roundings of 60 terms.
    assert np.allclose(found.values, fitted(series.sets["VDK5"]) + left, rtol=0.0, atol=1e-12)


def test_fitting_the_product_gives_back_the_deterministic_part_of_vdk5() -> None:
    """Where no month falls back: residuals of the one have nothing of the fit of the other."""
    series = random_series()
    found = combine(series, factor=1e9)
    assert np.all(found.strength == 3)
    assert np.allclose(fitted(found.values), fitted(series.sets["VDK5"]), rtol=0.0, atol=1e-12)
    left = without_season(found.values, MONTHS)
    assert np.allclose(left, without_season(series.sets["VDK3"], MONTHS), rtol=0.0, atol=1e-12)


def test_the_noise_of_the_weak_filter_is_kept_beside_it() -> None:
    series = random_series()
    synthesis = GEOMETRY.synthesis(NMAX, GM, RADIUS, "sphere")
    weak = ocean_rms(without_season(series.sets["VDK5"], MONTHS), GEOMETRY, synthesis)
    assert combine(series).evaluation.weak_noise == pytest.approx(math.sqrt(np.mean(weak**2)), rel=1e-11)


def test_too_few_months_for_a_trend_and_seasons_are_refused() -> None:
    with pytest.raises(RequestRefused, match="5 months cannot separate a trend from the seasons"):
        combine(random_series(MONTHS[:5]))


def near_threshold(last: float) -> tuple[np.ndarray, tuple[Month, ...]]:
    """Amplitudes of 96 months: the 30th at 2.5 among 59 of one; the last 36 months of another size."""
    months = tuple(months_between(Month(2003, 1), Month(2010, 12)))
    raw = np.where(np.arange(96) < 60, 1.0, last) * np.where(np.arange(96) % 2, 1.0, -1.0)
    raw[30] *= 2.5
    return 1e-10 * raw, months


@pytest.mark.parametrize(("last", "before", "after"), [(3.0, 2, 3), (0.2, 2, 2)], ids=["noisy", "quiet"])
def test_a_month_above_the_threshold_is_judged_again_when_later_months_change_the_mean(
    last: float, before: int, after: int
) -> None:
    amplitudes, months = near_threshold(last)
    assert combine(noise_series(amplitudes[:60], months[:60])).strength[30] == before
    assert combine(noise_series(amplitudes, months)).strength[30] == after


def test_a_month_below_the_threshold_falls_back_when_quiet_months_lower_the_mean() -> None:
    amplitudes, months = near_threshold(0.2)
    amplitudes[30] = 1.8e-10 * np.sign(amplitudes[30])
    assert combine(noise_series(amplitudes[:60], months[:60])).strength[30] == 3
    assert combine(noise_series(amplitudes, months)).strength[30] == 2


def test_frozen_no_value_noise_or_flag_of_the_past_changes_when_months_are_added() -> None:
    series = random_series(tuple(months_between(Month(2003, 1), Month(2010, 12))))
    short = make_series(series.months[:60], {name: values[:60] for name, values in series.sets.items()})
    wild = {name: np.where(np.arange(96)[:, None] < 60, values, 50.0 * values) for name, values in series.sets.items()}
    past = combine(short, factor=1.05)
    longer = combine(make_series(series.months, wild), past.evaluation, factor=1.05)
    assert longer.evaluation is past.evaluation
    assert longer.threshold == past.threshold
    assert np.array_equal(longer.values[:60], past.values)
    assert np.array_equal(longer.noise[:60], past.noise)
    assert np.array_equal(longer.strength[:60], past.strength)
    assert np.all(longer.strength[60:] == 2)


def test_frozen_new_months_are_carried_on_the_old_trend() -> None:
    months = tuple(months_between(Month(2003, 1), Month(2008, 12)))
    trend = np.outer(times_of(months) - 2005.0, np.ones(SIZE))
    sets = dict.fromkeys(("VDK2", "VDK3", "VDK5"), trend)
    frozen = combine(make_series(months[:60], {name: values[:60] for name, values in sets.items()})).evaluation
    found = combine(make_series(months, sets), frozen)
    assert np.allclose(found.values, trend, rtol=0.0, atol=1e-10)  # bias and trend known to 1e-12, a year ahead
    assert found.noise.max() < 1e-10 * np.abs(c20_map(np.array([0.0]))).max() * SIZE


def test_single_months_can_be_combined_when_the_fits_are_frozen() -> None:
    series = random_series()
    past = combine(series)
    one = make_series(MONTHS[17:18], {name: values[17:18] for name, values in series.sets.items()})
    alone = combine(one, past.evaluation)
    # A matrix product of one row may add in another order than one of sixty.
    assert np.allclose(alone.values[0], past.values[17], rtol=0.0, atol=1e-14)


# --- maps -------------------------------------------------------------------------------------------------------------


def direct_sum(
    field: np.ndarray, latitude: float, longitude: float, *, radius: float, density: float, ratio: float
) -> float:
    """Water height [m] at a point as it is written on paper; latitude, the argument of P_nm, in radian."""
    c, s = ordering.unpack(field)
    total, lam = 0.0, math.radians(longitude)
    for n in range(NMAX + 1):
        for m in range(n + 1):
            norm = math.sqrt((2 if m else 1) * (2 * n + 1) * math.factorial(n - m) / math.factorial(n + m))
            p = (-1) ** m * norm * lpmv(m, n, math.sin(latitude))  # scipy includes the Condon-Shortley phase
            factor = radius * density * (2 * n + 1) / (3.0 * 1000.0 * (1.0 + GEOMETRY.love.k[n])) * ratio ** (n + 2)
            total += factor * p * (c[n, m] * math.cos(m * lam) + s[n, m] * math.sin(m * lam))
    return total


# IERS Conventions (2010), Table 1.1
A, B = 6378136.6, 6378136.6 * (1.0 - 1.0 / 298.25642)
OWN_DENSITY = 3.0 * GM / (4.0 * math.pi * G * RADIUS**3)


def seen_from_the_centre(geodetic: float) -> tuple[float, float]:
    """Geocentric latitude [rad] and radius [m] of a point of the ellipsoid, by its Cartesian coordinates."""
    root = math.hypot(A * math.cos(geodetic), B * math.sin(geodetic))
    out, up = A**2 * math.cos(geodetic) / root, B**2 * math.sin(geodetic) / root
    return math.atan2(up, out), math.hypot(out, up)


def the_map(surface: str, count: int = 1) -> tuple[np.ndarray, GridSeries]:
    combined = combine(random_series(), surface="sphere")
    combined = replace(combined, values=1e-10 * combined.values)
    return combined.values, synthesise_water_height(combined, geometry=GEOMETRY, surface=surface)


@pytest.mark.parametrize("place", [(0, 3), (13, 20), (29, 71), (35, 40)])
@pytest.mark.parametrize("surface", ["ellipsoid", "gfz-r45", "sphere"])
def test_each_surface_is_its_direct_sum(surface: str, place: tuple[int, int]) -> None:
    values, maps = the_map(surface)
    geodetic, longitude = math.radians(maps.grid.latitudes[place[0]]), float(maps.grid.longitudes[place[1]])
    if surface == "ellipsoid":
        latitude, r = seen_from_the_centre(geodetic)
        expected = direct_sum(values[9], latitude, longitude, radius=RADIUS, density=OWN_DENSITY, ratio=RADIUS / r)
    elif surface == "gfz-r45":
        local = math.sqrt((A**4 + B**4) / (A**2 + B**2))
        expected = direct_sum(values[9], geodetic, longitude, radius=local, density=5517.0, ratio=1.0)
    else:
        expected = direct_sum(values[9], geodetic, longitude, radius=RADIUS, density=OWN_DENSITY, ratio=1.0)
    # Single precision of the maps: 6e-8 of their largest value.
    assert maps.twsa[9][place] == pytest.approx(expected, abs=1.2e-7 * float(np.abs(maps.twsa[9]).max()))


def test_the_surfaces_differ_by_what_the_flattening_makes_of_them() -> None:
    """Up to a per cent of the signal: which one was taken must be said, and is."""
    maps = {surface: the_map(surface)[1] for surface in ("ellipsoid", "gfz-r45", "sphere")}
    largest = float(np.abs(maps["sphere"].twsa).max())
    for one, other in (("ellipsoid", "sphere"), ("ellipsoid", "gfz-r45"), ("gfz-r45", "sphere")):
        assert float(np.abs(maps[one].twsa - maps[other].twsa).max()) > 1e-3 * largest
    assert {surface: each.parameters["synthesis_surface"] for surface, each in maps.items()} == {n: n for n in maps}


def test_an_unknown_surface_is_refused() -> None:
    with pytest.raises(ValueError, match="cube is no surface"):
        the_map("cube")


def test_a_grid_of_another_step_works() -> None:
    combined = combine(random_series())
    fine = synthesise_water_height(combined, geometry=FINE, surface="sphere")
    assert fine.twsa.shape == (60, 90, 180)
    # The mean over the sphere is C00 times its kernel on either grid, but for their midpoint rules: h^2/24 = 3e-4.
    coarse = synthesise_water_height(combined, geometry=GEOMETRY, surface="sphere")
    means = [np.sum(each.twsa * each.grid.areas[:, None], axis=(1, 2)) for each in (coarse, fine)]
    assert np.allclose(means[0], means[1], rtol=0.0, atol=2e-3 * float(np.abs(coarse.twsa).max()))


# --- earthquakes ------------------------------------------------------------------------------------------------------

REFERENCE = make_reference()  # 2003-01..2005-12
ORIGIN = 53365.0 + (58 * 60 + 53) / 86400.0  # 2004-12-26 00:58:53 UTC as MJD
TAU = 0.4


def relaxation(days: float, tau: float) -> float:
    """1 - exp(-t / tau) so many days after the event, as it stays from two years on."""
    return 1.0 - math.exp(-min(days / 365.2422, 2.0) / tau) if days > 0.0 else 0.0


def truth_at(months: tuple[Month, ...], tau: float = TAU) -> np.ndarray:
    """Step and relaxation [time, 2] of Sumatra-Andaman, averaged over each month by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    rows = []
    for month in months:
        begin, end = month.calendar.begin, month.calendar.end
        kink = ORIGIN + 2.0 * 365.2422
        step = decay = 0.0
        for first, last in ((max(begin, ORIGIN), min(end, kink)), (max(begin, kink), end)):
            if last > first:
                days = 0.5 * (first + last) + 0.5 * (last - first) * nodes - ORIGIN
                step += (last - first) / (end - begin)
                mean = 0.5 * sum(w * relaxation(day, tau) for w, day in zip(weights, days, strict=True))
                decay += (last - first) / (end - begin) * mean
        rows.append((step, decay))
    return np.array(rows)


@dataclass(frozen=True)
class Quake:
    """Maps of trend and seasons with the signal of Sumatra-Andaman, and both by themselves [time, lat, lon]."""

    maps: GridSeries
    season: np.ndarray
    signal: np.ndarray


DISTANCE = distance_to_point(SUMATRA.latitude, SUMATRA.longitude, FINE.grid.latitudes, FINE.grid.longitudes)
INSIDE = DISTANCE < 800e3  # where the correction is whole


def quake(months: tuple[Month, ...] = MONTHS, tau: float = TAU) -> Quake:
    """The signal has no mean over the reference months, as no anomaly has."""
    random, shape = np.random.default_rng(4), FINE.grid.shape
    season = np.tensordot(seasonal_model(times_of(months), 2005.0), 0.1 * random.standard_normal((6, *shape)), 1)
    terms = truth_at(months, tau) - truth_at(REFERENCE.months, tau).mean(axis=0)
    signal = np.tensordot(terms, random.standard_normal((2, *shape)) * (DISTANCE <= 1000e3), 1)
    return Quake(make_maps(months, season + signal, FINE.grid), season, signal)


def corrected(
    maps: GridSeries,
    frozen: Evaluation | None = None,
    *,
    tau: float | None = None,
    events: tuple[Earthquake, ...] = (SUMATRA,),
) -> GridSeries:
    return remove_earthquakes(maps, baseline=REFERENCE, frozen=frozen, events=events, tau=tau)


def test_step_and_relaxation_are_taken_out_and_trend_and_seasons_stay() -> None:
    given = quake()
    found = corrected(given.maps)
    assert INSIDE.sum() > 30
    # Step, relaxation and trend are alike: the joint fit has a condition of about 100, times 1e-13 of the phases.
    assert np.abs(found.twsa - given.season)[:, INSIDE].max() < 1e-10
    assert np.abs(given.signal[:, INSIDE]).max() > 0.5


def test_an_earthquake_corrected_leaves_the_mean_over_the_reference_months_as_it_is() -> None:
    """Anomalies refer to these months: a step in their middle must not lift the rest of the record."""
    given = quake()
    change = (corrected(given.maps).twsa - given.maps.twsa)[: len(REFERENCE.months)]
    assert np.abs(change.mean(axis=0)).max() < 1e-14  # 36 numbers of about one
    assert np.abs(change).max() > 0.5


def test_the_correction_fades_out_towards_the_edge_of_its_cap() -> None:
    """What is subtracted is the signal times a factor from one at 800 km to zero at 1000 km, never growing."""
    given = quake()
    taken = given.maps.twsa - corrected(given.maps).twsa
    cells = np.flatnonzero(DISTANCE.ravel() <= 1000e3)
    taken, signal = taken.reshape(60, -1)[:, cells], given.signal.reshape(60, -1)[:, cells]
    share = np.sum(taken * signal, axis=0) / np.sum(signal**2, axis=0)
    order = np.argsort(DISTANCE.ravel()[cells])
    assert np.abs(taken - share * signal).max() < 1e-10
    assert np.all(np.diff(share[order]) < 1e-9)
    half = np.interp(900e3, DISTANCE.ravel()[cells][order], share[order])
    assert half == pytest.approx(0.5, abs=0.1)  # between cells that are up to 30 km apart, of 200 km
    assert np.allclose(share[DISTANCE.ravel()[cells] < 800e3], 1.0, rtol=0.0, atol=1e-9)


def test_the_relaxation_time_that_fits_a_cap_best_is_found() -> None:
    assert TAU in TAU_SEARCH
    found = corrected(quake().maps)
    assert found.evaluation.earthquakes[0].tau == TAU
    assert found.parameters["earthquake_sumatra_andaman"].startswith("relaxation time 0.4 yr on ")


def test_a_relaxation_time_that_is_given_is_used() -> None:
    given = quake(tau=0.37)
    assert np.abs(corrected(given.maps, tau=0.37).twsa - given.season)[:, INSIDE].max() < 1e-10
    assert np.abs(corrected(given.maps, tau=2.0).twsa - given.season)[:, INSIDE].max() > 1e-3


def test_cells_outside_the_cap_stay_to_the_bit() -> None:
    maps = quake().maps
    found = corrected(maps)
    outside = DISTANCE > 1000e3
    assert np.array_equal(found.twsa[:, outside], maps.twsa[:, outside])
    assert np.all(np.any(found.twsa[:, INSIDE] != maps.twsa[:, INSIDE], axis=0))


def test_the_month_of_the_event_counts_by_its_days_after_it() -> None:
    share = (31.0 - 25.0 - (58 * 60 + 53) / 86400.0) / 31.0  # five days and 23 hours of 31
    step, decay = seismic_terms(SUMATRA, [Month(2004, 12).calendar], TAU)[0]
    assert step == pytest.approx(share, rel=1e-10)  # an MJD is known to 1e-11 d
    # For times short against tau the relaxation is a straight line: its mean is that of half the days, t / 2 tau.
    half = 31.0 * share / 2.0 / 365.2422
    assert decay == pytest.approx(share * half / TAU, rel=2.0 * half / TAU)


def test_before_the_event_there_is_nothing_and_after_it_the_whole_step() -> None:
    spans = [Month(2004, 11).calendar, Month(2005, 1).calendar, Month(2015, 1).calendar]
    found = seismic_terms(SUMATRA, [*spans, Span(ORIGIN - 40.0, ORIGIN - 0.01)], TAU)
    # Days since the event are differences of MJDs, known to 1e-11, of a month.
    assert np.allclose(found[:, 0], [0.0, 1.0, 1.0, 0.0], rtol=0.0, atol=1e-11)
    assert found[0].tolist() == found[3].tolist() == [0.0, 0.0]


def test_the_relaxation_stays_as_it_is_after_two_years() -> None:
    spans = [Month(2007, 1).calendar, Month(2009, 6).calendar, Month(2024, 6).calendar]
    expected = 1.0 - math.exp(-2.0 / TAU)
    assert np.allclose(seismic_terms(SUMATRA, spans, TAU)[:, 1], expected, rtol=0.0, atol=1e-11)
    assert seismic_terms(SUMATRA, [Month(2006, 11).calendar], TAU)[0, 1] < expected - 1e-4


@pytest.mark.parametrize("tau", [0.1, TAU, 2.0])
def test_the_terms_of_a_month_are_their_mean_over_its_days(tau: float) -> None:
    found = seismic_terms(SUMATRA, [month.calendar for month in MONTHS], tau)
    assert np.allclose(found, truth_at(MONTHS, tau), rtol=0.0, atol=1e-11)  # differences of integrals of days


@pytest.mark.parametrize(("last", "fits"), [(Month(2005, 11), False), (Month(2005, 12), True)])
def test_an_event_with_less_than_a_year_of_months_after_it_is_left_in_and_said_so(last: Month, fits: bool) -> None:
    given = quake(tuple(months_between(Month(2003, 1), last)))
    found = corrected(given.maps, tau=TAU)
    assert len(found.evaluation.earthquakes) == int(fits)
    if fits:
        # eleven months hardly tell a relaxation from a trend: a condition of 1e4
        assert np.abs(found.twsa - given.season)[:, INSIDE].max() < 1e-7
    else:
        assert np.array_equal(found.twsa, given.maps.twsa)
        assert found.parameters["earthquake_sumatra_andaman"].startswith("not fitted: less than a year of months")


def test_an_event_with_less_than_a_year_of_months_before_it_is_left_in_too() -> None:
    maps = quake(tuple(months_between(Month(2004, 2), Month(2007, 12)))).maps
    assert np.array_equal(corrected(maps).twsa, maps.twsa)


def test_events_outside_of_the_record_are_named_and_do_nothing() -> None:
    maps = quake().maps
    found = corrected(maps, events=(KAMCHATKA, MAULE))
    assert np.array_equal(found.twsa, maps.twsa)
    assert {"earthquake_kamchatka", "earthquake_maule"} <= set(found.parameters)


def test_frozen_the_fit_of_the_past_is_carried_on() -> None:
    fits = corrected(quake().maps).evaluation
    later = quake(tuple(months_between(Month(2007, 11), Month(2008, 6))))
    found = corrected(later.maps, fits)
    assert np.abs(found.twsa - later.season)[:, INSIDE].max() < 1e-10
    assert found.evaluation.earthquakes == fits.earthquakes


def test_frozen_an_event_that_the_past_did_not_fit_stays_in() -> None:
    maps = quake().maps
    found = corrected(maps, replace(maps.evaluation, earthquakes=()))
    assert np.array_equal(found.twsa, maps.twsa)


def test_where_nothing_happened_nothing_is_found() -> None:
    far = Earthquake("Far-away", datetime(2005, 9, 1), -30.0, -120.0)
    given = quake()
    found = corrected(given.maps, events=(SUMATRA, far))
    assert [fit.name for fit in found.evaluation.earthquakes] == ["Sumatra-Andaman", "Far-away"]
    cap = distance_to_point(far.latitude, far.longitude, FINE.grid.latitudes, FINE.grid.longitudes) <= 1000e3
    assert np.abs(found.twsa - given.season)[:, cap].max() < 1e-10


# --- uncertainty and mask ---------------------------------------------------------------------------------------------

LATITUDES = GEOMETRY.grid.latitudes


def p2(latitude: np.ndarray) -> np.ndarray:
    return 0.5 * (3.0 * np.sin(np.deg2rad(latitude)) ** 2 - 1.0)


def noisy_maps(months: tuple[Month, ...] = MONTHS) -> tuple[GridSeries, np.ndarray]:
    """Maps of trend, seasons and a noise that no fit can explain; that noise."""
    random = np.random.default_rng(6)
    noise = without_season(0.02 * random.standard_normal((len(months), *GEOMETRY.grid.shape)), months)
    season = np.tensordot(
        seasonal_model(times_of(months), 2005.0), 0.1 * random.standard_normal((6, *GEOMETRY.grid.shape)), 1
    )
    return make_maps(months, season + noise, GEOMETRY.grid), noise


def estimated(
    maps: GridSeries,
    frozen: Evaluation | None = None,
    *,
    scale: np.ndarray | None = None,
    terms: int = 2,
    fit_error: bool = False,
) -> GridSeries:
    return estimate_uncertainty(
        maps, geometry=GEOMETRY, frozen=frozen, latitude_scale=scale, terms=terms, fit_error=fit_error
    )


def ocean_mean(values: np.ndarray) -> np.ndarray:
    """Area-weighted mean of maps [..., lat, lon] over the open ocean, by the parallels' areas."""
    weights = GEOMETRY.grid.areas[:, None] * GEOMETRY.open_ocean
    return np.sum(values * weights, axis=(-2, -1)) / weights.sum()


def test_sigma_is_the_area_weighted_rms_of_what_no_season_explains() -> None:
    maps, noise = noisy_maps()
    # Squares are kept in single precision: 6e-8, half of it in the root.
    assert np.allclose(estimated(maps).sigma, np.sqrt(ocean_mean(noise**2)), rtol=1e-7, atol=0.0)


@pytest.mark.parametrize(
    "scale", [None, np.array([2.0, 1.0]), np.array([30.0, -8.0, 4.0])], ids=["fit", "two", "three"]
)
def test_the_scale_has_an_open_ocean_mean_square_of_one(scale: np.ndarray | None) -> None:
    found = estimated(noisy_maps()[0], scale=scale)
    assert found.scale is not None and found.scale.shape == LATITUDES.shape
    square = np.broadcast_to(found.scale[:, None] ** 2, GEOMETRY.grid.shape)
    assert float(ocean_mean(square)) == pytest.approx(1.0, rel=1e-13)  # a weighted sum of 800 terms


def test_a_parameter_file_is_taken_as_it_is() -> None:
    found = estimated(noisy_maps()[0], scale=np.array([2.0, 1.0]))
    assert found.scale is not None
    inside = np.abs(LATITUDES) <= 40.0
    expected = np.sqrt(2.0 + p2(LATITUDES))
    ratio = (found.scale / expected)[inside]
    assert np.allclose(ratio, ratio[0], rtol=1e-14, atol=0.0)
    assert found.parameters["uncertainty_latitude_scale_origin"] == "parameter file"


def test_a_variance_that_depends_on_latitude_is_found_by_the_fit() -> None:
    """The same noise in all cells times sqrt(1 + 0.5 P_2): its parameters, normalised, must come out."""
    months, shape = MONTHS, np.sqrt(1.0 + 0.5 * p2(LATITUDES))
    common = without_season(0.02 * np.random.default_rng(8).standard_normal(60), months)
    maps = make_maps(months, common[:, None, None] * shape[:, None] * np.ones(GEOMETRY.grid.shape), GEOMETRY.grid)
    found = estimated(maps)
    p = found.evaluation.latitude
    assert p is not None
    assert p[1] / p[0] == pytest.approx(0.5, rel=1e-5)  # squares in single precision, one in 1e7, times the fit
    assert found.parameters["uncertainty_latitude_scale_origin"].startswith("fitted to the open ocean")
    assert found.sigma is not None and found.scale is not None
    cells = (found.sigma[:, None] * found.scale)[:, np.abs(LATITUDES) < 40.0]
    truth = np.abs(common[:, None] * shape)[:, np.abs(LATITUDES) < 40.0]
    assert np.allclose(cells, truth, rtol=1e-5, atol=0.0)


def test_beyond_the_last_parallel_with_open_ocean_the_scale_is_held() -> None:
    polar = np.broadcast_to(np.abs(LATITUDES)[:, None] > 60.0, GEOMETRY.grid.shape)
    capped = replace(GEOMETRY, mask=replace(GEOMETRY.mask, land=GEOMETRY.mask.land | polar))
    last = np.abs(LATITUDES[capped.open_ocean.any(axis=1)]).max()
    assert last < 55.0  # 1000 km from land at 60 degrees
    scale, _ = latitude_factor(np.array([1.0, 0.5]), capped)
    assert np.all(scale[np.abs(LATITUDES) > last] == scale[np.abs(LATITUDES) == last][0])
    assert np.unique(scale).size == np.unique(np.abs(LATITUDES[np.abs(LATITUDES) <= last])).size


def test_a_scale_that_is_negative_somewhere_is_refused() -> None:
    with pytest.raises(RequestRefused, match="not positive on every parallel"):
        latitude_factor(np.array([0.1, 1.0]), GEOMETRY)


def test_a_fit_that_would_be_negative_somewhere_has_fewer_terms() -> None:
    """A variance that is all at one parallel: no polynomial of its own degree stays positive beside it."""
    latitude = np.broadcast_to(LATITUDES[:, None], GEOMETRY.grid.shape)[GEOMETRY.open_ocean]
    peak = np.where(np.abs(latitude) < 3.0, 1.0, 0.0)
    for terms in (2, 3, 4):
        parameters = fit_latitude_scale(peak, GEOMETRY, terms)
        assert parameters.size <= terms
        scale, _ = latitude_factor(parameters, GEOMETRY)
        assert np.all(scale > 0.0)
    assert fit_latitude_scale(peak, GEOMETRY, 2).tolist() == [1.0]


def with_fit_error(maps: GridSeries, weak_noise: float) -> GridSeries:
    """The maps with the cofactors of a fit of bias, trend and seasons to all of their months."""
    design = seasonal_model(times_of(maps.months), maps.evaluation.epoch)
    cofactor = np.linalg.inv(design.T @ design)
    return replace(maps, evaluation=replace(maps.evaluation, weak_noise=weak_noise, cofactor=cofactor))


def test_the_error_of_the_fit_adds_six_shares_of_a_months_noise_over_all_months() -> None:
    """The variance of fitted values is noise^2 times the hat matrix, whose trace is the number of parameters."""
    maps = with_fit_error(noisy_maps()[0], 0.05)
    without, with_it = estimated(maps).sigma, estimated(maps, fit_error=True).sigma
    assert without is not None and with_it is not None
    # The phases, 1.3e4 rad, are known to 2e-12.
    assert np.sum(with_it**2 - without**2) == pytest.approx(6.0 * 0.05**2, rel=1e-9)
    assert np.all(with_it > without)


def test_the_error_of_the_fit_does_not_touch_the_scale() -> None:
    maps = with_fit_error(noisy_maps()[0], 0.05)
    assert np.array_equal(estimated(maps).scale, estimated(maps, fit_error=True).scale)  # type: ignore[arg-type]


def test_the_error_of_the_fit_needs_its_cofactors() -> None:
    with pytest.raises(ValueError, match="without cofactors"):
        estimated(noisy_maps()[0], fit_error=True)


def test_the_combination_keeps_the_cofactors_of_its_fit() -> None:
    found = combine(random_series()).evaluation
    design = seasonal_model(times_of(MONTHS), found.epoch)
    # Phases known to 2e-12, a condition of the normal equations of 60.
    assert found.cofactor is not None
    assert np.allclose(found.cofactor, np.linalg.inv(design.T @ design), rtol=0.0, atol=1e-11)


def test_frozen_scale_and_fit_of_the_past_are_kept() -> None:
    maps, _ = noisy_maps()
    past = estimated(maps)
    months = tuple(months_between(Month(2007, 7), Month(2008, 6)))
    longer = make_maps((*MONTHS, *months[6:]), np.concatenate([maps.twsa, 5.0 + maps.twsa[:6]]), GEOMETRY.grid)
    longer = replace(longer, evaluation=past.evaluation)
    found = estimated(longer, past.evaluation)
    assert found.sigma is not None and past.sigma is not None
    assert np.array_equal(found.scale, past.scale)  # type: ignore[arg-type]
    assert np.array_equal(found.sigma[:60], past.sigma)
    assert found.sigma[60:].min() > 1.0  # five metres too high: told by the old fit, not smoothed away by a new one
    assert found.parameters["uncertainty_latitude_scale_origin"] == "frozen with the baseline"


def test_frozen_without_a_fit_over_the_ocean_the_run_fits_its_own() -> None:
    """An evaluation that was kept before the uncertainty was estimated: nothing is left to chance."""
    maps, _ = noisy_maps()
    found = estimated(maps, replace(maps.evaluation, ocean=None))
    assert np.array_equal(found.sigma, estimated(maps).sigma)  # type: ignore[arg-type]


def test_only_the_mask_is_added_at_the_end() -> None:
    maps, _ = noisy_maps()
    found = mask_ocean(maps, geometry=GEOMETRY)
    assert found.land is not None and np.array_equal(found.land, GEOMETRY.mask.land)
    assert found.twsa is not maps.twsa and np.array_equal(found.twsa, maps.twsa)


def test_grids_that_cannot_be_folded_are_refused() -> None:
    geometry = replace(GEOMETRY, grid=Grid(4.0))
    with pytest.raises(ValueError, match="multiple of four"):
        geometry.synthesis(NMAX, GM, RADIUS)
