"""Commands about releases and baselines: what there is, what a person decides, and whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from services.operations_speech import (
    SOON,
    UNSOUND,
    Json,
    Reason,
    Who,
    at,
    catalogue,
    complaints,
    explained,
    say,
    say_json,
    say_table,
)
from shared import settings
from shared.errors import GranuleRejected, RequestRefused, StoreDamaged
from shared.storage.catalogue import Catalogue

app = typer.Typer()
releases = typer.Typer(help="List the releases; approve, reject or retract one.", invoke_without_command=True)
baselines = typer.Typer(help="List the baselines; accept or refuse a proposed one.", invoke_without_command=True)

Name = Annotated[str, typer.Argument(metavar="ID", help="Name of a release, such as twsa-v1.0-003.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="Number of a baseline, from `gravstream baselines`.")]


@releases.callback()
def list_releases(context: typer.Context, as_json: Json = False) -> None:
    """List the releases; approve, reject or retract one. Leaves with 0."""
    if context.invoked_subcommand:
        return
    with catalogue() as known:
        found = known.releases()
    if as_json:
        say_json(found)
    elif not found:
        say("Nothing is released yet.")
    else:
        rows = ((r.id, r.kind, f"{r.first}..{r.last}", r.state, at(r.decided_at)[:10]) for r in found)
        say_table(("id", "kind", "months", "state", "since"), rows)
        for release in found:
            if why := release.decision or "; ".join(release.reasons):
                say(f"{release.id} is {release.state}: {why}")
        if any(release.state == "held" for release in found):
            say("Decide with `gravstream releases approve ID --reason` or `reject ID --reason`.")


@releases.command()
def approve(id: Name, reason: Reason, who: Who) -> None:
    """Let a held release pass the gate; leaves with 1 if it is not held."""
    with catalogue() as known:
        known.approve_release(id, who=who, reason=reason)
    say(f"{id} is approved. {SOON}")


@releases.command()
def reject(id: Name, reason: Reason, who: Who) -> None:
    """Give a held release up; leaves with 1 if it is not held."""
    with catalogue() as known:
        known.reject_release(id, who=who, reason=reason)
    say(f"{id} is rejected.")


@releases.command()
def retract(id: Name, reason: Reason, who: Who) -> None:
    """Take a release back: its files go, a tombstone says why; leaves with 1 if it is not released."""
    from services.publish.withdrawal import withdraw

    with catalogue() as known:
        successor = withdraw(known, id, who, reason)
    say(f"{id} is retracted. " + (f"{successor} is there." if successor else "No release is in its place."))


@baselines.callback()
def list_baselines(context: typer.Context, as_json: Json = False) -> None:
    """List the baselines; accept or refuse a proposed one. Leaves with 0."""
    if context.invoked_subcommand:
        return
    with catalogue() as known:
        found = known.baselines()
    if as_json:
        say_json(found)
    elif not found:
        say("There is no baseline yet.")
    else:
        rows = ((b.id, b.product, b.number, b.state, at(b.created_at), b.reason) for b in found)
        say_table(("id", "product", "number", "state", "made (UTC)", "why"), rows)


@baselines.command("accept")
def accept_baseline(id: Number, reason: Reason, who: Who) -> None:
    """Use a proposed, refused or replaced baseline from now on; leaves with 1 if it is none of these.

    All is computed again, and the release that follows is held until its version is raised or it is approved.
    """
    with catalogue() as known:
        taken = known.accept_baseline(id, who=who, reason=reason)
    say(f"Baseline {taken.number} of {taken.product} is in use; all its months are computed again. {SOON}")
    say("The release that follows is of the kind major and is held: see `gravstream releases` then.")


@baselines.command("refuse")
def refuse_baseline(id: Number, reason: Reason, who: Who) -> None:
    """Refuse a proposed baseline; leaves with 1 if it is not proposed."""
    with catalogue() as known:
        gone = known.refuse_baseline(id, who=who, reason=reason)
    say(f"Baseline {gone.number} of {gone.product} is not used.")


@app.command()
def verify(
    release: Annotated[str, typer.Argument(help="Directory of a release, or its name.")],
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Compute it again from the store.")] = False,
    as_json: Json = False,
) -> None:
    """Check every file of a release against its sums; with --rebuild, make it again and compare every bit.

    Leaves with 0 if all is well, with 3 if not, with 1 if there is no such release.
    """
    with explained():
        from services.publish.sums import verify as check

        directory = _directory(release)
        problems = [str(problem) for problem in check(directory)]
        if rebuild:
            problems += _rebuilt_differently(directory)
    if as_json:
        say_json({"directory": str(directory), "rebuilt": rebuild, "problems": problems})
    else:
        for problem in problems:
            complaints.print(f"problem: {problem}", markup=False, soft_wrap=True)
        if not problems:
            say(f"{directory.name} is sound" + (", and comes out with the same bits." if rebuild else "."))
    if problems:
        raise typer.Exit(UNSOUND)


def _directory(name: str) -> Path:
    """The directory of a release; a copy needs no catalogue."""
    path = Path(name)
    if path.is_dir():
        return path.resolve()
    with Catalogue.open(settings.system().catalogue) as known:
        found = known.find_release(name)
    if found is None or not found.directory:
        what = f"{name} is {found.state} and has no files" if found else f"there is no release {name}"
        raise RequestRefused(what, advice="Name a directory, or a release of `gravstream releases`.")
    return Path(found.directory)


def _rebuilt_differently(directory: Path) -> list[str]:
    """What comes out with other bits than it was released with."""
    from services.process import app as process
    from services.process.monthly import CODE_VERSION
    from services.process.reprocessing_check import rebuild
    from services.publish.manifest import read_manifest

    try:
        manifest = read_manifest(directory)
    except GranuleRejected as error:
        raise RequestRefused(error.found, advice="A retracted or damaged release cannot be compared.") from error
    columns: tuple[Any, ...] = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=complaints, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(stage: str, done: int, total: int) -> None:
            tasks.setdefault(stage, bar.add_task(stage, total=total) if stage not in tasks else None)
            bar.update(tasks[stage], completed=done)

        try:
            made = rebuild(process.hall(), manifest.key, progress)
        except StoreDamaged as error:
            return [str(error)]
    problems = [f"Level-2B of {month} comes out with other bits than are kept" for month in made.differing]
    if made.outputs:
        other = [output.name for output in manifest.outputs if made.outputs.get(output.name) != output.sha256]
        problems += [f"{name} comes out with other bits than it was released with" for name in other]
    problems += [f"{name} comes out, but was not released" for name in sorted(set(made.outputs) - _names(manifest))]
    if problems and manifest.code_version != CODE_VERSION:
        problems.append(f"it was made by version {manifest.code_version}, and this is {CODE_VERSION}")
    return problems


def _names(manifest: Any) -> set[str]:
    return {output.name for output in manifest.outputs}
