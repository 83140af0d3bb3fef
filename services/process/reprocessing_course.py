"""A reprocessing from its request to its end: recorded, begun, followed; what it gave is compared with before."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from services.process.hall import Hall
from services.process.plans import in_use
from services.process.reprocessing import ENDED, Again, Wish, in_work, propose, series_in_use
from services.process.reprocessing_auxiliaries import Verify
from shared.errors import RequestRefused
from shared.formats.level3_attributes import month_ranges
from shared.models.epoch import Month
from shared.storage.records import Event, Reprocessing, ReprocessingState

BEGUN = "reprocessing-begun"
LEASE = timedelta(minutes=5)
_SYSTEM = "system"
_REQUESTED: ReprocessingState = "requested"
_RUNNING: ReprocessingState = "running"


def reprocess(hall: Hall, wish: Wish, verify: Verify = lambda *_: None) -> tuple[Reprocessing, list[Again]]:
    """Record what `propose` says with who and why; the next look begins it, the work itself is done as ever."""
    again = propose(hall, wish, verify)
    digests = {role: _register(hall, role, path, wish) for role, path in wish.auxiliaries.items()}
    asked = hall.catalogue.request_reprocessing(
        who=wish.who, reason=wish.reason, months=wish.months, first_step=wish.first_step, auxiliaries=digests
    )
    return asked, again


def follow(hall: Hall) -> None:
    """Begin what was asked for and enter what is finished; done twice it is done once.

    What cannot be done any more is refused with its reason, and stops nothing else.
    """
    if not any(asked.state in (_REQUESTED, _RUNNING) for asked in hall.catalogue.reprocessings()):
        return
    owner = f"{socket.gethostname()}:{os.getpid()}"
    if not hall.catalogue.lock("reprocessing", owner, LEASE):
        return
    try:
        for asked in hall.catalogue.reprocessings(_REQUESTED):
            try:
                _begin(hall, asked)
            except RequestRefused as error:
                text = f"Reprocessing {asked.id} is not done: {error.found}."
                hall.catalogue.settle_reprocessing(asked.id, "refused", text=text)
        for asked in hall.catalogue.reprocessings(_RUNNING):
            _end(hall, asked)
    finally:
        hall.catalogue.unlock("reprocessing", owner)


def _register(hall: Hall, role: str, path: Path, wish: Wish) -> str:
    """Keep a file and use it from now on."""
    digest = hall.store.put_file(path)
    granule, _ = hall.catalogue.register_granule(
        role=role, name=path.name, sha256=digest, size=path.stat().st_size, origin=str(path.absolute()), who=wish.who
    )
    if granule.state != "accepted":  # held, or a former one that is to be used again
        hall.catalogue.accept_granule(granule.id, who=wish.who, reason=wish.reason)
    return digest


def _begin(hall: Hall, asked: Reprocessing) -> None:
    """Make units due again, with what they gave before in the log."""
    text = "what follows from other auxiliaries is computed"
    if not asked.auxiliaries:
        begun = _beginning(hall, asked) or _note_beginning(hall, asked)
        for key in begun.details["outputs"]:
            unit = hall.catalogue.unit(key)
            # Of a beginning that was interrupted, only the rest.
            if unit is not None and unit.updated_at <= begun.time:
                with suppress(RequestRefused):  # somebody is at it this moment
                    hall.catalogue.retry(key, who=asked.who, reason=asked.reason)
        text = f"{len(begun.details['outputs'])} units are computed again"
    hall.catalogue.settle_reprocessing(asked.id, "running", text=f"Reprocessing {asked.id} is begun: {text}.")


def _beginning(hall: Hall, asked: Reprocessing) -> Event | None:
    events = hall.catalogue.log(_SYSTEM, kind=BEGUN)
    return next((event for event in events if event.details["id"] == asked.id), None)


def _note_beginning(hall: Hall, asked: Reprocessing) -> Event:
    units = [
        hall.catalogue.unit(again.key)
        for again in propose(hall, Wish(asked.who, asked.reason, asked.months, asked.first_step))
    ]
    outputs = {unit.key: dict(unit.outputs) for unit in units if unit is not None}
    text = f"Reprocessing {asked.id}: what {len(outputs)} units gave before is noted."
    return hall.catalogue.append(_SYSTEM, BEGUN, text, who=asked.who, details={"id": asked.id, "outputs": outputs})


def _end(hall: Hall, asked: Reprocessing) -> None:
    """Enter that a reprocessing is finished, and whether bits are the same."""
    text = _of_others(hall) if asked.auxiliaries else _of_the_same(hall, asked)
    if text:
        hall.catalogue.settle_reprocessing(asked.id, "done", text=f"Reprocessing {asked.id} is done: {text}.")


def _of_others(hall: Hall) -> str:
    """What to say when all that follows from the auxiliaries in use is there; empty before."""
    files = in_use(hall.catalogue)
    if files is None:
        return ""
    for product, baseline in in_work(hall):
        plan = series_in_use(hall, product, baseline, files)
        unit = None if plan is None else hall.catalogue.unit(plan.key)
        if unit is None or unit.state not in ENDED:
            return ""
    return "all is computed with the auxiliaries in use"


def _of_the_same(hall: Hall, asked: Reprocessing) -> str:
    """Whether the units gave what they gave before; empty while one is under way."""
    begun = _beginning(hall, asked)
    before: Mapping[str, Mapping[str, str]] = begun.details["outputs"] if begun else {}
    units = [unit for key in before if (unit := hall.catalogue.unit(key)) is not None]
    if any(unit.state not in ENDED for unit in units):
        return ""
    words = [
        f"{unit.product} of {unit.month or 'the series'} is {unit.state}" for unit in units if unit.state != "done"
    ]
    done = [unit for unit in units if unit.state == "done"]
    other = [unit for unit in done if before[unit.key] and dict(unit.outputs) != dict(before[unit.key])]
    if other:
        months = month_ranges({Month.parse(unit.month) for unit in other if unit.month})
        what = f"months {months}" if any(unit.month for unit in other) else "the series"
        # A key names recipe, code and inputs. Other bits under one key come from something that it does not name.
        words.append(f"{len(other)} units have other bits under the same key ({what}): see what else has changed")
    if len(other) < len(done):
        words.append(f"{len(done) - len(other)} units have the same bits as before")
    return "; ".join(words) or "no unit is left of it"
