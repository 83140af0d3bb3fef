"""What is due, derived from a real catalogue; what units give is made up, so that nothing is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from services.process.agenda import look, next_of
from services.process.hall import Hall
from services.process.products import PRODUCTS
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store
from tests.unit.process.planning import LEASE, PRODUCT, Planning, digest, kinds

ENOUGH = 4  # months that make a baseline here
MONTHS = ["2004-01", "2004-02", "2004-03", "2004-04"]


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Planning]:
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        store = Store.at(tmp_path / "store")
        hall = Hall(catalogue, store, tmp_path / "scratch", tmp_path / "cache", [PRODUCTS[PRODUCT]], ENOUGH)
        yield Planning(hall)


@pytest.fixture
def made(empty: Planning) -> Planning:
    """Four months of the reference period, of which all is made."""
    empty.auxiliary("low-degrees")
    empty.auxiliary("gia")
    empty.months(MONTHS[0], len(MONTHS))
    assert kinds(empty.work()) == ["baseline", *["month"] * 4, "series"]
    return empty


class TestTheFirstBaseline:
    def test_waits_for_enough_months_of_its_period_and_is_used_at_once(self, empty: Planning) -> None:
        empty.auxiliary("low-degrees")
        empty.auxiliary("gia")
        empty.month("2002-05")
        empty.months(MONTHS[0], ENOUGH - 1)
        assert look(empty.hall) == []
        empty.month(MONTHS[-1])
        (unit,) = look(empty.hall)
        assert (unit.kind, sorted(unit.inputs["level-2"])) == ("baseline", MONTHS)
        empty.work()
        used = empty.known.baseline(PRODUCT)
        assert used is not None
        assert (used.number, used.who, used.digest) == (1, "system", empty.known.unit(unit.key).outputs["baseline.nc"])

    def test_is_not_made_while_a_look_at_a_source_may_bring_more(self, empty: Planning) -> None:
        empty.known.record_poll("icgem")
        empty.auxiliary("low-degrees")
        empty.auxiliary("gia")
        empty.months(MONTHS[0], ENOUGH)
        assert look(empty.hall) == []
        empty.known.record_poll("icgem")
        assert kinds(look(empty.hall)) == ["baseline"]


class TestALaterBaseline:
    def test_is_proposed_when_a_reference_month_is_issued_again(self, made: Planning) -> None:
        used = made.known.baseline(PRODUCT)
        made.month("2004-02", "again")
        assert kinds(made.work()) == ["month", "series", "baseline"], "users get the month first"
        assert made.proposals == ["issued again since baseline 1: 2004-02"]
        assert made.known.baseline(PRODUCT) == used, "a person decides"
        (proposed,) = made.known.baselines(PRODUCT, "proposed")
        assert proposed.inputs["level-2"]["2004-02"] == digest("level-2", "2004-02.gfc", "again")

    def test_is_asked_for_once(self, made: Planning) -> None:
        made.month("2004-02", "again")
        made.work()
        before = made.known.log()
        for _ in range(3):
            assert look(made.hall) == []
        made.auxiliary("low-degrees", "a row more")
        assert kinds(made.work()) == [*["month"] * 4, "series"]
        assert made.known.log(after=before[-1].id, kind="baseline-proposed") == []

    def test_is_asked_for_again_only_after_another_issue(self, made: Planning) -> None:
        made.month("2004-02", "again")
        made.work()
        (proposed,) = made.known.baselines(PRODUCT, "proposed")
        made.known.refuse_baseline(proposed.id, who="ada", reason="too few months")
        made.month("2004-05")
        assert kinds(made.work()) == ["month", "series"]
        made.month("2004-03", "again")
        assert kinds(made.work()) == ["month", "series", "baseline"]
        assert made.proposals == ["issued again since baseline 1: 2004-02..2004-03"]
        assert [each.state for each in made.known.baselines(PRODUCT)] == ["accepted", "refused", "proposed"]

    def test_takes_the_place_of_a_proposal_that_is_out_of_date_itself(self, made: Planning) -> None:
        for month in ("2004-02", "2004-03"):
            made.month(month, "again")
            made.work()
        assert [each.state for each in made.known.baselines(PRODUCT)] == ["accepted", "retired", "proposed"]
        assert made.proposals == ["issued again since baseline 1: 2004-02..2004-03"]

    def test_that_is_accepted_has_all_months_made_with_it(self, made: Planning) -> None:
        before = made.known.wanted_series(PRODUCT)
        made.month("2004-02", "again")
        made.work()
        (proposed,) = made.known.baselines(PRODUCT, "proposed")
        made.known.accept_baseline(proposed.id, who="ada", reason="the mean is better")
        done = made.work()
        assert kinds(done) == [*["month"] * 4, "series"]
        assert {unit.inputs["baseline"] for unit in done} == {proposed.digest}
        assert made.known.wanted_series(PRODUCT) == done[-1] != before
        assert made.proposals == []

    def test_can_be_gone_back_from_and_is_then_not_asked_for_again(self, made: Planning) -> None:
        before_the_issue = made.known.wanted_series(PRODUCT)
        assert before_the_issue is not None
        made.month("2004-02", "again")
        made.work()
        first, second = made.known.baselines(PRODUCT)
        made.known.accept_baseline(second.id, who="ada", reason="the mean is better")
        made.work()
        made.known.accept_baseline(first.id, who="ada", reason="it is not")
        assert made.work() == [], "all of it was made before"
        wanted = made.known.wanted_series(PRODUCT)
        assert wanted is not None
        assert wanted.key != before_the_issue.key, "the month that was issued again stays"
        assert wanted.inputs["baseline"] == first.digest
        assert [each.state for each in made.known.baselines(PRODUCT)] == ["accepted", "replaced"]
        assert made.proposals == []

    def test_is_asked_for_when_upstream_takes_back_what_the_one_in_use_is_of(self, made: Planning) -> None:
        made.month("2004-02", "again")
        made.work()
        (second,) = made.known.baselines(PRODUCT, "proposed")
        made.known.accept_baseline(second.id, who="ada", reason="the mean is better")
        made.work()
        made.month("2004-02")
        made.work()
        assert made.proposals == ["issued again since baseline 2: 2004-02"]

    def test_is_not_asked_for_after_months_that_it_does_not_know(self, made: Planning) -> None:
        made.month("2002-05")
        made.work()
        made.month("2002-05", "again")
        assert kinds(made.work()) == ["month", "series"]

    def test_is_asked_for_after_a_year_of_late_months(self, made: Planning) -> None:
        made.months("2005-01", 11)
        assert "baseline" not in kinds(made.work())
        made.month("2005-12")
        assert kinds(made.work()) == ["month", "series", "baseline"]
        assert made.proposals == ["12 reference months came after baseline 1: 2005-01..2005-12"]

    def test_is_not_made_of_bytes_that_were_taken_back(self, made: Planning) -> None:
        made.month("2004-02", "again")
        made.finish(look(made.hall)[0])
        assert sorted(kinds(look(made.hall))) == ["baseline", "series"]
        made.month("2004-02")
        assert look(made.hall) == []
        assert made.proposals == []

    def test_waits_until_its_months_can_be_made(self, made: Planning) -> None:
        made.month("2004-02", "again")
        assert kinds(made.work(park=["2004-02"])) == ["series"]
        assert made.proposals == []

    def test_is_none_for_a_baseline_of_which_nobody_knows_what_it_is_of(self, made: Planning) -> None:
        proposed = made.known.propose_baseline(PRODUCT, "f" * 64, reason="brought along")
        made.known.accept_baseline(proposed.id, who="ada", reason="from elsewhere")
        made.months("2005-01", 12)
        assert "baseline" not in kinds(made.work())
        assert made.proposals == []


class TestNormals:
    def test_are_inputs_of_their_month_alone(self, made: Planning) -> None:
        series = made.known.wanted_series(PRODUCT)
        normals = made.normals("2004-02")
        done = made.work()
        assert [(unit.kind, unit.month) for unit in done] == [("month", "2004-02"), ("series", None)]
        assert done[0].inputs["normals"] == normals.sha256
        assert "normals" not in made.known.unit(series.inputs["months"]["2004-01"]).inputs

    def test_that_are_issued_again_have_their_month_made_again(self, made: Planning) -> None:
        made.normals("2004-02")
        made.work()
        made.normals("2004-02", "again")
        assert [unit.month for unit in made.work()] == ["2004-02", None]

    def test_of_a_month_without_coefficients_wait_for_them(self, made: Planning) -> None:
        made.normals("2004-05")
        assert look(made.hall) == []
        made.month("2004-05")
        assert "normals" in made.work()[0].inputs


class TestTheSeries:
    def test_is_one_for_many_months_after_the_last_of_them(self, made: Planning) -> None:
        made.months("2004-05", 5)
        units = look(made.hall)
        for unit in units:
            assert kinds(look(made.hall)).count("series") == 0
            made.finish(unit)
        (series,) = look(made.hall)
        assert (series.kind, len(series.inputs["months"])) == ("series", 9)

    def test_is_that_of_before_when_a_file_is_taken_back(self, made: Planning) -> None:
        first = made.known.wanted_series(PRODUCT)
        made.auxiliary("gia", "another")
        second = made.work()[-1]
        assert made.known.wanted_series(PRODUCT) == second != first
        made.auxiliary("gia")
        assert look(made.hall) == []
        assert made.known.wanted_series(PRODUCT) == first


class TestAMonthThatCannotBeMade:
    def test_is_left_out_and_holds_up_no_other(self, made: Planning) -> None:
        made.months("2004-05", 2)
        made.work(park=["2004-05"])
        assert made.wanted_months == [*MONTHS, "2004-06"]

    def test_is_forgotten_when_another_file_takes_its_place(self, made: Planning) -> None:
        made.month("2004-05")
        made.work(park=["2004-05"])
        assert [unit.month for unit in made.known.units("parked")] == ["2004-05"]
        made.month("2004-05", "mended")
        made.work()
        assert made.known.units("parked") == []
        assert made.wanted_months == [*MONTHS, "2004-05"]

    def test_and_was_given_up_stays_so_whatever_else_changes(self, made: Planning) -> None:
        made.month("2004-05")
        made.normals("2004-05")
        made.work(park=["2004-05"])
        (parked,) = made.known.units("parked")
        made.known.drop(parked.key, who="ada", reason="no stars that month")
        made.auxiliary("low-degrees", "a row more")
        assert "2004-05" not in [unit.month for unit in made.work()]
        assert made.wanted_months == MONTHS

    def test_and_was_given_up_is_tried_again_with_other_bytes(self, made: Planning) -> None:
        made.month("2004-05")
        made.work(park=["2004-05"])
        made.known.drop(made.known.units("parked")[0].key, who="ada", reason="no stars that month")
        made.normals("2004-05")
        assert [unit.month for unit in made.work()] == ["2004-05", None]

    def test_and_was_given_up_comes_back_when_a_person_says_so(self, made: Planning) -> None:
        made.month("2004-05")
        made.work(park=["2004-05"])
        dropped = made.known.drop(made.known.units("parked")[0].key, who="ada", reason="no stars that month")
        made.auxiliary("low-degrees", "a row more")
        made.work()
        made.known.retry(dropped.key, who="ada", reason="found them")
        (unit,) = look(made.hall)
        assert (unit.month, unit.key != dropped.key) == ("2004-05", True)
        assert unit.inputs["auxiliaries"]["low-degrees"] == digest("low-degrees", "low-degrees.txt", "a row more")


class TestWhatPeopleAskFor:
    def test_is_begun_and_ended_by_the_look(self, made: Planning) -> None:
        asked = made.known.request_reprocessing(who="ada", reason="a doubt", months=["2004-02"])
        done = made.work()
        assert [(unit.kind, unit.month) for unit in done] == [("month", "2004-02")]
        assert [(each.id, each.state) for each in made.known.reprocessings()] == [(asked.id, "done")]

    def test_is_refused_if_it_cannot_be_done_and_stops_nothing(self, made: Planning) -> None:
        made.known.request_reprocessing(who="ada", reason="a doubt", first_step="guess")
        made.month("2004-05")
        assert [unit.month for unit in look(made.hall)] == ["2004-05"]
        assert [each.state for each in made.known.reprocessings()] == ["refused"]
        assert "there is no step guess" in made.known.log("system")[-1].text


def test_a_look_at_what_is_done_only_reads_and_does_not_grow_with_the_months(made: Planning) -> None:
    """It comes every minute, or every second: a query for each month would be felt."""
    statements: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement if statement.startswith("BEGIN") else statement.split()[0])

    look(made.hall)
    event.listen(made.known.engine, "before_cursor_execute", count)
    look(made.hall)
    few = len(statements)
    assert set(statements) == {"BEGIN", "SELECT"}
    made.months("2004-05", 5)
    made.work()
    statements.clear()
    look(made.hall)
    assert len(statements) == few


class TestWhatIsHandedOut:
    @pytest.fixture
    def two(self, empty: Planning) -> Planning:
        """Two products with months but no baselines yet."""
        planning = Planning(replace(empty.hall, products=[PRODUCTS["twsa"], PRODUCTS["l2b"]]))
        planning.auxiliary("low-degrees")
        planning.auxiliary("gia")
        planning.months(MONTHS[0], len(MONTHS))
        return planning

    @staticmethod
    def told(planning: Planning) -> list[tuple[str, str]]:
        return [(unit.product, unit.kind) for unit in next_of(planning.hall, look(planning.hall))]

    def test_is_the_first_product_before_any_month_of_the_second(self, two: Planning) -> None:
        assert self.told(two) == [("twsa", "baseline"), ("l2b", "baseline")]
        for unit in look(two.hall):
            two.finish(unit)
        assert self.told(two) == [("twsa", "month")] * 4
        for unit in next_of(two.hall, look(two.hall)):
            two.finish(unit)
        assert self.told(two) == [("twsa", "series"), *[("l2b", "month")] * 4], "the maps come first"

    def test_is_not_held_up_by_a_month_that_is_tried_again_later(self, two: Planning) -> None:
        for unit in look(two.hall):
            two.finish(unit)
        for unit in next_of(two.hall, look(two.hall)):
            two.known.claim(unit.key, "worker", LEASE)
            two.known.fail(unit.key, "worker", "no answer", "Unreachable", retry_in=timedelta(hours=1))
        assert self.told(two) == [("l2b", "month")] * 4

    def test_is_nothing_of_a_product_that_is_not_made_here(self, two: Planning) -> None:
        look(two.hall)
        alone = replace(two.hall, products=[PRODUCTS["twsa"]])
        assert {unit.product for unit in next_of(alone, look(alone))} == {"twsa"}
