"""A home folder with a life behind it, for the tests of the console and for the eye.

`python -m tests.console_home FOLDER` makes one; then `GRAVSTREAM_HOME=FOLDER/home gravstream serve` shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from services.cli import app
from services.embedded import environment_of
from services.publish.withdrawal import withdraw
from shared.formats.months import MonthTable
from shared.models.epoch import Month
from shared.simulation.archive import GEOCENTER, GIA, LOW_DEGREES, write_archive
from shared.simulation.settings import Settings
from shared.simulation.upstream import Served, Upstream
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store

FIRST, LAST, NMAX = Month(2003, 1), Month(2005, 7), 20

REISSUED, ODD = "2004-03", "2004-06"  # issued again: as it should be, and so that the gate stops it
REFUSED, BROKEN, EARLY = "2005-05", "2005-06", "2005-07"  # cut short; broken behind ingest; before its auxiliaries
RELEASED = "2005-04"  # the newest that is released


@dataclass(frozen=True)
class Home:
    """A folder in which a system has lived, and the settings that lead there."""

    home: Path
    environment: dict[str, str]

    def __call__(self, *words: object) -> str:
        """Run `gravstream`; what it says."""
        answer = CliRunner().invoke(app, [str(each) for each in words], env=self.environment, catch_exceptions=False)
        assert answer.exit_code in (0, 3), answer.output
        return answer.output

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue.open(self.home / "catalogue.sqlite")


def lived_in(folder: Path, environment: dict[str, str] | None = None) -> Home:
    """The home in a folder and its settings; upstream is not served any more."""
    own = {
        "GRAVSTREAM_HOME": str(folder / "home"),
        "GRAVSTREAM_BASELINE_MONTHS": "24",
        "GRAVSTREAM_WORKERS": "1",
        "GRAVSTREAM_POLL_INTERVAL": "86400",
    }
    return Home(folder / "home", (environment or {}) | own)


def live(folder: Path, environment: dict[str, str] | None = None) -> Home:
    """Make a home in which both products were released, and everything that needs a person has happened."""
    archive = folder / "archive"
    write_archive(Settings(first=FIRST, last=LAST, nmax=NMAX), archive)
    names = {str(MonthTable.default().identify(path.name)[0]): path for path in (archive / "level2").glob("*.gfc")}
    rows = {name: len(names) - 1 for name in (LOW_DEGREES, GEOCENTER)}
    lived = lived_in(folder, environment)
    with Upstream(Served(archive / "level2", archive / "auxiliaries", revealed=len(names) - 4, rows=rows)) as upstream:
        fed = Home(lived.home, environment_of(upstream, poll=1.0) | lived.environment)
        _release_three(fed, upstream, names)
        _make_trouble(fed, upstream, names)
    return lived


def _release_three(lived: Home, upstream: Upstream, names: dict[str, Path]) -> None:
    """The record; one month more; a month issued again. The second of the maps is taken back."""
    _look(lived)
    upstream.reveal(1)
    _look(lived)
    _register(lived, REISSUED, edited(names[REISSUED], lambda text: larger(text, 2, 2, 1e-11)), names)
    _look(lived)
    with lived.catalogue as known:
        withdraw(known, "twsa-v1.0-002", "ada", "the wrong month was in it")


def _make_trouble(lived: Home, upstream: Upstream, names: dict[str, Path]) -> None:
    upstream.replace(names[REFUSED].name, edited(names[REFUSED], lambda text: text[: len(text) // 2]))
    gia = next(name for name in upstream.shown("auxiliaries") if GIA in name.name)
    upstream.replace(gia.name, upstream.content(gia.name) + b"\n")
    upstream.reveal(1)
    lived("poll")
    _register(lived, ODD, edited(names[ODD], lambda text: larger(text, 2, 2, 4e-10)), names)
    _register(lived, BROKEN, edited(names[BROKEN], lambda text: text[: len(text) // 2]), names)
    _register(lived, EARLY, names[EARLY].read_bytes(), names)
    lived("reconcile", "--work")


def _look(lived: Home) -> None:
    lived("poll")
    lived("reconcile", "--work")


def _register(lived: Home, month: str, content: bytes, names: dict[str, Path]) -> None:
    """Enter a file as it is, past the checks of ingest; upstream lists no dates, so old months are not read again."""
    digest = Store.at(str(lived.home / "store")).put(content)
    with lived.catalogue as known:
        series = known.granules("level-2")[0].series
        known.register_granule(
            role="level-2", name=names[month].name, sha256=digest, size=len(content), series=series, month=month
        )


def edited(path: Path, edit: Callable[[str], str]) -> bytes:
    """What an edit makes of a file."""
    text = path.read_text()
    assert edit(text) != text
    return edit(text).encode()


def larger(text: str, degree: int, order: int, by: float) -> str:
    """A field with a larger cosine coefficient."""
    lines = text.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.split()[:3] == ["gfc", str(degree), str(order)])
    words = lines[at].split()
    value = f"{float(words[3]) + by:.12e}"
    lines[at] = lines[at].replace(words[3], value, 1)
    return "".join(lines)


if __name__ == "__main__":
    made = live(Path(sys.argv[1]))
    sys.stdout.write(made("status"))
    sys.stdout.write(made("releases"))
