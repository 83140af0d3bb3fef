"""From a file that came to what is released or held: on a real catalogue and store, with real files."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from services.process.production import Outcome
from services.publish.sums import verify
from shared.formats.baseline import read_baseline
from shared.formats.files import sha256_of
from shared.formats.netcdf import read_level3
from shared.models.coefficients import FilterSource
from shared.models.epoch import Month
from shared.storage.catalogue import BaselineRecord
from tests.integration.conftest import Make
from tests.integration.process.conftest import KEPT_BACK, System, edited_copy, manifest, maps

NEW, NEWER = KEPT_BACK
OLD = "2004-02"


def with_a_line_more(content: bytes) -> bytes:
    return content + b"\n"


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def faster_rebound(content: bytes) -> bytes:
    """A GIA model with a larger rate of C20."""
    return re.sub(rb"(?m)^(GRDOTA\s+2\s+0\s+-?)(\d)\.", lambda m: m[1] + b"%d." % (int(m[2]) % 8 + 1), content, count=1)


def test_a_reference_month_issued_again_changes_the_baseline_only_when_a_person_says_so(
    system: System, tmp_path: Path
) -> None:
    used = system.known.baseline("twsa")
    first = system.known.latest("twsa")
    assert used is not None and first is not None
    system.register(edited_copy(system.archive.gfc(OLD), tmp_path, with_a_line_more), "level-2", OLD)
    assert [unit.kind for unit in system.work()] == ["month", "series", "baseline"]
    record = system.release()
    assert (record.kind, record.state) == ("extension", "released")
    assert manifest(record).baseline == manifest(first).baseline == content_digest(system, used)
    (proposed,) = system.known.baselines("twsa", "proposed")
    assert (proposed.reason, proposed.digest != used.digest) == (f"issued again since baseline 1: {OLD}", True)
    assert system.is_idle()

    system.known.accept_baseline(proposed.id, who="ada", reason="the month is better")
    done = system.work()
    assert [unit.kind for unit in done] == [*["month"] * (len(done) - 1), "series"]
    held = system.release()
    assert (held.kind, held.state) == ("major", "held")
    assert [reason.partition(":")[0] for reason in held.reasons] == ["version"], "it must be another version"
    released = system.approve(held)
    assert (released.id, released.state) == (held.id, "released")
    assert manifest(released).baseline == content_digest(system, proposed)
    assert manifest(released).why.startswith("The baseline ")
    assert system.is_idle()


def content_digest(system: System, baseline: BaselineRecord) -> str:
    """The digest that products made with a baseline name: of its numbers, not of its file."""
    path = system.hall.store.local(baseline.digest)
    assert path is not None
    return read_baseline(path).digest


def test_normal_equations_that_come_filter_their_month_as_by_hand(system: System, make: Make, tmp_path: Path) -> None:
    for month in (OLD, NEW):
        system.register(system.archive.sinex(month), "normals", month)
    system.register(system.archive.gfc(NEW), "level-2", NEW)
    done = system.work()
    assert [unit.month for unit in done] == [OLD, NEW, None]
    record = system.release()
    assert (record.kind, record.state) == ("extension", "released")
    found = read_level3(maps(record))
    by_normals = {
        str(month)
        for month, source in zip(found.months, found.filter_sources, strict=True)
        if source is FilterSource.NORMALS
    }
    assert by_normals == {OLD, NEW}
    assert {"month": OLD, "flag": "normals", "before": "error-scaled", "after": "normals"} in record.changes["flags"]
    assert {source.name for source in manifest(record).inputs if source.role == "normals"} == {
        system.archive.sinex(month).name for month in (OLD, NEW)
    }
    by_hand = made_by_hand(system, make, tmp_path)
    assert by_hand.filter_sources[FilterSource.NORMALS] == 2
    assert sha256_of(by_hand.files[0]) == sha256_of(maps(record))


def made_by_hand(system: System, make: Make, folder: Path) -> Outcome:
    """What a person makes of the same months with the same baseline, at the same moment."""
    series, used = system.known.wanted_series("twsa"), system.known.baseline("twsa")
    assert series is not None and used is not None
    archive = system.archive.linked(folder / "archive", until=Month.parse(NEW))
    return make(
        archive, folder / "out", baseline=system.hall.store.local(used.digest), issued=series.created_at,
    )  # fmt: skip


def test_a_file_that_is_taken_back_brings_the_series_of_before_as_a_new_release(system: System, tmp_path: Path) -> None:
    first = system.known.latest("twsa")
    assert first is not None
    system.register(edited_copy(system.archive.gia, tmp_path, faster_rebound), "gia")
    system.work()
    second = system.approve(system.release())
    system.register(system.archive.gia, "gia")
    assert system.work() == [], "all of it was made before"
    held = system.release()
    assert (held.kind, held.state, held.key) == ("minor", "held", first.key)
    third = system.approve(held)
    assert [each.id for each in system.known.releases("twsa")] == [first.id, second.id, third.id]
    assert third.serial == first.serial + 2
    assert sha256_of(maps(third)) == sha256_of(maps(first)) != sha256_of(maps(second))
    assert manifest(third).issued > manifest(second).issued > manifest(first).issued
    assert (system.desk.releases / "twsa" / "latest").readlink().name == third.id
    assert verify(Path(third.directory)) == []
    assert system.is_idle()


def test_what_garbage_collection_took_is_made_again_when_its_files_come_back(system: System, tmp_path: Path) -> None:
    once = edited_copy(system.archive.gia, tmp_path / "once", faster_rebound)
    twice = edited_copy(once, tmp_path / "twice", faster_rebound)
    system.register(once, "gia")
    made = system.work()
    system.register(twice, "gia")
    system.work()
    store, known = system.hall.store, system.known
    garbage = set(store.collect_garbage(known.wanted_digests(), older_than=timedelta(0), dry_run=True))
    assert set(made[-1].outputs.values()) <= garbage, "nothing was released from it"
    known.forget_made(garbage)
    store.collect_garbage(known.wanted_digests(), older_than=timedelta(0), dry_run=False)
    system.register(once, "gia")
    again = system.work()
    assert [(unit.key, unit.state) for unit in again] == [(unit.key, "done") for unit in made]
    assert [unit.outputs for unit in again[:-1]] == [unit.outputs for unit in made[:-1]], "maps bear another date"
    assert system.approve(system.release()).state == "released"


class TestAMonthThatCannotBeMade:
    def test_and_was_released_before_holds_the_release_and_says_why(self, system: System, tmp_path: Path) -> None:
        system.register(edited_copy(system.archive.gfc(OLD), tmp_path, cut), "level-2", OLD)
        assert [(unit.kind, unit.state) for unit in system.work()] == [("month", "parked"), ("series", "done")]
        held = system.release()
        assert held.state == "held"
        assert f"months kept: {OLD}" in held.reasons
        (why,) = (reason for reason in held.reasons if "was released before" in reason)
        assert re.match(
            rf"{OLD} was released before and is left out: its Level-2B is parked \(.+\.gfc.+ expected\b", why
        )
        assert system.is_idle()

        mended = edited_copy(system.archive.gfc(OLD), tmp_path / "mended", with_a_line_more)
        system.register(mended, "level-2", OLD)
        system.work()
        released = system.release()
        assert (released.state, Month.parse(OLD) in manifest(released).months) == ("released", True)
        assert system.known.units("parked") == []
        given_up = system.known.find_release(held.id)
        assert given_up is not None and given_up.state == "rejected"

    def test_and_is_new_holds_up_no_other(self, system: System, tmp_path: Path) -> None:
        system.register(edited_copy(system.archive.gfc(NEW), tmp_path, cut), "level-2", NEW)
        system.register(system.archive.gfc(NEWER), "level-2", NEWER)
        system.work()
        assert [unit.month for unit in system.known.units("parked")] == [NEW]
        record = system.release()
        assert (record.state, record.last) == ("released", NEWER)
        assert Month.parse(NEW) not in manifest(record).months
        assert record.changes["months_added"] == [NEWER]
        # The fits of trend and seasons look at all months, so past ones move a little: users are told by how much.
        assert max(change["rms"] for change in record.changes["changed"]) > 0.0
