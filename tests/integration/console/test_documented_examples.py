"""The examples of the documentation run, on the file of a real release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.console_home import Home

ROOT = Path(__file__).parents[3]
_PYTHON = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PAGES = [path for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]) if _PYTHON.search(path.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_example_of_a_page_runs(
    page: Path, lived_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(lived_home.home)
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"file": next((lived_home.home / "releases" / "twsa" / "latest").glob("*.nc"))}
    for example in _PYTHON.findall(page.read_text()):
        exec(compile(example, str(page), "exec"), known)


def test_the_documentation_has_examples() -> None:
    assert {path.name for path in PAGES} >= {"start.md", "data.md"}
