"""What becomes of the files of an upstream that behaves well: new, grown, replaced, vanished, dropped in."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from services.ingest.intake import BUSY, _staging, intake, verify_again
from shared.errors import RequestRefused, StoreUnavailable
from shared.formats.low_degrees import read_table
from shared.simulation.upstream import Fault
from tests.integration.ingest.conftest import GIA, MONTHS, NOON, TABLE, Place


def test_an_empty_system_takes_the_series_as_one_file(place: Place) -> None:
    report = place.look()
    assert (report.outcome, len(report.new)) == ("ok", MONTHS)
    assert place.requests() == ["/sp/" + place.upstream.series, "/getseries/" + place.upstream.series]
    assert [granule.month for granule in place.months()][:2] == ["2005-01", "2005-02"]
    assert {message.sha256 for message in place.announced} == {granule.sha256 for granule in place.months()}
    for granule in place.months():
        assert place.store.get(granule.sha256) == place.upstream.content(granule.name)
        assert granule.begin is not None and granule.end is not None and granule.series == place.upstream.series
    place.assert_sound()


def test_a_few_new_months_are_fetched_one_by_one_with_pauses(place: Place) -> None:
    place.upstream.hide(3)
    place.look()
    place.upstream.reveal(3)
    before = len(place.upstream.requests)
    report = place.look(pause=0.3)
    assert report.new == list(place.upstream.months[-3:])
    asked = place.upstream.requests[before:]
    assert [request.path.endswith(".gfc") for request in asked] == [False, True, True, True]
    moments = [request.moment for request in asked]
    # The time between two requests being sent is kept; on a busy machine one may be answered a little late.
    assert all(after - before >= 0.2 for before, after in pairwise(moments))


def test_a_poll_without_news_is_one_request(place: Place) -> None:
    place.look()
    before, told = len(place.upstream.requests), len(place.catalogue.log())
    for _ in range(3):
        assert place.look().new == []
    assert len(place.upstream.requests) == before + 3
    assert len(place.catalogue.log()) == told and len(place.announced) == MONTHS


def test_licence_and_citation_are_kept(place: Place) -> None:
    report = place.look()
    assert report.licence.startswith("Creative Commons Attribution 4.0") and "SIMULATED" in report.citation


def test_a_month_whose_file_is_missing_in_the_zip_is_fetched_singly(place: Place) -> None:
    place.upstream.misbehave(Fault("no-zip", match=f"^/getseries/{place.upstream.series}$"))
    assert len(place.look().new) == MONTHS
    assert len(place.events("archive-refused")) == 1


def test_the_newest_months_are_read_again_from_time_to_time(place: Place) -> None:
    place.look()
    place.later(days=6)
    assert place.look().same == []
    place.later(days=2)
    assert sorted(place.look().same) == list(place.upstream.months[-3:])
    assert place.look().same == []


def reissued(content: bytes) -> bytes:
    """The same month, computed again: its comment and one coefficient differ a little."""
    changed = content.replace(b"combined by VCE", b"combined by vce")
    return re.sub(rb"(?m)^(gfc +12 +12 +[+-]\d\.\d{7})(\d)", lambda m: m[1] + (b"1" if m[2] != b"1" else b"2"), changed)


@pytest.mark.parametrize(("policy", "state", "announced"), [("replace", "accepted", 1), ("hold", "held", 0)])
def test_a_month_that_was_computed_again_is_a_new_version(
    place: Place, policy: str, state: str, announced: int
) -> None:
    place.look(policy=policy)
    name = place.upstream.months[-1]
    old = place.upstream.content(name)
    new = place.edit(name, reissued)
    place.later(days=8)
    place.announced.clear()
    report = place.look()
    versions = {granule.version: granule for granule in place.catalogue.granules("level-2", name=name, state=None)}
    assert (versions[2].state, versions[2].sha256) == (state, hashlib.sha256(new).hexdigest())
    assert versions[1].state == ("superseded" if policy == "replace" else "accepted")
    assert place.store.get(versions[1].sha256) == old
    assert report.replaced + report.held == [name] and len(place.announced) == announced
    assert len(place.events("granule-replaced" if policy == "replace" else "granule-held")) == 1
    place.later(days=8)
    assert place.look().replaced == []  # told and done once


def test_a_listed_size_that_does_not_fit_is_looked_into_at_once(place: Place) -> None:
    place.look()
    name = place.upstream.months[0]  # not among the newest
    place.edit(name, lambda content: content.replace(b"SIMULATED", b"SIMULATED " + b"again " * 100, 1))
    assert place.look().replaced == [name]


def test_a_renamed_month_takes_the_place_of_the_former(place: Place) -> None:
    place.look()
    name = place.upstream.months[-1]
    content = place.upstream.content(name)
    place.upstream.hide(1)
    renamed = name.replace("_0200", "_0201")
    path = place.folder / renamed
    path.write_bytes(content.replace(b"combined by VCE", b"combined anew by VCE"))
    place.upstream._months[renamed] = path
    del place.upstream._months[name]
    place.upstream.reveal(1)
    report = place.look()
    assert report.replaced == [renamed] and report.vanished == []
    assert place.names()[-1] == renamed and len(place.months()) == MONTHS


def test_two_files_for_one_month_wait_for_a_person(place: Place) -> None:
    place.look()
    renamed = place.upstream.months[-1].replace("_0200", "_0201")
    path = place.folder / renamed
    path.write_bytes(place.upstream.content(place.upstream.months[-1]).replace(b"by VCE", b"anew by VCE"))
    place.upstream._months[renamed] = path
    place.upstream.reveal(1)
    assert place.look().held == [renamed]
    assert renamed not in place.names() and len(place.months()) == MONTHS


class TestTables:
    def test_come_with_their_roles(self, place: Place) -> None:
        place.look("isdc")
        kept = {granule.role: granule.name for granule in place.catalogue.granules()}
        assert kept["low-degrees"] == TABLE and kept["gia"] == GIA and "geocenter" in kept

    def test_are_asked_for_under_a_condition(self, place: Place) -> None:
        place.look("isdc")
        before = len(place.upstream.requests)
        report = place.look("isdc")
        asked = place.upstream.requests[before + 1 :]
        assert len(report.same) == 3
        assert [(request.status, bool(request.condition)) for request in asked] == [(304, True)] * 3

    def test_that_grow_take_the_place_of_the_shorter_ones(self, place: Place) -> None:
        place.upstream._rows[TABLE] = 10
        place.look("isdc")
        place.announced.clear()
        place.upstream.extend(TABLE, 2)
        assert place.look("isdc").replaced == [TABLE]
        assert [message.role for message in place.announced] == ["low-degrees"]
        table = place.catalogue.current("low-degrees")[0]
        assert read_table(place.store.get(table.sha256), name=TABLE).begin.size == 12

    @staticmethod
    def changed(content: bytes) -> bytes:
        """The first row's C20 has another standard deviation."""
        head, marker, rows = content.partition(b"PRODUCT:")
        first, end, rest = rows.lstrip(b" \r\n").partition(b"\n")
        words = first.split()
        other = words[4][:-1] + (b"1" if words[4][-1:] != b"1" else b"2")
        return head + marker + b"\n" + first.replace(b" " + words[4], b" " + other, 1) + end + rest

    def test_whose_past_rows_changed_are_held_and_not_used(self, place: Place) -> None:
        place.look("isdc")
        used = place.catalogue.current("low-degrees")[0]
        place.announced.clear()
        place.edit(TABLE, self.changed)
        assert place.look("isdc").held == [TABLE]
        assert place.catalogue.current("low-degrees") == [replace(used, checked_at=NOON)] and not place.announced
        assert "past rows have changed: 2005-01-01 C20" in place.events("granule-held")[0]
        assert place.look("isdc").held == [] and len(place.events("granule-held")) == 1
        held = place.catalogue.granules("low-degrees", state="held")[0]
        place.catalogue.accept_granule(held.id, who="ada", reason="announced by the producer")
        assert place.catalogue.current("low-degrees")[0].sha256 == held.sha256

    def test_that_lost_rows_are_held(self, place: Place) -> None:
        place.look("isdc")
        place.upstream._rows[TABLE] = 9
        assert place.look("isdc").held == [TABLE]
        assert "2005-10-01 is gone" in place.events("granule-held")[0]

    def test_a_model_with_other_bytes_is_held(self, place: Place) -> None:
        place.look("isdc")
        place.edit(GIA, lambda content: content.replace(b"SIMULATED", b"simulated", 1))
        assert place.look("isdc").held == [GIA]


