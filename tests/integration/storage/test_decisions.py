"""Baselines, releases, deliveries, polls, requests and the log, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue, ReleaseRecord

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE, TWO = "1" * 64, "2" * 64


def create(catalogue: Catalogue, key: str, **changed: Any) -> ReleaseRecord:
    """Prepare a release of twsa v1.0 from a unit of work."""
    values = {"product": "twsa", "version": "v1.0", "kind": "initial", "first": "2002-04", "last": "2016-12"}
    return catalogue.create_release(**{**values, "key": key, "now": NOON, **changed})


class TestBaselines:
    def test_change_only_by_a_decision(self, catalogue: Catalogue) -> None:
        assert catalogue.baseline("twsa") is None
        first = catalogue.propose_baseline("twsa", ONE, reason="60 months are there", inputs={"2002-04": ONE})
        assert (first.number, first.state, dict(first.inputs)) == (1, "proposed", {"2002-04": ONE})
        assert catalogue.baseline("twsa") is None
        catalogue.accept_baseline(first.id, who="system", reason="the first")
        second = catalogue.propose_baseline("twsa", TWO, reason="2004-02 was issued again")
        used = catalogue.baseline("twsa")
        assert used is not None and (used.number, used.digest) == (1, ONE)
        catalogue.accept_baseline(second.id, who="ana", reason="seen")
        assert [(each.number, each.state) for each in catalogue.baselines("twsa")] == [(1, "replaced"), (2, "accepted")]
        assert catalogue.log("twsa")[-1].text == "Baseline 2 of twsa is used from now on by decision of ana: seen."

    def test_are_proposed_once(self, catalogue: Catalogue) -> None:
        first = catalogue.propose_baseline("twsa", ONE, reason="enough months")
        assert catalogue.propose_baseline("twsa", ONE, reason="enough months") == first
        catalogue.accept_baseline(first.id, who="system", reason="the first")
        assert catalogue.propose_baseline("twsa", ONE, reason="enough months").state == "accepted"
        assert catalogue.propose_baseline("l2b", ONE, reason="enough months").number == 1

    def test_that_were_refused_leave_the_one_in_use(self, catalogue: Catalogue) -> None:
        first = catalogue.propose_baseline("twsa", ONE, reason="months")
        catalogue.accept_baseline(first.id, who="system", reason="the first")
        second = catalogue.propose_baseline("twsa", TWO, reason="months")
        catalogue.refuse_baseline(second.id, who="ana", reason="too noisy")
        assert catalogue.baseline("twsa") == catalogue.baselines("twsa", "accepted")[0]
        assert catalogue.propose_baseline("twsa", TWO, reason="months").state == "refused", "nobody is asked twice"
        for decide in (catalogue.accept_baseline, catalogue.refuse_baseline):
            for id, why in ((first.id, "is accepted"), (99, "no baseline 99")):
                with pytest.raises(RequestRefused, match=why):
                    decide(id, who="ana", reason="again")
        with pytest.raises(RequestRefused, match="is refused"):
            catalogue.refuse_baseline(second.id, who="ana", reason="again")
        catalogue.accept_baseline(second.id, who="ana", reason="on second thoughts")
        assert [each.state for each in catalogue.baselines("twsa")] == ["replaced", "accepted"]

    def test_can_be_gone_back_to(self, catalogue: Catalogue) -> None:
        numbers = []
        for name in (ONE, TWO):
            numbers.append(catalogue.propose_baseline("twsa", name, reason="months").id)
            catalogue.accept_baseline(numbers[-1], who="ana", reason="seen")
        catalogue.accept_baseline(numbers[0], who="ana", reason="the second was too noisy")
        assert [each.state for each in catalogue.baselines("twsa")] == ["accepted", "replaced"]
        assert catalogue.log("twsa", newest=True, limit=1)[-1].text.endswith(
            "by decision of ana: the second was too noisy."
        )

    def test_that_nobody_decided_on_make_room_for_a_newer_proposal(self, catalogue: Catalogue) -> None:
        old = catalogue.propose_baseline("twsa", ONE, reason="2004-02 was issued again")
        other = catalogue.propose_baseline("l2b", ONE, reason="months")
        new = catalogue.propose_baseline("twsa", TWO, reason="2004-03 too")
        assert catalogue.baselines(state="proposed") == [other, new]
        with pytest.raises(RequestRefused, match="is retired"):
            catalogue.accept_baseline(old.id, who="ana", reason="late")

    def test_that_were_in_use_once_can_be_proposed_again(self, catalogue: Catalogue) -> None:
        for name in (ONE, TWO):
            proposed = catalogue.propose_baseline("twsa", name, reason="months")
            catalogue.accept_baseline(proposed.id, who="ana", reason="seen")
        again = catalogue.propose_baseline("twsa", ONE, reason="upstream took it back")
        assert (again.number, again.state) == (3, "proposed")


class TestReleases:
    def test_have_serial_numbers_within_a_version_and_one_per_unit(self, catalogue: Catalogue) -> None:
        names = [create(catalogue, key).id for key in ("k1", "k2", "k1")]
        assert names == ["twsa-v1.0-001", "twsa-v1.0-002", "twsa-v1.0-001"]
        assert create(catalogue, "k3", version="v1.1", kind="minor").id == "twsa-v1.1-001"
        assert create(catalogue, "k1", product="l2b").id == "l2b-v1.0-001"
        assert len(catalogue.releases("twsa")) == 3
        assert [release.id for release in catalogue.releases(key="k2")] == ["twsa-v1.0-002"]

    def test_are_open_when_they_are_complete_and_told_once(self, catalogue: Catalogue) -> None:
        release = create(catalogue, "k1")
        assert (release.state, release.created_at, catalogue.latest("twsa")) == ("building", NOON, None)
        for _ in range(3):
            issued = catalogue.issue_release(release.id, directory="/releases/1", changes={"added": 3}, now=NOON)
        assert (issued.state, issued.directory, dict(issued.changes)) == ("released", "/releases/1", {"added": 3})
        assert catalogue.latest("twsa") == issued == catalogue.find_release(release.id)
        assert [event.kind for event in catalogue.log(release.id)] == ["release-prepared", "release-issued"]

    def test_are_held_until_a_person_approves(self, catalogue: Catalogue) -> None:
        release = create(catalogue, "k1")
        held = catalogue.hold_release(release.id, ["the land mean steps by 30 mm", "a month is missing"])
        assert (held.state, held.reasons) == ("held", ("the land mean steps by 30 mm", "a month is missing"))
        with pytest.raises(RequestRefused, match="is held"):
            catalogue.issue_release(release.id, directory="/x")
        for _ in range(2):
            approved = catalogue.approve_release(release.id, who="ana", reason="the flood is real")
        assert (approved.state, approved.is_approved, approved.who) == ("building", True, "ana")
        issued = catalogue.issue_release(release.id, directory="/x")
        assert issued.is_approved and issued.state == "released"
        assert [event.text for event in catalogue.log(release.id)][1:] == [
            "twsa-v1.0-001 is held and needs a person: the land mean steps by 30 mm; a month is missing.",
            "twsa-v1.0-001 may be released by decision of ana: the flood is real.",
            "twsa-v1.0-001 is released.",
        ]

    def test_that_nobody_held_need_no_approval(self, catalogue: Catalogue) -> None:
        release = create(catalogue, "k1")
        with pytest.raises(RequestRefused, match="is building"):
            catalogue.approve_release(release.id, who="ana", reason="hurry")

    def test_that_are_rejected_or_retracted_are_over_and_their_numbers_stay_taken(self, catalogue: Catalogue) -> None:
        first, second, third = (create(catalogue, key) for key in ("k1", "k2", "k3"))
        catalogue.issue_release(first.id, directory="/1")
        catalogue.issue_release(second.id, directory="/2")
        catalogue.retract_release(second.id, who="ana", reason="wrong mask")
        catalogue.hold_release(third.id, ["odd"])
        catalogue.reject_release(third.id, who="ana", reason="is odd")
        latest = catalogue.latest("twsa")
        assert latest is not None and latest.id == first.id
        for id in (second.id, third.id):
            with pytest.raises(RequestRefused):
                catalogue.issue_release(id, directory="/3")
        assert create(catalogue, "k4").id == "twsa-v1.0-004"
        assert create(catalogue, "k2").state == "retracted"
        with pytest.raises(RequestRefused, match="no release x"):
            catalogue.retract_release("x", who="ana", reason="?")


class TestTheReleaseOfAUnit:
    """What stands for a unit that is wanted: nothing if it is to be released."""

    def release(self, catalogue: Catalogue, key: str) -> str:
        return catalogue.issue_release(create(catalogue, key).id, directory=f"/{key}").id

    def stands(self, catalogue: Catalogue, key: str) -> str | None:
        found = catalogue.release_of("twsa", key)
        return None if found is None else found.id.removeprefix("twsa-v1.0-")

    def test_is_the_open_one_until_another_unit_takes_its_place(self, catalogue: Catalogue) -> None:
        assert self.stands(catalogue, "k1") is None
        self.release(catalogue, "k1")
        assert self.stands(catalogue, "k1") == "001"
        self.release(catalogue, "k2")
        assert (self.stands(catalogue, "k1"), self.stands(catalogue, "k2")) == (None, "002")
        assert catalogue.release_of("l2b", "k2") is None

    def test_that_comes_back_takes_the_next_number_once(self, catalogue: Catalogue) -> None:
        for key in ("k1", "k2", "k1"):
            self.release(catalogue, key)
        assert create(catalogue, "k1").id == "twsa-v1.0-003"
        assert [each.key for each in catalogue.releases("twsa")] == ["k1", "k2", "k1"]

    def test_is_the_one_that_a_person_decides_or_has_decided_on(self, catalogue: Catalogue) -> None:
        self.release(catalogue, "k1")
        held = create(catalogue, "k2")
        assert self.stands(catalogue, "k2") == "002"
        catalogue.hold_release(held.id, ["odd"])
        assert self.stands(catalogue, "k2") == "002"
        catalogue.reject_release(held.id, who="ana", reason="is odd")
        assert (self.stands(catalogue, "k2"), self.stands(catalogue, "k1")) == ("002", "001")
        catalogue.retract_release("twsa-v1.0-001", who="ana", reason="wrong mask")
        assert self.stands(catalogue, "k1") == "001", "what a person took back does not come back by itself"
        self.release(catalogue, "k3")
        assert self.stands(catalogue, "k2") is None, "in another situation a person is asked again"

    def test_that_is_approved_is_built_under_its_own_number(self, catalogue: Catalogue) -> None:
        held = create(catalogue, "k1")
        catalogue.hold_release(held.id, ["odd"])
        catalogue.approve_release(held.id, who="ana", reason="is real")
        assert create(catalogue, "k1").id == held.id

    @pytest.mark.parametrize("reasons", [["odd"], []], ids=["held", "unfinished"])
    def test_that_is_left_behind_is_given_up_when_a_later_one_is_open(
        self, catalogue: Catalogue, reasons: list[str]
    ) -> None:
        first, second = create(catalogue, "k1"), create(catalogue, "k2")
        if reasons:
            catalogue.hold_release(first.id, reasons)
        catalogue.issue_release(second.id, directory="/2")
        with pytest.raises(RequestRefused, match="is rejected"):
            catalogue.approve_release(first.id, who="ana", reason="late")
        assert catalogue.log(first.id)[-1].text.endswith("twsa-v1.0-002 is released in its place.")
        later = create(catalogue, "k3")
        catalogue.hold_release(later.id, ["odd"])
        catalogue.issue_release(second.id, directory="/2")
        assert [each.state for each in catalogue.releases("twsa")] == ["rejected", "released", "held"]

    def test_that_is_held_makes_room_for_a_later_one_and_can_come_back(self, catalogue: Catalogue) -> None:
        for key in ("k1", "k2"):
            catalogue.hold_release(create(catalogue, key).id, ["odd"])
        other = create(catalogue, "k1", product="l2b", version="0001")
        catalogue.hold_release(other.id, ["odd"])
        assert [each.state for each in catalogue.releases()] == ["rejected", "held", "held"]
        assert catalogue.log("twsa-v1.0-001")[-1].text.endswith("twsa-v1.0-002 is held in its place.")
        assert self.stands(catalogue, "k1") is None, "nobody has decided on it"
        assert create(catalogue, "k1").id == "twsa-v1.0-003"


class TestTheWantedSeries:
    def test_is_the_last_that_was_named_made_or_not(self, catalogue: Catalogue) -> None:
        assert catalogue.wanted_series("twsa") is None
        old = catalogue.ensure_unit("s1", "series", "twsa")
        new = catalogue.ensure_unit("s2", "series", "twsa")
        for key in ("s1", "s2"):
            for _ in range(2):
                catalogue.want_series("twsa", key)
        assert catalogue.wanted_series("twsa") == new
        assert catalogue.wanted_series("l2b") is None
        catalogue.want_series("l2b", "s2")
        catalogue.want_series("twsa", "s1")
        assert (catalogue.wanted_series("twsa"), catalogue.wanted_series("l2b")) == (old, new)

    def test_is_kept_in_the_store_even_if_another_is_newer(self, catalogue: Catalogue) -> None:
        for hour, (key, output) in enumerate({"s1": "a" * 64, "s2": "b" * 64}.items()):
            catalogue.ensure_unit(key, "series", "twsa", now=NOON + hour * HOUR)
            catalogue.claim(key, "worker", HOUR, now=NOON + hour * HOUR)
            catalogue.finish(key, "worker", {"maps": output}, 1.0, now=NOON + hour * HOUR)
        assert "a" * 64 not in catalogue.wanted_digests()
        catalogue.want_series("twsa", "s1")
        assert {"a" * 64, "b" * 64} <= catalogue.wanted_digests()


class TestDeliveries:
    def test_go_to_each_target_alone(self, catalogue: Catalogue) -> None:
        for _ in range(2):
            catalogue.plan_deliveries("r", ["archive", "bucket"], now=NOON)
        catalogue.record_delivery("r", "archive", "done", now=NOON)
        failed = catalogue.record_delivery("r", "bucket", "failed", error="403", retry_at=NOON + HOUR, now=NOON)
        assert (failed.attempts, failed.error) == (1, "403")
        assert catalogue.due_deliveries(NOON) == []
        assert [each.target for each in catalogue.due_deliveries(NOON + HOUR)] == ["bucket"]
        done = catalogue.record_delivery("r", "bucket", "done", now=NOON + HOUR)
        assert (done.attempts, done.state, done.error) == (2, "done", "")
        assert [event.text for event in catalogue.log("r")] == [
            "r is delivered to archive.",
            "r cannot be delivered to bucket: 403.",
            "r is delivered to bucket.",
        ]

    def test_that_are_done_stay_done(self, catalogue: Catalogue) -> None:
        catalogue.record_delivery("r", "archive", "done")
        assert catalogue.record_delivery("r", "archive", "failed", error="late").state == "done"
        assert catalogue.plan_deliveries("r", ["archive"])[0].state == "done"
        assert catalogue.deliveries(state="failed") == []
        assert len(catalogue.deliveries("r", target="archive")) == 1


class TestPolls:
    def test_are_all_kept_but_only_a_change_is_told(self, catalogue: Catalogue) -> None:
        for minute, outcome in enumerate(["ok", "ok", "no answer", "no answer", "ok"]):
            catalogue.record_poll("icgem", outcome, status=200, listed=3, seconds=0.1, now=NOON + minute * HOUR / 60)
        assert [event.text for event in catalogue.log("icgem")] == [
            "icgem answers.", "icgem gives nothing: no answer.", "icgem answers.",
        ]  # fmt: skip
        assert len(catalogue.polls("icgem")) == 5
        last, failed = catalogue.last_poll("icgem"), catalogue.last_poll("icgem", "no answer")
        assert last is not None and failed is not None
        assert (last.outcome, last.status, last.listed, last.seconds) == ("ok", 200, 3, 0.1)
        assert failed.time == NOON + HOUR / 20
        assert catalogue.last_poll("isdc") is None


class TestReprocessing:
    def test_is_kept_with_who_when_and_why(self, catalogue: Catalogue) -> None:
        asked = catalogue.request_reprocessing(
            who="ana", reason="new mask", months=["2016-12", "2015-02"], first_step="decorrelate",
            auxiliaries={"land-mask": ONE}, now=NOON,
        )  # fmt: skip
        assert (asked.months, asked.state, asked.created_at) == (("2015-02", "2016-12"), "requested", NOON)
        assert catalogue.reprocessings("requested") == [asked]
        for _ in range(2):
            catalogue.settle_reprocessing(asked.id, "done", text="What ana asked for is computed.")
        assert [each.state for each in catalogue.reprocessings()] == ["done"]
        assert [event.text for event in catalogue.log(("system", "2016-12"))] == [
            "ana asks to compute 2015-02 and 2016-12 again from decorrelate on: new mask.",
            "ana asks to compute 2015-02 and 2016-12 again from decorrelate on: new mask.",
            "What ana asked for is computed.",
        ]
        with pytest.raises(RequestRefused, match="no reprocessing 9"):
            catalogue.settle_reprocessing(9, "done", text="?")


class TestLog:
    def test_is_told_in_order_by_subject_kind_and_place(self, catalogue: Catalogue) -> None:
        for number in range(6):
            catalogue.append(("2016-12", "twsa")[number % 2], f"kind-{number % 3}", f"Fact {number}.")
        everything = catalogue.log()
        assert [event.text for event in everything] == [f"Fact {number}." for number in range(6)]
        assert catalogue.log("twsa") == everything[1::2]
        assert catalogue.log(("twsa", "2016-12")) == everything
        assert catalogue.log(kind="kind-0") == everything[::3]
        assert catalogue.log(after=everything[2].id, limit=2) == everything[3:5]
        assert catalogue.log(limit=2, newest=True) == everything[-2:]

    def test_keeps_who_when_and_details(self, catalogue: Catalogue) -> None:
        details = {"mm": 1.5, "months": ["2016-12"], "none": None}
        event = catalogue.append("system", "note", "A word", who="ana", details=details, now=NOON)
        assert (event.who, event.time, dict(event.details), event.text) == ("ana", NOON, details, "A word.")
        assert catalogue.log() == [event]

    @pytest.mark.parametrize("change", ["UPDATE events SET text = 'x'", "DELETE FROM events", "TRUNCATE events"])
    def test_cannot_be_changed_even_past_the_catalogue(self, catalogue: Catalogue, change: str) -> None:
        event = catalogue.append("system", "note", "A word.")
        if catalogue.engine.dialect.name == "sqlite":
            change = change.replace("TRUNCATE", "DELETE FROM")
        with pytest.raises(DBAPIError, match="events are never changed"), catalogue.engine.begin() as connection:
            connection.exec_driver_sql(change)
        assert catalogue.log() == [event]


class TestWanted:
    def test_is_all_that_files_baselines_releases_and_open_work_name(self, catalogue: Catalogue) -> None:
        names = {letter: letter * 64 for letter in "0123456789abcdef"}
        catalogue.register_granule(role="level-2", name="a", sha256=names["a"], size=1)
        catalogue.propose_baseline("twsa", names["b"], reason="months")
        old, new, month, open_ = names["0"], names["1"], names["2"], names["3"]
        catalogue.ensure_unit(month, "month", "l2b", "2016-12", {"field": names["a"]}, now=NOON)
        catalogue.ensure_unit(old, "series", "twsa", inputs={"months": {"2016-12": month}}, now=NOON)
        outputs = {month: names["c"], old: names["d"], new: names["e"]}
        for key in (month, old):
            self.do(catalogue, key, outputs[key], NOON)
        assert catalogue.wanted_digests() >= {names[letter] for letter in "abcd"}
        catalogue.ensure_unit(new, "series", "twsa", inputs={}, now=NOON + HOUR)
        self.do(catalogue, new, outputs[new], NOON + HOUR)
        # The newer result takes the place of the older, of which no release was made; the month is its own newest.
        assert {names["c"], names["e"]} <= catalogue.wanted_digests()
        assert names["d"] not in catalogue.wanted_digests()
        create(catalogue, old)
        assert names["d"] in catalogue.wanted_digests()
        catalogue.ensure_unit(open_, "release", "twsa", inputs={"files": [{"sha256": names["f"]}]})
        assert names["f"] in catalogue.wanted_digests()

    def test_is_what_a_release_was_made_from_through_every_unit_even_if_a_newer_one_took_its_place(
        self, catalogue: Catalogue
    ) -> None:
        month, series, later = "2" * 64, "0" * 64, "3" * 64
        catalogue.ensure_unit(month, "month", "l2b", "2016-12", now=NOON)
        catalogue.ensure_unit(series, "series", "twsa", inputs={"months": {"2016-12": month}}, now=NOON)
        catalogue.ensure_unit(later, "month", "l2b", "2016-12", now=NOON)
        self.do(catalogue, month, "c" * 64, NOON)
        self.do(catalogue, series, "d" * 64, NOON)
        create(catalogue, series)
        self.do(catalogue, later, "e" * 64, NOON + HOUR)
        assert {"c" * 64, "d" * 64, "e" * 64} <= catalogue.wanted_digests()

    def test_what_was_made_and_is_deleted_is_made_again_if_it_is_wanted_again(self, catalogue: Catalogue) -> None:
        gone, left = "0" * 64, "1" * 64
        for key, output in ((gone, "d" * 64), (left, "e" * 64)):
            catalogue.ensure_unit(key, "series", "twsa", now=NOON)
            self.do(catalogue, key, output, NOON)
        assert catalogue.forget_made({"d" * 64, "f" * 64}) == 1
        assert [unit.key for unit in catalogue.units("done")] == [left]
        assert catalogue.ensure_unit(gone, "series", "twsa").state == "due"
        assert [each.details["key"] for each in catalogue.log("twsa", kind="unit-done")] == [gone, left]

    def do(self, catalogue: Catalogue, key: str, output: str, at: datetime) -> None:
        assert catalogue.claim(key, "worker-1", HOUR, now=at)
        assert catalogue.finish(key, "worker-1", {"product": output}, 1.0, now=at)
