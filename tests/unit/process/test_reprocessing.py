"""What is asked to be computed again: which months a text names, and why a unit is to be made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.process.agenda import Hall
from services.process.products import PRODUCTS
from services.process.reprocessing import Wish, months_of, propose, reason_of
from services.process.reprocessing_course import BEGUN, follow
from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue, Unit
from shared.storage.store import Store

KNOWN = ("2015-02", "2016-11", "2016-12", "2017-02", "2017-06")


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("2015-02", ("2015-02",)),
        ("2016-11..2017-06", ("2016-11", "2016-12", "2017-02", "2017-06")),
        ("2017-02, 2015-02", ("2015-02", "2017-02")),
        ("2016-12,2016-11..2016-12", ("2016-11", "2016-12")),
    ],
)
def test_months_are_read_as_they_are_written(text: str, months: tuple[str, ...]) -> None:
    assert months_of(text, KNOWN) == months


@pytest.mark.parametrize(
    "text", ["", "2015", "2015-02,", "2015-03", "2017-06..2016-11", "2015-02..", "2015-02...2016-11"]
)
def test_a_text_that_names_no_month_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused):
        months_of(text, KNOWN)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        store = Store.at(tmp_path / "store")
        yield Hall(catalogue, store, tmp_path / "scratch", tmp_path / "cache", [PRODUCTS["twsa"]], 24)


def finished(hall: Hall, key: str, inputs: dict[str, object], outputs: dict[str, str]) -> Unit:
    hall.catalogue.ensure_unit(key, "month", "twsa", "2015-02", inputs)
    hall.catalogue.claim(key, "worker", timedelta(minutes=1))
    unit = hall.catalogue.finish(key, "worker", outputs, 1.0)
    assert unit is not None
    return unit


INPUTS: dict[str, object] = {"level-2": "a", "baseline": "b", "auxiliaries": {"gia": "g", "low-degrees": "l"}}


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        (INPUTS | {"level-2": "other"}, "another level-2 file"),
        (INPUTS | {"auxiliaries": {"gia": "other", "low-degrees": "l"}}, "other auxiliaries: gia"),
        (INPUTS, "another recipe or version of the code"),
    ],
)
def test_a_unit_is_to_be_made_because_of_what_differs_from_the_last(
    hall: Hall, inputs: dict[str, object], why: str
) -> None:
    assert reason_of(hall.catalogue, hall.catalogue.ensure_unit("k0", "month", "twsa", "2015-02", INPUTS)) == (
        "it is not there yet"
    )
    finished(hall, "k0", INPUTS, {"level2b": "x"})
    assert reason_of(hall.catalogue, hall.catalogue.ensure_unit("k1", "month", "twsa", "2015-02", inputs)) == why


def test_a_unit_that_failed_or_was_lost_says_so(hall: Hall) -> None:
    hall.catalogue.ensure_unit("k", "month", "twsa", "2015-02", INPUTS)
    taken = hall.catalogue.claim("k", "worker", timedelta(minutes=1))
    assert taken is not None
    assert reason_of(hall.catalogue, taken) == "worker did not come back"
    given = hall.catalogue.fail("k", "worker", "Traceback\n  the disk is full", "StoreUnavailable")
    assert given is not None
    assert reason_of(hall.catalogue, given) == "tried again after: the disk is full"


def test_nothing_is_proposed_before_the_auxiliaries_are_there(hall: Hall) -> None:
    with pytest.raises(RequestRefused, match="low-degrees or gia has not arrived"):
        propose(hall, Wish("ada", "why not"))


def begun(hall: Hall, outputs: dict[str, dict[str, str]]) -> int:
    """A reprocessing whose process died after it had noted what was there before."""
    asked = hall.catalogue.request_reprocessing(who="ada", reason="a doubt", months=["2015-02"])
    hall.catalogue.append("system", BEGUN, "noted", details={"id": asked.id, "outputs": outputs})
    return asked.id


def test_an_interrupted_beginning_is_gone_on_with_and_nothing_is_asked_for_twice(hall: Hall) -> None:
    finished(hall, "k", INPUTS, {"level2b": "x"})
    begun(hall, {"k": {"level2b": "x"}})
    for _ in range(3):
        follow(hall)
    assert [event.kind for event in hall.catalogue.log("2015-02")].count("unit-retried") == 1
    assert [each.state for each in hall.catalogue.reprocessings()] == ["running"]


def test_what_was_done_again_before_the_interruption_is_not_done_once_more(hall: Hall) -> None:
    finished(hall, "k", INPUTS, {"level2b": "x"})
    begun(hall, {"k": {"level2b": "x"}})
    hall.catalogue.retry("k", who="ada", reason="a doubt")
    finished(hall, "k", INPUTS, {"level2b": "x"})
    follow(hall)
    assert [event.kind for event in hall.catalogue.log("2015-02")].count("unit-retried") == 1
    assert [each.state for each in hall.catalogue.reprocessings()] == ["done"]


@pytest.mark.parametrize(("after", "said"), [("x", "1 units have the same bits"), ("y", "1 units have other bits")])
def test_the_end_says_whether_bits_are_the_same(hall: Hall, after: str, said: str) -> None:
    finished(hall, "k", INPUTS, {"level2b": "x"})
    begun(hall, {"k": {"level2b": "x"}})
    follow(hall)
    finished(hall, "k", INPUTS, {"level2b": after})
    follow(hall)
    assert [each.state for each in hall.catalogue.reprocessings()] == ["done"]
    assert said in hall.catalogue.log("system")[-1].text


def test_a_reprocessing_is_followed_by_one_at_a_time(hall: Hall) -> None:
    finished(hall, "k", INPUTS, {"level2b": "x"})
    begun(hall, {"k": {"level2b": "x"}})
    hall.catalogue.lock("reprocessing", "another", timedelta(minutes=1))
    follow(hall)
    assert [each.state for each in hall.catalogue.reprocessings()] == ["requested"]
