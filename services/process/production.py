"""The way of a month and the way of a series: gather, run, write.

A month's Level-2B depends on its bytes, the recipe, the baseline and the auxiliaries; their digest is its
key. What is kept under its key is not computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.process.baseline import estimate_mean, with_alias
from services.process.crew import Crew, crew
from services.process.gathering import (
    Auxiliaries,
    gather_auxiliaries,
    level2_files,
    level2_source,
    normals_files,
    read_month,
    read_normal_matrix,
    without_doubles,
)
from services.process.level2b.low_degrees import require_rows
from services.process.level3.earthquakes import KAMCHATKA, remove_earthquakes
from services.process.pipeline import run
from services.process.products import PRODUCTS, Product
from shared.errors import GranuleRejected, GravstreamError, RequestRefused
from shared.formats.baseline import read_baseline, write_baseline
from shared.formats.files import sha256_of
from shared.formats.level2b_cache import read_cached_month, write_cached
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies, MonthlyField
from shared.models.epoch import Month, months_between
from shared.models.grid import GridSeries
from shared.models.series import Level2BSeries

LAST_STEP = "remove_s2_alias"  # the only monthly step that needs the months of the baseline together

BASELINE_NAME = "baseline.nc"
CODE_VERSION = version("gravstream")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Request:
    """What is asked for: folders, product, period, and the choices a person may make."""

    level2: Path
    auxiliaries: Path
    out: Path
    cache: Path
    product: str = "twsa"
    first: Month | None = None
    last: Month | None = None
    filter_source: str = "auto"
    baseline: Path | None = None
    mode: str = "re-evaluate"
    kamchatka: bool = True
    workers: int = 1


@dataclass(frozen=True)
class Outcome:
    """What came of it: the months, what was set aside and why, and the files."""

    product: Product
    baseline: Baseline
    baseline_reused: bool
    months: tuple[Month, ...]
    rejected: tuple[GravstreamError, ...]
    maps: GridSeries | None = None
    files: tuple[Path, ...] = ()

    @property
    def gaps(self) -> tuple[Month, ...]:
        """Months between the first and the last that are not there."""
        return tuple(m for m in months_between(self.months[0], self.months[-1]) if m not in set(self.months))


def product_of(request: Request) -> Product:
    """The product with the settings that the request changes; RequestRefused if there is no such product."""
    if request.product not in PRODUCTS:
        raise RequestRefused(f"there is no product {request.product}", advice=f"Take one of {', '.join(PRODUCTS)}.")
    changes: dict[str, dict[str, Any]] = {"decorrelate": {"source": request.filter_source}}
    product = PRODUCTS[request.product]
    if not request.kamchatka and product.series is not None:
        events = next(s.settings["events"] for s in product.series if s.name == remove_earthquakes.__name__)
        changes[remove_earthquakes.__name__] = {"events": tuple(e for e in events if e is not KAMCHATKA)}
    return product.with_settings(changes)


@dataclass(frozen=True)
class _Work:
    """What every process of the crew knows."""

    product: Product
    auxiliaries: Auxiliaries
    normals: Mapping[Month, Path]
    kept: Path  # folder of the working files
    first: Month
    last: Month

    def inputs(self, baseline: Baseline, month: Month) -> dict[str, Any]:
        """The auxiliaries of the monthly recipe by the names under which steps ask for them."""
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
        return self.kept / f"{hashlib.sha256(' '.join(parts).encode()).hexdigest()}.npz"

    def wants(self, month: Month) -> bool:
        """Whether a month lies in the period that is asked for."""
        return self.first <= month <= self.last


def produce(request: Request, progress: Progress = lambda *_: None) -> Outcome:
    """Make a product from folders of months and auxiliaries, and write its files.

    Raises
    ------
    RequestRefused : if folders, auxiliaries or months do not allow it; nothing is written
    GranuleRejected : if an auxiliary is damaged; a damaged month is set aside and the others go on
    """
    product = product_of(request)
    auxiliaries = gather_auxiliaries(request.auxiliaries, request.cache)
    work = _Work(
        product,
        auxiliaries,
        normals_files((request.level2, request.auxiliaries), auxiliaries.months),
        request.out / ".level2b",
        request.first or Month(1900, 1),
        request.last or Month(2200, 12),
    )
    kept = _kept_baseline(request, product)
    files = level2_files(request.level2)
    # Two full normal matrices at a time would need twice the memory, and their filter uses all cores by itself.
    with crew(1 if work.normals else request.workers, work) as people:
        baseline, months, rejected = (
            _months_from_nothing(work, people, files, progress)
            if kept is None
            else _months_with(kept, work, people, files, progress)
        )
        _require(months, rejected)
        names = tuple(month.month for month in months)
        outcome = Outcome(product, baseline, kept is not None, names, tuple(rejected))
        if product.series is None:
            written = _write_level2b(outcome, months, request, people, progress)
            return _with_baseline_file(replace(outcome, files=written), request)
    sources = Level2BSeries.of(months)
    del months
    maps = _series(work, baseline, sources, request, progress)
    if kept is None:
        outcome = replace(outcome, baseline=replace(baseline, evaluation=maps.evaluation))
    outcome = replace(outcome, maps=maps, files=(_write_level3(outcome, maps, request, progress),))
    return _with_baseline_file(outcome, request)


def _kept_baseline(request: Request, product: Product) -> Baseline | None:
    """The baseline to use again: the one that is named, or the one of an earlier run in the same folder."""
    path = request.baseline or request.out / BASELINE_NAME
    if not path.is_file():
        if request.mode == "freeze":
            raise RequestRefused(
                f"freezing needs a baseline, and {path} does not exist",
                advice="Produce the record once in mode re-evaluate; it leaves the baseline behind.",
            )
        return None
    baseline = read_baseline(path)
    strengths = {name for s in product.monthly if s.name == "decorrelate" for name in s.settings["strengths"]}
    if baseline.period != product.reference or strengths - set(baseline.alias):
        raise RequestRefused(
            f"the baseline {path} is of {baseline.period[0]}..{baseline.period[1]} with {', '.join(baseline.alias)}, "
            f"the product {product.name} needs {product.reference[0]}..{product.reference[1]} with {', '.join(sorted(strengths))}",
            advice="Name the baseline of this product, or another --out folder to make a new one.",
        )
    if request.mode == "freeze" and baseline.evaluation is None:
        raise RequestRefused(
            f"the baseline {path} holds no evaluation of a series to freeze",
            advice="Produce the record once in mode re-evaluate; its baseline holds one.",
        )
    return baseline


def _months_from_nothing(
    work: _Work, people: Crew, files: Sequence[Path], progress: Progress
) -> tuple[Baseline, list[FilteredAnomalies], list[GravstreamError]]:
    """Estimate the baseline from the months at hand, then finish the months with it."""
    fields, rejected = _sorted_out(people.each(_read, files), "reading months", len(files), progress)
    _require(fields, rejected)
    baseline = estimate_mean(fields, work.product.reference)
    needed = [field for field in fields if work.wants(_month_of(field)) or _month_of(field) in set(baseline.months)]
    steps = people.each(_before_alias, ((field, baseline) for field in needed))
    partial, failed = _sorted_out(steps, "correcting months", len(needed), progress)
    _require(partial, failed)
    baseline = with_alias(baseline, partial)
    months = [_finish(work, baseline, month) for month in partial if work.wants(month.month)]
    return baseline, months, [*rejected, *failed]


def _months_with(
    baseline: Baseline, work: _Work, people: Crew, files: Sequence[Path], progress: Progress
) -> tuple[Baseline, list[FilteredAnomalies], list[GravstreamError]]:
    """Level-2B of the months with a baseline that was made before; what is kept is not made again."""
    months, rejected = _sorted_out(
        people.each(_complete, ((path, baseline) for path in files)), "correcting months", len(files), progress
    )
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


def _require(months: Sequence[Any], rejected: Sequence[GravstreamError]) -> None:
    """Go on only if a month is left."""
    if not months:
        first = f"; the first of {len(rejected)} that were set aside: {rejected[0]}" if rejected else ""
        raise RequestRefused(
            f"no month is left to process{first}",
            advice="Widen --from and --to, or look at the files with `gravstream inspect`.",
        )


def _read(work: _Work, path: Path) -> MonthlyField:
    """A month as it lies in the folder, if the low-degree table covers it."""
    field = read_month(path, work.auxiliaries.months)
    assert field.month is not None and field.span is not None
    periods = next(step.settings["periods"] for step in work.product.monthly if "periods" in step.settings)
    require_rows(work.auxiliaries.low_degrees, field.month, field.span, periods, work.product.reference)
    return field


def _before_alias(work: _Work, task: tuple[MonthlyField, Baseline]) -> FilteredAnomalies:
    """All monthly steps before the alias is removed."""
    field, baseline = task
    recipe = work.product.monthly.until(LAST_STEP)
    return run(recipe, field, work.inputs(baseline, _month_of(field)))  # type: ignore[no-any-return]


def _finish(work: _Work, baseline: Baseline, partial: FilteredAnomalies) -> FilteredAnomalies:
    """The last monthly step, and the month kept under its key."""
    # The baseline that the first steps named did not know its alias yet; the complete one takes its place.
    partial = replace(partial, sources=tuple(s for s in partial.sources if s.role != baseline.source.role))
    month: FilteredAnomalies = run(work.product.monthly.starting(LAST_STEP), partial, {"baseline": baseline})
    write_cached(work.path(baseline, level2_source(month).sha256, month.month), month)
    return month


def _complete(work: _Work, task: tuple[Path, Baseline]) -> FilteredAnomalies | None:
    """Level-2B of a file, kept from before or made now; None if its month is not asked for."""
    path, baseline = task
    try:
        named, _ = work.auxiliaries.months.identify(path.name)
    except GranuleRejected:
        named = None  # only its header knows
    kept = read_cached_month(work.path(baseline, sha256_of(path), named)) if named else None
    if kept is not None:
        return kept if work.wants(kept.month) else None
    field = _read(work, path)
    month = _month_of(field)
    if not work.wants(month):
        return None
    made: FilteredAnomalies = run(work.product.monthly, field, work.inputs(baseline, month))
    write_cached(work.path(baseline, level2_source(made).sha256, month), made)
    return made


def _month_of(field: MonthlyField) -> Month:
    assert field.month is not None
    return field.month


def _series(
    work: _Work, baseline: Baseline, series: Level2BSeries, request: Request, progress: Progress
) -> GridSeries:
    """Level-3: the steps that look at all months together."""
    recipe = work.product.series
    assert recipe is not None
    inputs = {
        "geometry": work.auxiliaries.geometry,
        "frozen": baseline.evaluation if request.mode == "freeze" else None,
        "latitude_scale": work.auxiliaries.latitude_scale,
    }
    container: Any = series
    for done, each in enumerate(recipe, start=1):
        progress(each.name.replace("_", " "), done - 1, len(recipe.steps))
        container = run(replace(recipe, steps=(each,)), container, inputs)
        progress(each.name.replace("_", " "), done, len(recipe.steps))
    return container  # type: ignore[no-any-return]
