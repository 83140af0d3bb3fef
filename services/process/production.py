"""The way of a series: gather, bring every month to Level-2B, evaluate them together, write.

What the command `gravstream produce` does; the services do the same, month by month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from services.process.crew import Crew, crew
from services.process.gathering import Auxiliaries, gather_auxiliaries, level2_files, normals_files
from services.process.geometry import COASTAL_BUFFER, OPEN_OCEAN_DISTANCE
from services.process.level3.earthquakes import KAMCHATKA, remove_earthquakes
from services.process.monthly import Progress, Workshop, months_from_nothing, months_with, naming_rows, require_some
from services.process.pipeline import run
from services.process.products import PRODUCTS, Product
from services.process.writing import write_maps, write_month
from shared.constants import K1_CENTRE_OF_FIGURE
from shared.errors import GravstreamError, RequestRefused
from shared.formats.baseline import read_baseline, write_baseline
from shared.geodesy.geocenter import NMAX as GEOCENTER_NMAX
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies, FilterSource
from shared.models.epoch import Month, moment_of_mjd, months_between
from shared.models.grid import GridSeries
from shared.models.series import Level2BSeries
from shared.settings import Publisher, publisher

BASELINE_NAME = "baseline.nc"


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
    issued: datetime = field(default_factory=lambda: datetime.now(UTC))
    publisher: Publisher = field(default_factory=publisher)


@dataclass(frozen=True)
class Outcome:
    """What came of it: the months, what was set aside and why, and the files."""

    product: Product
    baseline: Baseline
    baseline_reused: bool
    months: tuple[Month, ...]
    rejected: tuple[GravstreamError, ...]
    filter_sources: Mapping[FilterSource, int]
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


def produce(request: Request, progress: Progress = lambda *_: None) -> Outcome:
    """Make a product from folders of months and auxiliaries, and write its files.

    Raises
    ------
    RequestRefused : if folders, auxiliaries or months do not allow it; nothing is written
    GranuleRejected : if an auxiliary is damaged; a damaged month is set aside and the others go on
    """
    # One thread of linear algebra, here as in the crew: a sum that is split over threads may round differently.
    with threadpool_limits(1):
        return _produce(request, progress)


def _produce(request: Request, progress: Progress) -> Outcome:
    product = product_of(request)
    _verify(request)
    auxiliaries = gather_auxiliaries(request.auxiliaries, request.cache)
    work = _workshop(request, product, auxiliaries)
    kept = _kept_baseline(request, product)
    files = level2_files(request.level2)
    # Two full normal matrices at a time would need twice the memory, and their filter uses all cores by itself.
    with crew(1 if work.normals else request.workers, work) as people:
        if kept is None:
            baseline, months, rejected = months_from_nothing(work, people, files, progress)
        else:
            baseline, months, rejected = months_with(kept, work, people, files, progress)
        require_some(months, rejected)
        months = sorted(months, key=lambda month: month.month)
        names = tuple(month.month for month in months)
        sources = Counter(month.filter_source for month in months)
        outcome = Outcome(product, baseline, kept is not None, names, tuple(rejected), sources)
        if product.series is None:
            named = [naming_rows(work, month, baseline) for month in months]
            return _with_baseline_file(_write_level2b(outcome, named, request, people, progress), request)
    series = Level2BSeries.of(months)
    del months  # the series holds them now
    maps = evaluate_series(work, baseline, series, request.mode, progress)
    if kept is None:
        outcome = replace(outcome, baseline=replace(baseline, evaluation=maps.evaluation))
    progress("writing the product", 0, 1)
    path = write_maps(request.out, maps, product, baseline, request.mode, request.issued, request.publisher)
    progress("writing the product", 1, 1)
    return _with_baseline_file(replace(outcome, maps=maps, files=(path,)), request)


def _verify(request: Request) -> None:
    """Refuse what can be seen to be impossible before anything is read."""
    if request.first and request.last and request.first > request.last:
        raise RequestRefused(
            f"the first month, {request.first}, comes after the last, {request.last}",
            advice="Exchange --from and --to.",
        )
    if request.out.exists() and not request.out.is_dir():
        raise RequestRefused(f"{request.out} is a file", advice="Name a folder to write to with --out.")


def _workshop(request: Request, product: Product, auxiliaries: Auxiliaries) -> Workshop:
    """What the months of this request are made with."""
    # Made before the crew starts, so that each of its processes does not make them again.
    _ = auxiliaries.geometry.geocenter, auxiliaries.geometry.open_ocean
    return Workshop(
        product,
        auxiliaries,
        # Not even read where another filter is asked for: a bad file of normals then does no harm.
        normals_files((request.level2, request.auxiliaries), auxiliaries.months)
        if request.filter_source in ("auto", FilterSource.NORMALS)
        else {},
        request.out / ".level2b",
        request.first or Month(1900, 1),
        request.last or Month(2200, 12),
    )


def _kept_baseline(request: Request, product: Product) -> Baseline | None:
    """The baseline to use again: the one that is named, or the one of an earlier run in the same folder."""
    path = request.baseline or request.out / BASELINE_NAME
    if not path.is_file():
        if request.mode == "freeze" or request.baseline:
            raise RequestRefused(
                f"the baseline {path} does not exist",
                advice="Produce the record once in mode re-evaluate without --baseline; it leaves one in --out.",
            )
        return None
    baseline = read_baseline(path)
    strengths = {name for s in product.monthly if s.name == "decorrelate" for name in s.settings["strengths"]}
    if baseline.period != product.reference or strengths - set(baseline.alias):
        (first, last), (start, end) = baseline.period, product.reference
        raise RequestRefused(
            f"the baseline {path} is of {first}..{last} with {', '.join(baseline.alias)}, "
            f"but {product.name} needs {start}..{end} with {', '.join(sorted(strengths))}",
            advice="Name the baseline of this product, or another --out folder to make a new one.",
        )
    if request.mode == "freeze" and baseline.evaluation is None:
        raise RequestRefused(
            f"the baseline {path} holds no evaluation of a series to freeze",
            advice="Produce the record once in mode re-evaluate; its baseline holds one.",
        )
    return baseline


def evaluate_series(
    work: Workshop, baseline: Baseline, series: Level2BSeries, mode: str, progress: Progress = lambda *_: None
) -> GridSeries:
    """Level-3: the steps that look at all months together.

    mode: `re-evaluate` fits the whole record anew, `freeze` keeps the evaluation that the baseline holds.
    """
    recipe = work.product.series
    assert recipe is not None
    inputs = {
        "baseline": baseline,
        "geometry": work.auxiliaries.geometry,
        "frozen": baseline.evaluation if mode == "freeze" else None,
        "latitude_scale": work.auxiliaries.latitude_scale,
        "error_correlation": work.auxiliaries.error_correlation,
    }
    container: Any = series
    for done, each in enumerate(recipe, start=1):
        container = run(replace(recipe, steps=(each,)), container, inputs)
        progress("evaluating the series", done, len(recipe.steps))
    maps: GridSeries = container
    return replace(maps, parameters={**maps.parameters, **_open_parameters(work, baseline, series)})


def _open_parameters(work: Workshop, baseline: Baseline, series: Level2BSeries) -> dict[str, str]:
    """What the specification leaves open, and what was taken: written into the product."""
    aux = work.auxiliaries
    return {
        "maximum_degree": f"{series.nmax}",
        "tide_system": f"{baseline.tide_system}",
        "earth_gravity_constant": f"{series.gm!r} m3 s-2",
        "reference_radius": f"{series.radius!r} m",
        "reference_months": f"{len(baseline.months)} months of {baseline.period[0]}..{baseline.period[1]}",
        "gia_reference_epoch": f"{moment_of_mjd(baseline.mid_epoch):%Y-%m-%d}, mean mid-epoch of the reference months",
        "geocenter": f"ocean farther than {COASTAL_BUFFER / 1e3:.0f} km from land, degrees up to {GEOCENTER_NMAX}, "
        f"k1 {K1_CENTRE_OF_FIGURE}, no self-attraction and loading, relative to AOD1B",
        "open_ocean": f"farther than {OPEN_OCEAN_DISTANCE / 1e3:.0f} km from land",
        "love_numbers": aux.geometry.love.name,
        "land_mask": aux.geometry.mask.name,
    }


def _write_level2b(
    outcome: Outcome, months: Sequence[FilteredAnomalies], request: Request, people: Crew, progress: Progress
) -> Outcome:
    """Write Level-2B month by month."""
    written: list[Path] = []
    tasks = ((month, request.out / "level2b") for month in months)
    for done, paths in enumerate(people.each(write_month, tasks), start=1):
        progress("writing the product", done, len(months))
        if isinstance(paths, GravstreamError):
            raise paths
        written += paths
    return replace(outcome, files=tuple(written))


def _with_baseline_file(outcome: Outcome, request: Request) -> Outcome:
    """Keep a baseline that was estimated in this run; one that was there stays untouched."""
    if outcome.baseline_reused:
        return outcome
    path = request.out / BASELINE_NAME
    write_baseline(path, outcome.baseline)
    return replace(outcome, files=(*outcome.files, path))
