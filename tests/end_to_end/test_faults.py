"""The running system while its services, its queue, its disk and itself are taken away, one after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.embedded import SERVICES, system
from shared.broker import celery_app
from shared.formats.files import sha256_of
from shared.settings import QueueSettings, environment
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.end_to_end.rig import (
    ByHand,
    assert_whole,
    file_of,
    pid_of,
    released,
    settings_of,
    until,
)
from tests.end_to_end.table import note

KEPT_BACK = 7  # months that appear one by one, under one fault each
PATIENCE = 60.0


@dataclass
class Running:
    """A system that has released what there was, and the months that are still to come."""

    home: Path
    upstream: Upstream
    catalogue: Catalogue
    processes: dict[str, subprocess.Popen[bytes]]
    releases: int = 1

    def extends(self) -> Callable[[], object]:
        """Let a month appear; what tells whether it is released."""
        self.upstream.reveal(1)
        self.releases += 1
        return lambda: released(self.catalogue, len(self.upstream.months))

    def replaced(self, name: str, before: int) -> bool:
        """Whether another process has taken the place of one."""
        process = self.processes[name]
        return process.pid != before and process.poll() is None

    @property
    def broker(self) -> str:
        """The address of Redis, as its command has it."""
        words = list(map(str, self.processes["redis"].args))
        return f"redis://127.0.0.1:{words[words.index('--port') + 1]}/0"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def upstream(archive: Path) -> Iterator[Upstream]:
    months = len(list((archive / "level2").iterdir()))
    with Upstream.of_archive(archive, revealed=months - KEPT_BACK) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def after_the_end(home: Path, upstream: Upstream) -> Path:
    """A home whose whole system was killed twice: while it fetched, and in the midst of the months."""
    with Catalogue.open(home / "catalogue.sqlite") as catalogue:
        for reached in (
            lambda: len(catalogue.granules("level-2")) >= 5,
            lambda: len(catalogue.units("done", "month")) >= 5,
        ):
            whole = start_the_command(home, upstream)
            try:
                until(reached, PATIENCE, "a state worth killing")
            finally:
                whole.send_signal(signal.SIGKILL)
                whole.wait()
        assert not catalogue.releases()
    return home


def start_the_command(home: Path, upstream: Upstream) -> subprocess.Popen[bytes]:
    """The command that runs everything, as a person starts it."""
    with (home / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", "up", "--home", str(home)],
            env={**environment(), **settings_of(upstream)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@pytest.fixture(scope="module")
def running(after_the_end: Path, upstream: Upstream) -> Iterator[Running]:
    """The system started again where it was killed, with everything released."""
    with (
        system(after_the_end, settings_of(upstream), longest_pause=0.5) as processes,
        Catalogue.open(after_the_end / "catalogue.sqlite") as catalogue,
    ):
        took = until(lambda: released(catalogue, len(upstream.months)), 90, "the first release")
        note("kill -9 of the whole command, started again in the same folder", [took, took])
        yield Running(after_the_end, upstream, catalogue, processes)


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
    second = {
        **environment(),
        **settings_of(running.upstream),
        "GRAVSTREAM_HOME": str(running.home),
        "GRAVSTREAM_BROKER_URL": running.broker,
    }
    app = celery_app(QueueSettings(url=running.broker))
    with (running.home / "second.log").open("ab") as log:
        scheduler = subprocess.Popen(
            [sys.executable, "-m", "celery", *SERVICES["scheduler"], "--schedule", str(running.home / "second")],
            env=second, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        is_released = running.extends()
        began = time.monotonic()
        told: set[str] = set()
        while not is_released():
            assert time.monotonic() - began < PATIENCE
            for task in ("ingest.poll", "process.look", "publish.look"):
                app.send_task(task)
            for unit in running.catalogue.units(("due", "running")):
                if unit.key not in told:
                    told.add(unit.key)
                    for _ in range(5):
                        app.send_task("process.work", args=(unit.key,))
            time.sleep(0.2)
        note("two schedulers, and every event told five times", [time.monotonic() - began])
    finally:
        scheduler.terminate()
        scheduler.wait(PATIENCE)
        app.close()
    assert_whole(running.home, running.catalogue, releases=running.releases)


def test_a_store_that_cannot_be_written_for_a_while_holds_the_work_and_loses_none(running: Running) -> None:
    objects, aside = running.home / "store" / "objects", running.home / "store" / "aside"
    objects.rename(aside)
    objects.touch()
    try:
        is_released = running.extends()
        time.sleep(4.0)
        assert not is_released()
    finally:
        objects.unlink()
        aside.rename(objects)
    took = until(is_released, PATIENCE, "the release")
    note("the store away while a month comes", [took])
    assert_whole(running.home, running.catalogue, releases=running.releases)


def test_a_store_that_vanishes_under_the_work_parks_nothing(running: Running) -> None:
    objects, aside = running.home / "store" / "objects", running.home / "store" / "aside"
    is_released = running.extends()
    until(lambda: running.catalogue.units(("due", "running"), "month"), PATIENCE, "the month", tick=0.002)
    objects.rename(aside)
    objects.touch()
    time.sleep(3.0)
    objects.unlink()
    aside.rename(objects)
    took = until(is_released, PATIENCE, "the release")
    note("the store away while a month is worked on", [took])
    assert_whole(running.home, running.catalogue, releases=running.releases)


def test_nothing_runs_any_more_when_the_system_has_ended(tmp_path: Path, archive: Path) -> None:
    with Upstream.of_archive(archive) as upstream, system(tmp_path, settings_of(upstream)) as processes:
        pids = [process.pid for process in processes.values()]
        until(lambda: len(children(pids[3])) >= 2, PATIENCE, "workers of the process service")
        pids += children(pids[3])
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def test_a_clock_that_jumps_neither_loses_a_unit_nor_gives_it_to_two(tmp_path: Path) -> None:
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
    note("the clock put back an hour, back 2000 days, forward 2000 days (leases)", [0.0, 0.0, 0.0])
