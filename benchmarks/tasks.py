"""What is measured, each task alone in its process. Arguments and results are plain, for JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from services.process.baseline import estimate_mean
from services.process.gathering import gather_auxiliaries, read_month, read_normal_matrix
from services.process.level2b.decorrelation import decorrelate
from services.process.level2b.mean import subtract_mean
from services.process.production import Request, produce
from services.process.products import TWSA
from shared.constants import GM_EARTH, RADIUS_LEVEL2
from shared.formats import bundled
from shared.formats.dense_normals import write_dense
from shared.formats.icgem import read_gfc
from shared.formats.months import MonthTable
from shared.formats.sinex import read_normals
from shared.formats.sinex_writer import write_normals
from shared.geodesy import normals as equations
from shared.models.auxiliaries import NormalMatrix
from shared.models.baseline import Baseline
from shared.models.coefficients import Anomaly, ErrorKind, TideSystem, Vector
from shared.models.epoch import Month
from shared.models.provenance import Source
from shared.simulation.archive import write_archive
from shared.simulation.level2 import simulate as simulate_archive
from shared.simulation.record import FIRST
from shared.simulation.settings import Settings

FILTERED_MONTH = Month(2008, 4)
STRENGTHS = next(step.settings["strengths"] for step in TWSA.monthly if step.name == "decorrelate")
_FILTER_MONTHS = 24  # of which a baseline for the filter is made


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def simulate(out: str, months: int, gaps: bool = True) -> dict[str, Any]:
    """Write a simulated archive of so many months."""
    last = FIRST.plus(months - 1)
    while len((settings := Settings(FIRST, last, gaps=gaps)).months) < months:
        last = last.plus(1)
    return {"seconds": timed(lambda: write_archive(settings, Path(out)))}


def fill_cache(auxiliaries: str, cache: str) -> dict[str, Any]:
    """Gather the auxiliaries with an empty cache, then with the cache that this has filled."""
    cold, warm = (timed(lambda: gather_auxiliaries(Path(auxiliaries), Path(cache))) for _ in range(2))
    return {"cold": cold, "warm": warm}


def run_produce(level2: str, auxiliaries: str, out: str, cache: str, workers: int) -> dict[str, Any]:
    """Produce to the finished NetCDF file, with the seconds of each stage."""
    stages: dict[str, float] = {}
    began = last = time.perf_counter()

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[stage] = stages.get(stage, 0.0) + now - last
        last = now

    request = Request(Path(level2), Path(auxiliaries), Path(out), Path(cache), workers=workers)
    outcome = produce(request, progress)
    seconds = time.perf_counter() - began
    if outcome.rejected:
        raise RuntimeError(f"{len(outcome.rejected)} months were set aside; the first: {outcome.rejected[0]}")
    sources = {str(source): count for source, count in outcome.filter_sources.items()}
    return {"seconds": seconds, "stages": stages, "months": len(outcome.months), "sources": sources}


def run_reading(files: list[str]) -> dict[str, Any]:
    """Read gravity fields from bytes on disk; each once, after one to warm up."""
    read_gfc(Path(files[0]))
    return {"seconds": [timed(lambda path=path: read_gfc(Path(path))) for path in files]}


def run_decorrelation(files: list[str], cache: str) -> dict[str, Any]:
    """Filter months with normals scaled by their errors, with one thread, as a process of the crew does."""
    fields = [read_month(Path(path), MonthTable.default()) for path in files[:_FILTER_MONTHS]]
    months = [field.month for field in fields if field.month is not None]
    baseline = estimate_mean(fields, (months[0], months[-1]))
    blocks = bundled.ddk_normals(Path(cache))
    anomalies = [subtract_mean(field, baseline=baseline) for field in fields]

    def filter_month(anomaly: Anomaly) -> None:
        decorrelate(
            anomaly, baseline=baseline, block_normals=blocks, normals=None, strengths=STRENGTHS, source="error-scaled"
        )

    with threadpool_limits(1):
        filter_month(anomalies[0])
        return {"seconds": [timed(lambda anomaly=anomaly: filter_month(anomaly)) for anomaly in anomalies]}


def write_full_matrix(text: str, binary: str, values: str) -> dict[str, Any]:
    """Write the simulated normal matrix of a month as SINEX text and as its binary cache, and the month."""
    simulation = simulate_archive(Settings(FILTERED_MONTH, FILTERED_MONTH, normals=frozenset({FILTERED_MONTH})))
    field, normals = simulation.field_of(FILTERED_MONTH), simulation.normals_of(FILTERED_MONTH)
    np.save(values, field.values)
    estimate = np.zeros(normals.matrix.shape[0])
    return {
        "text": timed(lambda: write_normals(Path(text), normals, estimate)),
        "binary": timed(lambda: write_dense(Path(binary), normals)),
    }


def run_full_matrix(path: str, values: str, scratch: str) -> dict[str, Any]:
    """Read a normal matrix, text or binary, and filter with it; machine code is compiled before."""
    _compile(Path(scratch) / "tiny.snx")
    anomaly, baseline = _alone(np.load(values))
    marks = [time.perf_counter()]
    normals = read_normal_matrix(Path(path), anomaly.nmax)
    marks.append(time.perf_counter())
    asked = {"baseline": baseline, "block_normals": None, "normals": normals, "source": "normals"}
    decorrelate(anomaly, strengths=STRENGTHS, **asked)
    marks.append(time.perf_counter())
    return {"seconds": marks[2] - marks[0], "reading": marks[1] - marks[0], "filter": marks[2] - marks[1]}


def _alone(values: Vector) -> tuple[Anomaly, Baseline]:
    """A month without errors, and a baseline of nothing: the full matrix says all."""
    month, span = FILTERED_MONTH, FILTERED_MONTH.calendar
    same = {"gm": GM_EARTH, "radius": RADIUS_LEVEL2, "tide_system": TideSystem.TIDE_FREE}
    baseline = Baseline(
        period=(month, month), months=(month,), spans=(span,), checksums=(), mean=np.zeros_like(values), sigmas=None,
        **same,
    )  # fmt: skip
    anomaly = Anomaly(
        name="simulated", values=values, sigmas=None, errors=ErrorKind.NONE, span=span, month=month, **same
    )
    return anomaly, baseline


def _compile(path: Path) -> None:
    """Read a tiny SINEX file, so that numba has done its work."""
    count = equations.size(4)
    write_normals(
        path, NormalMatrix(np.eye(count) + 1.0, 4, None, None, Source("normals", "tiny", "")), np.zeros(count)
    )
    read_normals(path)
    path.unlink()
