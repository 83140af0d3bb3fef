"""The command `gravstream`: every door a person uses. Thin: each command is one function of a service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.operations import app as operations
from services.running import poll, run, serve, up
from shared import settings
from shared.errors import GravstreamError, RequestRefused
from shared.formats.level3_attributes import month_ranges
from shared.models.epoch import Month

if TYPE_CHECKING:
    from services.process.production import Outcome

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="From monthly gravity fields of GRACE and GRACE-FO to terrestrial water storage.",
)
console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)

REFUSED = 1  # nothing was written
INCOMPLETE = 3  # the product was written, but months were set aside, or a file is not sound


class ProductName(StrEnum):
    """The products that can be made."""

    TWSA = "twsa"
    L2B = "l2b"


class FilterSourceName(StrEnum):
    """Where the decorrelation takes its normal matrix from."""

    AUTO = "auto"
    NORMALS = "normals"
    ERROR_SCALED = "error-scaled"
    DDK = "ddk"


class Mode(StrEnum):
    """Whether the record is evaluated anew, or the baseline's fits are kept."""

    RE_EVALUATE = "re-evaluate"
    FREEZE = "freeze"


@contextmanager
def _explained() -> Iterator[None]:
    """Tell an expected error in its own words and leave with its exit code."""
    try:
        yield
    except GravstreamError as error:
        complaints.print(f"[bold red]{error.headline}[/]\n  {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(REFUSED) from error


def _month(text: str | None) -> Month | None:
    if text is None:
        return None
    try:
        return Month.parse(text)
    except ValueError as error:
        raise RequestRefused(str(error), advice="Write a month as YYYY-MM, such as 2015-02.") from error


class _Bar:
    """A progress bar that follows the stages of a run."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, int] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)  # type: ignore[arg-type]


@contextmanager
def _bar() -> Iterator[_Bar]:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress)


@app.command()
def produce(
    level2: Annotated[Path, typer.Option(help="Folder of the monthly gravity fields (gfc, gzip or not).")],
    auxiliaries: Annotated[Path, typer.Option(help="Folder of the low-degree table and the GIA model.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    product: Annotated[ProductName, typer.Option(help="Maps of water storage, or Level-2B fields.")] = ProductName.TWSA,
    first: Annotated[str | None, typer.Option("--from", help="First month, YYYY-MM.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month, YYYY-MM.")] = None,
    filter_source: Annotated[
        FilterSourceName, typer.Option(help="Normal matrix of the filter.")
    ] = FilterSourceName.AUTO,
    baseline: Annotated[
        Path | None, typer.Option(help="Baseline to use; default: the one of an earlier run in --out.")
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="Evaluate the record anew, or keep the baseline's fits.")
    ] = Mode.RE_EVALUATE,
    kamchatka: Annotated[bool, typer.Option(help="Correct the earthquake of 2025-07-29 too.")] = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
) -> None:
    """Make a product from a folder of months and a folder of auxiliaries.

    Leaves with 0 if all months went in, with 3 if the product was written without some that were set aside,
    with 1 if nothing was written.
    """
    from services.process.production import Request
    from services.process.production import produce as make
    from services.publish.quicklook import draw

    with _explained():
        request = Request(
            level2=level2,
            auxiliaries=auxiliaries,
            out=out,
            cache=settings.cache_folder(),
            product=product.value,
            first=_month(first),
            last=_month(last),
            filter_source=filter_source.value,
            baseline=baseline,
            mode=mode.value,
            kamchatka=kamchatka,
            workers=workers or settings.worker_count(),
        )
        began = time.perf_counter()
        with _bar() as bar:
            outcome = make(request, bar)
            files = list(outcome.files)
            if outcome.maps is not None:
                bar("drawing the picture", 0, 1)
                picture = outcome.files[0].with_suffix(".png")
                draw(picture, outcome.files[0])
                files.append(picture)
                bar("drawing the picture", 1, 1)
        _tell(outcome, files, time.perf_counter() - began)
    if outcome.rejected:
        raise typer.Exit(INCOMPLETE)


def _tell(outcome: Outcome, files: list[Path], seconds: float) -> None:
    """The closing table of a run."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    months, gaps = outcome.months, outcome.gaps
    table.add_row("product", f"{outcome.product.name} {outcome.product.version}")
    table.add_row("months", f"{len(months)}, {months[0]} to {months[-1]}")
    table.add_row("gaps", f"{len(gaps)}" + (f": {month_ranges(gaps)}" if gaps else ""))
    table.add_row("filter", ", ".join(f"{count} {source}" for source, count in outcome.filter_sources.items()))
    if outcome.maps is not None:
        maps = outcome.maps
        fallback = [month for month, noise in zip(maps.months, maps.noise, strict=True) if noise > maps.threshold]
        table.add_row("fallback months", month_ranges(fallback))
        table.add_row(
            "mean noise", f"{1e3 * maps.noise.mean():.1f} mm over open ocean, largest {1e3 * maps.noise.max():.1f} mm"
        )
    reused = "used again" if outcome.baseline_reused else "estimated"
    first, last = outcome.baseline.period
    table.add_row("baseline", f"{first} to {last}, {len(outcome.baseline.months)} months, {reused}")
    table.add_row("time", f"{seconds:.1f} s")
    folder = f"{len(files)} under {files[0].parents[1]}"
    table.add_row("files", escape(folder if len(files) > 6 else "\n".join(str(path) for path in files)))
    console.print(table)
    for error in outcome.rejected:
        complaints.print(f"[yellow]{error.headline}[/]\n  {escape(str(error))}", soft_wrap=True)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="Any file that gravstream reads or writes.")]) -> None:
    """Say what a file is and whether it is sound; leaves with 3 if it is not."""
    from services.ingest.inspection import inspect as look

    with _explained():
        found = look(file)
    table = Table(show_header=False, box=None, padding=(0, 2), title=found.kind, title_justify="left")
    for label, text in found.facts:
        table.add_row(label, escape(text))
    console.print(table)
    for problem in found.problems:
        complaints.print(f"[red]problem[/] {escape(problem)}", soft_wrap=True)
    if found.problems:
        raise typer.Exit(INCOMPLETE)
    console.print("[green]sound[/]")


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write level2/, auxiliaries/ and truth/ to.")],
    first: Annotated[str, typer.Option("--from", help="First month, YYYY-MM.")] = "2002-04",
    last: Annotated[str, typer.Option("--to", help="Last month, YYYY-MM.")] = "2025-12",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same archive.")] = 1,
) -> None:
    """Make an archive of simulated months and auxiliaries, with its truth."""
    from shared.simulation.archive import write_archive
    from shared.simulation.settings import Settings

    with _explained(), _bar() as bar:
        begin, end = _month(first), _month(last)
        assert begin is not None and end is not None
        try:
            what = Settings(first=begin, last=end, seed=seed)
        except ValueError as error:
            raise RequestRefused(str(error), advice="Widen --from and --to.") from error
        write_archive(what, out, bar)
    console.print(f"simulated {first} to {last} under {escape(str(out))}")


for command in (run, up, poll, serve):
    app.command()(command)
app.add_typer(operations)


if __name__ == "__main__":
    app()
