"""A folder is watched: what is dropped is told soon, and a real worker takes it in without a poll."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.embedded import _redis_binary, free_port
from services.ingest.sources.watch import Watch
from shared.storage.catalogue import Catalogue
from tests.integration.ingest.conftest import TABLE

SOON = 2.0  # s from the last byte until a file is registered, with a machine to itself
PATIENCE = 6.0  # s: the same on a machine that does other things too


def wait(condition: Callable[[], object], seconds: float) -> float | None:
    """The seconds until something is so; None if it did not come to be."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(0.02)
    return None


class Rings:
    """Counts how often it was told."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.failures = 0

    def __call__(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("nobody is there")
        self.moments.append(time.monotonic())

    def settled(self) -> int:
        """How many there were, once the one for what was there before has come."""
        assert wait(lambda: self.moments, PATIENCE) is not None
        return len(self.moments)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    path = tmp_path / "inbox"
    path.mkdir()
    return path


@pytest.fixture
def rings(inbox: Path) -> Iterator[Rings]:
    rings = Rings()
    with Watch(inbox, rings, quiet=0.1):
        yield rings


class TestAWatch:
    def test_tells_at_once_of_what_was_there_before(self, rings: Rings) -> None:
        assert rings.settled() == 1

    def test_tells_nothing_while_nothing_happens(self, rings: Rings, inbox: Path) -> None:
        rings.settled()
        (inbox / "a.gfc").write_bytes(b"x")
        time.sleep(1.0)
        before = len(rings.moments)
        (inbox / "a.gfc").read_bytes()  # who reads changes nothing
        time.sleep(0.8)
        assert len(rings.moments) == before

    def test_tells_of_a_file_below_a_folder_that_came_with_it(self, rings: Rings, inbox: Path, tmp_path: Path) -> None:
        before = rings.settled()
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "a.gfc").write_bytes(b"x")
        (tmp_path / "more").rename(inbox / "more")
        assert wait(lambda: len(rings.moments) > before, PATIENCE) is not None
        time.sleep(0.6)
        before = len(rings.moments)
        (inbox / "more" / "b.gfc").write_bytes(b"x")
        assert wait(lambda: len(rings.moments) > before, PATIENCE) is not None

    @pytest.mark.parametrize("how", ["removed", "moved away"])
    def test_follows_a_folder_that_is_made_again(self, how: str, rings: Rings, inbox: Path, tmp_path: Path) -> None:
        for turn in range(3):
            rings.settled()
            if how == "removed":
                inbox.rmdir()
            else:
                inbox.rename(tmp_path / f"old-{turn}")
            inbox.mkdir()  # at once: it may well get the number of the former
            time.sleep(0.8)
            before = len(rings.moments)
            (inbox / "a.gfc").write_bytes(b"x")
            assert wait(lambda: len(rings.moments) > before, PATIENCE) is not None, turn  # noqa: B023
            (inbox / "a.gfc").unlink()
            time.sleep(0.5)

    def test_waits_for_a_folder_that_is_not_there_yet(self, tmp_path: Path) -> None:
        rings = Rings()
        with Watch(tmp_path / "later", rings, quiet=0.1):
            time.sleep(0.6)
            assert rings.moments == []
            (tmp_path / "later").mkdir()
            assert rings.settled() == 1

    def test_of_a_link_sees_what_it_leads_to(self, inbox: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(inbox)
        rings = Rings()
        with Watch(tmp_path / "link", rings, quiet=0.1):
            before = rings.settled()
            (inbox / "a.gfc").write_bytes(b"x")
            assert wait(lambda: len(rings.moments) > before, PATIENCE) is not None

    def test_tells_in_the_midst_of_a_long_copy_and_once_more_when_it_rests(self, inbox: Path) -> None:
        rings, quiet = Rings(), 0.6
        with Watch(inbox, rings, quiet=quiet):
            before = rings.settled()
            with (inbox / "a.snx").open("wb") as stream:
                for _ in range(28):
                    time.sleep(0.05)
                    stream.write(b"x" * 100)
                    stream.flush()
                last = time.monotonic()
            assert len(rings.moments) > before
            assert wait(lambda: rings.moments[-1] >= last + quiet, PATIENCE) is not None

    def test_tells_again_what_nobody_could_hear(self, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("services.ingest.sources.watch._RETRY", 0.2)
        rings = Rings()
        rings.failures = 2
        with Watch(inbox, rings, quiet=0.1):
            assert rings.settled() == 1

    def test_costs_next_to_nothing_while_it_waits(self, rings: Rings) -> None:
        rings.settled()
        before = time.process_time()
        time.sleep(2.0)
        # Eight looks at a folder; a loop without a pause would take two seconds.
        assert time.process_time() - before < 0.1

    def test_ends_with_its_threads(self, inbox: Path) -> None:
        before = threading.active_count()
        with Watch(inbox, Rings(), quiet=0.1):
            assert wait(lambda: threading.active_count() > before + 1, PATIENCE) is not None
        assert wait(lambda: threading.active_count() <= before, PATIENCE) is not None


@dataclass
class Worker:
    """The ingest service as a process of its own, with Redis; nobody asks it to poll."""

    inbox: Path
    catalogue: Catalogue
    log: Path

    def takes(self, name: str) -> float | None:
        return wait(lambda: self.catalogue.granules(name=name), PATIENCE)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    port, home = free_port(), tmp_path / "home"
    home.mkdir()
    inbox, log = tmp_path / "inbox", tmp_path / "ingest.log"
    inbox.mkdir()
    settings = {
        **os.environ, "GRAVSTREAM_HOME": str(home), "GRAVSTREAM_BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "GRAVSTREAM_DROP": str(inbox), "GRAVSTREAM_ICGEM": "", "GRAVSTREAM_ISDC": "",
    }  # fmt: skip
    redis = [_redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)]
    celery = [sys.executable, "-m", "celery", "--app", "services.ingest.app", "worker", "--queues", "ingest"]
    processes = []
    try:
        with log.open("wb") as stream:
            processes.append(subprocess.Popen(redis, stdout=subprocess.DEVNULL))
            celery += ["--pool", "solo", "--loglevel", "INFO"]
            processes.append(subprocess.Popen(celery, env=settings, stdout=stream, stderr=stream))
        assert wait(lambda: b" ready." in log.read_bytes(), 60.0) is not None, log.read_text()
        with Catalogue.open(home / "catalogue.sqlite") as catalogue:
            yield Worker(inbox, catalogue, log)
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(15.0)


def test_a_worker_takes_in_what_is_dropped_also_into_a_folder_made_anew(worker: Worker, archive: Path) -> None:
    """Nobody polls here; the times are of a file that is written, left alone for a second, found and verified."""
    first, second, third = sorted((archive / "level2").iterdir())[:3]
    shutil.copyfile(first, worker.inbox / first.name)
    took = [worker.takes(first.name)]
    shutil.rmtree(worker.inbox)
    worker.inbox.mkdir()
    shutil.copyfile(second, worker.inbox / second.name)
    took.append(worker.takes(second.name))
    shutil.copyfile(archive / "auxiliaries" / TABLE, worker.inbox / TABLE)
    took.append(worker.takes(TABLE))
    (worker.inbox / ".half.part").write_bytes(b"not complete")
    shutil.copyfile(third, worker.inbox / third.name)
    took.append(worker.takes(third.name))
    assert None not in took, worker.log.read_text()
    kept = {granule.name: granule.state for granule in worker.catalogue.granules(state=None)}
    assert kept == dict.fromkeys((first.name, second.name, TABLE, third.name), "accepted")
    assert min(each for each in took if each is not None) < SOON, took
    # Each drop is a look or two at the folder, never a loop; the sources on the web are not asked.
    looks = worker.log.read_text().count("ingest.take_dropped") / 2  # received, and succeeded
    assert looks <= 2 * (1 + 4 + 1), looks
