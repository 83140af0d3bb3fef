"""A look that is killed at any line, and the next one: nothing is lost, nothing is half there, nothing comes twice."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from services.ingest.intake import intake
from services.ingest.sources.icgem import icgem
from services.ingest.sources.links import read_page
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store
from tests.integration.ingest.conftest import MONTHS, Place

OURS = (
    *(f"services/ingest/{name}.py" for name in ("intake", "admission", "due", "alarms")),
    "services/ingest/sources/",
    "shared/storage/",
)


class Fuse:
    """Counts the lines of our own code that run, and kills the process at one of them."""

    def __init__(self, at: int | None) -> None:
        self.at, self.lines = at, 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not any(name in frame.f_code.co_filename for name in OURS):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def look_in_a_child(place: Place, url: Path, at: int | None) -> tuple[int, int]:
    """How a process that looks ends, and how many lines it ran (if it lived)."""
    place.catalogue.close()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        fuse = Fuse(at)
        try:
            catalogue = Catalogue.open(url)
            # What the parent knows already would make fewer lines of this run than of the last.
            read_page.cache_clear()
            sys.settrace(fuse)
            intake(icgem(place.settings), catalogue, place.store, place.settings, lambda _: None, now=place.now)
            sys.settrace(None)
            os.write(writer, str(fuse.lines).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        lines = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(lines or 0)


@pytest.mark.parametrize("way", ["zip", "single"])
def test_a_look_killed_anywhere_is_made_good_by_the_next(place: Place, tmp_path: Path, way: str) -> None:
    place.settings = replace(place.settings, backfill_from=5 if way == "zip" else 100)
    place.edit(place.upstream.months[4], lambda content: content[: len(content) // 2])  # one to be set aside
    ended, lines = look_in_a_child(place, tmp_path / "catalogue.db", None)
    assert ended == 0 and lines > 1000
    kills = 20
    partly = 0
    for kill in range(kills):
        fresh = tmp_path / f"catalogue-{kill}.db"
        place.store = Store.at(tmp_path / f"store-{kill}")
        at = 1 + lines * (2 * kill + 1) // (2 * kills + 1)
        ended, _ = look_in_a_child(place, fresh, at)
        assert ended == -signal.SIGKILL
        with Catalogue.open(fresh) as catalogue:
            before = catalogue.granules("level-2")
            partly += 0 < len(before) < MONTHS - 1
            for granule in before:
                assert len(place.store.get(granule.sha256)) == granule.size
            look = (icgem(place.settings), catalogue, place.store, place.settings, place.announced.append)
            report = intake(*look, now=place.now)
            after = catalogue.granules("level-2", state=None)
            assert report.outcome == "ok", (kill, report)
            assert sorted(granule.state for granule in after) == ["accepted"] * (MONTHS - 1) + ["quarantined"]
            assert [granule for granule in after if granule.id in {each.id for each in before}] == before
            assert len(catalogue.log(kind="granule-arrived")) == MONTHS - 1
            assert intake(*look, now=place.now).new == []
    # Some kills must fall between the first and the last file, or nothing was tried.
    assert partly >= kills // 2
