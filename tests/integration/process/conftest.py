"""A system that has released two years of simulated months, worked by hand: process and publish without a queue."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.process import agenda, workplace
from services.process.hall import Hall
from services.process.products import PRODUCTS
from services.publish import desk as publishing
from services.publish.desk import Desk
from services.publish.directories import remove
from services.publish.manifest import Manifest, read_manifest
from shared.formats.months import MonthTable
from shared.models.epoch import Month
from shared.settings import Publisher
from shared.storage.catalogue import Catalogue, Granule, ReleaseRecord, Unit
from shared.storage.store import Store
from tests.integration.conftest import Archive, Simulate

# Degree 12 with normal equations; the last months are kept back.
NMAX = 12
LAST = Month(2005, 3)
KEPT_BACK = ("2005-02", "2005-03")
ROLES = {"LOW_DEGREES": "low-degrees", "GEOCENTER": "geocenter", "GIA": "gia"}


@dataclass(frozen=True)
class System:
    """What process and publish work with, and the archive that files come from."""

    hall: Hall
    desk: Desk
    archive: Archive

    @property
    def known(self) -> Catalogue:
        return self.hall.catalogue

    def register(self, path: Path, role: str, month: str | None = None) -> Granule:
        """Enter a file as ingest does."""
        digest = self.hall.store.put_file(path)
        return self.known.register_granule(
            role=role, name=path.name, sha256=digest, size=path.stat().st_size, month=month
        )[0]

    def work(self) -> list[Unit]:
        """Do what process has to do; the units in their order, as they are then."""
        done = []
        while units := agenda.look(self.hall):
            done += [workplace.work(self.hall, unit.key) for unit in units]
        return [unit for unit in done if unit is not None]

    def release(self) -> ReleaseRecord:
        """Release the one series that waits for it, or hold it."""
        (key,) = publishing.look(self.desk)
        record = publishing.issue(self.desk, key)
        assert record is not None
        return record

    def approve(self, record: ReleaseRecord) -> ReleaseRecord:
        """Let a held release pass, and release it."""
        self.known.approve_release(record.id, who="ada", reason="it is as it should be")
        return self.release()

    def is_idle(self) -> bool:
        """Whether nothing is due, for anyone."""
        return not agenda.look(self.hall) and not publishing.look(self.desk)


def manifest(record: ReleaseRecord) -> Manifest:
    return read_manifest(Path(record.directory))


def maps(record: ReleaseRecord) -> Path:
    return next(Path(record.directory).glob("*.nc"))


def edited_copy(path: Path, into: Path, edit: Callable[[bytes], bytes]) -> Path:
    """A copy of a file with a change, under its name."""
    into.mkdir(parents=True, exist_ok=True)
    content = path.read_bytes()
    assert edit(content) != content
    (into / path.name).write_bytes(edit(content))
    return into / path.name


@pytest.fixture(scope="session")
def two_years(simulated: Simulate) -> Archive:
    return simulated(nmax=NMAX, last=LAST, normals=frozenset({Month(2004, 2), Month(2005, 2)}))


def opened(home: Path, cache: Path, archive: Archive, product: str = "twsa") -> System:
    """A system that makes one product."""
    catalogue, store = Catalogue.open(home / "catalogue.sqlite"), Store.at(home / "store")
    hall = Hall(catalogue, store, home / "scratch", cache, [PRODUCTS[product]], 22)
    signed = Publisher("Institute", "A. Author", "author@example.org", "https://example.org")
    desk = Desk(catalogue, store, home / "releases", home / "scratch" / "publish", {product: "Water"}, signed)
    return System(hall, desk, archive)


def release_first(system: System, auxiliaries: Iterable[Path]) -> None:
    """Make and release all months but those that are kept back."""
    for path in auxiliaries:
        system.register(path, next(role for word, role in ROLES.items() if word in path.name))
    for path in sorted(system.archive.level2.glob("*.gfc")):
        month = str(MonthTable.default().identify(path.name)[0])
        if month not in KEPT_BACK:
            system.register(path, "level-2", month)
    system.work()
    assert system.release().state == "released"


@pytest.fixture(scope="session")
def as_made(two_years: Archive, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a system that has released all months but those that are kept back."""
    home = tmp_path_factory.mktemp("system") / "home"
    home.mkdir()
    system = opened(home, cache, two_years)
    release_first(system, sorted(two_years.auxiliaries.iterdir()))
    system.known.close()
    shutil.copytree(home, home.with_name("as-made"), symlinks=True)
    return home


@pytest.fixture
def system(as_made: Path, cache: Path, two_years: Archive) -> Iterator[System]:
    """The same system for every test: what a test did is undone, in the folder that the catalogue names."""
    system = opened(as_made, cache, two_years)
    yield system
    system.known.close()
    for path in as_made.iterdir():
        if path.is_dir():
            remove(path)
        else:
            path.unlink()
    shutil.copytree(as_made.with_name("as-made"), as_made, symlinks=True, dirs_exist_ok=True)
