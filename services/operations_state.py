"""Commands that tell how things are: the log, and the state of the system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from services.operations_speech import KEY, Json, at, catalogue, plain, say, say_json, say_table
from shared import settings
from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue

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
    """Tell how far the record is, and what is under way.

    What waits for what, what needs a person, and the last looks at the sources. Leaves with 0.
    """
    with catalogue() as known:
        found = _status(known)
    if as_json:
        say_json(found)
        return
    say_table(("", ""), _summary(found))
    rows = ((row["product"], row["kind"], row["state"], row["units"]) for row in found["units"])
    if found["units"]:
        say_table(("product", "kind", "state", "units"), rows, title="\nwork")
    for name in ("waiting", "parked"):
        if found[name]:
            rows = ((unit["key"][:KEY], unit["product"], unit["month"], unit["reason"]) for unit in found[name])
            say_table(("key", "product", "month", "for what" if name == "waiting" else "why"), rows, title=f"\n{name}")
    polls = ((poll["source"], poll["time"][:16].replace("T", " "), poll["outcome"]) for poll in found["polls"])
    if found["polls"]:
        say_table(("source", "last look (UTC)", "outcome"), polls, title="\nsources")


def _status(known: Catalogue) -> dict[str, Any]:
    """The state of the system as plain words and numbers."""
    from services.publish.overview import last_polls

    months = known.granules("level-2", state=None)
    upstream = [granule.month for granule in months if granule.month]
    accepted = [granule.month for granule in months if granule.month and granule.state == "accepted"]
    latest = {product: known.latest(product) for product in settings.system().products}
    counts = sorted(known.unit_counts().items(), key=lambda item: (item[0][1], item[0][0], item[0][2]))
    found = {
        "upstream": max(upstream, default=None),
        "accepted": max(accepted, default=None),
        "months": len(set(accepted)),
        "released": {name: None if it is None else {"id": it.id, "last": it.last} for name, it in latest.items()},
        "units": [
            {"product": product, "kind": kind, "state": state, "units": count}
            for (kind, product, state), count in counts
        ],
        "waiting": known.units("waiting"),
        "parked": known.units("parked"),
        "files held": known.granules(state="held"),
        "releases held": known.releases(state="held"),
        "baselines proposed": known.baselines(state="proposed"),
        "reprocessings": [each for each in known.reprocessings() if each.state in ("requested", "running")],
        "polls": list(last_polls(known)),
    }
    words: dict[str, Any] = plain(found)
    return words


def _summary(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The lines that a person reads first."""
    yield "newest month upstream", found["upstream"] or "none yet"
    yield "newest month in use", f"{found['accepted']}, {found['months']} months" if found["accepted"] else "none yet"
    for product, latest in found["released"].items():
        yield f"released of {product}", f"{latest['last']}, {latest['id']}" if latest else "nothing yet"
    states = Counter({row["state"]: 0 for row in found["units"]})
    for row in found["units"]:
        states[row["state"]] += row["units"]
    yield "work", ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
    commands = {
        "parked": "gravstream parked", "files held": "gravstream quarantine", "releases held": "gravstream releases",
        "baselines proposed": "gravstream baselines", "reprocessings": "gravstream log system",
    }  # fmt: skip
    for name, command in commands.items():
        if found[name]:
            yield name, f"{len(found[name])}; see `{command}`"
