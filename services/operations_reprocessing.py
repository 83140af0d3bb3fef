"""The command that has months computed again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.operations_speech import SOON, Json, Reason, Who, explained, say, say_json, say_table, unit_rows
from shared.errors import RequestRefused

if TYPE_CHECKING:
    from services.process.reprocessing import Again

app = typer.Typer()


@app.command()
def reprocess(
    reason: Reason,
    who: Who,
    months: Annotated[str | None, typer.Option(help="Such as 2015-02,2016-11..2017-06; default: all.")] = None,
    steps: Annotated[str | None, typer.Option(help="from=STEP: nothing before it has to be done again.")] = None,
    auxiliary: Annotated[
        list[str] | None, typer.Option(help="NAME=FILE: another low-degrees, gia, land-mask or month-table.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be computed.")] = False,
    as_json: Json = False,
) -> None:
    """Compute months again, or all of them with another auxiliary; say first which and why.

    Months are always made from their Level-2 file; a step only tells whether months or the series are meant.
    Same inputs give the same bits: then nothing changes; if not, the log tells. What has changed goes through the
    same gate as ever. Leaves with 0, or with 1 if it cannot be done as asked.
    """
    with explained():
        from services.operations_files import verify
        from services.process import app as process
        from services.process.reprocessing import Wish, months_of, propose
        from services.process.reprocessing_course import reprocess as begin

        hall = process.hall()
        known = (each.month for each in hall.catalogue.granules("level-2") if each.month)
        chosen = months_of(months, known) if months else ()
        wish = Wish(who, reason, chosen, _first_step(steps), _files(auxiliary or []))
        again = propose(hall, wish, verify)
        if not as_json:
            _tell_of(again)
        asked = None if dry_run else begin(hall, wish, verify)[0]
    if as_json:
        say_json({"units": again, "reprocessing": asked})
    else:
        say("A dry run: nothing was changed." if asked is None else f"Recorded as reprocessing {asked.id}. {SOON}")


def _tell_of(again: list[Again]) -> None:
    rows = unit_rows([asdict(each) for each in again])
    if rows:
        say_table(("units", "product", "kind", "months", "why"), rows)
    else:
        say("No month has to be computed: it has been before, or is under way.")


def _first_step(text: str | None) -> str | None:
    if text is None:
        return None
    word, _, name = text.partition("=")
    if word != "from" or not name:
        raise RequestRefused(f"{text} names no step", advice="Write --steps from=decorrelate.")
    return name


def _files(texts: list[str]) -> dict[str, Path]:
    found = {}
    for text in texts:
        name, sign, file = text.partition("=")
        if not sign or not file or name in found:
            raise RequestRefused(f"{text} is no auxiliary", advice="Write --auxiliary gia=FILE, each name once.")
        found[name] = Path(file)
    return found
