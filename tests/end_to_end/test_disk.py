"""The running system while the disk with all that it has is full."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.embedded import system
from shared.formats.files import sha256_of
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.end_to_end.disks import Disk, disk, no_file_may_be_written
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

FULL = 4.0  # s: longer than a lease
PATIENCE = 90.0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Disk]:
    with disk(tmp_path / "disk") as small:
        yield small


def test_a_full_disk_holds_the_work_and_nothing_of_it_is_lost_or_half_visible(
    archive: Path, by_hand: ByHand, small: Disk
) -> None:
    months, home = len(list((archive / "level2").iterdir())), small.folder / "home"
    with (
        Upstream.of_archive(archive, revealed=months - 2) as upstream,
        system(home, settings_of(upstream), longest_pause=0.5) as processes,
        Catalogue.open(home / "catalogue.sqlite") as catalogue,
    ):
        stages: dict[str, Callable[[], object]] = {
            "the months": lambda: len(catalogue.units("done", "month")) >= 5,
            "the series": lambda: catalogue.units("running", "series"),
            "a release": lambda: catalogue.releases(state="building"),
        }
        back: list[float | None] = []
        for stage, reached in stages.items():
            until(reached, PATIENCE, stage, tick=0.005)
            with small.full() if small.mounted else no_file_may_be_written(os.getpid(), processes["redis"].pid):
                time.sleep(FULL)
                assert not released(catalogue, len(upstream.months))
                assert_nothing_half_visible(home)
            back.append(until(lambda: released(catalogue, len(upstream.months)), PATIENCE, f"all after {stage}"))
            upstream.reveal(1)
        way = "a full disk" if small.mounted else "no file may be written"
        note(f"{way}, the catalogue among the rest: in the months, the series, a release", back)
        assert_whole(home, catalogue, releases=3)
        release = catalogue.latest("twsa")
        assert sha256_of(file_of(release)) == by_hand.digest(home, catalogue, release)
