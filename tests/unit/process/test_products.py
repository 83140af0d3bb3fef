"""The products: their steps in the order of the physics, with the settings of the published ones."""

import pytest

from services.process.pipeline import Recipe, Step
from services.process.products import L2B, PRODUCTS, TWSA, Product
from shared.models.coefficients import FilteredAnomalies, MonthlyField
from shared.models.epoch import Month
from shared.models.grid import GridSeries
from shared.models.series import Level2BSeries

BOTH = pytest.mark.parametrize("product", [TWSA, L2B], ids=lambda product: product.name)


def names(recipe: Recipe) -> list[str]:
    return [each.name for each in recipe]


def the_step(recipe: Recipe, name: str) -> Step:
    return next(each for each in recipe if each.name == name)


@BOTH
def test_level2b_is_made_in_the_order_of_the_algorithm_document(product: Product) -> None:
    assert names(product.monthly) == [
        "subtract_mean",
        "decorrelate",
        "replace_low_degrees",
        "remove_gia",
        "insert_degree_one",
        "remove_s2_alias",
    ]


def test_level3_is_made_in_the_order_of_the_algorithm_document() -> None:
    assert TWSA.series is not None
    assert names(TWSA.series) == [
        "combine_filters",
        "synthesise_water_height",
        "remove_earthquakes",
        "estimate_uncertainty",
        "fit_error_correlation",
        "mask_ocean",
    ]
    assert L2B.series is None


@BOTH
@pytest.mark.parametrize("unfiltered", ["replace_low_degrees", "remove_gia", "insert_degree_one"])
def test_what_is_put_in_or_taken_out_as_it_is_comes_after_the_filter(product: Product, unfiltered: str) -> None:
    order = names(product.monthly)
    assert order.index("decorrelate") < order.index(unfiltered)


@BOTH
def test_degree_one_sees_the_replaced_degrees_and_no_gia(product: Product) -> None:
    order = names(product.monthly)
    assert max(order.index("replace_low_degrees"), order.index("remove_gia")) < order.index("insert_degree_one")


@BOTH
def test_the_alias_is_the_only_step_behind_which_months_of_the_baseline_meet(product: Product) -> None:
    """It is estimated from all that comes before it, so it is the last."""
    assert names(product.monthly)[-1] == "remove_s2_alias"


@BOTH
def test_a_month_goes_in_and_level2b_comes_out(product: Product) -> None:
    assert product.monthly.steps[0].takes is MonthlyField
    assert product.monthly.steps[-1].gives is FilteredAnomalies


def test_a_series_of_months_goes_in_and_maps_come_out() -> None:
    assert TWSA.series is not None
    assert TWSA.series.steps[0].takes is Level2BSeries
    assert TWSA.series.steps[-1].gives is GridSeries


def test_the_combination_uses_filters_that_were_made() -> None:
    assert TWSA.series is not None
    combination = the_step(TWSA.series, "combine_filters").settings
    made = the_step(TWSA.monthly, "decorrelate").settings["strengths"]
    assert (combination["deterministic"], combination["residual"], combination["fallback"]) == ("VDK5", "VDK3", "VDK2")
    assert set(made) == {"VDK2", "VDK3", "VDK5"}
    assert combination["factor"] == 2.0


def test_noise_and_maps_are_made_on_the_same_surface() -> None:
    assert TWSA.series is not None
    surfaces = [each.settings["surface"] for each in TWSA.series if "surface" in each.settings]
    assert surfaces == ["ellipsoid", "ellipsoid"]


def test_level2b_has_all_nine_sets_of_gravis() -> None:
    strengths = the_step(L2B.monthly, "decorrelate").settings["strengths"]
    assert strengths == ("NFIL", *(f"VDK{number}" for number in range(1, 9)))


@BOTH
def test_c20_is_replaced_always_and_c30_while_one_accelerometer_served_both(product: Product) -> None:
    periods = {
        name: (first, last)
        for name, first, last in the_step(product.monthly, "replace_low_degrees").settings["periods"]
    }
    assert set(periods) == {"C20", "C30"}
    assert Month.parse(periods["C20"][0]) <= Month(2002, 4)
    assert Month.parse(periods["C20"][1]) > Month(2100, 1)
    assert periods["C30"] == ("2016-11", "2017-06")


def test_the_reference_periods_are_the_published_ones() -> None:
    assert TWSA.reference == (Month(2003, 1), Month(2022, 12))
    assert L2B.reference == (Month(2002, 4), Month(2020, 3))


def test_the_four_earthquakes_are_on_the_list_and_can_be_taken_off() -> None:
    assert TWSA.series is not None
    events = the_step(TWSA.series, "remove_earthquakes").settings["events"]
    assert [event.moment.date().isoformat() for event in events] == [
        "2004-12-26", "2010-02-27", "2011-03-11", "2025-07-29",
    ]  # fmt: skip
    without = TWSA.with_settings({"remove_earthquakes": {"events": events[:3]}})
    assert without.series is not None and without.series.digest != TWSA.series.digest
    assert without.monthly.digest == TWSA.monthly.digest


def test_products_are_found_by_their_own_names() -> None:
    assert PRODUCTS == {"twsa": TWSA, "l2b": L2B}


@BOTH
def test_steps_before_the_alias_and_the_alias_make_up_the_month(product: Product) -> None:
    before, after = product.monthly.until("remove_s2_alias"), product.monthly.starting("remove_s2_alias")
    assert (*before.steps, *after.steps) == product.monthly.steps
    assert after.needs == {"baseline"}
