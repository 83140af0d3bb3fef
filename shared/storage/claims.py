"""The part of the catalogue about who works on what: claims, leases and their ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import HORIZON, SYSTEM, Ledger, passed, record, tell
from shared.storage.records import Unit
from shared.storage.schema import leases, units

MAX_ATTEMPTS = 5

_FREE: dict[str, Any] = {"owner": None, "lease_until": None}


class Claims(Ledger):
    """Work in hand.

    An answer of None means everywhere: this unit is not, or no longer, this owner's.
    """

    def claim(
        self,
        key: str,
        owner: str,
        lease: timedelta,
        *,
        now: datetime | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> Unit | None:
        """Take a unit that is due, or whose owner did not come back; counts the attempt.

        At most one of any number of claims succeeds. A unit that was claimed `max_attempts` times without an
        end is parked with its last error: it may be what kills its workers.
        """
        _check(lease)
        with writing(self.engine) as connection:
            at = moment(now)
            unit = find_unit(connection, key)
            if unit is None or not claimable(unit, at):
                return None
            lost = unit.state == "running"
            error = (
                f"{unit.owner} did not come back before {unit.lease_until:%Y-%m-%d %H:%M:%S}" if lost else unit.error
            )
            kind = "WorkerLost" if lost else unit.error_kind
            if unit.attempts >= max_attempts:
                _park(connection, unit, error, kind, at)
                return None
            values = {
                "state": "running", "owner": owner, "lease_until": at + lease, "not_before": None, "reason": "",
                "attempts": unit.attempts + 1, "error": error, "error_kind": kind, "updated_at": at,
            }  # fmt: skip
            taken = _change(connection, unit, **values)
            if taken is not None:
                after = f" after {error}" if lost else ""
                text = f"{describe(unit)} is begun by {owner} (attempt {taken.attempts}){after}."
                tell_unit(connection, taken, "unit-taken-over" if lost else "unit-begun", text, owner, at)
            return taken

    def extend(self, key: str, owner: str, lease: timedelta, *, now: datetime | None = None) -> Unit | None:
        """Keep a unit for longer, counted from now."""
        _check(lease)
        with writing(self.engine) as connection:
            at = moment(now)
            unit = _owned(connection, key, owner)
            return None if unit is None else _change(connection, unit, lease_until=at + lease, updated_at=at)

    def finish(
        self, key: str, owner: str, outputs: Mapping[str, str], seconds: float, *, now: datetime | None = None
    ) -> Unit | None:
        """Enter the results (name to digest in the store): the unit is done."""
        with writing(self.engine) as connection:
            at = moment(now)
            ending = {"state": "done", "outputs": dict(outputs), "seconds": seconds, "attempts": 0, "updated_at": at}
            unit = _owned(connection, key, owner)
            if unit is None:
                return None
            done = _change(connection, unit, **ending, error="", error_kind="", **_FREE)
            if done is not None:
                text = f"{describe(unit)} is done in {seconds:.1f} s."
                tell_unit(connection, done, "unit-done", text, owner, at, seconds=round(seconds, 3))
            return done

    def fail(
        self,
        key: str,
        owner: str,
        error: str,
        kind: str,
        *,
        retry_in: timedelta | None = None,
        park: bool = False,
        counts: bool = True,
        max_attempts: int = MAX_ATTEMPTS,
        now: datetime | None = None,
    ) -> Unit | None:
        """Give a unit back with its error: due again after `retry_in` (or at once), or parked.

        kind: name of the error's class; counts: False if the unit is not at fault (an unreachable store), so
        that the attempt is not counted. Parked also when `max_attempts` are used up.
        """
        _check(retry_in or timedelta(0))
        with writing(self.engine) as connection:
            at = moment(now)
            unit = _owned(connection, key, owner)
            if unit is None:
                return None
            attempts = unit.attempts if counts else max(unit.attempts - 1, 0)
            if park or attempts >= max_attempts:
                return _park(connection, unit, error, kind, at)
            later = None if retry_in is None else at + retry_in
            values = {"state": "due", "attempts": attempts, "not_before": later, "error": error, "error_kind": kind}
            given = _change(connection, unit, **values, **_FREE, updated_at=at)
            if given is not None:
                again = "at once" if later is None else f"from {later:%Y-%m-%d %H:%M:%S} on"
                text = f"{describe(unit)} failed and is tried again {again}: {sentence(error)}"
                tell_unit(connection, given, "unit-failed", text, owner, at, error_kind=kind)
            return given

    def wait(self, key: str, reason: str, *, owner: str | None = None, now: datetime | None = None) -> Unit | None:
        """Let a unit wait, by name, for what it lacks; the attempt does not count.

        A running unit is let go by its owner only; one that is due can be sent to wait by anyone.
        """
        with writing(self.engine) as connection:
            at = moment(now)
            unit = find_unit(connection, key)
            if unit is None or unit.state not in ("running", "due", "waiting"):
                return None
            if unit.owner != (owner if unit.state == "running" else None):
                return None
            if unit.state == "waiting" and unit.reason == reason:
                return unit
            values = {"state": "waiting", "reason": reason, "attempts": 0, "not_before": None, "updated_at": at}
            waiting = _change(connection, unit, **values, **_FREE)
            if waiting is not None:
                text = f"{describe(unit)} waits: {reason}."
                tell_unit(connection, waiting, "unit-waiting", text, owner or SYSTEM, at)
            return waiting

    def due(self, now: datetime | None = None, *, limit: int | None = None, **only: str) -> list[Unit]:
        """Units that can be claimed now, the oldest first.

        only: kind, product or month to look at.
        """
        at = moment(now)
        query = select(units).where(units.c.state.in_(("due", "running")))
        for column, value in only.items():
            query = query.where(units.c[column] == value)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(units.c.created_at, units.c.month, units.c.key))
            return [unit for row in rows if claimable(unit := record(Unit, row), at)][:limit]

    def lock(self, name: str, owner: str, lease: timedelta, *, now: datetime | None = None) -> bool:
        """Take or extend a named lease; False while it is another owner's."""
        _check(lease)
        with writing(self.engine) as connection:
            at = moment(now)
            row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
            values = {"name": name, "owner": owner, "until": at + lease}
            if row is None:
                connection.execute(insert(leases).values(**values))
                return True
            if row.owner != owner and not passed(row.until, at):
                return False
            if row.owner != owner:
                text = f"{owner} takes over {name} from {row.owner}, which did not come back."
                tell(connection, SYSTEM, "lease-taken-over", text, who=owner, now=at)
            connection.execute(update(leases).where(leases.c.name == name).values(**values))
            return True

    def unlock(self, name: str, owner: str) -> bool:
        """Give a named lease back; False if it was not this owner's."""
        mine = (leases.c.name == name) & (leases.c.owner == owner)
        with writing(self.engine) as connection:
            return connection.execute(delete(leases).where(mine)).rowcount == 1


