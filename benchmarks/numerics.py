"""The numerics and formats that the time of a run is made of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.alone import alone
from benchmarks.places import Place
from benchmarks.table import Row, gigabytes, ratio, spread

SYNTHESIS_SECONDS, SYNTHESIS_ERROR = 1.5e-3, 1e-12
FILTER_SECONDS = 15e-3
READING_SECONDS = 8e-3
TEXT_SECONDS, BINARY_SECONDS, FULL_MEMORY = 15.0, 11.0, 2.5e9
DISK = 3e9  # bytes that a matrix takes as text and as binary, with something left


def synthesis(place: Place) -> Iterator[Row | str]:
    """Maps of water from coefficients, beside two peers in the same process."""
    found = alone("run_synthesis", cache=place.cache, repeats=5 if place.quick else 15)
    own = median(found["seconds"])
    met = own <= SYNTHESIS_SECONDS and found["error"] <= SYNTHESIS_ERROR
    measured = f"{spread(found['seconds'])}, error {found['error']:.0e}"
    work = "synthesis, n96, 0.5 deg, ellipsoid, float64, per month of 64"
    yield Row(work, f"<= 1.5 ms, error <= {SYNTHESIS_ERROR:.0e}", measured, gigabytes(found["memory"]), met)
    for name, what in (("pyshtools", "pyshtools MakeGrid2D"), ("l3py", "l3py 0.2 to_grid")):
        if name in found:
            yield Row(f"  beside it: {what}, per month", "", f"{1e3 * found[name]:.0f} ms, {ratio(found[name], own)}")
        else:
            yield f"synthesis: {what} was skipped, it cannot be imported ({found[f'{name}_missing']})"
    yield (
        f"synthesis: {1e3 * median(found['single']):.2f} ms with one thread; preparing it takes "
        f"{1e3 * found['prepare']:.0f} ms once a run; error relative to the largest height, "
        "against sums that pyshtools makes point by point"
    )


def decorrelation(place: Place) -> Iterator[Row | str]:
    """The filter with normals scaled by the errors of the month."""
    found = alone("run_decorrelation", files=place.months[:24], cache=place.cache)
    work = f"error-scaled VDK, n96, 3 strengths, per {place.kind} month, one thread"
    yield Row(work, "<= 15 ms", spread(found["seconds"]), "", median(found["seconds"]) <= FILTER_SECONDS)


def reading(place: Place) -> Iterator[Row | str]:
    """Level-2 files: unpacked, checked, with their digest."""
    found = alone("run_reading", files=place.months)
    work = f"reading one n96 gfc, {place.kind}, gunzip and SHA-256 included"
    yield Row(work, "<= 8 ms", spread(found["seconds"]), "", median(found["seconds"]) <= READING_SECONDS)


def full_matrix(place: Place) -> Iterator[Row | str]:
    """The filter with a month's full normal matrix, from text and from its binary cache."""
    free = shutil.disk_usage(place.scratch).free
    if free < DISK:
        yield f"full-matrix: skipped, {gigabytes(free)} free in {place.scratch}, {gigabytes(DISK)} needed (--scratch)"
        return
    text, binary, values = (place.scratch / name for name in ("matrix.snx", "matrix.normals", "month.npy"))
    try:
        written = alone("write_full_matrix", text=text, binary=binary, values=values)
        yield from _full_rows(place, text, binary, values)
        yield (
            f"full-matrix: text of {gigabytes(text.stat().st_size)}, written in {written['text']:.0f} s, binary cache "
            f"checked and written in {written['binary']:.1f} s; both lie in the memory of the disk; compiled before"
        )
    finally:
        for path in (text, binary, values):
            path.unlink(missing_ok=True)


def _full_rows(place: Place, text: Path, binary: Path, values: Path) -> Iterator[Row | str]:
    for path, kind, reach in ((text, "SINEX text", TEXT_SECONDS), (binary, "cached binary", BINARY_SECONDS)):
        asked = {"path": path, "values": values, "scratch": place.scratch}
        runs = [alone("run_full_matrix", **asked) for _ in range(place.repeats)]
        seconds, memory = [run["seconds"] for run in runs], max(run["memory"] for run in runs)
        met = median(seconds) <= reach and memory <= FULL_MEMORY
        work = f"full-matrix VDK, n96 (9405 parameters), 3 strengths, from {kind}"
        yield Row(work, f"<= {reach:g} s, <= {FULL_MEMORY / 1e9:g} GB", spread(seconds), gigabytes(memory), met)
        parts = [f"{part} {median(run[part] for run in runs):.1f} s" for part in ("reading", "filter")]
        yield f"full-matrix, from {kind}: {', '.join(parts)}"
