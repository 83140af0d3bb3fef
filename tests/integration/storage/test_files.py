"""Files that came in, on both databases: versions, decisions, and what is in use."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue, Granule
from shared.storage.records import Outcome

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def digest(letter: str) -> str:
    return letter * 64


def register(catalogue: Catalogue, letter: str, **changed: Any) -> tuple[Granule, Outcome]:
    """Enter the file of December 2016, with bytes named by a letter."""
    values = {"role": "level-2", "name": "2016-12.gfc", "size": 100, "series": "RL02", "month": "2016-12", "now": NOON}
    return catalogue.register_granule(**{**values, "sha256": digest(letter), **changed})


def in_use(catalogue: Catalogue) -> list[tuple[str, str]]:
    return [(granule.name, granule.sha256[0]) for granule in catalogue.current("level-2", "RL02")]


def states(catalogue: Catalogue) -> list[tuple[str, int, str]]:
    return [(each.sha256[0], each.version, each.state) for each in catalogue.granules(state=None)]


class TestVersions:
    def test_a_new_file_is_in_use_with_all_that_is_known_of_it(self, catalogue: Catalogue) -> None:
        granule, outcome = register(
            catalogue, "a", begin=57723.0, end=57754.0, origin="https://icgem/x", etag='"1"', last_modified="Fri"
        )
        assert outcome == "new"
        assert (granule.version, granule.state, granule.arrived_at) == (1, "accepted", NOON)
        assert (granule.begin, granule.end, granule.origin, granule.etag) == (
            57723.0,
            57754.0,
            "https://icgem/x",
            '"1"',
        )
        assert catalogue.current("level-2") == [granule] == catalogue.granules(month="2016-12", name="2016-12.gfc")
        assert catalogue.granule(digest("a")) == granule
        assert catalogue.granule(digest("b")) is None

    def test_the_same_bytes_again_change_nothing_but_when_they_were_seen(self, catalogue: Catalogue) -> None:
        first, _ = register(catalogue, "a")
        again, outcome = register(catalogue, "a", now=NOON + HOUR, etag='"2"')
        assert outcome == "same"
        assert (again.id, again.checked_at, again.arrived_at, again.etag) == (first.id, NOON + HOUR, NOON, '"2"')
        assert len(catalogue.log()) == 1

    def test_other_bytes_are_a_new_version_in_the_place_of_the_old(self, catalogue: Catalogue) -> None:
        register(catalogue, "a")
        granule, outcome = register(catalogue, "b")
        assert (outcome, granule.version) == ("replaced", 2)
        assert states(catalogue) == [("a", 1, "superseded"), ("b", 2, "accepted")]
        event = catalogue.log("2016-12")[-1]
        assert event.text == "2016-12.gfc (version 2) replaces 2016-12.gfc."
        assert event.details["former"] == [digest("a")]

    def test_bytes_that_come_back_are_a_version_too(self, catalogue: Catalogue) -> None:
        for letter in "aba":
            register(catalogue, letter)
        assert states(catalogue) == [("a", 1, "superseded"), ("b", 2, "superseded"), ("a", 3, "accepted")]
        found = catalogue.granule(digest("a"))
        assert found is not None and found.version == 3

    def test_another_name_of_a_month_takes_its_place_and_the_old_name_does_not_take_it_back(
        self, catalogue: Catalogue
    ) -> None:
        register(catalogue, "a")
        assert register(catalogue, "b", name="2016-12_v2.gfc")[1] == "replaced"
        assert in_use(catalogue) == [("2016-12_v2.gfc", "b")]
        assert register(catalogue, "a")[1] == "same"
        assert in_use(catalogue) == [("2016-12_v2.gfc", "b")]
        assert register(catalogue, "c")[1] == "replaced"
        assert in_use(catalogue) == [("2016-12.gfc", "c")]

    def test_other_series_and_roles_do_not_touch_each_other(self, catalogue: Catalogue) -> None:
        assert register(catalogue, "a")[1] == "new"
        assert register(catalogue, "b", series="RL01")[1] == "new"
        assert register(catalogue, "c", role="normals")[1] == "new"
        for letter, role in (("d", "low-degrees"), ("e", "geocenter")):
            assert register(catalogue, letter, role=role, name=f"{role}.dat", month=None)[1] == "new"
        assert len(catalogue.granules()) == 5

    def test_of_tables_of_one_role_one_is_in_use_whatever_they_are_called(self, catalogue: Catalogue) -> None:
        for letter, name, outcome in (("d", "b.dat", "new"), ("e", "c.dat", "replaced"), ("f", "a.dat", "replaced")):
            assert register(catalogue, letter, role="low-degrees", name=name, month=None)[1] == outcome
            assert [granule.name for granule in catalogue.current("low-degrees")] == [name]
        assert [event.text for event in catalogue.log("low-degrees")] == [
            "b.dat arrived and is in use.",
            "c.dat replaces b.dat.",
            "a.dat replaces c.dat.",
        ]

    def test_a_former_table_is_used_again_by_decision_alone(self, catalogue: Catalogue) -> None:
        for letter, name in (("d", "a.dat"), ("e", "b.dat")):
            register(catalogue, letter, role="low-degrees", name=name, month=None)
        former, outcome = register(catalogue, "d", role="low-degrees", name="a.dat", month=None)
        assert (former.state, outcome) == ("superseded", "same")
        with pytest.raises(RequestRefused, match="is superseded"):
            catalogue.refuse_granule(former.id, who="ana", reason="old")
        catalogue.accept_granule(former.id, who="ana", reason="the new one was withdrawn")
        assert [granule.name for granule in catalogue.current("low-degrees")] == ["a.dat"]


class TestDecisions:
    def test_hold_lets_the_old_version_be_used_until_a_person_decides(self, catalogue: Catalogue) -> None:
        register(catalogue, "a")
        held, outcome = register(catalogue, "b", policy="hold")
        assert (outcome, held.state, in_use(catalogue)) == ("held", "held", [("2016-12.gfc", "a")])
        assert register(catalogue, "b", policy="hold")[1] == "held"
        assert register(catalogue, "a", policy="hold")[1] == "same"
        assert len(catalogue.log()) == 2
        catalogue.accept_granule(held.id, who="ana", reason="announced by the centre")
        assert states(catalogue) == [("a", 1, "superseded"), ("b", 2, "accepted")]
        event = catalogue.log("2016-12")[-1]
        assert (event.who, event.kind) == ("ana", "granule-accepted")
        assert event.text.endswith("is used by decision of ana: announced by the centre.")

    def test_hold_does_not_stop_a_first_file(self, catalogue: Catalogue) -> None:
        assert register(catalogue, "a", policy="hold")[1] == "new"

    def test_a_file_can_be_held_for_a_reason_even_if_it_is_the_first(self, catalogue: Catalogue) -> None:
        held, outcome = register(catalogue, "a", hold="past rows differ")
        assert (outcome, held.reason, in_use(catalogue)) == ("held", "past rows differ", [])

    def test_a_refused_file_is_not_used_and_the_one_before_stays(self, catalogue: Catalogue) -> None:
        register(catalogue, "a")
        held, _ = register(catalogue, "b", policy="hold")
        catalogue.refuse_granule(held.id, who="ana", reason="wrong mission")
        assert states(catalogue) == [("a", 1, "accepted"), ("b", 2, "quarantined")]

    def test_only_what_waits_can_be_decided(self, catalogue: Catalogue) -> None:
        granule, _ = register(catalogue, "a")
        for decide in (catalogue.accept_granule, catalogue.refuse_granule):
            with pytest.raises(RequestRefused, match="is accepted"):
                decide(granule.id, who="ana", reason="fine")
            with pytest.raises(RequestRefused, match="no file with number 77"):
                decide(77, who="ana", reason="fine")


class TestQuarantine:
    def refuse(self, catalogue: Catalogue, letter: str) -> Granule:
        return catalogue.quarantine(
            role="level-2", name="2016-12.gfc", sha256=digest(letter), size=9, series="RL02", month="2016-12",
            reason="its end_of_head is missing", now=NOON,
        )  # fmt: skip

    def test_keeps_a_file_from_use_and_says_why_once(self, catalogue: Catalogue) -> None:
        first = self.refuse(catalogue, "a")
        assert self.refuse(catalogue, "a").id == first.id
        assert (first.state, in_use(catalogue)) == ("quarantined", [])
        assert [event.text for event in catalogue.log("2016-12")] == [
            "2016-12.gfc is set aside and not used: its end_of_head is missing."
        ]

    def test_leaves_the_version_before_in_use(self, catalogue: Catalogue) -> None:
        register(catalogue, "a")
        self.refuse(catalogue, "b")
        assert in_use(catalogue) == [("2016-12.gfc", "a")]
        assert register(catalogue, "a")[1] == "same"
        assert register(catalogue, "c")[1] == "replaced"

    def test_ends_when_the_same_bytes_pass_or_a_person_says_so(self, catalogue: Catalogue) -> None:
        self.refuse(catalogue, "a")
        assert register(catalogue, "a")[1] == "new"
        bad = self.refuse(catalogue, "b")
        catalogue.accept_granule(bad.id, who="ana", reason="checked by hand")
        assert in_use(catalogue) == [("2016-12.gfc", "b")]


class TestListing:
    def test_what_upstream_lists_no_more_stays_in_use_and_is_told_once(self, catalogue: Catalogue) -> None:
        granule, _ = register(catalogue, "a")
        assert catalogue.mark_vanished(granule.id, now=NOON)
        assert not catalogue.mark_vanished(granule.id, now=NOON + HOUR)
        assert [each.vanished_at for each in catalogue.current("level-2")] == [NOON]
        assert catalogue.mark_listed(granule.id)
        assert not catalogue.mark_listed(granule.id)
        assert [each.vanished_at for each in catalogue.current("level-2")] == [None]
        assert [event.kind for event in catalogue.log()[1:]] == ["granule-vanished", "granule-listed-again"]

    def test_what_upstream_serves_again_is_no_longer_vanished(self, catalogue: Catalogue) -> None:
        granule, _ = register(catalogue, "a")
        catalogue.mark_vanished(granule.id)
        assert register(catalogue, "a")[0].vanished_at is None

    def test_an_unchanged_file_is_noted_as_seen(self, catalogue: Catalogue) -> None:
        granule, _ = register(catalogue, "a", etag='"1"')
        seen = catalogue.mark_checked(granule.id, last_modified="Sat", now=NOON + HOUR)
        assert (seen.checked_at, seen.etag, seen.last_modified) == (NOON + HOUR, '"1"', "Sat")
        assert len(catalogue.log()) == 1
