"""The running system with its catalogue in PostgreSQL, which is stopped and killed, or the only one that can write."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.embedded import system
from shared.formats.files import sha256_of
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.end_to_end.disks import no_file_may_be_written
from tests.end_to_end.rig import (
    ByHand,
    assert_nothing_half_visible,
    assert_whole,
    file_of,
    released,
    settings_of,
    until,
)
from tests.end_to_end.table import note
from tests.integration.storage.servers import Postgres, postgres

AWAY = 4.0  # s: longer than a lease
PATIENCE = 300.0
KEPT_BACK = 5  # months that appear one by one, under one fault each


@dataclass
class Running:
    """A system, its server of PostgreSQL, and the months that are still to come."""

    home: Path
    upstream: Upstream
    catalogue: Catalogue
    server: Postgres
    pids: dict[str, int]

    def is_released(self) -> object:
        """The release of all months that are to be seen."""
        return released(self.catalogue, len(self.upstream.months))

    def away(self, end: Callable[[], None]) -> float:
        """End the server and start it again after a while; seconds until all was released."""
        end()
        time.sleep(AWAY)
        self.server.start()
        return until(self.is_released, PATIENCE, "the release")

    def kill(self) -> None:
        """End the server and all its processes at once; what was committed is in its files."""
        postmaster = self.server.server.get_postmaster_info().process
        for process in (postmaster, *postmaster.children(recursive=True)):
            os.kill(process.pid, signal.SIGKILL)
        postmaster.wait(PATIENCE)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, archive: Path, server: Postgres) -> Iterator[Running]:
    home, address, months = tmp_path_factory.mktemp("home"), server.fresh(), len(list((archive / "level2").iterdir()))
    with (
        Upstream.of_archive(archive, revealed=months - KEPT_BACK) as upstream,
        system(home, settings_of(upstream, GRAVSTREAM_CATALOGUE=address), longest_pause=0.5) as processes,
        Catalogue.open(address) as catalogue,
    ):
        pids = {name: process.pid for name, process in processes.items()}
        yield Running(home, upstream, catalogue, server, pids)
        # Each service came back by itself: none had to be started again.
        assert {name: process.pid for name, process in processes.items()} == pids


def test_a_database_that_is_restarted_loses_and_doubles_nothing(running: Running, by_hand: ByHand) -> None:
    catalogue = running.catalogue
    until(lambda: len(catalogue.units("done", "month")) >= 5, PATIENCE, "some months")
    in_months = running.away(running.server.stop)
    running.upstream.reveal(1)
    until(lambda: catalogue.releases(state="building"), PATIENCE, "a release that is built", tick=0.01)
    in_release = running.away(running.server.stop)
    note("PostgreSQL stopped for 4 s, in the months and in a release", [in_months, in_release])
    assert_whole(running.home, catalogue, releases=2)
    assert not list(running.home.glob("*.sqlite")), "there is one catalogue, and no second one in the folder"
    release = catalogue.latest("twsa")
    assert sha256_of(file_of(release)) == by_hand.digest(running.home, catalogue, release)


def test_a_database_that_is_killed_loses_and_doubles_nothing(running: Running) -> None:
    running.upstream.reveal(1)
    until(lambda: running.catalogue.units("running", "series"), PATIENCE, "a series that is made", tick=0.01)
    note("kill -9 of PostgreSQL in the series, started after 4 s", [running.away(running.kill)])
    assert_whole(running.home, running.catalogue, releases=3)


def test_files_that_cannot_be_written_park_nothing_though_the_catalogue_can(running: Running, by_hand: ByHand) -> None:
    catalogue = running.catalogue
    stages: dict[str, Callable[[], object]] = {
        "the month": lambda: catalogue.units(("due", "running"), "month"),
        "the series": lambda: catalogue.units("running", "series"),
        "a release": lambda: catalogue.releases(state="building"),
    }
    back: list[float | None] = []
    for stage, reached in stages.items():
        running.upstream.reveal(1)
        until(reached, PATIENCE, stage, tick=0.005)
        with no_file_may_be_written(os.getpid(), spared=running.pids["redis"]):
            time.sleep(AWAY)
            assert not running.is_released()
            assert_nothing_half_visible(running.home)
        back.append(until(running.is_released, PATIENCE, f"the release after {stage}"))
    note("no file may be written, but the catalogue elsewhere: in a month, the series, a release", back)
    assert_whole(running.home, catalogue, releases=6)
    release = catalogue.latest("twsa")
    assert sha256_of(file_of(release)) == by_hand.digest(running.home, catalogue, release)
