"""The way of a month: from its bytes to Level-2B, kept under the digest of all that it depends on.

A month depends on its file, the recipe, the baseline and the auxiliaries. What is kept under its key is not
computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from services.process.baseline import estimate_mean, with_alias
from services.process.crew import Crew
from services.process.gathering import Auxiliaries, level2_source, read_month, read_normal_matrix, without_doubles
from services.process.level2b.low_degrees import Periods, require_rows, rows_used
from services.process.pipeline import run
from services.process.products import Product
from shared.errors import GranuleRejected, GravstreamError, RequestRefused
from shared.formats.files import sha256_of
from shared.formats.level2b_cache import read_cached_month, write_cached
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies, MonthlyField
from shared.models.epoch import Month

LAST_STEP = "remove_s2_alias"  # the only monthly step that needs the months of the baseline together
CODE_VERSION = version("gravstream")

Progress = Callable[[str, int, int], None]
Months = tuple[Baseline, list[FilteredAnomalies], list[GravstreamError]]


@dataclass(frozen=True)
class Workshop:
    """What every process of the crew knows."""

    product: Product
    auxiliaries: Auxiliaries
    normals: Mapping[Month, Path]
    kept: Path  # folder of the working files
    first: Month
    last: Month

    def inputs(self, baseline: Baseline, month: Month) -> dict[str, Any]:
        """The auxiliaries of the monthly recipe, by the names that steps ask for."""
        normals = self.normals.get(month)
        return {
            "baseline": baseline,
            "low_degrees": self.auxiliaries.low_degrees,
            "gia": self.auxiliaries.gia,
            "geometry": self.auxiliaries.geometry,
            "block_normals": self.auxiliaries.block_normals,
            "normals": None if normals is None else read_normal_matrix(normals, baseline.nmax),
        }

    def path(self, baseline: Baseline, level2: str, month: Month | None) -> Path:
        """Where a month's Level-2B is kept: under the digest of all that it depends on."""
        aux, normals = self.auxiliaries, self.normals.get(month) if month else None
        used = (aux.low_degrees, aux.gia, aux.geometry.mask, aux.geometry.love, aux.block_normals)
        parts = [CODE_VERSION, self.product.monthly.digest, baseline.digest, level2, *(u.source.sha256 for u in used)]
        parts += [sha256_of(normals)] if normals else []
        return self.kept / f"{hashlib.sha256(' '.join(parts).encode()).hexdigest()}.level2b"

    def wants(self, month: Month) -> bool:
        """Whether a month lies in the period that is asked for."""
        return self.first <= month <= self.last


def months_from_nothing(work: Workshop, people: Crew, files: Sequence[Path], progress: Progress) -> Months:
    """Estimate the baseline from the months at hand, then finish the months with it."""
    fields, rejected = _sorted_out(people.each(_read, files), "reading months", len(files), progress)
    require_some(fields, rejected)
    baseline = estimate_mean(fields, work.product.reference)
    needed = [field for field in fields if work.wants(_month_of(field)) or _month_of(field) in set(baseline.months)]
    steps = people.each(_before_alias, ((field, baseline) for field in needed))
    partial, failed = _sorted_out(steps, "correcting months", len(needed), progress)
    require_some(partial, failed)
    baseline = with_alias(baseline, partial)
    wanted = [month for month in partial if work.wants(month.month)]
    finished = people.each(_finish, ((month, baseline) for month in wanted))
    months, unfinished = _sorted_out(finished, "keeping months", len(wanted), progress)
    return baseline, months, [*rejected, *failed, *unfinished]


def months_with(baseline: Baseline, work: Workshop, people: Crew, files: Sequence[Path], progress: Progress) -> Months:
    """Level-2B of the months with a baseline that was made before; what is kept is not made again."""
    # Kept months are read here: it takes a millisecond each, less than to send one from process to process.
    kept = {path: _kept(work, baseline, path) for path in files}
    made = people.each(_complete, ((path, baseline) for path in files if kept[path] is None))
    wanted = (month for month in kept.values() if month is not None and work.wants(month.month))
    months, rejected = _sorted_out(chain(wanted, made), "correcting months", len(files), progress)
    return baseline, months, rejected


