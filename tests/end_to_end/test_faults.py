"""The running system while its services, its queue, its disk and itself are taken away, one after the other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.embedded import system
from shared.broker import celery_app
from shared.formats.files import sha256_of
from shared.settings import QueueSettings
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.end_to_end.disks import Disk, disk, no_file_may_be_written, read_only
from tests.end_to_end.rig import (
    ByHand,
    assert_nothing_half_visible,
    assert_whole,
    descendants,
    file_of,
    pid_of,
    released,
    settings_of,
    until,
)
from tests.end_to_end.running import (
    Running,
    clockwork,
    is_running,
    kill_alone,
    kill_whole,
    second_scheduler,
    the_command,
)
from tests.end_to_end.table import note

KEPT_BACK = 12  # months that appear one by one, under one fault each
PATIENCE = 300.0
FULL = 4.0  # s: longer than a lease
HOUR = 3600.0


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with disk(tmp_path_factory.mktemp("faults") / "disk") as small:
        yield small


@pytest.fixture(scope="module")
def upstream(archive: Path) -> Iterator[Upstream]:
    months = len(list((archive / "level2").iterdir()))
    with Upstream.of_archive(archive, revealed=months - KEPT_BACK) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def running(small: Disk, upstream: Upstream) -> Iterator[Running]:
    """The system started for the third time, after it was killed as a whole while it fetched and in the months."""
    home, clock = small.folder / "home", small.folder.with_name("clock")
    settings, pids, back = settings_of(upstream, **clockwork(clock)), list[int](), list[float | None]()
    home.mkdir()
    with Catalogue.open(home / "catalogue.sqlite") as catalogue:
        with the_command(home, settings) as command:
            until(lambda: len(catalogue.granules("level-2")) >= 5, PATIENCE, "some files")
            pids += kill_alone(command)
        with the_command(home, settings) as command:
            back.append(until(lambda: len(catalogue.units("done", "month")) >= 5, PATIENCE, "some months"))
            pids += kill_whole(command)
        assert not catalogue.releases()
        with system(home, settings, longest_pause=0.5) as processes:
            back.append(until(lambda: released(catalogue, len(upstream.months)), PATIENCE, "the first release"))
            until(lambda: not any(map(is_running, pids)), PATIENCE, "the end of what was killed")
            note("kill -9 of the whole command, started again in the same folder", back)
            yield Running(home, upstream, catalogue, processes, clock)


def test_killed_as_a_whole_it_goes_on_where_it_was(running: Running, by_hand: ByHand) -> None:
    assert_whole(running.home, running.catalogue, releases=1)
    release = running.catalogue.latest("twsa")
    assert sha256_of(file_of(release)) == by_hand.digest(running.home, running.catalogue, release)


@pytest.mark.parametrize("name", ["scheduler", "process", "redis"])
def test_a_service_killed_while_a_month_comes_is_started_again(running: Running, name: str) -> None:
    before = running.processes[name].pid
    is_released = running.extends()
    began = time.monotonic()
    os.kill(before, signal.SIGKILL)
    until(lambda: running.replaced(name, before), PATIENCE, f"another {name}")
    until(is_released, PATIENCE, "the release")
    called = {"redis": "Redis, which comes back empty", "process": "the process service with all its workers"}
    note(f"kill -9 of {called.get(name, f'the {name}')}", [time.monotonic() - began])
    assert_whole(running.home, running.catalogue, releases=running.releases)
    assert any(event.text.startswith(f"{name} was killed") for event in running.catalogue.log(kind="service-ended"))


def test_a_worker_stopped_for_longer_than_its_lease_does_no_harm_when_it_wakes(running: Running) -> None:
    is_released = running.extends()
    owners: list[str] = []

    def series_is_worked_on() -> bool:
        owners[:] = [str(unit.owner) for unit in running.catalogue.units("running", "series")]
        return bool(owners)

    until(series_is_worked_on, PATIENCE, "the series", tick=0.002)
    os.kill(pid_of(owners[0]), signal.SIGSTOP)
    began = time.monotonic()
    try:
        until(is_released, PATIENCE, "the release by another worker")
    finally:
        os.kill(pid_of(owners[0]), signal.SIGCONT)
    note("a worker suspended for longer than its lease, then woken", [time.monotonic() - began])
    time.sleep(1.0)
    assert_whole(running.home, running.catalogue, releases=running.releases)


def test_two_schedulers_and_every_event_five_times_release_a_month_once(running: Running) -> None:
    catalogue, told = running.catalogue, set[tuple[str, str]]()
    app = celery_app(QueueSettings(url=running.broker))

    def tell(task: str, *arguments: str) -> None:
        if (task, *arguments) not in told:
            told.add((task, *arguments))
            for _ in range(5):
                app.send_task(task, args=arguments if task == "process.work" else ())

    with second_scheduler(running, PATIENCE):
        is_released = running.extends()
        began = time.monotonic()
        tell("ingest.poll", "")
        while not is_released():
            assert time.monotonic() - began < PATIENCE
            for unit in catalogue.units(("due", "running", "done")):
                if unit.state == "done" and unit.kind == "series":
                    tell("publish.look", unit.key)
                elif unit.state != "done":
                    tell("process.look", unit.key)
                    tell("process.work", unit.key)
            time.sleep(0.1)
        note("two schedulers, and every event told five times", [time.monotonic() - began])
    app.close()
    assert {task for task, _ in told} == {"ingest.poll", "process.look", "process.work", "publish.look"}
    assert_whole(running.home, catalogue, releases=running.releases)


def test_a_store_that_is_read_only_for_a_while_holds_the_work_and_loses_none(running: Running) -> None:
    with read_only(running.home / "store" / "objects"):
        is_released = running.extends()
        time.sleep(FULL)
        assert not is_released()
    note("the store read-only while a month comes", [until(is_released, PATIENCE, "the release")])
    assert_whole(running.home, running.catalogue, releases=running.releases)


def test_a_store_that_vanishes_under_the_work_parks_nothing(running: Running) -> None:
    objects, aside = running.home / "store" / "objects", running.home / "store" / "aside"
    is_released = running.extends()
    until(lambda: running.catalogue.units(("due", "running"), "month"), PATIENCE, "the month", tick=0.002)
    objects.rename(aside)
    objects.touch()
    time.sleep(FULL)
    objects.unlink()
    aside.rename(objects)
    note("the store away while a month is worked on", [until(is_released, PATIENCE, "the release")])
    assert_whole(running.home, running.catalogue, releases=running.releases)


def test_a_full_disk_holds_the_work_and_nothing_of_it_is_lost_or_half_visible(
    running: Running, small: Disk, by_hand: ByHand
) -> None:
    def no_room() -> AbstractContextManager[None]:
        redis = running.processes["redis"].pid
        return small.full() if small.mounted else no_file_may_be_written(os.getpid(), spared=redis)

    catalogue, back = running.catalogue, list[float | None]()
    stages: dict[str, Callable[[], object]] = {
        "the series": lambda: catalogue.units("running", "series"),
        "a release": lambda: catalogue.releases(state="building"),
    }
    for stage, reached in stages.items():
        is_released = running.extends()
        until(reached, PATIENCE, stage, tick=0.005)
        with no_room():
            time.sleep(FULL)  # what was quick enough ended before; nothing else may have
            assert_nothing_half_visible(running.home)
        back.append(until(is_released, PATIENCE, f"the release after {stage}"))
    way = "a full disk" if small.mounted else "no file may be written"
    note(f"{way}, the catalogue among the rest: in the series, in a release", back)
    assert_whole(running.home, catalogue, releases=running.releases)
    release = catalogue.latest("twsa")
    assert sha256_of(file_of(release)) == by_hand.digest(running.home, catalogue, release)


def test_a_clock_that_jumps_stops_and_doubles_nothing(running: Running) -> None:
    catalogue, back = running.catalogue, list[float | None]()
    stages: dict[float, Callable[[], object]] = {
        48 * HOUR: lambda: catalogue.units(("due", "running"), "month"),
        0.0: lambda: catalogue.units("running", "series"),
        -3 * HOUR: lambda: catalogue.releases(state="building"),
    }
    for shift, reached in stages.items():
        is_released = running.extends()
        until(reached, PATIENCE, "a state to set the clock in", tick=0.005)
        running.set_clock(shift)
        back.append(until(is_released, PATIENCE, f"the release with the clock at {shift} s"))
    note("the clock put forward two days, back two days, back three hours", back)
    first, second, third = [event.time for event in catalogue.log(kind="release-issued")][-3:]
    assert first - second > timedelta(hours=47)
    assert second - third > timedelta(hours=2)
    assert_whole(running.home, catalogue, releases=running.releases)


def test_nothing_runs_any_more_when_the_system_has_ended(tmp_path: Path, archive: Path) -> None:
    with Upstream.of_archive(archive) as upstream, system(tmp_path, settings_of(upstream)) as processes:
        pids = [process.pid for process in processes.values()]
        until(lambda: len(descendants(pids[3])) >= 2, PATIENCE, "workers of the process service")
        pids += descendants(pids[3])
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_lease_neither_outlives_a_jump_of_the_clock_nor_is_given_to_two(tmp_path: Path) -> None:
    now, lease = datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=2)
    with Catalogue.open(tmp_path / "catalogue.sqlite") as catalogue:
        catalogue.ensure_unit("key", "month", "twsa", "2004-05", now=now)
        assert catalogue.claim("key", "first", lease, now=now)
        assert catalogue.claim("key", "second", lease, now=now - timedelta(hours=1)) is None
        # Put back by years, the lease of the first would never end; put forward, it is over at once.
        assert catalogue.claim("key", "second", lease, now=now - timedelta(days=2000))
        assert catalogue.finish("key", "first", {}, 1.0, now=now) is None
        assert catalogue.claim("key", "third", lease, now=now + timedelta(days=2000))
        assert catalogue.finish("key", "second", {}, 1.0, now=now) is None
        assert catalogue.finish("key", "third", {}, 1.0, now=now) is not None
        assert [event.kind for event in catalogue.log("2004-05")].count("unit-done") == 1
