"""Processes that are kept running, with nothing but real processes."""

from __future__ import annotations

import time
from pathlib import Path

from services.supervision import Supervision

PATIENCE = 15.0


def test_a_process_is_started_again_though_the_disk_of_its_log_is_full() -> None:
    said: list[str] = []
    supervision = Supervision(said.append, longest_pause=0.5)
    with supervision.running():
        supervision.start("short", ("false",), Path("/dev/full"), {})
        first, began = supervision.processes["short"].pid, time.monotonic()
        while supervision.processes["short"].pid == first:
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.05)
    assert said[0].startswith("short ended with code 1")
