"""What the tests of the whole system share: a small archive, the system on it, patience, and what must hold."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
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

PROJECT = Path(__file__).resolve().parents[2]
TABLE = PROJECT / "build" / "faults"

# 32 months without the one that is missing in reality: 24 make a baseline, the others come one by one.
FIRST, LAST, NMAX = Month(2003, 1), Month(2005, 9), 20


@dataclass(frozen=True)
class Fault:
    """A line of the table: what was done to the system, how often, and how soon it was well again."""

    fault: str
    tried: int
    recovered: int
    seconds: float  # the longest


def note(fault: str, seconds: list[float | None]) -> None:
    """Keep a line of the table; None stands for a time from which the system did not come back."""
    well = [each for each in seconds if each is not None]
    TABLE.mkdir(parents=True, exist_ok=True)
    line = Fault(fault, len(seconds), len(well), round(max(well, default=float("nan")), 1))
    name = "".join(letter if letter.isalnum() else "-" for letter in fault)
    (TABLE / f"{name}.json").write_text(json.dumps(asdict(line)))


def table() -> str:
    """All lines that were kept, as Markdown."""
    lines = [Fault(**json.loads(path.read_text())) for path in sorted(TABLE.glob("*.json"))]
    rows = [f"| {line.fault} | {line.tried} | {line.recovered} | {line.seconds:.1f} |" for line in lines]
    return "\n".join(["| fault | tried | recovered | seconds, longest |", "|---|---|---|---|", *rows])


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


def released(catalogue: Catalogue, months: int) -> ReleaseRecord | None:
    """The release that holds so many months, once it is open."""
    latest = catalogue.latest("twsa")
    if latest is None or len(catalogue.unit(latest.key).inputs["months"]) != months:
        return None
    return latest


def pid_of(owner: str) -> int:
    """The process of an owner."""
    return int(owner.rpartition(":")[2])


class ByHand:
    """The product that `gravstream produce` makes of the same files; it keeps its months."""

    def __init__(self, folder: Path, level2: Path, auxiliaries: Path) -> None:
        self._folder, self._level2, self._auxiliaries = folder, level2, auxiliaries

    def digest(self, home: Path, catalogue: Catalogue, release: ReleaseRecord) -> str:
        """SHA-256 of the file that a person would have made at the same moment, with the same baseline."""
        unit, store = catalogue.unit(release.key), Store.at(home / "store")
        names = {granule.sha256: granule.name for granule in catalogue.granules("level-2", state=None)}
        level2 = self._folder / f"level2-{release.id}-{home.name}"
        level2.mkdir(parents=True)
        for key in unit.inputs["months"].values():
            digest = catalogue.unit(key).inputs["level-2"]
            store.fetch(digest, level2 / names[digest])
        baseline = store.local(catalogue.baseline("twsa").digest)
        outcome = produce(
            Request(
                level2, self._auxiliaries, self._folder / "made", cache_folder(), issued=unit.created_at,
                baseline=baseline,
            )
        )  # fmt: skip
        assert not outcome.rejected
        return sha256_of(outcome.files[0])


def assert_whole(home: Path, catalogue: Catalogue, *, releases: int, parked: int = 0) -> None:
    """Nothing is lost, half visible, done or released twice."""
    counts: Mapping[str, int] = Counter(unit.state for unit in catalogue.units())
    assert set(counts) <= {"done", "parked"}, counts
    assert counts.get("parked", 0) == parked
    assert_each_once([str(event.details["key"]) for event in catalogue.log(kind="unit-done")])
    issued = [event.subject for event in catalogue.log(kind="release-issued")]
    assert_each_once(issued)
    folder = home / "releases" / "twsa"
    seen = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".") and not path.is_symlink())
    assert seen == sorted(issued) == [release.id for release in catalogue.releases("twsa")]
    assert len(issued) == releases
    assert (folder / "latest").resolve().name == catalogue.latest("twsa").id
    assert not [problem for name in seen for problem in verify(folder / name)]
    store = Store.at(home / "store")
    assert not list(store.damaged())
    assert {granule.sha256 for granule in catalogue.granules()} <= set(store.digests())


def assert_each_once(names: list[str]) -> None:
    assert not [name for name, count in Counter(names).items() if count > 1]


def file_of(release: ReleaseRecord) -> Path:
    """The NetCDF file of a release."""
    return next(Path(release.directory).glob("*.nc"))
