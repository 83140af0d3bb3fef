"""Commands that tell how things are: the log, and the state of the system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from services.operations_speech import Json, at, catalogue, say, say_json, say_table
from shared import settings
from shared.errors import RequestRefused

if TYPE_CHECKING:
    from services.publish.overview import Overview

app = typer.Typer()


@app.command()
def log(
    subject: Annotated[str | None, typer.Argument(help="Month (2016-12), product, release, source or role.")] = None,
    as_json: Json = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many, the newest; default: all.")] = None,
) -> None:
    """Tell every fact in the order in which it came true.

    Leaves with 0, or with 1 if nothing is known of the subject.
    """
    with catalogue() as known:
        events = known.log(subject, limit=limit, newest=True)
        if subject and not events:
            advice = "Name a month (2016-12), a product, a release, a source, a role such as gia, or system."
            raise RequestRefused(f"the log knows nothing of {subject}", advice=advice)
    if as_json:
        say_json(events)
    elif not events:
        say("Nothing has happened yet.")
    elif subject:
        say_table(("time (UTC)", "what"), ((at(event.time), event.text) for event in events))
    else:
        say_table(("time (UTC)", "of", "what"), ((at(event.time), event.subject, event.text) for event in events))


@app.command()
def status(as_json: Json = False) -> None:
    """Tell how far the record is, what is under way, and what needs a person.

    What the first page of the console shows; the queues are seen only there. Leaves with 0.
    """
    from services.publish.overview import Limits, overview
    from services.publish.titles import TITLES

    chosen = settings.system()
    titles = {name: TITLES[name] for name in chosen.products}
    limits = Limits(poll_interval=chosen.queue.poll_interval)
    with catalogue() as known:
        found = overview(known, titles, dict, limits, folders=chosen.folders)
    if as_json:
        say_json(found)
        return
    for title, heads, rows in _tables(found):
        if rows:
            say_table(heads, rows, title=f"\n{title}" if title else None)


def _tables(found: Overview) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[object]]]]:
    """The tables that a person reads, each with its title and heads."""
    from services.publish.attention import SEVERITIES

    heads = ("product", "newest upstream", "in process", "released", "by")
    yield "", heads, [
        (
            each.name, each.newest_upstream or "none yet", each.newest_in_process or "nothing",
            each.newest_released or "nothing yet", each.latest,
        )
        for each in found.products
    ]  # fmt: skip
    yield (
        "work",
        ("product", "kind", "state", "units"),
        [(unit.product, unit.kind, unit.state, unit.count) for unit in found.units],
    )
    asked = [(each.state, each.who, each.reason) for each in found.reprocessings]
    yield "asked to be computed again", ("state", "by", "why"), asked
    alarms = sorted(found.attention, key=lambda each: SEVERITIES.index(each.severity))
    rows = [(each.severity, each.text, f"docs{each.playbook}.md") for each in alarms]
    yield "what needs a person, or soon will", ("", "what", "what to do"), rows
    looks = [(each.name, at(each.time), each.outcome) for each in found.sources]
    yield "sources", ("source", "last look (UTC)", "outcome"), looks
