"""The commands that steer the running system, on a real catalogue, store and releases of a simulated archive."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.operations import app
from services.publish.directories import remove
from services.publish.manifest import read_manifest
from services.publish.sums import sums_text
from shared.formats.files import sha256_of
from shared.formats.months import MonthTable
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue, Granule
from shared.storage.store import Store
from tests.integration.conftest import Archive, Simulate

GOOD, REFUSED, MISUSED, UNSOUND = 0, 1, 2, 3
COLUMNS = 80
REASON = ("--reason", "the test wants it", "--who", "ada")

Run = Callable[..., Result]


@dataclass(frozen=True)
class Place:
    """A running system without its services: its folder, its archive, and the command in it."""

    home: Path
    archive: Archive
    environment: dict[str, str]

    def __call__(self, *words: object, code: int = GOOD) -> Result:
        """The command, which must leave with this code and keep to 80 columns."""
        answer = CliRunner().invoke(app, [str(word) for word in words], env=self.environment, catch_exceptions=False)
        assert answer.exit_code == code, answer.output
        if "--json" not in words:
            assert not [line for line in answer.stdout.splitlines() if len(line) > COLUMNS]
        return answer

    def json(self, *words: object, code: int = GOOD) -> Any:
        """What the command says as JSON."""
        return json.loads(self(*words, "--json", code=code).stdout)

    def said(self, *words: object, code: int = GOOD) -> str:
        """All that the command says, on one line."""
        answer = self(*words, code=code)
        return " ".join((answer.stdout + answer.stderr).replace("│", " ").split())

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue.open(self.home / "catalogue.sqlite")

    @property
    def store(self) -> Store:
        return Store.at(self.home / "store")

    def register(self, path: Path, role: str, month: str | None = None) -> Granule:
        """Enter a file as ingest does."""
        digest, series = self.store.put_file(path), "sim" if role == "level-2" else ""
        with self.catalogue as known:
            return known.register_granule(
                role=role, name=path.name, sha256=digest, size=path.stat().st_size, series=series, month=month
            )[0]

    def quarantine(self, path: Path) -> Granule:
        digest, size = self.store.put_file(path), path.stat().st_size
        with self.catalogue as known:
            return known.quarantine(
                role="level-2", name=path.name, sha256=digest, size=size, series="sim", reason="unlike its neighbours"
            )

    def release(self, id: str = "twsa-v1.0-001") -> Path:
        return self.home / "releases" / id.partition("-")[0] / id


LAST = "2005-12"  # arrives late
ROLES = {"LOW_DEGREES": "low-degrees", "GEOCENTER": "geocenter", "GIA": "gia"}


@pytest.fixture(scope="module")
def made(simulated: Simulate, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A system that has released 2003-01 to 2005-11 of both products, done by hand."""
    archive = simulated(last=Month.parse(LAST))
    home = tmp_path_factory.mktemp("operations") / "home"
    environment = {"GRAVSTREAM_HOME": str(home), "GRAVSTREAM_CACHE": str(cache), "GRAVSTREAM_BASELINE_MONTHS": "24"}
    place = Place(home, archive, environment | {"COLUMNS": str(COLUMNS)})
    for path in sorted(archive.auxiliaries.iterdir()):
        place.register(path, next(role for word, role in ROLES.items() if word in path.name))
    for path in sorted(archive.level2.glob("*.gfc")):
        month = str(MonthTable.default().identify(path.name)[0])
        if month != LAST:
            place.register(path, "level-2", month)
    due = place.json("reconcile")
    assert [(unit["product"], unit["kind"], unit["why"]) for unit in due["due"]] == [
        ("twsa", "baseline", "it is not there yet"),
        ("l2b", "baseline", "it is not there yet"),
    ]
    place("reconcile", "--work")
    shutil.copytree(home, home.with_name("as-made"), symlinks=True)
    return place


@pytest.fixture
def place(made: Place) -> Iterator[Place]:
    """The same system for every test: what a test did is undone."""
    yield made
    for path in made.home.iterdir():
        if path.is_dir():
            remove(path)
        else:
            path.unlink()
    shutil.copytree(made.home.with_name("as-made"), made.home, symlinks=True, dirs_exist_ok=True)


