"""The examples of the documentation run, on the file of a real release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.formats.low_degrees import read_low_degrees
from shared.models.epoch import Month
from shared.simulation.archive import write_archive
from shared.simulation.settings import Settings
from tests.console_home import Home

ROOT = Path(__file__).parents[3]
_PYTHON = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PAGES = [path for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]) if _PYTHON.search(path.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_example_of_a_page_runs(
    page: Path, lived_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = tmp_path / "runs" / "demo"
    demo.mkdir(parents=True)
    (demo / "releases").symlink_to(lived_home.home / "releases")
    write_archive(Settings(first=Month(2015, 1), last=Month(2015, 3), nmax=12), demo / "archive")
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"file": next((lived_home.home / "releases" / "twsa" / "latest").glob("*.nc"))}
    for example in _PYTHON.findall(page.read_text()):
        exec(compile(example, str(page), "exec"), known)


def test_the_mended_table_of_the_first_steps_has_another_c20_of_one_month_and_is_sound(
    lived_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_every_example_of_a_page_runs(ROOT / "docs" / "start.md", lived_home, tmp_path, monkeypatch)
    tables = [next(tmp_path.glob(f"runs/{folder}/*LOW_DEGREES*")) for folder in ("demo/archive/auxiliaries", "mended")]
    before, after = (read_low_degrees(table) for table in tables)
    assert before.name == after.name
    # The table has twelve digits of C20, so its last is 1e-15.
    np.testing.assert_allclose(after.values["C20"] - before.values["C20"], [0.0, -3e-11, 0.0], rtol=0.0, atol=1e-15)
    np.testing.assert_array_equal(after.values["C30"], before.values["C30"])


def test_the_documentation_has_examples() -> None:
    assert {path.name for path in PAGES} >= {"start.md", "data.md"}
