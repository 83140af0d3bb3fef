"""Whatever kills the publisher, a reader sees a whole release or none, and the next try succeeds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("case", "at_least"),
    [("builds", 60), ("switches", 5), ("retractions", 20), ("deliveries", 40), ("steps", 5)],
)
def test_killed_at_any_place_it_leaves_all_or_nothing_and_succeeds_the_second_time(
    case: str, at_least: int, tmp_path: Path
) -> None:
    """The numbers say that places were found at all; they are what such a thing does to the disk at the least."""
    command = [sys.executable, "-m", "tests.integration.publish.crashes", case, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["places"] >= at_least
