"""Commands about files: those that were refused or wait for a decision, and those that nobody needs any more."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.operations_speech import SOON, Json, Reason, Who, at, catalogue, say, say_json, say_table
from services.publish.set_aside import set_aside
from shared import settings
from shared.errors import GranuleRejected, RequestRefused
from shared.storage.catalogue import Catalogue, Granule
from shared.storage.store import Store

if TYPE_CHECKING:
    from services.ingest.verification import Verified
    from shared.formats.months import MonthTable

app = typer.Typer()

Number = Annotated[int, typer.Argument(metavar="ID", help="Number of a file, from `gravstream quarantine`.")]


@app.command()
def quarantine(as_json: Json = False) -> None:
    """List the files that wait for a decision or were refused, and why. Leaves with 0."""
    with catalogue() as known:
        files = set_aside(known)
    if as_json:
        say_json(files)
    elif not files:
        say("No file is held or refused.")
    else:
        say_table(
            ("id", "state", "file", "since (UTC)", "why"),
            ((each.id, each.state, each.name, at(each.arrived_at), each.reason) for each in files),
        )
        say("Decide with `gravstream accept ID --reason` or `gravstream refuse ID --reason`.")


@app.command()
def accept(id: Number, reason: Reason, who: Who) -> None:
    """Use a held or refused file, in the place of the one before; leaves with 1 if it cannot even be read."""
    with catalogue() as known:
        granule = take(known, id, who=who, reason=reason)
    say(f"{granule.name} is in use. {SOON}")


@app.command()
def refuse(id: Number, reason: Reason, who: Who) -> None:
    """Set a held file aside: the one before stays in use; leaves with 1 if it does not wait for a decision."""
    with catalogue() as known:
        granule = known.refuse_granule(id, who=who, reason=reason)
    say(f"{granule.name} is not used.")


@app.command("collect-garbage")
def collect_garbage(
    who: Who,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    older_than: Annotated[float, typer.Option(min=1.0, help="Hours that it must have been kept.")] = 24.0,
    as_json: Json = False,
) -> None:
    """Delete from the store what nothing names any more.

    Kept is what a file, a baseline, a release or an open unit of work names. What is deleted is made again if it is
    ever wanted again. Leaves with 0.
    """
    with catalogue() as known:
        store, age = Store.at(settings.system().store), timedelta(hours=older_than)
        wanted = known.wanted_digests()
        garbage = store.collect_garbage(wanted, older_than=age, dry_run=True)
        size = sum(store.size(digest) for digest in garbage)
        if garbage and not dry_run:
            known.forget_made(set(garbage))
            garbage = store.collect_garbage(wanted, older_than=age, dry_run=False)
            text = f"{len(garbage)} objects that nothing names any more are deleted from the store by {who}."
            known.append("system", "garbage-collected", text, who=who, details={"objects": len(garbage), "bytes": size})
    if as_json:
        say_json({"objects": garbage, "bytes": size, "deleted": not dry_run})
    else:
        verb = "would be deleted" if dry_run else "deleted"
        say(f"{len(garbage)} objects, {size / 1e6:.1f} MB, {verb}.")


def take(known: Catalogue, id: int, *, who: str, reason: str) -> Granule:
    """Use a held or refused file; RequestRefused if it is neither, or cannot be read."""
    granule = _find(known, id)
    if granule.state == "quarantined":
        granule = _enter_again(known, granule, who)
    return known.accept_granule(granule.id, who=who, reason=reason)


def verify(role: str, path: Path) -> None:
    """Look at a file as if it had come in; GranuleRejected if it is not sound."""
    with Catalogue.open(settings.system().catalogue) as known:
        _verified(known, role, path)


def _find(known: Catalogue, id: int) -> Granule:
    found = next((each for each in known.granules(state=None) if each.id == id), None)
    if found is None:
        raise RequestRefused(f"there is no file with number {id}", advice="See `gravstream quarantine`.")
    return found


def _enter_again(known: Catalogue, granule: Granule, who: str) -> Granule:
    """Enter a refused file with the month that it is of; held, until it is accepted.

    A person may know better than the comparison with the neighbours, but what no reader can read is of no use.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Store.at(settings.system().store).fetch(granule.sha256, Path(folder) / granule.name)
        try:
            found = _verified(known, granule.role, path)
        except GranuleRejected as error:
            raise RequestRefused(error.found, advice="Put a mended file under the same name upstream.") from error
    held, _ = known.register_granule(
        role=granule.role,
        name=granule.name,
        sha256=granule.sha256,
        size=granule.size,
        series=granule.series,
        month=None if found.month is None else str(found.month),
        begin=None if found.span is None else found.span.begin,
        end=None if found.span is None else found.span.end,
        origin=granule.origin,
        etag=granule.etag,
        last_modified=granule.last_modified,
        hold=f"was refused ({granule.reason.rstrip('.')})",
        who=who,
    )
    return held


def _verified(known: Catalogue, role: str, path: Path) -> Verified:
    from services.ingest.neighbours import Neighbours
    from services.ingest.verification import Verifier

    return Verifier(settings.ingest(), _months(known), Neighbours({})).verify(path, role, path.name)


def _months(known: Catalogue) -> MonthTable:
    from shared.formats.months import MonthTable, read_month_table

    tables = known.current("month-table")
    if not tables:
        return MonthTable.default()
    return read_month_table(Store.at(settings.system().store).get(tables[-1].sha256), name=tables[-1].name)