def broken(path: Path, into: Path, edit: Callable[[str], str]) -> Path:
    """A copy of a file with a change."""
    into.mkdir(parents=True, exist_ok=True)
    text = path.read_text()
    assert edit(text) != text
    (into / path.name).write_text(edit(text))
    return into / path.name


def cut(text: str) -> str:
    """Half a file."""
    return text[: len(text) // 2]


def faster_rebound(text: str) -> str:
    """A GIA model with a larger rate of C20."""
    return re.sub(r"(?m)^(GRDOTA\s+2\s+0\s+)(-?)(\d)\.", lambda m: f"{m[1]}{m[2]}{(int(m[3]) % 8) + 1}.", text, count=1)


class TestState:
    def test_status_tells_how_far_the_record_is(self, place: Place) -> None:
        found = place.json("status")
        twsa = next(each for each in found["products"] if each["name"] == "twsa")
        assert (twsa["newest_upstream"], twsa["newest_released"]) == ("2005-11", "2005-11")
        assert twsa["latest"] == "twsa-v1.0-001"
        with place.catalogue as known:
            months = len(known.granules("level-2"))
        assert {"product": "l2b", "kind": "month", "state": "done", "count": months} in found["units"]
        assert "twsa 2005-11 nothing 2005-11 twsa-v1.0-001" in " ".join(place.said("status").split())

    def test_status_names_a_month_that_came_but_is_not_used_and_the_last_look(self, place: Place) -> None:
        path = place.archive.gfc(LAST)
        digest = place.store.put_file(path)
        with place.catalogue as known:
            known.register_granule(
                role="level-2", name=path.name, sha256=digest, size=1, series="sim", month=LAST, hold="doubtful"
            )
            known.record_poll("icgem")
            known.record_poll("icgem", "it stalls")
        found = place.json("status")
        assert {each["newest_upstream"] for each in found["products"]} == {LAST}
        assert [(source["name"], source["outcome"]) for source in found["sources"]] == [("icgem", "it stalls")]
        told = {each["alert"]: each["text"] for each in found["attention"]}
        assert told["BytesChanged"] == f"{path.name} waits for a decision: doubtful."
        said = place.said("status")
        assert "it stalls" in said and "docs/playbooks/bytes-changed.md" in said

    def test_log_tells_every_fact_of_a_month_in_order(self, place: Place) -> None:
        told = place.json("log", "2004-02")
        assert told[0]["kind"] == "granule-arrived"
        assert told[-1]["kind"] == "unit-done"
        assert [event["id"] for event in told] == sorted(event["id"] for event in told)
        assert len(told) == 7  # the file; of two products: due, begun, done
        assert "arrived and is in use" in place.said("log", "2004-02")

    def test_log_tells_of_a_release_and_the_newest_facts_of_all(self, place: Place) -> None:
        assert [event["kind"] for event in place.json("log", "twsa-v1.0-001")] == ["release-prepared", "release-issued"]
        everything = place.json("log")
        assert place.json("log", "--limit", 3) == everything[-3:]

    def test_log_refuses_what_nothing_is_known_of(self, place: Place) -> None:
        assert "the log knows nothing of 1999-01. Name a month" in place.said("log", "1999-01", code=REFUSED)


class TestReconcile:
    def test_has_nothing_to_do_when_all_is_released(self, place: Place) -> None:
        assert place.said("reconcile") == "Nothing is due."

    def test_says_what_a_new_month_makes_due_and_does_it(self, place: Place) -> None:
        place.register(place.archive.gfc(LAST), "level-2", LAST)
        due = place.json("reconcile")["due"]
        assert [(unit["kind"], unit["month"], unit["why"]) for unit in due] == [
            ("month", LAST, "it is not there yet")
        ] * 2
        assert "it is not there yet" in place.said("reconcile")
        done = place.json("reconcile", "--work")["done"]
        assert [each["of"] for each in done if each["state"] == "released"] == ["twsa-v1.0-002", "l2b-0001-002"]
        assert (place.home / "releases" / "twsa" / "latest").readlink().name == "twsa-v1.0-002"

    def test_says_that_other_bytes_are_why(self, place: Place, tmp_path: Path) -> None:
        place.register(broken(place.archive.gfc("2004-02"), tmp_path, lambda t: t + "\n"), "level-2", "2004-02")
        assert {unit["why"] for unit in place.json("reconcile")["due"]} == {"another level-2 file"}


class TestParked:
    @pytest.fixture
    def parked(self, place: Place, tmp_path: Path) -> Place:
        place.register(broken(place.archive.gfc(LAST), tmp_path, cut), "level-2", LAST)
        return place

    def test_work_that_fails_is_parked_and_the_rest_goes_on(self, parked: Place) -> None:
        done = parked.json("reconcile", "--work", code=UNSOUND)["done"]
        assert {each["of"] for each in done if each["state"] == "parked"} == {f"twsa {LAST}", f"l2b {LAST}"}
        units = parked.json("parked", code=UNSOUND)
        assert {unit["month"] for unit in units} == {LAST}
        said = parked.said("parked", code=UNSOUND)
        assert units[0]["key"][:12] in said
        assert "gravstream retry KEY|all --reason" in said

    def test_retry_and_drop_decide_of_it_and_are_in_the_log(self, parked: Place) -> None:
        assert parked.said("parked") == "Nothing is parked."
        parked("reconcile", "--work", code=UNSOUND)
        assert parked.said("retry", "all", *REASON).startswith("2 to be tried again.")
        parked("parked")
        parked("reconcile", "--work", code=UNSOUND)
        for unit in parked.json("parked", code=UNSOUND):
            parked("drop", unit["key"][:12], *REASON)
        parked("parked")
        told = parked.json("log", LAST)
        by_ada = [event for event in told if "by decision of ada: the test wants it" in event["text"]]
        assert sorted(event["kind"] for event in by_ada) == ["unit-dropped"] * 2 + ["unit-retried"] * 2
        assert {event["who"] for event in by_ada} == {"ada"}

    def test_a_key_that_is_unknown_doubtful_or_done_is_refused(self, place: Place) -> None:
        assert "there is no unit zz" in place.said("retry", "zz", *REASON, code=REFUSED)
        assert "there is no unit" in place.said("drop", "", *REASON, code=REFUSED)
        with place.catalogue as known:
            keys = [unit.key for unit in known.units()]
        first = max("0123456789abcdef", key=[key[0] for key in keys].count)
        assert f"units begin with {first}" in place.said("retry", first, *REASON, code=REFUSED)
        assert "is done. Use `gravstream reprocess`" in place.said("retry", keys[0], *REASON, code=REFUSED)


class TestFiles:
    def test_a_refused_month_is_used_when_a_person_says_so(self, place: Place) -> None:
        refused = place.quarantine(place.archive.gfc(LAST))
        assert [each["id"] for each in place.json("quarantine")] == [refused.id]
        assert "neighbours" in place.said("quarantine")
        place("accept", refused.id, *REASON)
        with place.catalogue as known:
            (used,) = known.granules("level-2", month=LAST)
        assert (used.sha256, used.state) == (refused.sha256, "accepted")
        assert place.json("quarantine") == []
        assert "by decision of ada: the test wants it" in place.said("log", LAST)
        assert {unit["month"] for unit in place.json("reconcile")["due"]} == {LAST}

    def test_what_no_reader_can_read_is_not_accepted(self, place: Place, tmp_path: Path) -> None:
        refused = place.quarantine(broken(place.archive.gfc(LAST), tmp_path, cut))
        assert "Put a mended file" in place.said("accept", refused.id, *REASON, code=REFUSED)
        assert [each["state"] for each in place.json("quarantine")] == ["quarantined"]

    def test_a_held_file_is_accepted_or_refused(self, place: Place, tmp_path: Path) -> None:
        gia = broken(place.archive.gia, tmp_path, faster_rebound)
        digest = place.store.put_file(gia)
        with place.catalogue as known:
            held, _ = known.register_granule(
                role="gia", name=gia.name, sha256=digest, size=gia.stat().st_size, hold="a model has other bytes"
            )
        assert any(held.name in each["text"] for each in place.json("status")["attention"])
        place("refuse", held.id, *REASON)
        with place.catalogue as known:
            assert [each.sha256 for each in known.current("gia")] == [sha256_of(place.archive.gia)]
        place("accept", held.id, *REASON)
        with place.catalogue as known:
            assert [each.sha256 for each in known.current("gia")] == [digest]

    def test_an_unknown_or_used_file_is_refused(self, place: Place) -> None:
        assert "there is no file with number 9999" in place.said("accept", 9999, *REASON, code=REFUSED)
        assert "Only held files" in place.said("refuse", 1, *REASON, code=REFUSED)

    def test_garbage_is_what_nothing_names_and_has_lain_for_a_while(self, place: Place) -> None:
        new, old = place.store.put(b"just put"), place.store.put(b"left over")
        path = place.store.local(old)
        assert path is not None
        os.utime(path, (time.time() - 90000, time.time() - 90000))
        for there in place.home.glob("store/objects/*/*"):
            if there != place.store.local(new):
                os.utime(there, (time.time() - 90000, time.time() - 90000))
        assert place.json("collect-garbage", "--dry-run") == {"objects": [old], "bytes": 9, "deleted": False}
        assert place.store.has(old)
        assert place.said("collect-garbage", "--who", "ada") == "1 objects, 0.0 MB, deleted."
        assert (place.store.has(old), place.store.has(new)) == (False, True)
        assert place.json("log", "system")[-1]["who"] == "ada"
        place("verify", "twsa-v1.0-001", "--rebuild")


class TestReleases:
    def test_are_listed(self, place: Place) -> None:
        assert [each["id"] for each in place.json("releases")] == ["twsa-v1.0-001", "l2b-0001-001"]
        assert "2003-01..2005-11" in place.said("releases")

    @pytest.fixture
    def held(self, place: Place) -> Place:
        """A new month that the gate holds: as it would for a broken limit, entered by hand."""
        place.register(place.archive.gfc(LAST), "level-2", LAST)
        with place.catalogue as known:
            latest = known.latest("twsa")
            assert latest is not None
        place("reconcile", "--work")
        with closing(sqlite3.connect(place.home / "catalogue.sqlite")) as database:
            database.execute("UPDATE releases SET state='held', reasons='[\"noise: too much\"]' WHERE serial = 2")
            database.commit()
        remove(place.release("twsa-v1.0-002"))
        return place

    def test_a_held_one_appears_when_it_is_approved(self, held: Place) -> None:
        assert "noise" in held.said("releases")
        held("releases", "approve", "twsa-v1.0-002", *REASON)
        assert held.said("reconcile").startswith("twsa of 35 months waits for its release")
        held("reconcile", "--work")
        assert held.json("releases")[2]["state"] == "released"
        assert held.json("releases")[2]["decision"] == "approved: the test wants it"
        held("verify", "twsa-v1.0-002")

    def test_a_rejected_one_does_not(self, held: Place) -> None:
        held("releases", "reject", "twsa-v1.0-002", *REASON)
        held("reconcile", "--work")
        assert held.json("releases")[2]["state"] == "rejected"
        assert not held.release("twsa-v1.0-002").exists()
        said = held.said("releases", "approve", "twsa-v1.0-002", *REASON, code=REFUSED)
        assert "twsa-v1.0-002 is rejected" in said

    def test_a_retracted_one_leaves_a_tombstone_and_latest_goes_back(self, place: Place) -> None:
        place.register(place.archive.gfc(LAST), "level-2", LAST)
        place("reconcile", "--work")
        assert "twsa-v1.0-001 is there" in place.said("releases", "retract", "twsa-v1.0-002", *REASON)
        stone = json.loads((place.release("twsa-v1.0-002") / "tombstone.json").read_text())
        assert (stone["who"], stone["reason"], stone["successor"]) == ("ada", "the test wants it", "twsa-v1.0-001")
        assert place.release("latest").parent.parent.joinpath("twsa", "latest").readlink().name == "twsa-v1.0-001"
        assert place.json("releases")[2]["state"] == "retracted"
        assert place.said("reconcile") == "Nothing is due."
        place("verify", "twsa-v1.0-002")
        said = place.said("verify", "twsa-v1.0-002", "--rebuild", code=REFUSED)
        assert "A retracted or damaged release cannot be compared" in said

    def test_a_retraction_that_was_interrupted_is_finished_with_its_first_reason(self, place: Place) -> None:
        with place.catalogue as known:
            known.retract_release("twsa-v1.0-001", who="eve", reason="wrong scale")
        assert "No release is in its place" in place.said("releases", "retract", "twsa-v1.0-001", *REASON)
        stone = json.loads((place.release() / "tombstone.json").read_text())
        assert (stone["who"], stone["reason"]) == ("eve", "wrong scale")

    @pytest.mark.parametrize("verb", ["approve", "reject", "retract"])
    def test_an_unknown_one_is_refused(self, place: Place, verb: str) -> None:
        assert "there is no release x-1" in place.said("releases", verb, "x-1", *REASON, code=REFUSED)


class TestBaselines:
    @pytest.fixture
    def proposed(self, place: Place) -> Place:
        """The baseline of the other product's months stands in for a new one."""
        with place.catalogue as known:
            other = known.baseline("l2b")
            assert other is not None
            known.propose_baseline("twsa", other.digest, reason="a month was issued again")
        return place

    def test_an_accepted_one_makes_all_months_due(self, proposed: Place) -> None:
        number = next(each["id"] for each in proposed.json("baselines") if each["state"] == "proposed")
        assert "a month was issued again" in proposed.said("baselines")
        assert "all its months are computed again" in proposed.said("baselines", "accept", number, *REASON)
        due = proposed.json("reconcile")["due"]
        assert {(unit["product"], unit["kind"], unit["why"]) for unit in due} == {
            ("twsa", "month", "another baseline file")
        }
        assert len(due) == 34

    def test_a_refused_one_changes_nothing(self, proposed: Place) -> None:
        number = next(each["id"] for each in proposed.json("baselines") if each["state"] == "proposed")
        proposed("baselines", "refuse", number, *REASON)
        assert proposed.said("reconcile") == "Nothing is due."
        assert "Only a proposed one" in proposed.said("baselines", "refuse", number, *REASON, code=REFUSED)
        used = next(each["id"] for each in proposed.json("baselines") if each["state"] == "accepted")
        assert "Only a proposed one" in proposed.said("baselines", "accept", used, *REASON, code=REFUSED)


def released_anew(release: Path, folder: Path) -> Path:
    """A copy of a release whose maps have one byte more, with sums and manifest that fit."""
    copy = folder / release.name
    shutil.copytree(release, copy)
    for parent, _, names in os.walk(copy):
        Path(parent).chmod(0o755)
        for name in names:
            (Path(parent) / name).chmod(0o644)
    maps = next(copy.glob("*.nc"))
    digest, size = sha256_of(maps), maps.stat().st_size
    with maps.open("ab") as stream:
        stream.write(b"\0")
    words = (copy / "manifest.json").read_text().replace(digest, sha256_of(maps)).replace(f"{size}", f"{size + 1}")
    (copy / "manifest.json").write_text(words)
    (copy / "SHA256SUMS").write_text(sums_text(copy))
    return copy


class TestVerify:
    @pytest.mark.parametrize("release", ["twsa-v1.0-001", "l2b-0001-001"])
    def test_a_release_comes_out_of_the_store_with_the_same_bits(self, place: Place, release: str) -> None:
        # Gone from the store, it must not be put back by a check: that would hide the loss.
        place.store.delete(read_manifest(place.release(release)).outputs[0].sha256)
        before = set(place.store.digests())
        said = place.said("verify", release, "--rebuild")
        assert said.endswith(f"{release} is sound, and comes out with the same bits.")
        assert set(place.store.digests()) == before

    def test_a_changed_file_is_named(self, place: Place) -> None:
        path = place.release() / "CHANGES.md"
        path.chmod(0o644)
        path.write_text("nothing to see")
        assert "CHANGES.md is changed" in place.said("verify", place.release(), code=UNSOUND)
        assert place.json("verify", "twsa-v1.0-001", code=UNSOUND)["problems"] == ["CHANGES.md is changed"]

    def test_a_release_that_was_changed_with_its_sums_is_seen_only_by_making_it_again(
        self, place: Place, tmp_path: Path
    ) -> None:
        copy = released_anew(place.release(), tmp_path)
        name = read_manifest(copy).outputs[0].name
        place("verify", copy)
        problems = place.json("verify", copy, "--rebuild", code=UNSOUND)["problems"]
        assert problems == [f"{name} comes out with other bits than it was released with"]

    def test_a_month_that_is_kept_with_other_bits_is_named(self, place: Place) -> None:
        other_bits(place, "2004-02")
        problems = place.json("verify", "twsa-v1.0-001", "--rebuild", code=UNSOUND)["problems"]
        assert problems == ["Level-2B of 2004-02 comes out with other bits than are kept"]

    def test_an_input_that_is_lost_is_told(self, place: Place) -> None:
        place.store.delete(sha256_of(place.archive.gfc("2004-02")))
        problems = place.json("verify", "twsa-v1.0-001", "--rebuild", code=UNSOUND)["problems"]
        assert "is not in the store" in problems[0]

    def test_an_unknown_release_is_refused(self, place: Place) -> None:
        assert "there is no release nowhere" in place.said("verify", "nowhere", code=REFUSED)


def other_bits(place: Place, month: str) -> None:
    """Let the catalogue believe that a month of twsa gave what another month gave."""
    with place.catalogue as known:
        (mine,) = known.units("done", "month", "twsa", month)
        (other,) = known.units("done", "month", "twsa", "2004-03")
    with closing(sqlite3.connect(place.home / "catalogue.sqlite")) as database:
        database.execute("UPDATE units SET outputs = ? WHERE key = ?", (json.dumps(dict(other.outputs)), mine.key))
        database.commit()


class TestReprocess:
    def test_a_dry_run_says_what_would_be_computed_and_changes_nothing(self, place: Place) -> None:
        before = place.json("log")
        words = ("reprocess", "--months", "2003-02,2004-11..2005-01", "--dry-run", *REASON)
        units = place.json(*words)["units"]
        assert [(unit["product"], unit["month"]) for unit in units] == [
            (product, month) for product in ("twsa", "l2b") for month in ("2003-02", "2004-11", "2004-12", "2005-01")
        ]
        said = place.said(*words)
        assert "2003-02, 2004-11..2005-01" in said
        assert "A dry run: nothing was changed." in said
        assert place.json("log") == before
        assert place.said("reconcile") == "Nothing is due."

    def test_the_same_inputs_give_the_same_bits_and_no_release(self, place: Place) -> None:
        place("reprocess", "--months", "2004-02", *REASON)
        due = place.json("reconcile")["due"]
        assert {(unit["month"], unit["why"]) for unit in due} == {("2004-02", "asked for again")}
        place("reconcile", "--work")
        told = place.json("log", "system")
        assert told[-1]["kind"] == "reprocessing-done"
        assert told[-1]["text"] == "Reprocessing 1 is done: 2 units have the same bits as before."
        assert len(place.json("releases")) == 2
        asked = [event for event in place.json("log", "2004-02") if event["kind"] == "reprocessing-requested"]
        assert [(event["who"], "the test wants it" in event["text"]) for event in asked] == [("ada", True)]

    def test_other_bits_under_the_same_key_are_told(self, place: Place) -> None:
        other_bits(place, "2004-02")
        place("reprocess", "--months", "2004-02", "--steps", "from=decorrelate", *REASON)
        place("reconcile", "--work")
        text = place.json("log", "system")[-1]["text"]
        assert "1 units have other bits under the same key (months 2004-02)" in text
        assert "1 units have the same bits as before" in text

    def test_a_step_of_the_series_means_the_series_alone(self, place: Place) -> None:
        units = place.json("reprocess", "--steps", "from=combine_filters", *REASON)["units"]
        assert [(unit["product"], unit["kind"]) for unit in units] == [("twsa", "series")]
        place("reconcile", "--work")
        assert place.json("log", "system")[-1]["text"].endswith("1 units have the same bits as before.")
        assert len(place.json("releases")) == 2

    def test_while_the_series_is_made_again_no_older_one_is_released_in_its_place(self, place: Place) -> None:
        with closing(sqlite3.connect(place.home / "catalogue.sqlite")) as database:
            database.execute("UPDATE releases SET key = 'of another' WHERE product = 'twsa'")
            database.commit()
        place.register(place.archive.gfc(LAST), "level-2", LAST)
        for unit in place.json("reconcile")["due"]:
            assert unit["month"] == LAST
        process_only(place)
        assert [each["product"] for each in place.json("reconcile")["to release"]] == ["twsa", "l2b"]
        place("reprocess", "--steps", "from=combine_filters", *REASON)
        found = place.json("reconcile")
        assert [unit["kind"] for unit in found["due"]] == ["series"]
        assert [each["product"] for each in found["to release"]] == ["l2b"]

    def test_another_auxiliary_changes_all_months_by_itself(self, place: Place, tmp_path: Path) -> None:
        gia = broken(place.archive.gia, tmp_path, faster_rebound)
        words = ("reprocess", "--auxiliary", f"gia={gia}", *REASON)
        would = place.json(*words, "--dry-run")["units"]
        with place.catalogue as known:
            assert [each.sha256 for each in known.current("gia")] == [sha256_of(place.archive.gia)]
        assert sum(unit["kind"] == "month" for unit in would) == 2 * 34
        assert {unit["why"] for unit in would} == {"another gia", "its months are others"}
        place(*words)
        due = place.json("reconcile")["due"]
        assert {unit["key"] for unit in due} == {unit["key"] for unit in would if unit["key"]}
        assert {unit["why"] for unit in due} == {"other auxiliaries: gia"}
        CliRunner().invoke(app, ["reconcile", "--work"], env=place.environment, catch_exceptions=False)
        assert place.json("log", "system")[-1]["kind"] == "reprocessing-done"
        last = place.json("releases")[-2:]
        assert {each["state"] for each in last} <= {"held", "released"}
        assert len(place.json("releases")) == 4

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            (["--months", "2004-13"], "2004-13 is not a month. Write months as"),
            (["--months", "1999-01..1999-05"], "there is no month of data in 1999-01..1999-05"),
            (["--steps", "from=guess"], "there is no step guess. Steps are subtract_mean, decorrelate"),
            (["--steps", "decorrelate"], "Write --steps from=decorrelate"),
            (["--steps", "from=mask_ocean", "--months", "2004-02"], "Leave --months out"),
            (["--auxiliary", "gia"], "Write --auxiliary gia=FILE"),
            (["--auxiliary", "tides=pyproject.toml"], "tides is no auxiliary. Take low-degrees, gia"),
            (["--auxiliary", "gia=nowhere"], "there is no file nowhere"),
            (["--auxiliary", "gia={gia}"], "is the gia that is in use"),
            (["--auxiliary", "gia={low_degrees}"], ""),
            (["--auxiliary", "gia={gia}", "--months", "2004-02"], "Leave --months and --steps out"),
        ],
    )
    def test_what_cannot_be_done_is_refused_and_leaves_no_trace(
        self, place: Place, options: list[str], found: str
    ) -> None:
        before = place.json("log")
        files = {"gia": place.archive.gia, "low_degrees": place.archive.low_degrees}
        said = place.said("reprocess", *(option.format(**files) for option in options), *REASON, code=REFUSED)
        assert found in said
        assert place.json("log") == before

    def test_a_file_is_refused_by_a_name_that_nothing_knows_but_not_by_the_alphabet(
        self, place: Place, tmp_path: Path
    ) -> None:
        gia = broken(place.archive.gia, tmp_path, faster_rebound)
        early = gia.rename(tmp_path / "A_GIA.txt")
        place.said("reprocess", "--auxiliary", f"gia={early}", "--dry-run", *REASON)
        unknown = early.rename(tmp_path / "zzz.txt")
        assert "zzz.txt cannot take its place" in place.said(
            "reprocess", "--auxiliary", f"gia={unknown}", *REASON, code=REFUSED
        )


