"""The part of the catalogue about files that came in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, true, update

from shared.errors import RequestRefused
from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import SYSTEM, Ledger, record, tell
from shared.storage.records import Granule, GranuleState, Outcome, Policy
from shared.storage.schema import granules


class Granules(Ledger):
    """Files: their versions, and which of them are used."""

    def register_granule(
        self,
        *,
        role: str,
        name: str,
        sha256: str,
        size: int,
        series: str = "",
        month: str | None = None,
        begin: float | None = None,
        end: float | None = None,
        origin: str = "",
        etag: str | None = None,
        last_modified: str | None = None,
        policy: Policy = "replace",
        hold: str = "",
        who: str = SYSTEM,
        now: datetime | None = None,
    ) -> tuple[Granule, Outcome]:
        """Enter a verified file; say whether it is new, the same, a replacement, or held.

        Other bytes under a known name, or another name for a month (a role that has no months) that has a file,
        are a new version: they
        replace the former (`policy` replace) or wait for a person (hold). `hold`: a reason why this file waits
        for a person in any case. Bytes equal to the newest version of the name change nothing, also where
        another name has taken its place since.
        """
        with writing(self.engine) as connection:
            at = moment(now)
            values = {
                "role": role, "name": name, "sha256": sha256, "size": size, "series": series, "month": month,
                "begin": begin, "end": end, "origin": origin, "etag": etag, "last_modified": last_modified,
                "reason": "", "arrived_at": at, "checked_at": at, "vanished_at": None,
            }  # fmt: skip
            newest = _newest(connection, role, series, name)
            rivals = _rivals(connection, role, series, name, month)
            for known in [newest, *(rival for rival in rivals if rival.name == name)]:
                if known is not None and known.sha256 == sha256 and known.state != "quarantined":
                    seen = _see(connection, known.id, etag, last_modified, at)
                    return seen, "held" if seen.state == "held" else "same"
            values["version"] = 1 if newest is None else newest.version + 1
            if hold or (rivals and policy == "hold"):
                values["reason"] = hold or "other bytes than before, and the policy is to ask"
                held = _enter(connection, values, "held")
                _tell(connection, held, "granule-held", f"{_version(held)} waits for a person: {held.reason}.", who, at)
                return held, "held"
            for rival in rivals:
                connection.execute(update(granules).where(granules.c.id == rival.id).values(state="superseded"))
            granule = _enter(connection, values, "accepted")
            if rivals:
                text = f"{_version(granule)} replaces {' and '.join(_version(rival) for rival in rivals)}."
                _tell(connection, granule, "granule-replaced", text, who, at, former=[r.sha256 for r in rivals])
                return granule, "replaced"
            _tell(connection, granule, "granule-arrived", f"{_version(granule)} arrived and is in use.", who, at)
            return granule, "new"

    def quarantine(
        self,
        *,
        role: str,
        name: str,
        sha256: str,
        size: int,
        reason: str,
        series: str = "",
        month: str | None = None,
        origin: str = "",
        etag: str | None = None,
        last_modified: str | None = None,
        who: str = SYSTEM,
        now: datetime | None = None,
    ) -> Granule:
        """Set a refused file aside with its reason; the same bytes are told once."""
        with writing(self.engine) as connection:
            at = moment(now)
            values = {
                "role": role, "name": name, "sha256": sha256, "size": size, "series": series, "month": month,
                "begin": None, "end": None, "origin": origin, "etag": etag, "last_modified": last_modified,
                "reason": reason, "arrived_at": at, "checked_at": at, "vanished_at": None,
            }  # fmt: skip
            newest = _newest(connection, role, series, name)
            if newest is not None and newest.sha256 == sha256 and newest.state == "quarantined":
                return _see(connection, newest.id, etag, last_modified, at)
            values["version"] = 1 if newest is None else newest.version + 1
            granule = _enter(connection, values, "quarantined")
            text = f"{_version(granule)} is set aside and not used: {reason}."
            _tell(connection, granule, "granule-quarantined", text, who, at)
            return granule

    def accept_granule(self, id: int, *, who: str, reason: str, now: datetime | None = None) -> Granule:
        """Let a held, quarantined or former file be used, in the place of those before it."""
        with writing(self.engine) as connection:
            at = moment(now)
            granule = _undecided(connection, id, ("held", "quarantined", "superseded"))
            for rival in _rivals(connection, granule.role, granule.series, granule.name, granule.month):
                connection.execute(update(granules).where(granules.c.id == rival.id).values(state="superseded"))
            granule = _set(connection, id, state="accepted", reason=reason)
            text = f"{_version(granule)} is used by decision of {who}: {reason}."
            _tell(connection, granule, "granule-accepted", text, who, at)
            return granule

    def refuse_granule(self, id: int, *, who: str, reason: str, now: datetime | None = None) -> Granule:
        """Set a held file aside; those before it stay in use."""
        with writing(self.engine) as connection:
            at = moment(now)
            _undecided(connection, id, ("held", "quarantined"))
            granule = _set(connection, id, state="quarantined", reason=reason)
            text = f"{_version(granule)} is not used by decision of {who}: {reason}."
            _tell(connection, granule, "granule-refused", text, who, at)
            return granule

    def mark_checked(
        self, id: int, *, etag: str | None = None, last_modified: str | None = None, now: datetime | None = None
    ) -> Granule:
        """Note that upstream still serves these bytes."""
        with writing(self.engine) as connection:
            return _see(connection, id, etag, last_modified, moment(now))

    def mark_vanished(self, id: int, *, now: datetime | None = None) -> bool:
        """Note that upstream lists a file no more; it stays in use. False if that was known."""
        with writing(self.engine) as connection:
            at = moment(now)
            granule = _get(connection, id)
            if granule.vanished_at is not None:
                return False
            granule = _set(connection, id, vanished_at=at)
            text = f"{_version(granule)} is no longer listed upstream; it stays in use."
            _tell(connection, granule, "granule-vanished", text, SYSTEM, at)
            return True

    def mark_listed(self, id: int, *, now: datetime | None = None) -> bool:
        """Note that upstream lists a vanished file again. False if it had not vanished."""
        with writing(self.engine) as connection:
            at = moment(now)
            if _get(connection, id).vanished_at is None:
                return False
            granule = _set(connection, id, vanished_at=None)
            _tell(connection, granule, "granule-listed-again", f"{_version(granule)} is listed again.", SYSTEM, at)
            return True

    def granules(
        self,
        role: str | None = None,
        series: str | None = None,
        state: GranuleState | None = "accepted",
        *,
        name: str | None = None,
        month: str | None = None,
    ) -> list[Granule]:
        """Files by role, series, state, name and month, in the order of months and names."""
        query = select(granules)
        wanted = {"role": role, "series": series, "state": state, "name": name, "month": month}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(granules.c[column] == value)
        order = func.coalesce(granules.c.month, ""), granules.c.name, granules.c.version
        with reading(self.engine) as connection:
            return [record(Granule, row) for row in connection.execute(query.order_by(*order))]

    def current(self, role: str, series: str | None = None) -> list[Granule]:
        """The files of a role that are in use now."""
        return self.granules(role, series)

    def granule(self, sha256: str) -> Granule | None:
        """The file of these bytes: the one in use if there are several, else the newest."""
        query = select(granules).where(granules.c.sha256 == sha256)
        query = query.order_by((granules.c.state == "accepted").desc(), granules.c.id.desc()).limit(1)
        with reading(self.engine) as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else record(Granule, row)


def _newest(connection: Connection, role: str, series: str, name: str) -> Granule | None:
    same = (granules.c.role == role) & (granules.c.series == series) & (granules.c.name == name)
    row = connection.execute(select(granules).where(same).order_by(granules.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else record(Granule, row)


def _rivals(connection: Connection, role: str, series: str, name: str, month: str | None) -> list[Granule]:
    """What is in use now under this name or another: of a month, or else of a role, there is one at a time."""
    same = true() if month is None else (granules.c.name == name) | (granules.c.month == month)
    used = (granules.c.role == role) & (granules.c.series == series) & (granules.c.state == "accepted")
    return [record(Granule, row) for row in connection.execute(select(granules).where(used & same))]


def _get(connection: Connection, id: int) -> Granule:
    row = connection.execute(select(granules).where(granules.c.id == id)).one_or_none()
    if row is None:
        raise RequestRefused(f"there is no file with number {id}", advice="Look up its number in the list of files.")
    return record(Granule, row)


def _undecided(connection: Connection, id: int, states: Collection[GranuleState]) -> Granule:
    granule = _get(connection, id)
    if granule.state not in states:
        raise RequestRefused(f"{_version(granule)} is {granule.state}", advice="Only held files wait for a decision.")
    return granule


def _enter(connection: Connection, values: dict[str, Any], state: GranuleState) -> Granule:
    row = connection.execute(insert(granules).values(**values, state=state).returning(granules)).one()
    return record(Granule, row)


def _set(connection: Connection, id: int, **values: Any) -> Granule:
    query = update(granules).where(granules.c.id == id).values(**values).returning(granules)
    return record(Granule, connection.execute(query).one())


def _see(connection: Connection, id: int, etag: str | None, last_modified: str | None, at: datetime) -> Granule:
    granule = _get(connection, id)
    return _set(
        connection,
        id,
        checked_at=at,
        vanished_at=None,
        etag=granule.etag if etag is None else etag,
        last_modified=granule.last_modified if last_modified is None else last_modified,
    )


def _version(granule: Granule) -> str:
    return granule.name if granule.version == 1 else f"{granule.name} (version {granule.version})"


def _tell(
    connection: Connection, granule: Granule, kind: str, text: str, who: str, at: datetime, **details: Any
) -> None:
    facts = {"id": granule.id, "role": granule.role, "name": granule.name, "sha256": granule.sha256, **details}
    tell(connection, granule.month or granule.role, kind, text, who=who, details=facts, now=at)