def claimable(unit: Unit, at: datetime) -> bool:
    """Whether a unit is due, or running without an owner that could still come back."""
    if unit.state == "due":
        return passed(unit.not_before, at)
    return unit.state == "running" and passed(unit.lease_until, at)


def find_unit(connection: Connection, key: str) -> Unit | None:
    """A unit as the transaction sees it."""
    row = connection.execute(select(units).where(units.c.key == key)).one_or_none()
    return None if row is None else record(Unit, row)


def describe(unit: Unit) -> str:
    """A unit in the words of the log."""
    return f"{unit.product} of {unit.month}" if unit.month else f"The {unit.kind} of {unit.product}"


def sentence(error: str) -> str:
    """What of an error goes into the log: its last line, and not without end."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    last = lines[-1] if lines else "no reason was given"
    return last if len(last) <= 300 else f"{last[:297]}..."


def tell_unit(connection: Connection, unit: Unit, kind: str, text: str, who: str, at: datetime, **details: Any) -> None:
    """Enter a fact about a unit under its month, or its product."""
    facts = {"key": unit.key, "kind": unit.kind, "product": unit.product, "attempts": unit.attempts, **details}
    tell(connection, unit.month or unit.product, kind, text, who=who, details=facts, now=at)


def _check(lease: timedelta) -> None:
    if not timedelta(0) <= lease <= HORIZON:
        raise ValueError(f"a lease or pause lasts up to {HORIZON}, not {lease}")


def _owned(connection: Connection, key: str, owner: str) -> Unit | None:
    unit = find_unit(connection, key)
    return unit if unit is not None and unit.state == "running" and unit.owner == owner else None


def _change(connection: Connection, unit: Unit, **values: Any) -> Unit | None:
    """Change a unit if it is still as it was read; None if it is not."""
    owner = units.c.owner.is_(None) if unit.owner is None else units.c.owner == unit.owner
    same = (units.c.key == unit.key) & (units.c.state == unit.state) & (units.c.attempts == unit.attempts) & owner
    row = connection.execute(update(units).where(same).values(**values).returning(units)).one_or_none()
    return None if row is None else record(Unit, row)


def _park(connection: Connection, unit: Unit, error: str, kind: str, at: datetime) -> Unit | None:
    values = {"state": "parked", "reason": error, "error": error, "error_kind": kind, "not_before": None}
    parked = _change(connection, unit, **values, **_FREE, updated_at=at)
    if parked is not None:
        tried = f"after {unit.attempts} attempt{'' if unit.attempts == 1 else 's'}"
        text = f"{describe(unit)} is parked {tried} and needs a person: {sentence(error)}"
        tell_unit(connection, parked, "unit-parked", text, SYSTEM, at, error_kind=kind)
    return parked
