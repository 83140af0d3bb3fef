"""Units of work on both databases: what can happen to them, and that it is told."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue, Planned

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = "0" * 64


@pytest.fixture
def due(catalogue: Catalogue) -> Catalogue:
    """A catalogue with a month to be made."""
    catalogue.ensure_unit(KEY, "month", "l2b", "2016-12", {"field": "f" * 64}, now=NOON)
    return catalogue


def texts(catalogue: Catalogue, subject: str = "2016-12") -> list[str]:
    return [event.text for event in catalogue.log(subject)]


class TestClaim:
    def test_gives_a_unit_to_one_owner_only(self, due: Catalogue) -> None:
        mine = due.claim(KEY, "worker-1", MINUTE, now=NOON)
        assert mine is not None
        assert (mine.state, mine.owner, mine.lease_until, mine.attempts) == ("running", "worker-1", NOON + MINUTE, 1)
        assert due.claim(KEY, "worker-2", MINUTE, now=NOON) is None
        assert due.claim(KEY, "worker-1", MINUTE, now=NOON) is None
        assert due.unit(KEY) == mine

    def test_of_an_unknown_key_gives_nothing(self, catalogue: Catalogue) -> None:
        assert catalogue.claim(KEY, "worker-1", MINUTE) is None

    def test_takes_over_what_was_left_behind_and_says_so(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        assert due.claim(KEY, "worker-2", MINUTE, now=NOON + 0.99 * MINUTE) is None
        assert [unit.key for unit in due.due(NOON + MINUTE)] == [KEY]
        taken = due.claim(KEY, "worker-2", MINUTE, now=NOON + MINUTE)
        assert taken is not None
        assert (taken.owner, taken.attempts, taken.error_kind) == ("worker-2", 2, "WorkerLost")
        assert texts(due)[-1] == (
            "l2b of 2016-12 is begun by worker-2 (attempt 2) after worker-1 did not come back before "
            "2026-01-02 12:01:00."
        )

    def test_is_lost_by_who_comes_back_too_late(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        due.claim(KEY, "worker-2", MINUTE, now=NOON + 2 * MINUTE)
        assert due.finish(KEY, "worker-1", {"out": "a" * 64}, 1.0) is None
        assert due.fail(KEY, "worker-1", "late", "ValueError") is None
        assert due.extend(KEY, "worker-1", MINUTE) is None
        assert due.wait(KEY, "late", owner="worker-1") is None
        unit = due.unit(KEY)
        assert unit is not None and (unit.owner, unit.state, unit.outputs) == ("worker-2", "running", {})

    def test_lasts_while_it_is_extended(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        due.extend(KEY, "worker-1", MINUTE, now=NOON + 0.9 * MINUTE)
        assert due.claim(KEY, "worker-2", MINUTE, now=NOON + 1.5 * MINUTE) is None
        assert due.claim(KEY, "worker-2", MINUTE, now=NOON + 1.9 * MINUTE) is not None

    def test_parks_what_never_comes_back_after_so_many_attempts(self, due: Catalogue) -> None:
        for attempt in range(3):
            assert due.claim(KEY, f"worker-{attempt}", MINUTE, now=NOON + 2 * attempt * MINUTE, max_attempts=3)
        assert due.claim(KEY, "worker-3", MINUTE, now=NOON + 6 * MINUTE, max_attempts=3) is None
        unit = due.unit(KEY)
        assert unit is not None and (unit.state, unit.attempts) == ("parked", 3)
        assert "worker-2 did not come back" in unit.error
        assert texts(due)[-1].startswith("l2b of 2016-12 is parked after 3 attempts and needs a person")
        assert due.claim(KEY, "worker-4", MINUTE, now=NOON + 7 * MINUTE) is None

    def test_does_not_outlast_a_clock_that_is_put_back(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON + timedelta(days=365))
        assert [unit.key for unit in due.due(NOON)] == [KEY]
        assert due.claim(KEY, "worker-2", MINUTE, now=NOON) is not None

    def test_is_for_a_day_at_most(self, due: Catalogue) -> None:
        with pytest.raises(ValueError, match="lasts up to"):
            due.claim(KEY, "worker-1", timedelta(days=2))


class TestEnd:
    def test_is_done_with_outputs_and_can_be_told_in_order(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        done = due.finish(KEY, "worker-1", {"month": "b" * 64}, 2.5, now=NOON)
        assert done is not None and done == due.unit(KEY)
        assert (done.state, done.owner, dict(done.outputs), done.seconds) == ("done", None, {"month": "b" * 64}, 2.5)
        assert due.due(NOON + timedelta(hours=1)) == []
        assert texts(due) == [
            "l2b of 2016-12 is to be made.",
            "l2b of 2016-12 is begun by worker-1 (attempt 1).",
            "l2b of 2016-12 is done in 2.5 s.",
        ]

    def test_by_an_error_makes_it_due_again_after_a_pause(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        due.fail(KEY, "worker-1", "no answer", "Unreachable", retry_in=5 * MINUTE, now=NOON)
        assert due.claim(KEY, "worker-1", MINUTE, now=NOON + 4 * MINUTE) is None
        assert due.due(NOON + 4 * MINUTE) == []
        again = due.claim(KEY, "worker-1", MINUTE, now=NOON + 5 * MINUTE)
        assert again is not None and (again.attempts, again.error) == (2, "no answer")

    def test_by_the_same_error_for_ever_is_parked(self, due: Catalogue) -> None:
        for _ in range(5):
            assert due.claim(KEY, "worker-1", MINUTE, now=NOON)
            last = due.fail(KEY, "worker-1", "no answer", "Unreachable", now=NOON)
        assert last is not None and (last.state, last.error_kind) == ("parked", "Unreachable")

    def test_that_is_not_its_fault_does_not_count(self, due: Catalogue) -> None:
        for _ in range(20):
            assert due.claim(KEY, "worker-1", MINUTE, now=NOON)
            last = due.fail(KEY, "worker-1", "the store is full", "StoreUnavailable", counts=False, now=NOON)
        assert last is not None and (last.state, last.attempts) == ("due", 0)

    def test_by_our_own_mistake_is_parked_at_once_with_the_whole_trace(self, due: Catalogue) -> None:
        trace = "Traceback\n  line 1\nValueError: a field without degree 2\n"
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        parked = due.fail(KEY, "worker-1", trace, "ValueError", park=True, now=NOON)
        assert parked is not None and (parked.state, parked.error) == ("parked", trace)
        assert texts(due)[-1].endswith("needs a person: ValueError: a field without degree 2.")


class TestWaiting:
    def test_is_by_name_and_ends_by_a_decision(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        waiting = due.wait(KEY, "low degrees end at 2016-11", owner="worker-1", now=NOON)
        assert waiting is not None and (waiting.state, waiting.attempts) == ("waiting", 0)
        assert due.due(NOON + timedelta(days=1)) == []
        due.retry(KEY, who="ana", reason="they are there", now=NOON)
        assert due.claim(KEY, "worker-1", MINUTE, now=NOON) is not None
        assert texts(due)[2:4] == [
            "l2b of 2016-12 waits: low degrees end at 2016-11.",
            "l2b of 2016-12 is tried again by decision of ana: they are there.",
        ]

    def test_for_the_same_reason_is_told_once(self, due: Catalogue) -> None:
        for _ in range(3):
            due.wait(KEY, "no low degrees", now=NOON)
        assert len(texts(due)) == 2

    def test_cannot_be_forced_on_a_unit_in_work_by_others(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        assert due.wait(KEY, "no low degrees") is None
        assert due.wait(KEY, "no low degrees", owner="worker-2") is None


class TestDecisions:
    def test_of_a_person_are_kept_with_name_and_reason(self, due: Catalogue) -> None:
        parked = due.park(KEY, who="ana", reason="looks odd", now=NOON)
        assert (parked.state, parked.reason) == ("parked", "looks odd")
        assert due.claim(KEY, "worker-1", MINUTE, now=NOON) is None
        retried = due.retry(KEY, who="ana", reason="is fine", now=NOON)
        assert (retried.state, retried.attempts) == ("due", 0)
        dropped = due.drop(KEY, who="ben", reason="never", now=NOON)
        assert dropped.state == "dropped"
        due.ensure_unit(KEY, "month", "l2b", "2016-12")
        assert due.claim(KEY, "worker-1", MINUTE, now=NOON) is None
        assert [(event.who, event.kind) for event in due.log("2016-12")[1:]] == [
            ("ana", "unit-parked"),
            ("ana", "unit-retried"),
            ("ben", "unit-dropped"),
        ]

    def test_wait_for_who_is_at_work(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        for decide in (due.park, due.retry, due.drop):
            with pytest.raises(RequestRefused, match="being worked on by worker-1"):
                decide(KEY, who="ana", reason="hurry", now=NOON)
            with pytest.raises(RequestRefused, match="no unit"):
                decide("1", who="ana", reason="hurry", now=NOON)

    def test_make_a_done_unit_due_but_do_not_park_it(self, due: Catalogue) -> None:
        due.claim(KEY, "worker-1", MINUTE, now=NOON)
        due.finish(KEY, "worker-1", {}, 1.0, now=NOON)
        for decide in (due.park, due.drop):
            with pytest.raises(RequestRefused, match="is done"):
                decide(KEY, who="ana", reason="odd", now=NOON)
        assert due.retry(KEY, who="ana", reason="its output was damaged", now=NOON).state == "due"


class TestKnownWork:
    def test_is_entered_once_however_often_it_is_derived(self, catalogue: Catalogue) -> None:
        plans = [Planned(str(number), "month", "l2b", f"2016-{number:02d}") for number in range(1, 13)]
        first = catalogue.ensure_units(plans, now=NOON)
        assert catalogue.ensure_units([*plans[::-1], *plans], now=NOON + MINUTE) == first[::-1]
        assert [unit.month for unit in first] == [plan.month for plan in plans]
        assert len(catalogue.log()) == 12
        assert catalogue.unit_counts() == {("month", "l2b", "due"): 12}

    def test_is_found_by_state_kind_product_and_month(self, catalogue: Catalogue) -> None:
        catalogue.ensure_units([Planned("1", "month", "l2b", "2016-12"), Planned("2", "series", "twsa")])
        catalogue.claim("2", "worker-1", MINUTE)
        assert [unit.key for unit in catalogue.units(kind="month")] == ["1"]
        assert [unit.key for unit in catalogue.units("running")] == ["2"]
        assert [unit.key for unit in catalogue.units(("due", "running"))] == ["1", "2"]
        assert [unit.key for unit in catalogue.units(product="l2b", month="2016-12")] == ["1"]
        assert [unit.key for unit in catalogue.due(kind="month")] == ["1"]
        assert [unit.key for unit in catalogue.units(limit=1)] == ["1"]

    def test_that_is_no_longer_wanted_is_forgotten_unless_it_is_done_or_in_work(self, catalogue: Catalogue) -> None:
        catalogue.ensure_units([Planned(str(number), "series", "twsa") for number in range(4)])
        catalogue.claim("1", "worker-1", MINUTE)
        catalogue.claim("2", "worker-1", MINUTE)
        catalogue.finish("2", "worker-1", {}, 1.0)
        catalogue.park("3", who="ana", reason="looks odd")
        gone = catalogue.withdraw(["0", "1", "2", "3"], why="a newer month is there")
        assert {unit.key for unit in gone} == {"0", "3"}
        assert [unit.key for unit in catalogue.units()] == ["1", "2"]
        assert texts(catalogue, "twsa")[-1] == "The series of twsa is not needed: a newer month is there."
        assert catalogue.ensure_unit("0", "series", "twsa").state == "due"


class TestLock:
    def test_belongs_to_one_owner_until_it_ends(self, catalogue: Catalogue) -> None:
        assert catalogue.lock("scheduler", "one", MINUTE, now=NOON)
        assert not catalogue.lock("scheduler", "two", MINUTE, now=NOON)
        assert catalogue.lock("scheduler", "one", MINUTE, now=NOON + 0.5 * MINUTE)
        assert not catalogue.lock("scheduler", "two", MINUTE, now=NOON + 1.4 * MINUTE)
        assert catalogue.lock("other", "two", MINUTE, now=NOON)
        assert catalogue.lock("scheduler", "two", MINUTE, now=NOON + 1.5 * MINUTE)
        assert not catalogue.lock("scheduler", "one", MINUTE, now=NOON + 1.6 * MINUTE)
        assert texts(catalogue, "system") == ["two takes over scheduler from one, which did not come back."]

    def test_can_be_given_back_by_its_owner_only(self, catalogue: Catalogue) -> None:
        catalogue.lock("scheduler", "one", MINUTE, now=NOON)
        assert not catalogue.unlock("scheduler", "two")
        assert catalogue.unlock("scheduler", "one")
        assert catalogue.lock("scheduler", "two", MINUTE, now=NOON)

    def test_does_not_outlast_a_clock_that_is_put_back(self, catalogue: Catalogue) -> None:
        catalogue.lock("scheduler", "one", MINUTE, now=NOON + timedelta(days=365))
        assert catalogue.lock("scheduler", "two", MINUTE, now=NOON)
