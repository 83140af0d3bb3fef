"""Recipes: executed as written, refused where they do not fit, and honest about what they used."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from services.process.pipeline import Recipe, run, step
from shared.models.provenance import Source


@dataclass(frozen=True)
class Raw:
    """A container before the gate."""

    words: tuple[str, ...] = ()
    history: tuple[str, ...] = ("begin",)
    sources: tuple[Source, ...] = (Source("level-2", "a.gfc", "0" * 64),)


@dataclass(frozen=True)
class Clean(Raw):
    """A container behind the gate."""


@dataclass(frozen=True)
class Table:
    """An auxiliary that comes from a file."""

    source: Source


@dataclass(frozen=True)
class Derived:
    """An auxiliary that comes from several files."""

    sources: tuple[Source, ...]


def clean(given: Raw, *, word: str = "clean") -> Clean:
    return Clean((*given.words, word), sources=given.sources)


def look_up(given: Clean, *, table: Table, times: int) -> Clean:
    return replace(given, words=(*given.words, *["looked up"] * times))


def compare(given: Clean, *, table: Table | None, other: Derived) -> Clean:
    return replace(given, words=(*given.words, "compared"))


A, B, C, D = (Source(role, f"{role}.dat", role[0] * 64) for role in ("alpha", "beta", "gamma", "delta"))
RECIPE = Recipe(
    "test", (step(clean), step(look_up, needs=("table",), times=2), step(compare, needs=("table", "other")))
)
AUXILIARIES = {"table": Table(A), "other": Derived((B, C)), "unused": Table(D)}


def test_the_steps_are_executed_in_the_order_in_which_they_are_written() -> None:
    assert run(RECIPE, Raw(), AUXILIARIES).words == ("clean", "looked up", "looked up", "compared")
    again = Recipe("test", (RECIPE.steps[0], RECIPE.steps[2], RECIPE.steps[1]))
    assert run(again, Raw(), AUXILIARIES).words == ("clean", "compared", "looked up", "looked up")


def test_each_step_adds_one_line_with_its_settings_to_the_history() -> None:
    assert run(RECIPE, Raw(), AUXILIARIES).history == ("begin", "clean(word=clean)", "look_up(times=2)", "compare()")


def test_the_sources_of_what_was_used_are_collected_each_once_and_of_nothing_else() -> None:
    assert run(RECIPE, Raw(), AUXILIARIES).sources == tuple(sorted((*Raw().sources, A, B, C)))


def test_an_auxiliary_that_a_month_does_not_have_leaves_no_source() -> None:
    auxiliaries = AUXILIARIES | {"table": None}
    recipe = Recipe("test", (step(clean), step(compare, needs=("table", "other"))))
    assert run(recipe, Raw(), auxiliaries).sources == tuple(sorted((*Raw().sources, B, C)))


def test_sources_that_a_step_adds_itself_are_kept() -> None:
    def bring(given: Clean) -> Clean:
        return replace(given, sources=(D,))

    assert set(run(Recipe("test", (step(bring),)), Clean(), {}).sources) == {D, *Raw().sources}


def test_steps_that_do_not_fit_together_are_refused_where_they_are_written() -> None:
    with pytest.raises(TypeError, match="look_up takes Clean, but raw before it gives Raw"):

        def raw(given: Raw) -> Raw:
            return given

        Recipe("test", (step(raw), step(look_up, needs=("table",), times=1)))


def test_a_step_may_take_what_its_predecessor_is_a_kind_of() -> None:
    Recipe("test", (step(clean), step(clean)))  # Clean is a Raw


def test_a_setting_that_a_step_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="look_up has no parameter colour"):
        step(look_up, needs=("table",), times=1, colour="red")


def test_an_auxiliary_that_a_step_does_not_ask_for_is_refused() -> None:
    with pytest.raises(TypeError, match="clean has no parameter table"):
        step(clean, needs=("table",))


def test_a_parameter_that_is_neither_auxiliary_nor_setting_is_named() -> None:
    with pytest.raises(TypeError, match="neither an auxiliary nor a setting: times"):
        step(look_up, needs=("table",))


def test_a_step_takes_one_container() -> None:
    def two(given: Raw, other: Raw) -> Raw:
        return given

    with pytest.raises(TypeError, match="one container"):
        step(two)


def test_a_missing_auxiliary_is_noticed_before_the_first_step_runs() -> None:
    ran = []

    def note(given: Raw) -> Clean:
        ran.append(given)
        return Clean()

    recipe = Recipe("test", (step(note), step(compare, needs=("table", "other"))))
    with pytest.raises(KeyError, match="test needs other, table"):
        run(recipe, Raw(), {"unused": None})
    assert not ran


def test_a_recipe_needs_what_any_of_its_steps_needs() -> None:
    assert RECIPE.needs == {"table", "other"}


def test_the_two_parts_of_a_recipe_are_the_whole() -> None:
    before, after = RECIPE.until("compare"), RECIPE.starting("compare")
    assert (*before.steps, *after.steps) == RECIPE.steps
    assert run(after, run(before, Raw(), AUXILIARIES), AUXILIARIES) == run(RECIPE, Raw(), AUXILIARIES)


def test_a_recipe_is_not_cut_at_a_step_that_it_does_not_have() -> None:
    for cut in (RECIPE.until, RECIPE.starting):
        with pytest.raises(ValueError, match="test has no step polish; its steps are clean, look_up, compare"):
            cut("polish")


def test_other_settings_change_the_one_step_and_the_digest_and_nothing_else() -> None:
    other = RECIPE.with_settings({"look_up": {"times": 1}, "of another recipe": {"x": 1}})
    assert run(other, Raw(), AUXILIARIES).words == ("clean", "looked up", "compared")
    assert other.digest != RECIPE.digest
    assert (other.steps[0], other.steps[2]) == (RECIPE.steps[0], RECIPE.steps[2])
    assert RECIPE.with_settings({}).digest == RECIPE.digest
    assert run(RECIPE, Raw(), AUXILIARIES).words.count("looked up") == 2


def test_a_setting_that_is_changed_must_be_one() -> None:
    with pytest.raises(TypeError, match="look_up has no setting colour"):
        RECIPE.with_settings({"look_up": {"colour": "red"}})
    with pytest.raises(TypeError, match="look_up has no setting table"):
        RECIPE.with_settings({"look_up": {"table": None}})


def test_the_order_of_the_steps_is_part_of_the_digest() -> None:
    assert Recipe("test", RECIPE.steps[:1] + RECIPE.steps[:0:-1]).digest != RECIPE.digest
