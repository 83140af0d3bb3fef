"""Commands about units of work: what is due, and what is parked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.operations_speech import (
    KEY,
    SOON,
    UNSOUND,
    Json,
    Reason,
    Who,
    at,
    catalogue,
    complain,
    complaints,
    explained,
    say,
    say_json,
    say_table,
    unit_rows,
)
from shared.errors import GravstreamError, RequestRefused
from shared.storage.catalogue import Catalogue, Unit

if TYPE_CHECKING:
    from services.process.hall import Hall
    from services.publish.desk import Desk

app = typer.Typer()


@app.command()
def parked(as_json: Json = False) -> None:
    """List the units that failed and need a person; leaves with 3 if there are any."""
    with catalogue() as known:
        units = known.units("parked")
    if as_json:
        say_json(units)
    elif not units:
        say("Nothing is parked.")
    else:
        rows = ((u.key[:KEY], u.product, u.month or u.kind, at(u.updated_at), _last_line(u)) for u in units)
        say_table(("key", "product", "of", "since (UTC)", "why"), rows)
        say("Mend the cause, then `gravstream retry KEY|all --reason`; or `gravstream drop KEY --reason`.")
    if units:
        raise typer.Exit(UNSOUND)


@app.command()
def retry(
    key: Annotated[str, typer.Argument(help="Key of a unit, or its beginning; `all`: all that are parked.")],
    reason: Reason,
    who: Who,
) -> None:
    """Try parked, waiting or dropped work again; leaves with 1 if there is none of the key."""
    with catalogue() as known:
        units = known.units("parked") if key == "all" else [_unit(known, key)]
        for unit in units:
            if unit.state == "done":
                advice = "Use `gravstream reprocess`, which compares what comes out with what is there."
                raise RequestRefused(f"{unit.key[:KEY]} is done", advice=advice)
            known.retry(unit.key, who=who, reason=reason)
    say(f"{len(units)} to be tried again. {SOON}" if units else "Nothing is parked.")


@app.command()
def drop(
    key: Annotated[str, typer.Argument(help="Key of a unit, or its beginning.")], reason: Reason, who: Who
) -> None:
    """Give a unit up for good: a dropped month is left out; leaves with 1 if that cannot be."""
    with catalogue() as known:
        unit = known.drop(_unit(known, key).key, who=who, reason=reason)
    say(f"{unit.product} of {unit.month or unit.kind} is dropped. `gravstream retry {unit.key[:KEY]}` brings it back.")


def _unit(known: Catalogue, key: str) -> Unit:
    """The unit whose key begins so."""
    found = [unit for unit in known.units() if key and unit.key.startswith(key)]
    if len(found) != 1:
        what = f"{len(found)} units begin with {key}" if found else f"there is no unit {key}"
        raise RequestRefused(what, advice="Take a key from `gravstream parked` or `gravstream reconcile`.")
    return found[0]


def _last_line(unit: Unit) -> str:
    """What went wrong; of a trace its last line."""
    lines = [line.strip() for line in (unit.error or unit.reason).splitlines() if line.strip()]
    return lines[-1] if lines else ""


@app.command()
def reconcile(
    as_json: Json = False,
    work: Annotated[bool, typer.Option("--work", help="Do it here and now, until nothing is due.")] = False,
) -> None:
    """Look once, as the services do, and say what is due and why.

    Leaves with 0, or with 3 if work that was done here failed or was held.
    """
    with explained():
        from services.process import app as process
        from services.process.agenda import look
        from services.process.reprocessing import reason_of
        from services.publish import app as publish
        from services.publish import desk as publishing

        hall, desk = process.hall(), publish.desk()
        units = look(hall)
        due = [{"key": u.key, "kind": u.kind, "product": u.product, "month": u.month,
                "why": reason_of(hall.catalogue, u)} for u in units]  # fmt: skip
        waiting = [_series_of(desk, key) for key in publishing.look(desk)]
        found = {"due": due, "to release": waiting}
        troubles = _do_all(hall, desk, found) if work else 0
    if as_json:
        say_json(found)
    else:
        _tell(found, work)
    if troubles:
        raise typer.Exit(UNSOUND)


def _series_of(desk: Desk, key: str) -> dict[str, Any]:
    unit = desk.catalogue.unit(key)
    return {"key": key, "product": unit.product if unit else "", "months": len(unit.inputs["months"]) if unit else 0}


def _do_all(hall: Hall, desk: Desk, found: dict[str, Any]) -> int:
    """Do what is due until nothing is; how much went wrong."""
    from services.process import agenda, workplace
    from services.publish import desk as publishing

    done: list[dict[str, Any]] = []
    while units := agenda.look(hall):
        for each in units:
            try:
                unit = workplace.work(hall, each.key)
            except Exception as error:
                # A fault of ours is entered with its trace and parked; the rest goes on.
                complaints.print(f"{type(error).__name__}: {error}", markup=False)
                unit = hall.catalogue.unit(each.key)
            if unit is not None:
                why = _last_line(unit)
                done.append({"of": f"{unit.product} {unit.month or unit.kind}", "state": unit.state, "why": why})
    for key in publishing.look(desk):
        try:
            record = publishing.issue(desk, key)
        except GravstreamError as error:
            complain(error)
            done.append({"of": f"release of {key[:KEY]}", "state": "failed", "why": error.found})
        else:
            if record is not None:
                done.append({"of": record.id, "state": record.state, "why": "; ".join(record.reasons)})
    publishing.deliver(desk)
    found["done"] = done
    return sum(each["state"] not in ("done", "released") for each in done)


def _tell(found: dict[str, Any], work: bool) -> None:
    if not found["due"] and not found["to release"] and not found.get("done"):
        say("Nothing is due.")
        return
    if work:
        states = Counter(each["state"] for each in found["done"])
        notable = [each for each in found["done"] if each["state"] != "done"]
        if notable:
            say_table(("of", "state", "why"), ((e["of"], e["state"], e["why"]) for e in notable))
        say(", ".join(f"{count} {state}" for state, count in states.items()) or "Others were quicker.")
        return
    if found["due"]:
        say_table(("key", "product", "kind", "months", "why"), unit_rows(found["due"]))
    for each in found["to release"]:
        say(f"{each['product']} of {each['months']} months waits for its release ({each['key'][:KEY]}).")
