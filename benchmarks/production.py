"""From a folder of months to the finished product, cold and with one month added."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.alone import alone
from benchmarks.places import Place
from benchmarks.table import Row, gigabytes, spread
from shared.settings import worker_count

COLD_SECONDS, APPEND_SECONDS, MEMORY = 12.0, 6.0, 1.5e9


def produce_cold(place: Place) -> Iterator[Row | str]:
    """All months into a new folder."""
    filled = alone("fill_cache", auxiliaries=place.archive[1], cache=place.scratch / "empty-cache")
    runs = [_run(place, place.archive[0], place.scratch / f"cold-{n}") for n in range(place.repeats)]
    work = f"produce, {runs[0]['months']} {place.kind} months, cold, {_sources(runs[0])}"
    yield _row(work, COLD_SECONDS, runs)
    yield from _remarks("produce, cold", runs)
    yield (
        f"produce: after {median(run['imports'] for run in runs):.1f} s of imports, without the picture; "
        f"{worker_count()} workers; land mask and filter normals converted before, which takes "
        f"{filled['cold'] - filled['warm']:.1f} s once"
    )
    yield "produce: memory of this process + that of the largest worker for each; pages they share count in both"
    if place.real is None:
        yield "produce: no real data found (GRAVSTREAM_REAL_DATA), so these months were simulated"


def produce_append(place: Place) -> Iterator[Row | str]:
    """The last month added to a folder that has all others; their Level-2B and the baseline are reused."""
    level2, out = place.folder("append-level2", place.months[:-1]), place.scratch / "append"
    _run(place, level2, out, keep=True)
    last = place.months[-1]
    (level2 / last.name).symlink_to(last)
    before, runs = _kept(out), []
    for _ in range(place.repeats):
        runs.append(_run(place, level2, out, keep=True))
        new = _kept(out) - before
        if len(before) != len(place.months) - 1 or len(new) != 1:
            raise RuntimeError(f"{len(new)} months were made and {len(before)} kept, where one should be new")
        for path in new:
            path.unlink()
    yield _row(f"produce, one month added to {len(before)} cached ones", APPEND_SECONDS, runs)
    yield from _remarks("produce, one month added", runs)


def memory_of(run: dict[str, Any]) -> float:
    """Peak memory [bytes] of all processes together at most: pages that they share count in each of them."""
    return float(run["memory"] + (worker_count() * run["largest_child"] if worker_count() > 1 else 0))


def _run(place: Place, level2: Path, out: Path, *, keep: bool = False) -> dict[str, Any]:
    asked = {"level2": level2, "auxiliaries": place.archive[1], "out": out, "cache": place.cache}
    found = alone("run_produce", **asked, workers=worker_count())
    if not keep:
        shutil.rmtree(out)
    return found


def _kept(out: Path) -> set[Path]:
    """The working files of Level-2B."""
    return set((out / ".level2b").iterdir())


def _row(work: str, reach: float, runs: list[dict[str, Any]]) -> Row:
    seconds = [run["seconds"] for run in runs]
    largest = max(runs, key=memory_of)
    memory = f"{gigabytes(largest['memory'])} + {worker_count()} x {gigabytes(largest['largest_child'])}"
    met = median(seconds) <= reach and memory_of(largest) <= MEMORY
    return Row(work, f"<= {reach:g} s, <= {MEMORY / 1e9:g} GB", spread(seconds), memory, met)


def _remarks(name: str, runs: list[dict[str, Any]]) -> Iterator[str]:
    stages = ", ".join(f"{stage} {median(run['stages'][stage] for run in runs):.1f} s" for stage in runs[0]["stages"])
    yield f"{name}: {stages}"


def _sources(run: dict[str, Any]) -> str:
    return " and ".join(run["sources"])