class TestRefusedFiles:
    def test_are_set_aside_with_their_reason_and_hold_up_no_other(self, place: Place) -> None:
        name = place.upstream.months[6]
        place.edit(name, lambda content: content.replace(b"\ngfc    5 ", b"\ngfc    5x", 1))
        report = place.look()
        assert report.quarantined == [name] and len(report.new) == MONTHS - 1
        refused = place.months("quarantined")[0]
        assert name in refused.reason and place.store.get(refused.sha256) == place.upstream.content(name)

    def test_are_asked_for_again_later_and_later(self, place: Place) -> None:
        name = place.upstream.months[6]
        good = place.upstream.content(name)
        place.edit(name, lambda content: content[: len(content) // 2])
        place.look()
        asked = []
        for hour in range(24):
            before = len(place.requests(name))
            place.look()
            asked += [hour] * (len(place.requests(name)) - before)
            place.later(hours=1)
        assert asked == [1, 2, 4, 8, 16]
        assert len(place.events("granule-quarantined")) == 1
        place.upstream.replace(name, good)
        place.later(hours=10)
        assert place.look().new + place.look().replaced == [name]
        assert len(place.months()) == MONTHS

    def test_a_file_damaged_on_its_way_comes_once_more(self, place: Place) -> None:
        place.upstream.misbehave(Fault("cut", match=r"2005060.*gfc$"))
        report = place.look(backfill_from=100)
        assert len(report.new) == MONTHS and report.quarantined == []
        assert len(place.requests("2005060")) == 2

    def test_can_be_looked_at_again_by_hand(self, place: Place) -> None:
        place.look(max_line=40)
        refused = place.months("quarantined")
        assert len(refused) == MONTHS and "a line of more than 40" in refused[0].reason
        settings = replace(place.settings, max_line=4096)
        report = verify_again(refused[0].id, place.catalogue, place.store, settings, place.announced.append)
        assert report.new == [refused[0].name] and place.months()[0].month == "2005-01"
        with pytest.raises(RequestRefused, match="no refused file"):
            verify_again(10**6, place.catalogue, place.store, settings, place.announced.append)

    @pytest.mark.parametrize(
        ("edit", "reason"),
        [
            (lambda c: c.replace(b"tide_free", b"zero_tide"), "tide_system zero_tide where the months around it have"),
            (lambda c: re.sub(rb"(?m)^(gfc +7 +3 +.\d\.\d+E-)\d\d", rb"\g<1>07", c, count=1), "degree 7 differs by"),
            (lambda c: re.sub(rb"(?m)^(gfc +2 +0 +-)4\.84", rb"\g<1>4.94", c), "which are not the Earth's"),
            (lambda c: re.sub(rb"(?m)^(gfc +9 +\d+ +.\d\.\d+E-)0\d", rb"\g<1>06", c), "times those of the Earth"),
        ],
        ids=["tide system", "one coefficient", "flattening", "scale"],
    )
    def test_a_month_unlike_its_neighbours_is_set_aside(self, place: Place, edit, reason: str) -> None:
        place.upstream.hide(1)
        place.look()
        place.upstream.reveal(1)
        place.edit(place.upstream.months[-1], edit)
        assert place.look().quarantined == [place.upstream.months[-1]]
        assert reason in place.months("quarantined")[0].reason


class TestAListing:
    def test_that_lost_files_is_told_once_and_nothing_is_deleted(self, place: Place) -> None:
        place.look()
        place.upstream.hide(2)
        report = place.look()
        assert len(report.vanished) == 2 and place.look().vanished == []
        assert len(place.months()) == MONTHS
        assert len(place.events("listing-shrunk")) == 1 and len(place.events("granule-vanished")) == 2
        place.upstream.reveal(2)
        place.look()
        assert len(place.events("listing-shrunk-over")) == 1
        assert [granule.vanished_at for granule in place.months()] == [None] * MONTHS


class TestAFolder:
    @pytest.fixture
    def inbox(self, place: Place) -> Path:
        (place.folder / "inbox" / "more").mkdir(parents=True)
        return place.folder / "inbox"

    def test_brings_files_of_every_role(self, place: Place, inbox: Path, archive: Path) -> None:
        for path in (*(archive / "level2").iterdir(), *(archive / "auxiliaries").iterdir()):
            shutil.copy(path, inbox / "more")
        (inbox / "months_own.csv").write_text("nominal_month,begin_yyyyddd,end_yyyyddd\n2005-01,2005001,2005031\n")
        report = place.look("folder")
        assert len(report.new) == MONTHS + 4 and report.quarantined == []
        roles = {granule.role for granule in place.catalogue.granules()}
        assert roles == {"level-2", "low-degrees", "geocenter", "gia", "month-table"}
        assert place.look("folder").new == []

    def test_leaves_what_is_being_written_and_what_leads_elsewhere(self, place: Place, inbox: Path) -> None:
        name = place.upstream.months[0]
        for other in (f".{name}", f"{name}.part", f"{name}.tmp"):
            (inbox / other).write_bytes(b"half")
        outside = place.folder / name
        outside.write_bytes(place.upstream.content(name))
        (inbox / name).symlink_to(outside)
        assert place.look("folder").listed == 0

    def test_sets_aside_what_nothing_knows(self, place: Place, inbox: Path) -> None:
        (inbox / "holiday.jpg").write_bytes(b"\xff\xd8 no field")
        assert place.look("folder").quarantined == ["holiday.jpg"]

    def test_emptied_is_no_alarm(self, place: Place, inbox: Path) -> None:
        path = inbox / place.upstream.months[0]
        path.write_bytes(place.upstream.content(path.name))
        assert place.look("folder").new == [path.name]
        path.unlink()
        assert place.look("folder").vanished == [] and len(place.months()) == 1

    def test_without_the_months_of_the_web_is_no_alarm(self, place: Place, inbox: Path) -> None:
        place.look()
        path = inbox / place.upstream.months[0]
        path.write_bytes(place.upstream.content(path.name))
        report = place.look("folder")
        assert report.same == [path.name] and report.vanished == [] and place.events("listing-shrunk") == []


def test_two_looks_at_a_time_are_one(place: Place) -> None:
    with _staging(place.settings, "icgem"):
        assert place.look().outcome == BUSY
    assert place.look().outcome == "ok"


def test_two_looks_with_staging_folders_of_their_own_do_no_harm(place: Place, tmp_path: Path) -> None:
    """As on two machines: the files come twice, and are registered and announced once."""
    settings = [replace(place.settings, staging=tmp_path / f"staging-{n}") for n in range(2)]
    threads = [
        threading.Thread(
            target=intake, args=(place.source(), place.catalogue, place.store, each, place.announced.append)
        )
        for each in settings
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(place.announced) == MONTHS == len(place.months()) == len(place.catalogue.granules(state=None))


def test_a_full_disk_is_told_as_such(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be kept"):
        place.look(staging=tmp_path / "file" / "below")
