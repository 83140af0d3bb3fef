"""Fits of time series: known parameters come back, and what cannot be told apart is refused."""

import numpy as np
import pytest

from shared.geodesy.least_squares import Projection, seasonal_design, tidal_alias_design

# Mid-epochs [yr] as irregular as those of the satellites
YEARS = 2003.0 + np.sort(np.random.default_rng(2).uniform(0.0, 15.0, 160))
EPOCH = 2010.0


def seasonal(years: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """The model written out, term by term."""
    bias, trend, c1, s1, c2, s2 = parameters
    turn = 2.0 * np.pi * years
    return (
        bias
        + trend * (years - EPOCH)
        + c1 * np.cos(turn)
        + s1 * np.sin(turn)
        + c2 * np.cos(2 * turn)
        + s2 * np.sin(2 * turn)
    )


def test_known_bias_trend_and_seasons_come_back() -> None:
    truth = np.random.default_rng(3).standard_normal((6, 4))
    observed = np.stack([seasonal(YEARS, column) for column in truth.T], axis=1)
    found = Projection.of(seasonal_design(YEARS, EPOCH)).parameters(observed)
    # cos(2 pi t) at t = 2010 is known to 2 pi x 2010 x 1e-16 = 1.4e-12.
    assert np.allclose(found, truth, rtol=0.0, atol=2e-11)


def test_the_fit_is_that_of_numpy_also_with_noise() -> None:
    observed = np.random.default_rng(4).standard_normal((160, 5))
    design = seasonal_design(YEARS, EPOCH)
    expected, *_ = np.linalg.lstsq(design, observed, rcond=None)
    # Condition of the design, about 5, times the roundings of sums over 160 epochs.
    assert np.allclose(Projection.of(design).parameters(observed), expected, rtol=0.0, atol=1e-13)


def test_many_maps_are_fitted_at_once_like_one_by_one() -> None:
    maps = np.random.default_rng(5).standard_normal((160, 3, 2))
    projection = Projection.of(seasonal_design(YEARS, EPOCH))
    alone = projection.parameters(maps[:, 2, 1])
    assert np.allclose(projection.parameters(maps)[:, 2, 1], alone, rtol=0.0, atol=1e-14)  # another order of sums


def test_residuals_are_orthogonal_to_the_model() -> None:
    observed = np.random.default_rng(6).standard_normal(160)
    projection = Projection.of(seasonal_design(YEARS, EPOCH))
    residual = observed - projection.design @ projection.parameters(observed)
    # 160 terms of up to 8 yr x 2, each rounded at 1e-16.
    assert np.abs(projection.design.T @ residual).max() < 1e-12


def test_leverages_sum_to_the_number_of_parameters() -> None:
    """The trace of the hat matrix is its rank."""
    leverage = Projection.of(seasonal_design(YEARS, EPOCH)).leverage
    assert leverage.sum() == pytest.approx(6.0, rel=1e-13)
    assert np.all((leverage > 0.0) & (leverage < 1.0))


def test_cofactors_are_the_inverse_of_the_normal_equations() -> None:
    projection = Projection.of(seasonal_design(YEARS, EPOCH))
    unity = projection.cofactor @ projection.design.T @ projection.design
    assert np.allclose(unity, np.eye(6), rtol=0.0, atol=1e-12)  # a condition of 25, sums over 160 epochs


def test_five_epochs_do_not_determine_six_parameters() -> None:
    with pytest.raises(ValueError, match="5 epochs do not determine 6 parameters"):
        Projection.of(seasonal_design(YEARS[:5], EPOCH))


def test_enough_epochs_at_the_same_time_of_the_year_cannot_tell_a_season_from_a_bias() -> None:
    with pytest.raises(ValueError, match="do not determine"):
        Projection.of(seasonal_design(2003.0 + np.arange(20.0), EPOCH))


def test_the_trend_is_zero_at_the_epoch_and_one_a_year_later() -> None:
    design = seasonal_design(np.array([EPOCH, EPOCH + 1.0]), EPOCH)
    assert design[:, 1].tolist() == [0.0, 1.0]


def test_the_alias_returns_after_its_period_and_is_opposite_after_half_of_it() -> None:
    period = 161.0 / 365.2422
    start = tidal_alias_design(np.array([2008.3]), period, np.zeros(1))
    # The phase is 2 pi x 4556 turns: 3e4 rad, known to 4e-12.
    assert np.allclose(tidal_alias_design(np.array([2008.3 + period]), period, np.zeros(1)), start, atol=1e-11)
    assert np.allclose(tidal_alias_design(np.array([2008.3 + period / 2]), period, np.zeros(1)), -start, atol=1e-11)


def test_an_offset_of_100_degrees_turns_cosine_and_sine_by_that_angle() -> None:
    angle = np.deg2rad(100.0)
    cosine, sine = tidal_alias_design(np.array([2019.7]), 161.0 / 365.2422, np.zeros(1))[0]
    turned = tidal_alias_design(np.array([2019.7]), 161.0 / 365.2422, np.array([angle]))[0]
    expected = [cosine * np.cos(angle) - sine * np.sin(angle), sine * np.cos(angle) + cosine * np.sin(angle)]
    assert np.allclose(turned, expected, rtol=0.0, atol=1e-11)  # the phase is 3e4 rad, known to 4e-12
