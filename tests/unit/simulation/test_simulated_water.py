import numpy as np
import pytest

from shared.constants import RADIUS_LEVEL2
from shared.geodesy import ordering
from shared.geodesy.ellipsoid import ellipsoid, sphere
from shared.geodesy.harmonics import Synthesis
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.epoch import Month, months_between, years
from shared.simulation.basins import BASINS
from shared.simulation.earth import Earth
from shared.simulation.patches import Patch, bell, plateau
from shared.simulation.water import TREND_EPOCH, WaterModel, balanced_patterns

NMAX = 40


@pytest.fixture(scope="module")
def model(earth: Earth) -> WaterModel:
    return WaterModel.of(earth, NMAX, seed=1)


def maps_of(earth: Earth, fields: np.ndarray) -> np.ndarray:
    """Water heights [m] of fields on a sphere, as they were analysed."""
    surface = sphere(earth.latitudes, RADIUS_LEVEL2)
    return Synthesis.of(NMAX, surface, earth.grid.longitudes, earth.height_kernel(NMAX))(fields)


def test_what_leaves_the_land_is_in_the_ocean(earth: Earth) -> None:
    maps = balanced_patterns(earth, BASINS[:8])
    on_land = earth.mean(np.where(earth.mask.land, maps, 0.0))
    at_sea = earth.mean(np.where(earth.mask.land, 0.0, maps))
    assert (on_land > 1e-4).all()
    np.testing.assert_allclose(at_sea, -on_land, rtol=1e-12)


def test_the_mass_of_every_basin_is_balanced(model: WaterModel) -> None:
    # C00 of a balanced pattern is zero but for the rounding of a sum over 259200 cells.
    assert np.abs(model.patterns[:, 0]).max() < 1e-13 * np.abs(model.patterns).max() * 259200**0.5


def test_over_the_ocean_there_is_nothing_but_a_uniform_layer(earth: Earth) -> None:
    for pattern in balanced_patterns(earth, BASINS[:8]):
        assert np.ptp(pattern[~earth.mask.land]) == 0.0


def test_the_amazon_swings_by_the_amplitude_that_was_put_in(earth: Earth, model: WaterModel) -> None:
    months = list(months_between(Month(2003, 1), Month(2012, 12)))
    fields = np.stack([model.field(month, month.calendar) for month in months])
    times = years(np.array([month.calendar.mid for month in months]))
    fit = Projection.of(seasonal_design(times, TREND_EPOCH)).parameters(fields)
    amazon = BASINS[0]
    core = plateau([Patch(-4.0, -62.0, 700e3, 400e3, 90.0)], earth.grid) > 0.5
    cosine, sine = maps_of(earth, fit[2:4])[:, core].mean(axis=1)
    # What is between the years, and degree 40, change a decade's annual amplitude by some percent.
    assert np.hypot(cosine, sine) == pytest.approx(amazon.annual, rel=0.1)
    # The peak is in April: a month is 0.083 yr.
    assert np.arctan2(sine, cosine) / (2.0 * np.pi) == pytest.approx(amazon.peak, abs=0.03)


@pytest.mark.parametrize(
    ("words", "mass"), [(("Greenland",), -280e12), (("Amundsen", "Peninsula", "Totten", "Maud"), -150e12)]
)
def test_an_ice_sheet_loses_its_mass_to_the_ocean(earth: Earth, words: tuple[str, ...], mass: float) -> None:
    sheet = [basin for basin in BASINS if any(word in basin.name for word in words)]
    model = WaterModel.of(earth, 2, seed=1, basins=sheet)
    layer = model.trend @ balanced_patterns(earth, sheet)[:, ~earth.mask.land][:, 0]
    ocean_area = 4.0 * np.pi * RADIUS_LEVEL2**2 * earth.mean((~earth.mask.land).astype(float))
    # kg per year, by the density of water of 1000 kg/m3
    assert 1000.0 * layer * ocean_area == pytest.approx(-mass, rel=1e-9)


def test_a_month_of_water_does_not_depend_on_the_degree(earth: Earth, model: WaterModel) -> None:
    month = Month(2007, 3)
    small = WaterModel.of(earth, 10, seed=1).field(month, month.calendar)
    np.testing.assert_allclose(small, ordering.truncate(model.field(month, month.calendar), 10), atol=1e-22)


def test_the_seed_changes_what_is_between_the_years_only(earth: Earth, model: WaterModel) -> None:
    month = Month(2007, 3)
    other = WaterModel.of(earth, 2, seed=2)
    difference = other.heights(month, month.calendar) - model.heights(month, month.calendar)
    wander = np.array([basin.wander for basin in BASINS])
    assert 0.5 < np.std(difference / wander) < 3.0  # the difference of two such numbers: 1.5 times one
    np.testing.assert_array_equal(other.trend, model.trend)


def test_a_patch_lies_where_it_should(earth: Earth) -> None:
    patch = Patch(50.25, 20.25, 800e3, 200e3, 90.0)  # a cell of the grid, long from west to east
    shape = bell(patch, earth.grid)
    row, column = np.unravel_index(shape.argmax(), shape.shape)
    assert (earth.grid.latitudes[row], earth.grid.longitudes[column]) == (50.25, 20.25)
    east = int(np.argmin(np.abs(earth.grid.longitudes - (20.25 + 800.0 / 111.195 / np.cos(np.deg2rad(50.25))))))
    north = int(np.argmin(np.abs(earth.grid.latitudes - (50.25 + 200.0 / 111.195))))
    # One half axis away a Gaussian has exp(-1/2); half a cell of 0.5 degrees is an eighth of the short axis.
    assert shape[row, east] == pytest.approx(np.exp(-0.5), abs=0.05)
    assert shape[north, column] == pytest.approx(np.exp(-0.5), abs=0.09)


def test_every_month_has_a_weather_of_its_own(model: WaterModel) -> None:
    span = Month(2007, 3).calendar
    difference = model.heights(Month(2007, 3), span) - model.heights(Month(2007, 4), span)
    wander = np.array([basin.wander for basin in BASINS])
    # The difference of two normal numbers of 0.3, from some 70 basins
    assert np.std(difference / wander) == pytest.approx(0.3 * np.sqrt(2.0), rel=0.35)


def test_a_patch_at_a_geodetic_latitude_stands_there_on_the_ellipsoid(earth: Earth) -> None:
    # Latitudes taken for geocentric would be off by 0.19 degrees here.
    shape = bell(Patch(45.25, 0.25, 500e3, 500e3), earth.grid)
    surface = ellipsoid(earth.grid.latitudes)
    synthesis = Synthesis.of(NMAX, surface, earth.grid.longitudes, earth.height_kernel(NMAX), RADIUS_LEVEL2)
    seen = synthesis(earth.coefficients(shape[None], NMAX))[0]
    column = seen[:, earth.grid.longitudes == 0.25][:, 0]
    near = column > 0.3
    centre = np.average(earth.grid.latitudes[near], weights=column[near])
    # The attenuation with height above the reference radius leans it a little to the north.
    assert centre == pytest.approx(45.25, abs=0.08)
