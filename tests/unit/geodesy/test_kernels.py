"""From potential to water: what a layer of water attracts with, in closed form."""

import numpy as np
import pytest

from shared.constants import GRAVITATIONAL_CONSTANT
from shared.geodesy.kernels import mean_density, water_height

GM, R = 3.986004415e14, 6378136.3
WATER = 1000.0


def test_a_unit_c00_is_the_mass_of_the_earth_spread_as_water() -> None:
    """h = M / (4 pi R^2 rho_w): C00 = 1 is all the mass, k_0 = 0."""
    mass = GM / GRAVITATIONAL_CONSTANT
    height = water_height(np.zeros(1), GM, R)[0]
    assert height == pytest.approx(mass / (4.0 * np.pi * R**2 * WATER), rel=1e-15)


def test_a_layer_of_one_degree_attracts_like_the_textbook_says() -> None:
    """A layer sigma_n on a sphere has the potential 4 pi G R sigma_n / (2n + 1), here GM / R x C_n (rigid Earth)."""
    degree = np.arange(97)
    sigma = WATER * water_height(np.zeros(97), GM, R)  # kg m^-2 for C_n = 1
    potential = 4.0 * np.pi * GRAVITATIONAL_CONSTANT * R * sigma / (2 * degree + 1)
    assert np.allclose(potential, GM / R, rtol=4e-15, atol=0.0)  # about ten roundings


def test_the_earth_that_yields_to_a_load_hides_part_of_it() -> None:
    """Potential of load and yielding Earth is (1 + k) times that of the load: for the same potential h x (1 + k)."""
    love = -0.3 / np.arange(1.0, 98.0)
    assert np.allclose(water_height(love, GM, R) * (1.0 + love), water_height(0.0 * love, GM, R), rtol=1e-15, atol=0.0)


def test_the_mean_density_is_mass_over_volume() -> None:
    volume = 4.0 / 3.0 * np.pi * R**3
    assert mean_density(GM, R) == pytest.approx(GM / GRAVITATIONAL_CONSTANT / volume, rel=1e-15)
    # 5.51 g cm^-3 is that of the Earth's real volume (R = 6371 km); here it refers to the equator's radius.
    assert mean_density(GM, 6371e3) == pytest.approx(5513.0, abs=3.0)


def test_another_density_scales_all_degrees_alike() -> None:
    love = np.zeros(5)
    ratio = water_height(love, GM, R, density=5517.0) / water_height(love, GM, R)
    assert np.allclose(ratio, 5517.0 / mean_density(GM, R), rtol=1e-15, atol=0.0)
