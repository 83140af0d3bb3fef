"""What the documentation says about commands and settings is true: checked against the code itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from docs.references import PAGES
from services.cli import app

ROOT = Path(__file__).parents[2]
TEXTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
COMMAND = typer.main.get_command(app)

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`(gravstream [^`\n]+)`")


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Every call of the command in a text, and whether it stands in a block and so must be complete."""
    for language, block in _BLOCK.findall(text):
        for line in block.splitlines() if language == "sh" else ():
            call = line.strip().removeprefix(".venv/bin/").split("  #")[0]
            if call.startswith("gravstream "):
                yield call, True
    for call in _SPAN.findall(_BLOCK.sub("", text)):
        yield call, False


CALLS = sorted({(str(path.relative_to(ROOT)), *found) for path in TEXTS for found in _lines(path.read_text())})


def _understood(words: list[str], complete: bool) -> None:
    """Parse a call as the command would, without doing it; what an incomplete one leaves out is forgiven."""
    command, name = COMMAND, "gravstream"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        name, command, words = words[0], command.commands[words[0]], words[1:]
    if hasattr(command, "commands") and not words:
        return
    try:
        command.make_context(name, words)
    except Exception as error:
        # Typer keeps the classes to itself; a word such as ID stands for a number.
        if complete or type(error).__name__ not in ("MissingParameter", "BadParameter"):
            raise


class TestEveryText:
    @pytest.mark.parametrize(("text", "call", "complete"), CALLS)
    def test_names_only_commands_and_options_that_there_are(self, text: str, call: str, complete: bool) -> None:
        _understood(shlex.split(call)[1:], complete)

    @pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.name)
    def test_names_only_settings_that_there_are(self, text: Path) -> None:
        known = set(re.findall(r"GRAVSTREAM_[A-Z_]+", (ROOT / ".env.example").read_text()))
        of_tests = {"GRAVSTREAM_REAL_DATA", "GRAVSTREAM_ARTEFACTS"}
        named = set(re.findall(r"GRAVSTREAM_[A-Z_]*[A-Z]", text.read_text()))
        assert named - known <= of_tests

    def test_holds_calls_at_all(self) -> None:
        assert len(CALLS) > 30  # the pattern finds them


class TestTheReferences:
    @pytest.mark.parametrize("name", PAGES)
    def test_are_what_the_code_says(self, name: str) -> None:
        assert (ROOT / "docs/reference" / name).read_text() == PAGES[name](), "run `make docs`"
