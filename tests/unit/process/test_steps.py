"""What holds for every step of every recipe, whatever it does."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from services.process.pipeline import Recipe, Step, run
from services.process.products import PRODUCTS, Product
from shared.models.coefficients import FilteredAnomalies
from shared.models.series import Level2BSeries
from tests.unit.process.builders import REFERENCE, make_auxiliaries, make_month, snapshot

# Every step by product and name: a step that is added to a recipe is tested without a word here.
STEPS = [
    pytest.param(product, each, id=f"{product.name}-{each.name}")
    for product in PRODUCTS.values()
    for recipe in (product.monthly, product.series)
    if recipe is not None
    for each in recipe
]


@cache
def auxiliaries() -> dict[str, Any]:
    return make_auxiliaries()


@cache
def inputs(name: str) -> dict[str, Any]:
    """What each step of a product is given, when its recipes run on three years of months."""
    product, found = PRODUCTS[name], {}
    container: Any = make_month()
    for each in product.monthly:
        found[each.name] = container
        container = run(Recipe(each.name, (each,)), container, auxiliaries())
    if product.series is not None:
        months: list[FilteredAnomalies] = [run(product.monthly, make_month(m), auxiliaries()) for m in REFERENCE]
        container = Level2BSeries.of(months)
        for each in product.series:
            found[each.name] = container
            container = run(Recipe(each.name, (each,)), container, auxiliaries())
    return found


@pytest.mark.parametrize(("product", "each"), STEPS)
def test_a_step_leaves_its_input_and_its_auxiliaries_unaltered_to_the_bit(product: Product, each: Step) -> None:
    given, used = inputs(product.name)[each.name], {name: auxiliaries()[name] for name in each.needs}
    before, auxiliaries_before = snapshot(given), snapshot(used)
    result = each.function(given, **used, **each.settings)
    assert snapshot(given) == before
    assert snapshot(used) == auxiliaries_before
    assert result is not given


@pytest.mark.parametrize(("product", "each"), STEPS)
def test_a_step_keeps_the_history_and_adds_itself(product: Product, each: Step) -> None:
    given = inputs(product.name)[each.name]
    result = run(Recipe("one", (each,)), given, auxiliaries())
    assert result.history == (*given.history, str(each))
    assert result.history[-1].startswith(f"{each.name}(")


@pytest.mark.parametrize(("product", "each"), STEPS)
def test_a_step_keeps_the_sources_and_adds_those_of_its_auxiliaries(product: Product, each: Step) -> None:
    given = inputs(product.name)[each.name]
    result = run(Recipe("one", (each,)), given, auxiliaries())
    roles = {source.role for source in result.sources}
    assert set(given.sources) <= set(result.sources)
    expected = {"baseline": "baseline", "low_degrees": "low-degrees", "gia": "gia", "geometry": "land-mask",
                "block_normals": "filter"}  # fmt: skip
    assert {expected[name] for name in each.needs if name in expected} <= roles


@pytest.mark.parametrize(("product", "each"), STEPS)
def test_a_step_gives_the_same_bits_twice_and_what_it_declares(product: Product, each: Step) -> None:
    given = inputs(product.name)[each.name]
    first, second = (run(Recipe("one", (each,)), given, auxiliaries()) for _ in range(2))
    assert type(first) is each.gives
    assert snapshot(first) == snapshot(second)


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=lambda product: product.name)
def test_the_history_of_a_month_names_every_step_in_order(product: Product) -> None:
    month = run(product.monthly, make_month(), auxiliaries())
    assert month.history == ("read", *map(str, product.monthly))


def test_the_snapshot_sees_a_single_bit() -> None:
    """The instrument of the first test: it would notice a change."""
    month = make_month()
    changed = month.values.copy()
    changed[5] = changed[5] * (1.0 + 2.3e-16)
    assert snapshot(make_month()) == snapshot(month)
    assert snapshot(make_month(values=changed)) != snapshot(month)