def process_only(place: Place) -> None:
    """Do what process has to do, as if publish were down."""
    from services.process.agenda import look
    from services.process.app import hall
    from services.process.workplace import work

    with pytest.MonkeyPatch.context() as patch:
        for name, value in place.environment.items():
            patch.setenv(name, value)
        here = hall()
        while units := look(here):
            for unit in units:
                work(here, unit.key)


ACTS = (
    ("retry", "all"), ("drop", "abc"), ("accept", "1"), ("refuse", "1"), ("reprocess",),
    ("releases", "approve", "x"), ("releases", "reject", "x"), ("releases", "retract", "x"),
    ("baselines", "accept", "1"), ("baselines", "refuse", "1"),
)  # fmt: skip


@pytest.mark.parametrize("words", ACTS, ids=" ".join)
def test_every_act_asks_for_a_reason(made: Place, words: tuple[str, ...]) -> None:
    before = made.json("log")
    assert "--reason" in made.said(*words, code=MISUSED)
    assert "say why" in made.said(*words, "--reason", "  ", code=MISUSED)
    assert made.json("log") == before


def test_help_tells_the_exit_codes(made: Place) -> None:
    for words in (("parked",), ("reconcile",), ("verify",), ("reprocess",), ("log",), ("releases", "retract")):
        assert re.search(r"[Ll]eaves with \d", made.said(*words, "--help"))
