"""How time and memory grow with the months."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from math import log

from benchmarks.alone import alone
from benchmarks.places import Place
from benchmarks.production import memory_of
from benchmarks.table import Row, gigabytes
from shared.settings import worker_count

COUNTS = (60, 120, 214, 500)
MEMORY_PER_MONTH = 4e6  # bytes
_LINEAR = 1.05  # exponent that passes as linear: a few percent are the scatter of single runs


def growth(place: Place) -> Iterator[Row | str]:
    """Produce from ever more simulated months of one archive without gaps, each count once."""
    archive = place.scratch / "growth"
    alone("simulate", out=archive, months=max(COUNTS), gaps=False)
    files = sorted((archive / "level2").glob("*.gfc"))
    seconds, memory = [], []
    for count in COUNTS:
        out = place.scratch / f"growth-out-{count}"
        level2 = place.folder(f"growth-{count}", files[:count])
        asked = {"level2": level2, "auxiliaries": archive / "auxiliaries", "out": out, "cache": place.cache}
        run = alone("run_produce", **asked, workers=worker_count())
        shutil.rmtree(out)
        seconds.append(run["seconds"])
        memory.append(memory_of(run))
        work = f"produce, {count} simulated months, cold"
        yield Row(
            work, "", f"{run['seconds']:.1f} s ({1e3 * run['seconds'] / count:.0f} ms a month)", gigabytes(memory[-1])
        )
    yield growth_row(seconds, memory)
    yield "growth: memory is that of all processes together, with the pages that they share counted in each"


def growth_row(seconds: Sequence[float], memory: Sequence[float]) -> Row:
    """The growth over all counts, and over the last step: there a fixed cost hides the least."""
    slope = (memory[-1] - memory[0]) / (COUNTS[-1] - COUNTS[0])
    parts = (slice(None), slice(-2, None))
    powers = [exponent(COUNTS[part], values[part]) for values in (seconds, memory) for part in parts]
    return Row(
        f"growth from {COUNTS[0]} to {COUNTS[-1]} months (from {COUNTS[-2]})",
        f"at most linear, < {MEMORY_PER_MONTH / 1e6:g} MB a month",
        "time ~ months^{:.2f} ({:.2f}), memory ~ months^{:.2f} ({:.2f})".format(*powers),
        f"{slope / 1e6:.1f} MB a month",
        max(powers) <= _LINEAR and slope < MEMORY_PER_MONTH,
    )


def exponent(counts: Sequence[int], values: Sequence[float]) -> float:
    """The power of the number of months that times or memory grow like, from first to last; 1 is linear."""
    return log(values[-1] / values[0]) / log(counts[-1] / counts[0])
