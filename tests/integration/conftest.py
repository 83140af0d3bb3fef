"""A small simulated archive, the record made from it once, and the ways in: the function and the command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from services.process.production import Outcome, Request, produce
from shared.formats.icgem import level2_name
from shared.formats.months import MonthTable
from shared.formats.netcdf import read_level3
from shared.models.epoch import Month
from shared.simulation.archive import write_archive
from shared.simulation.earth import Earth
from shared.simulation.level2 import simulate
from shared.simulation.settings import Settings

# When every product of these tests was made: what differs then between two files is their content.
ISSUED = datetime(2026, 1, 2, 3, 4, 5)

# Degree 20 keeps a run at a second; the maps have half a degree all the same.
NMAX = 20
FIRST, LAST = Month(2003, 1), Month(2006, 12)
# The record that is made first, with the baseline that extensions use: a year beyond the Sumatra earthquake.
LAST_OF_RECORD = Month(2005, 12)


@dataclass(frozen=True)
class Archive:
    """Folders of months and auxiliaries."""

    level2: Path
    auxiliaries: Path

    @property
    def gia(self) -> Path:
        return next(self.auxiliaries.glob("*GIA*"))

    @property
    def low_degrees(self) -> Path:
        return next(self.auxiliaries.glob("*LOW_DEGREES*"))

    def gfc(self, month: str) -> Path:
        """The file of a month."""
        return self.level2 / level2_name(MonthTable.default().span_of(Month.parse(month)))

    def sinex(self, month: str) -> Path:
        """The normal equations of a month."""
        return self.gfc(month).with_suffix(".snx")

    def linked(self, folder: Path, *, until: Month = LAST, without: Iterable[str] = ()) -> Archive:
        """The same archive in another folder, up to a month and without some; a file is replaced, never written into.

        Hard links: nothing is copied. An edit goes through `edited`, which makes a new file.
        """
        copy = Archive(folder / "level2", folder / "auxiliaries")
        left_out = {self.gfc(month).stem for month in without}
        for source, target in ((self.level2, copy.level2), (self.auxiliaries, copy.auxiliaries)):
            target.mkdir(parents=True)
            for path in source.iterdir():
                late = target is copy.level2 and MonthTable.default().identify(path.name)[0] > until
                if not late and path.name.split(".")[0] not in left_out:
                    os.link(path, target / path.name)
        return copy


def edited(path: Path, edit: Callable[[bytes], bytes]) -> Path:
    """Replace a file by what an edit makes of it; the file that it is linked to stays as it was."""
    content = path.read_bytes()
    changed = edit(content)
    assert changed != content, f"the edit leaves {path.name} as it is"
    path.unlink()
    path.write_bytes(changed)
    return path


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Inode, time of change and content of every file in a folder, hidden ones too."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in files
    }


def maps_of(product: Path, months: Iterable[Month] | None = None) -> dict[str, np.ndarray]:
    """All that a product says of some of its months, or of all: maps, flags, noise, filter source."""
    level3 = read_level3(product)
    chosen = list(level3.months if months is None else months)
    rows = [level3.months.index(month) for month in chosen]
    kinds = np.array([kind.value for kind in level3.filter_sources])
    series = {"flag_filter": level3.strength, "noise": level3.noise, "filter_source": kinds}
    maps = {}
    for name in ("twsa", "twsa_uncertainty"):
        maps[name] = np.concatenate([values for _, values in level3.slabs(name)])[rows]
    return maps | {name: np.asarray(values)[rows] for name, values in series.items()}


def assert_same_bits(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Every number of two products is the same, to the last bit."""
    assert one.keys() == other.keys()
    assert not [name for name, values in one.items() if values.tobytes() != other[name].tobytes()]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted auxiliary data of these tests alone."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def earth(cache: Path) -> Earth:
    return Earth.bundled(cache)


Simulate = Callable[..., Archive]
Make = Callable[..., Outcome]
Command = Callable[..., Result]


@pytest.fixture(scope="session")
def simulated(earth: Earth, tmp_path_factory: pytest.TempPathFactory) -> Simulate:
    """Make an archive of degree 20, of the months of these tests unless others are asked for."""

    def make(**settings: Any) -> Archive:
        what = Settings(**{"first": FIRST, "last": LAST, "nmax": NMAX} | settings)
        paths = write_archive(simulate(what, earth), tmp_path_factory.mktemp("archive"))
        return Archive(paths.level2, paths.auxiliaries)

    return make


@pytest.fixture(scope="session")
def archive(simulated: Simulate) -> Archive:
    """Months from 2003-01 to 2006-12, of which 2003-06 is missing as in the real record."""
    return simulated()


@pytest.fixture(scope="session")
def make(cache: Path) -> Make:
    """`produce` from an archive into a folder, by one process and at a fixed time unless told otherwise."""

    def run(archive: Archive, out: Path, **choices: Any) -> Outcome:
        wanted: dict[str, Any] = {"cache": cache, "workers": 1, "issued": ISSUED} | choices
        return produce(Request(level2=archive.level2, auxiliaries=archive.auxiliaries, out=out, **wanted))

    return run


@pytest.fixture(scope="session")
def record_archive(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The months of the record: 2003-01 to 2005-12."""
    return archive.linked(tmp_path_factory.mktemp("record-archive"), until=LAST_OF_RECORD)


@pytest.fixture(scope="session")
def record_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the record lies; nobody writes there again."""
    return tmp_path_factory.mktemp("record")


@pytest.fixture(scope="session")
def record(record_archive: Archive, record_out: Path, make: Make) -> Outcome:
    """The record, made once from nothing."""
    return make(record_archive, record_out)


@pytest.fixture(scope="session")
def product(record: Outcome) -> Path:
    """The NetCDF file of the record."""
    return record.files[0]


@pytest.fixture(scope="session")
def baseline(record: Outcome) -> Path:
    """The baseline of the record."""
    return record.files[1]


@pytest.fixture(scope="session")
def environment(cache: Path) -> dict[str, str]:
    """What the command finds in its environment: a narrow terminal, one process, our own cache."""
    return {"COLUMNS": "80", "GRAVSTREAM_CACHE": str(cache), "GRAVSTREAM_WORKERS": "1"}


@pytest.fixture(scope="session")
def gravstream(environment: dict[str, str]) -> Command:
    """The command in this process; an error that it does not explain goes through as it is."""

    def run(*arguments: object) -> Result:
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, env=environment, catch_exceptions=False)

    return run


@pytest.fixture(scope="session")
def command_of() -> Callable[..., list[object]]:
    """The words of `gravstream produce` for an archive."""

    def words(archive: Archive, out: Path, *more: object) -> list[object]:
        folders = ["--level2", archive.level2, "--auxiliaries", archive.auxiliaries, "--out", out]
        return ["produce", *folders, *more]

    return words
