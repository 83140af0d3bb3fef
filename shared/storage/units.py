"""The part of the catalogue about units of work: which there are, and what people decide about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from shared.errors import RequestRefused
from shared.storage.claims import Claims, claimable, describe, find_unit, tell_unit
from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import SYSTEM, record
from shared.storage.records import Planned, Unit, UnitKind, UnitState
from shared.storage.schema import units


class Units(Claims):
    """Units of work, each known by the digest of its recipe and inputs."""

    def unit(self, key: str) -> Unit | None:
        """The unit of a key."""
        with reading(self.engine) as connection:
            return find_unit(connection, key)

    def ensure_unit(
        self,
        key: str,
        kind: UnitKind,
        product: str,
        month: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        *,
        now: datetime | None = None,
    ) -> Unit:
        """The unit of a key, entered as due if there is none yet."""
        return self.ensure_units([Planned(key, kind, product, month, inputs or {})], now=now)[0]

    def ensure_units(self, wanted: Iterable[Planned], *, now: datetime | None = None) -> list[Unit]:
        """The units of many keys in one transaction; those that are missing are entered as due."""
        plans = {plan.key: plan for plan in wanted}
        known = self._units_of(list(plans))
        missing = [plan for key, plan in plans.items() if key not in known]
        if missing:
            with writing(self.engine) as connection:
                for plan in missing:
                    known[plan.key] = find_unit(connection, plan.key) or _enter(connection, plan, moment(now))
        return [known[key] for key in plans]

    def units(
        self,
        state: UnitState | Collection[UnitState] | None = None,
        kind: UnitKind | None = None,
        product: str | None = None,
        month: str | None = None,
        *,
        limit: int | None = None,
    ) -> list[Unit]:
        """Units by state, kind, product and month, the oldest first."""
        query = _narrowed(select(units), state, kind, product, month)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(units.c.created_at, units.c.month, units.c.key).limit(limit))
            return [record(Unit, row) for row in rows]

    def unit_counts(self) -> dict[tuple[str, str, str], int]:
        """How many units there are of each (kind, product, state)."""
        group = units.c.kind, units.c.product, units.c.state
        with reading(self.engine) as connection:
            rows = connection.execute(select(*group, func.count()).group_by(*group))
            return {(kind, product, state): count for kind, product, state, count in rows}

    def park(self, key: str, *, who: str, reason: str, now: datetime | None = None) -> Unit:
        """Set a unit aside until somebody says retry or drop."""
        values = {"state": "parked", "reason": reason}
        return self._decide(key, "unit-parked", "is parked", who, reason, now, _is_open, values)

    def retry(self, key: str, *, who: str, reason: str, now: datetime | None = None) -> Unit:
        """Make a unit due again with all its attempts, whatever became of it."""
        values = {"state": "due", "reason": "", "attempts": 0, "not_before": None}
        return self._decide(key, "unit-retried", "is tried again", who, reason, now, _is_any, values)

    def drop(self, key: str, *, who: str, reason: str, now: datetime | None = None) -> Unit:
        """Give a unit up: it stays known and is not done."""
        values = {"state": "dropped", "reason": reason, "not_before": None}
        return self._decide(key, "unit-dropped", "is given up", who, reason, now, _is_open, values)

    def withdraw(self, keys: Collection[str], *, why: str, now: datetime | None = None) -> list[Unit]:
        """Forget units that were not done and are no longer wanted; wanted again, they come back."""
        with writing(self.engine) as connection:
            at = moment(now)
            query = select(units).where(units.c.key.in_(keys), units.c.state.in_(("due", "waiting", "parked")))
            gone = [record(Unit, row) for row in connection.execute(query)]
            for unit in gone:
                connection.execute(delete(units).where(units.c.key == unit.key))
                tell_unit(connection, unit, "unit-withdrawn", f"{describe(unit)} is not needed: {why}", SYSTEM, at)
            return gone

    def _units_of(self, keys: list[str]) -> dict[str, Unit]:
        with reading(self.engine) as connection:
            rows = connection.execute(select(units).where(units.c.key.in_(keys)))
            return {row.key: record(Unit, row) for row in rows}

    def _decide(
        self,
        key: str,
        kind: str,
        what: str,
        who: str,
        reason: str,
        now: datetime | None,
        allowed: Callable[[Unit], bool],
        values: dict[str, Any],
    ) -> Unit:
        with writing(self.engine) as connection:
            at = moment(now)
            unit = find_unit(connection, key)
            if unit is None:
                raise RequestRefused(f"there is no unit {key}", advice="Take a key from the list of units.")
            if unit.state == "running" and not claimable(unit, at):
                raise RequestRefused(f"{describe(unit)} is being worked on by {unit.owner}", advice="Try again later.")
            if not allowed(unit):
                raise RequestRefused(f"{describe(unit)} is {unit.state}", advice="Only open units can be set aside.")
            text = f"{what} by decision of {who}: {reason}"
            return _set(connection, unit, kind, text, who, at, owner=None, lease_until=None, **values)


def _is_open(unit: Unit) -> bool:
    return unit.state not in ("done", "dropped")


def _is_any(unit: Unit) -> bool:
    return True


def _enter(connection: Connection, plan: Planned, at: datetime) -> Unit:
    values = {
        "key": plan.key, "kind": plan.kind, "product": plan.product, "month": plan.month, "inputs": dict(plan.inputs),
        "state": "due", "attempts": 0, "reason": "", "error": "", "error_kind": "", "outputs": {},
        "created_at": at, "updated_at": at,
    }  # fmt: skip
    unit = record(Unit, connection.execute(insert(units).values(**values).returning(units)).one())
    tell_unit(connection, unit, "unit-due", f"{describe(unit)} is to be made.", SYSTEM, at)
    return unit


def _set(connection: Connection, unit: Unit, kind: str, text: str, who: str, at: datetime, **values: Any) -> Unit:
    query = update(units).where(units.c.key == unit.key).values(**values, updated_at=at).returning(units)
    changed = record(Unit, connection.execute(query).one())
    tell_unit(connection, changed, kind, f"{describe(unit)} {text}.", who, at)
    return changed


def _narrowed(
    query: Select[Any],
    state: UnitState | Collection[UnitState] | None,
    kind: UnitKind | None,
    product: str | None,
    month: str | None,
) -> Select[Any]:
    if state is not None:
        query = query.where(units.c.state.in_([state] if isinstance(state, str) else list(state)))
    wanted = {"kind": kind, "product": product, "month": month}
    for column, value in wanted.items():
        if value is not None:
            query = query.where(units.c[column] == value)
    return query
