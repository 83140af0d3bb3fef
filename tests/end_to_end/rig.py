"""What the tests of the whole system share: a small archive, the system on it, patience, and what must hold."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.embedded import environment_of
from services.process.production import Request, produce
from services.publish.sums import verify
from shared.formats.files import sha256_of
from shared.models.epoch import Month
from shared.settings import cache_folder
from shared.simulation.archive import write_archive
from shared.simulation.settings import Settings
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from shared.storage.records import ReleaseRecord
from shared.storage.store import Store

# 36 months without the one that is missing in reality: 24 make a baseline, the others come one by one.
FIRST, LAST, NMAX = Month(2003, 1), Month(2006, 1), 20


def small_archive(folder: Path) -> Path:
    """A simulated archive of low degree."""
    write_archive(Settings(first=FIRST, last=LAST, nmax=NMAX), folder)
    return folder


def settings_of(upstream: Upstream, **others: str) -> dict[str, str]:
    """Settings with which all goes fast."""
    return {
        **environment_of(upstream, poll=1.0),
        "GRAVSTREAM_LOOK_INTERVAL": "1",
        "GRAVSTREAM_PRODUCTS": "twsa",
        "GRAVSTREAM_BASELINE_MONTHS": "24",
        "GRAVSTREAM_LEASE": "3",
        **others,
    }


def until(condition: Callable[[], Any], seconds: float, what: str, *, tick: float = 0.05) -> float:
    """Wait for something; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(tick)
    return time.monotonic() - began


def released(catalogue: Catalogue, months: int, product: str = "twsa") -> ReleaseRecord | None:
    """The release that holds so many months, once it is open."""
    latest = catalogue.latest(product)
    if latest is None or len(catalogue.unit(latest.key).inputs["months"]) != months:
        return None
    return latest


def pid_of(owner: str) -> int:
    """The process of an owner."""
    return int(owner.rpartition(":")[2])


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    children = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            children += [int(word) for word in thread.read_text().split()]
    return [*children, *(each for child in children for each in descendants(child))]


class ByHand:
    """The products that `gravstream produce` makes of the same files; it keeps its months."""

    def __init__(self, folder: Path, level2: Path, auxiliaries: Path) -> None:
        self._folder, self._level2, self._auxiliaries = folder, level2, auxiliaries

    def digest(self, home: Path, catalogue: Catalogue, release: ReleaseRecord) -> str:
        """SHA-256 of the file of maps that a person would have made at the same moment, with the same baseline."""
        return sha256_of(self.files(home, catalogue, release)[file_of(release).name])

    def files(self, home: Path, catalogue: Catalogue, release: ReleaseRecord) -> dict[str, Path]:
        """The files that a person would have made, by their names in the release; the next call may replace them."""
        unit, store = catalogue.unit(release.key), Store.at(home / "store")
        names = {granule.sha256: granule.name for granule in catalogue.granules("level-2", state=None)}
        level2, made = self._folder / f"level2-{release.id}-{home.name}", self._folder / "made"
        level2.mkdir(parents=True)
        for key in unit.inputs["months"].values():
            digest = catalogue.unit(key).inputs["level-2"]
            store.fetch(digest, level2 / names[digest])
        outcome = produce(
            Request(
                level2, self._auxiliaries, made, cache_folder(), product=release.product, issued=unit.created_at,
                baseline=store.local(catalogue.baseline(release.product).digest),
            )
        )  # fmt: skip
        assert not outcome.rejected
        top = made / "level2b" if release.product == "l2b" else made
        return {path.relative_to(top).as_posix(): path for path in outcome.files}


def assert_whole(home: Path, catalogue: Catalogue, *, releases: int, parked: int = 0, product: str = "twsa") -> None:
    """Nothing is lost, half visible, done or released twice."""
    counts: Mapping[str, int] = Counter(unit.state for unit in catalogue.units())
    assert set(counts) <= {"done", "parked"}, counts
    assert counts.get("parked", 0) == parked
    assert_each_once([str(event.details["key"]) for event in catalogue.log(kind="unit-done")])
    issued = [event.subject for event in catalogue.log(kind="release-issued") if event.subject.startswith(product)]
    assert_each_once(issued)
    folder = home / "releases" / product
    seen = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".") and not path.is_symlink())
    assert seen == sorted(issued) == [release.id for release in catalogue.releases(product)]
    assert len(issued) == releases
    assert (folder / "latest").resolve().name == catalogue.latest(product).id
    assert not [problem for name in seen for problem in verify(folder / name)]
    store = Store.at(home / "store")
    assert not list(store.damaged())
    assert {granule.sha256 for granule in catalogue.granules()} <= set(store.digests())


def assert_nothing_half_visible(home: Path) -> None:
    """What has the name of a release is whole."""
    folders = [path for path in (home / "releases").glob("twsa/*") if not path.name.startswith(".")]
    assert not [problem for path in folders for problem in verify(path.resolve())]


def assert_each_once(names: list[str]) -> None:
    assert not [name for name, count in Counter(names).items() if count > 1]


def file_of(release: ReleaseRecord) -> Path:
    """The NetCDF file of a release."""
    return next(Path(release.directory).glob("*.nc"))
