"""An upstream that behaves badly: nothing wrong is taken in, nothing is asked for without end, and it is told."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shared.simulation.upstream import Fault, Served, Upstream
from tests.integration.ingest.conftest import MONTHS, TABLE, Place

PAGE, ZIP, FILE = "^/sp/", r"/getseries/.*RL02\.1$", r"2005060.*\.gfc$"


def asked(place: Place, pattern: str) -> list[float]:
    return [request.moment for request in place.upstream.requests if pattern in request.path]


class TestTooBusy:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_is_waited_out_with_growing_pauses(self, place: Place, status: int) -> None:
        place.upstream.misbehave(Fault("status", match=PAGE, times=2, status=status))
        assert len(place.look(pause=0.1, retries=3).new) == MONTHS
        first, second = (after - before for before, after in zip(asked(place, "/sp/"), asked(place, "/sp/")[1:],
                                                                 strict=False))  # fmt: skip
        # Twice and four times the pause, each less up to a half by jitter, and the answer within 0.2 s.
        assert 0.1 <= first <= 0.4 and 0.2 <= second <= 0.6

    def test_for_ever_is_asked_a_few_times_and_told_once(self, place: Place) -> None:
        place.upstream.misbehave(Fault("status", match=PAGE, times=None, status=429))
        for polls in (1, 2):
            report = place.look()
            assert "answer 429" in report.outcome and len(asked(place, "/sp/")) == 3 * polls
        assert len(place.events("source-fails")) == 1
        place.upstream.forgive()
        assert len(place.look().new) == MONTHS and len(place.events("source-answers")) == 1
        assert [poll.status for poll in place.catalogue.polls()] == [200, 429, 429]

    def test_once_is_kept_with_the_poll_though_it_went_well(self, place: Place) -> None:
        place.upstream.misbehave(Fault("status", match=PAGE, status=429))
        assert len(place.look().new) == MONTHS
        assert [(poll.outcome, poll.status) for poll in place.catalogue.polls()] == [("ok", 429)]

    @pytest.mark.parametrize("form", ["seconds", "date"])
    def test_for_a_time_that_it_says_is_left_alone_so_long(self, place: Place, form: str) -> None:
        until = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)  # a date has whole seconds
        date = format_datetime(until, usegmt=True)
        place.upstream.misbehave(
            Fault("status", match=PAGE, status=429, retry_after="1" if form == "seconds" else date)
        )
        place.look(max_retry_after=5.0)
        first, second = asked(place, "/sp/")
        began = until.timestamp() - (time.time() - time.monotonic()) if form == "date" else first + 1.0
        # Not before; the clocks are read one after the other. And at once: the rest is for a busy machine.
        assert -0.02 <= second - began <= 1.5

    def test_for_hours_is_not_waited_for(self, place: Place) -> None:
        place.upstream.misbehave(Fault("status", match=PAGE, status=429, retry_after="86400"))
        before = time.monotonic()
        assert len(place.look(max_retry_after=0.3).new) == MONTHS
        assert time.monotonic() - before < 5.0
        first, second = asked(place, "/sp/")
        assert 0.3 <= second - first <= 1.0

    def test_in_words_that_mean_nothing_is_retried_as_usual(self, place: Place) -> None:
        place.upstream.misbehave(Fault("status", match=PAGE, status=429, retry_after="soon"))
        assert len(place.look().new) == MONTHS


def test_what_is_not_there_is_not_asked_for_again(place: Place) -> None:
    place.upstream.misbehave(Fault("status", match=PAGE, times=None, status=404))
    assert "answers 404" in place.look().outcome and len(asked(place, "/sp/")) == 1


class TestSlowness:
    def test_a_listing_that_stalls_is_given_up(self, place: Place) -> None:
        place.upstream.misbehave(Fault("stall", match=PAGE, times=None))
        before = time.monotonic()
        report = place.look(timeout=0.3, retries=1)
        assert "asked for 2 times" in report.outcome and time.monotonic() - before < 3.0

    def test_a_file_that_stalls_comes_the_second_time(self, place: Place) -> None:
        place.upstream.misbehave(Fault("stall", match=FILE))
        assert len(place.look(timeout=0.3, backfill_from=100).new) == MONTHS

    def test_a_file_that_comes_drop_by_drop_is_given_up(self, place: Place) -> None:
        """No pause is long enough for a time-out, but the file would take an hour."""
        place.upstream.misbehave(Fault("drip", match=FILE, times=None, seconds=0.05))
        report = place.look(patience=0.4, retries=1, backfill_from=100)
        assert len(report.new) == MONTHS - 1 and "longer than 0.4 s" in next(iter(report.missed.values()))

    def test_a_source_that_sends_no_file_is_left_alone_after_a_few(self, place: Place) -> None:
        place.upstream.misbehave(Fault("status", match=r"\.gfc$", times=None))
        report = place.look(backfill_from=100, max_misses=3)
        assert len(report.missed) == 3 and len(asked(place, ".gfc")) == 3 * 3
        assert len(place.events("files-missed")) == 1
        place.upstream.forgive()
        assert len(place.look().new) == MONTHS and len(place.events("files-missed-over")) == 1


class TestWrongContent:
    def test_a_web_page_in_place_of_a_file_is_no_file(self, place: Place) -> None:
        place.upstream.misbehave(Fault("page", match=FILE, times=None))
        report = place.look(backfill_from=100)
        assert len(report.new) == MONTHS - 1 and "a web page came" in next(iter(report.missed.values()))
        assert place.catalogue.granules(state="quarantined") == []
        place.upstream.forgive()
        assert len(place.look().new) == 1

    def test_a_web_page_in_place_of_the_zip_leads_to_single_files(self, place: Place) -> None:
        place.upstream.misbehave(Fault("page", match=ZIP, times=None))
        assert len(place.look().new) == MONTHS
        assert "web page" in place.events("archive-refused")[0]

    def test_a_web_page_in_place_of_a_table_leaves_the_table_in_use(self, place: Place) -> None:
        place.look("isdc")
        place.upstream.misbehave(Fault("page", match="LOW_DEGREES", times=None))
        assert list(place.look("isdc").missed) == [TABLE]
        assert len(place.catalogue.current("low-degrees")) == 1

    @pytest.mark.parametrize("kind", ["half", "empty-body"])
    def test_a_body_that_breaks_off_is_asked_for_again(self, place: Place, kind: str) -> None:
        place.upstream.misbehave(Fault(kind, match=FILE))  # type: ignore[arg-type]
        assert len(place.look(backfill_from=100).new) == MONTHS
        assert len(asked(place, "2005060")) == 2

    def test_half_a_file_sent_as_a_whole_is_set_aside(self, place: Place) -> None:
        place.upstream.misbehave(Fault("cut", match=FILE, times=None))
        report = place.look(backfill_from=100)
        assert len(report.new) == MONTHS - 1 and len(report.quarantined) == 1
        assert len(asked(place, "2005060")) == 2  # once more, in case it was damaged on its way

    def test_half_a_table_under_the_mark_of_the_whole_is_not_kept_for_it(self, place: Place) -> None:
        """Asked under the condition of its mark, the server would say that it has not changed."""
        place.upstream.misbehave(Fault("cut", match="LOW_DEGREES", times=2))
        assert place.look("isdc").quarantined == [TABLE]
        assert place.catalogue.granules("low-degrees", state="quarantined")[0].etag
        place.later(hours=2)
        assert place.look("isdc").new == [TABLE]

    def test_half_a_zip_leads_to_single_files(self, place: Place) -> None:
        place.upstream.misbehave(Fault("cut", match=ZIP))
        assert len(place.look().new) == MONTHS and len(place.events("archive-refused")) == 1

    def test_a_body_without_end_is_cut_short(self, place: Place) -> None:
        place.upstream.misbehave(Fault("endless", match=FILE, times=None))
        report = place.look(backfill_from=100, max_bytes=1 << 20)
        assert len(report.new) == MONTHS - 1
        assert "more than 1048576 bytes" in next(iter(report.missed.values()))
        assert len(asked(place, "2005060")) == 1

    def test_a_file_packed_into_nothing_is_not_unpacked(self, place: Place) -> None:
        place.upstream.hide(1)
        place.look()
        place.upstream.reveal(1)
        place.edit(place.upstream.months[-1], lambda content: gzip.compress(content + b"\n" * (32 << 20)))
        report = place.look(max_member_bytes=1 << 20)
        assert len(report.quarantined) == 1
        assert "more than 1048576 bytes when unpacked" in place.months("quarantined")[0].reason


class TestListings:
    def test_an_empty_listing_is_an_alarm_and_deletes_nothing(self, place: Place) -> None:
        place.look()
        place.upstream.misbehave(Fault("empty", match=PAGE, times=2))
        for _ in range(2):
            assert place.look().outcome.startswith("no file of the series")
        assert len(place.months()) == MONTHS and len(place.events("layout-changed")) == 1
        assert place.events("granule-vanished") == []
        assert place.look().outcome == "ok" and len(place.events("layout-changed-over")) == 1

    @pytest.mark.parametrize(("source", "match"), [("icgem", PAGE), ("isdc", "aux_data/$")])
    def test_a_page_without_links_is_an_alarm(self, place: Place, source: str, match: str) -> None:
        place.upstream.misbehave(Fault("layout", match=match))
        assert place.look(source).new == []
        assert len(place.events("layout-changed")) == 1 and place.catalogue.last_poll(source).outcome != "ok"
        assert len(place.look(source).new) > 2

    def test_half_a_listing_is_an_alarm_and_deletes_nothing(self, place: Place) -> None:
        place.look()
        place.upstream.misbehave(Fault("shrunk", match=PAGE))
        assert len(place.look().vanished) == MONTHS // 2 and len(place.months()) == MONTHS
        assert place.look().vanished == [] and len(place.events("listing-shrunk-over")) == 1

    def test_a_name_that_stands_for_two_files_is_left_alone(self, place: Place) -> None:
        place.upstream.misbehave(Fault("double", match=PAGE, times=2))
        for _ in range(2):
            report = place.look()
        assert place.upstream.months[0] not in place.names() and len(place.months()) == MONTHS - 1
        assert len(place.events("names-doubled")) == 1 and report.vanished == []
        assert len(place.look().new) == 1

    def test_a_size_that_is_not_that_of_the_file_sets_it_aside(self, place: Place) -> None:
        place.upstream.misbehave(Fault("wrong-size", match=PAGE))
        assert len(place.look().quarantined) == MONTHS
        assert "bytes came where" in place.months("quarantined")[0].reason
        place.later(hours=2)
        assert place.look().quarantined == [] and len(place.months("quarantined")) == MONTHS

    def test_a_listing_without_end_is_cut_short(self, place: Place) -> None:
        place.upstream.misbehave(Fault("endless", match=PAGE))
        assert "more than" in place.look().outcome


class TestZip:
    @pytest.mark.parametrize(("kind", "reason"), [("bomb", "bytes packed into"), ("traversal", "leads out of it")])
    def test_that_is_an_attack_is_refused_as_a_whole(self, place: Place, kind: str, reason: str) -> None:
        place.upstream.misbehave(Fault(kind, match=ZIP, times=None))  # type: ignore[arg-type]
        report = place.look()
        assert len(report.new) == MONTHS and len(asked(place, ".gfc")) == MONTHS
        assert reason in place.events("archive-refused")[0]
        assert list(place.folder.rglob("escaped*")) == list(place.folder.parent.glob("escaped*")) == []

    def test_larger_than_allowed_is_refused(self, place: Place) -> None:
        assert len(place.look(max_archive_bytes=10_000).new) == MONTHS
        assert "more than 10000 bytes" in place.events("archive-refused")[0]


class TestRedirects:
    def test_to_another_host_are_not_followed(self, place: Place) -> None:
        with Upstream() as elsewhere:
            place.upstream.misbehave(Fault("redirect", match=FILE, times=None, target=f"{elsewhere.url}/a.gfc"))
            report = place.look(backfill_from=100)
            assert "none of the hosts" in next(iter(report.missed.values()))
            assert elsewhere.requests == []

    def test_to_the_local_disk_are_not_followed(self, place: Place) -> None:
        place.upstream.misbehave(Fault("redirect", match=FILE, times=None, target="file:///etc/passwd"))
        assert len(place.look(backfill_from=100).missed) == 1

    def test_within_the_named_hosts_are_followed(self, place: Place) -> None:
        with Upstream(Served(series="moved")) as moved:
            hosts = (place.upstream.host, moved.host)
            moved.misbehave(Fault("redirect", match=PAGE, target=f"{place.upstream.url}/sp/{place.upstream.series}"))
            report = place.look(hosts=hosts, icgem_url=moved.url)
        assert len(report.new) == MONTHS

    def test_in_a_circle_end(self, place: Place) -> None:
        place.upstream.misbehave(Fault("redirect", match=PAGE, times=None, target=f"/sp/{place.upstream.series}"))
        assert "leads on and on" in place.look().outcome and len(asked(place, "/sp/")) == 4


def test_an_upstream_that_is_gone_is_told_and_found_again(place: Place) -> None:
    place.upstream.stop()
    assert "asked for 3 times" in place.look().outcome
    assert place.catalogue.last_poll("icgem").outcome == place.look().outcome
    served = Served(place.upstream._months[place.upstream.months[0]].parent)
    with Upstream(served, port=int(place.upstream.host.split(":")[1])):
        assert len(place.look().new) == MONTHS
