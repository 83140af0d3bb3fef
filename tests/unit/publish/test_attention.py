"""What needs a person: each condition just before it holds and just after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.publish.attention import Attention, Limits, of_disks, of_record, of_services
from services.publish.overview import QueueView, WorkerView, overview
from services.publish.room import room_on
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue

CAME = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)
LIMITS = Limits()


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        yield catalogue


def arrive(known: Catalogue, month: str, came: datetime) -> None:
    """A month that came at a time and waits for its table."""
    digest = month.replace("-", "").ljust(64, "0")
    facts = {"name": f"{month}.gfc", "sha256": digest, "size": 1, "month": month}
    known.register_granule(role="level-2", now=came, **facts)
    known.ensure_unit(digest, "month", "twsa", month, {"level-2": digest}, now=came)
    assert known.claim(digest, "worker", DAY, now=came)
    known.wait(digest, "the low degrees end before it", owner="worker")


def told(known: Catalogue, at: datetime) -> list[Attention]:
    files, units = known.granules("level-2", state=None), known.units(("waiting", "parked"))
    return list(of_record(known, files, units, ("twsa",), LIMITS, at))


class TestAMonthThatWaitsForItsTable:
    def test_is_told_at_once_and_worries_after_a_month_and_a_half(self, known: Catalogue) -> None:
        arrive(known, "2025-11", CAME)
        for at, severity in ((CAME + DAY, "info"), (CAME + 44 * DAY, "info"), (CAME + 46 * DAY, "warning")):
            (waiting,) = told(known, at)
            assert (waiting.alert, waiting.severity, waiting.since) == ("MonthWaiting", severity, CAME)
            assert waiting.text == "twsa of 2025-11 is waiting: the low degrees end before it."
            assert (waiting.subject, waiting.playbook) == ("2025-11", "/playbooks/month-waiting")

    def test_is_counted_after_the_fifth_and_the_worst_are_named(self, known: Catalogue) -> None:
        for number in range(7):
            arrive(known, str(Month(2025, 1).plus(number)), CAME + (0 if number == 6 else 40) * DAY)
        found = [each for each in told(known, CAME + 46 * DAY) if each.alert == "MonthWaiting"]
        assert [each.severity for each in found] == ["warning"] + ["info"] * 5
        assert found[0].subject == "2025-07"
        assert found[-1].text == "2 more units are waiting."


def test_a_full_disk_is_told_when_less_than_a_tenth_is_left() -> None:
    assert list(of_disks({"store": (1000 * 10**9, 100 * 10**9)}, LIMITS)) == []
    (found,) = of_disks({"store": (1000 * 10**9, 99 * 10**9), "scratch": (10, 10)}, LIMITS)
    assert (found.alert, found.severity, found.subject) == ("DiskFilling", "critical", "store")
    assert found.text == "The disk of store has 10 % left, 99.0 GB."


def test_room_is_asked_of_folders_that_are_there(tmp_path: Path) -> None:
    (there,) = room_on({"store": tmp_path, "releases": tmp_path / "not yet"}).items()
    assert there[0] == "store" and 0 <= there[1][1] <= there[1][0]


def test_a_long_queue_is_told_and_a_queue_that_does_not_answer_worries() -> None:
    def queue(length: int | None) -> list[tuple[str, str]]:
        found = of_services([QueueView("process", length)], [], LIMITS, CAME)
        return [(each.alert, each.severity) for each in found]

    assert queue(100) == []
    assert queue(101) == [("QueueGrowing", "info")], "the whole record at once is no alarm"
    assert queue(None) == [("QueueGrowing", "critical")]


def test_a_service_whose_last_process_is_silent_is_told() -> None:
    def worker(service: str, age: float) -> WorkerView:
        return WorkerView(f"{service}@here", service, "here", CAME - timedelta(seconds=age))

    living = [worker("ingest", 299), worker("process", 301), worker("process", 10)]
    (found,) = of_services([], [*living, worker("publish", 301)], LIMITS, CAME)
    assert (found.alert, found.subject, found.since) == ("NoWorker", "publish", CAME - timedelta(seconds=301))


def test_the_month_in_process_is_told_with_the_time_since_when(known: Catalogue) -> None:
    for number, month in enumerate(("2025-10", "2025-11")):
        key = str(number) * 64
        known.ensure_unit(key, "month", "twsa", month, now=CAME + number * DAY)

    def in_process() -> tuple[str | None, datetime | None]:
        (product,) = overview(known, {"twsa": "Water"}, dict, LIMITS, at=CAME + 3 * DAY).products
        return product.newest_in_process, product.in_process_at

    assert in_process() == ("2025-11", CAME + DAY)
    digest = "f" * 64
    known.register_granule(role="level-2", name="x", sha256=digest, size=1, month="2025-12", now=CAME + 2 * DAY)
    assert in_process() == ("2025-12", CAME + 2 * DAY), "what has come is in process until it is released"
    facts = {"version": "v1.0", "kind": "initial", "key": digest, "first": "2025-10", "last": "2025-12"}
    release = known.create_release(product="twsa", **facts)
    known.issue_release(release.id, directory="")
    assert in_process() == ("2025-11", CAME + DAY), "an older month that is made again"