def _sorted_out(
    results: Iterable[Any], stage: str, total: int, progress: Progress
) -> tuple[list[Any], list[GravstreamError]]:
    """What came out well, one of each month, and the errors of the rest."""
    good, bad = [], []
    for done, result in enumerate(results, start=1):
        progress(stage, done, total)
        if isinstance(result, GravstreamError):
            bad.append(result)
        elif result is not None:
            good.append(result)
    single, doubles = without_doubles(good)
    return single, [*bad, *doubles]


def require_some(months: Sequence[Any], rejected: Sequence[GravstreamError]) -> None:
    """Go on only if a month is left."""
    if not months:
        first = f"; the first of {len(rejected)} that were set aside: {rejected[0]}" if rejected else ""
        raise RequestRefused(
            f"no month is left to process{first}",
            advice="Widen --from and --to, or look at the files with `gravstream inspect`.",
        )


def _read(work: Workshop, path: Path) -> MonthlyField:
    """A month as it lies in the folder, if the low-degree table covers it."""
    field = read_month(path, work.auxiliaries.months)
    assert field.month is not None and field.span is not None
    require_rows(work.auxiliaries.low_degrees, field.month, field.span, _periods(work), work.product.reference)
    return field


def _periods(work: Workshop) -> Periods:
    """In which months the recipe replaces which low degrees."""
    periods: Periods = next(step.settings["periods"] for step in work.product.monthly if "periods" in step.settings)
    return periods


def naming_rows(work: Workshop, month: FilteredAnomalies, baseline: Baseline) -> FilteredAnomalies:
    """The month, naming what it used of the low-degree table and not its whole file."""
    table = work.auxiliaries.low_degrees
    rows = rows_used(table, month.month, month.span, baseline, _periods(work))
    return replace(month, sources=tuple(sorted({*month.sources, rows} - {table.source})))


def _before_alias(work: Workshop, task: tuple[MonthlyField, Baseline]) -> FilteredAnomalies:
    """All monthly steps before the alias is removed."""
    field, baseline = task
    recipe = work.product.monthly.until(LAST_STEP)
    partial: FilteredAnomalies = run(recipe, field, work.inputs(baseline, _month_of(field)))
    return partial


def _finish(work: Workshop, task: tuple[FilteredAnomalies, Baseline]) -> FilteredAnomalies:
    """The last monthly step, and the month kept under its key."""
    partial, baseline = task
    # The baseline that the first steps named did not know its alias yet; the complete one takes its place.
    partial = replace(partial, sources=tuple(s for s in partial.sources if s.role != baseline.source.role))
    month: FilteredAnomalies = run(work.product.monthly.starting(LAST_STEP), partial, {"baseline": baseline})
    write_cached(work.path(baseline, level2_source(month).sha256, month.month), month)
    return month


def _kept(work: Workshop, baseline: Baseline, path: Path) -> FilteredAnomalies | None:
    """Level-2B of a file as it was kept, or None."""
    try:
        month, _ = work.auxiliaries.months.identify(path.name)
    except GranuleRejected:
        return None  # only its header knows its month
    return read_cached_month(work.path(baseline, sha256_of(path), month))


def _complete(work: Workshop, task: tuple[Path, Baseline]) -> FilteredAnomalies | None:
    """Level-2B of a file, made and kept; None if its month is not asked for."""
    path, baseline = task
    field = _read(work, path)
    month = _month_of(field)
    if not work.wants(month):
        return None
    made = _make(work, field, baseline)
    write_cached(work.path(baseline, level2_source(made).sha256, month), made)
    return made


def complete_month(work: Workshop, path: Path, baseline: Baseline) -> FilteredAnomalies:
    """Level-2B of a Level-2 file with a baseline; GranuleRejected or AuxiliaryMissing if that cannot be."""
    return _make(work, _read(work, path), baseline)


def _make(work: Workshop, field: MonthlyField, baseline: Baseline) -> FilteredAnomalies:
    made: FilteredAnomalies = run(work.product.monthly, field, work.inputs(baseline, _month_of(field)))
    return made


def _month_of(field: MonthlyField) -> Month:
    assert field.month is not None
    return field.month
