"""The part of the catalogue about releases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from shared.errors import RequestRefused
from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import SYSTEM, Ledger, record, tell
from shared.storage.records import ReleaseKind, ReleaseRecord, ReleaseState
from shared.storage.schema import releases


class Releases(Ledger):
    """Releases: building, then released or held for a person; released ones may be retracted."""

    def create_release(
        self,
        *,
        product: str,
        version: str,
        kind: ReleaseKind,
        key: str,
        first: str,
        last: str,
        changes: Mapping[str, Any] | None = None,
        who: str = SYSTEM,
        now: datetime | None = None,
    ) -> ReleaseRecord:
        """The release that stands for a unit of work, entered if there is none (`release_of`).

        A new one takes the next serial number of its version, also if a release of the same content is there, with
        another one behind it: what users see changes, and nothing that was released ever moves.
        """
        with writing(self.engine) as connection:
            at = moment(now)
            known = _standing(connection, product, key)
            if known is not None:
                return known
            mine = releases.c.product == product
            last_serial = select(func.max(releases.c.serial)).where(mine, releases.c.version == version)
            serial = (connection.execute(last_serial).scalar() or 0) + 1
            values: dict[str, Any] = {
                "id": f"{product}-{version}-{serial:03d}", "product": product, "version": version, "serial": serial,
                "first": first, "last": last, "kind": kind, "state": "building", "key": key, "directory": "",
                "reasons": [], "changes": dict(changes or {}), "who": who, "decision": "", "created_at": at,
            }  # fmt: skip
            made = record(
                ReleaseRecord, connection.execute(insert(releases).values(**values).returning(releases)).one()
            )
            text = f"{made.id} ({kind}, {first} to {last}) is prepared."
            return _told(connection, made, "release-prepared", text, who, at)

    def hold_release(
        self, id: str, reasons: Collection[str], *, directory: str = "", now: datetime | None = None
    ) -> ReleaseRecord:
        """Keep a release from its users until a person decides; an older one that is held makes room for it."""
        text = f"{id} is held and needs a person: {'; '.join(reason.rstrip('.') for reason in reasons)}."
        values: dict[str, Any] = {"reasons": list(reasons), **({"directory": directory} if directory else {})}
        change = _Change(("building",), "held", "release-held", text, SYSTEM, values)
        with writing(self.engine) as connection:
            at = moment(now)
            held = _moved(connection, id, change, at)
            _give_up_older(connection, held, ("held",), f"{id} is held in its place", at)
            return held

    def approve_release(self, id: str, *, who: str, reason: str, now: datetime | None = None) -> ReleaseRecord:
        """Let a held release pass: it is built again, without a gate (`is_approved`)."""
        text = f"{id} may be released by decision of {who}: {reason}."
        values = {"who": who, "decision": f"approved: {reason}"}
        is_done = attrgetter("is_approved")
        return self._move(id, _Change(("held",), "building", "release-approved", text, who, values, is_done), now)

    def issue_release(
        self,
        id: str,
        *,
        directory: str,
        changes: Mapping[str, Any] | None = None,
        who: str = SYSTEM,
        now: datetime | None = None,
    ) -> ReleaseRecord:
        """Enter that a release is complete and open; a second time changes nothing.

        Older ones that are held or unfinished are given up: later they would bring users back to what was before.
        """
        values: dict[str, Any] = {"directory": directory, **({} if changes is None else {"changes": dict(changes)})}
        change = _Change(("building",), "released", "release-issued", f"{id} is released.", who, values)
        with writing(self.engine) as connection:
            at = moment(now)
            issued = _moved(connection, id, change, at)
            _give_up_older(connection, issued, ("held", "building"), f"{id} is released in its place", at)
            return issued

    def reject_release(self, id: str, *, who: str, reason: str, now: datetime | None = None) -> ReleaseRecord:
        """Give a held or unfinished release up."""
        return self._move(id, _rejected(id, who, reason), now)

    def retract_release(self, id: str, *, who: str, reason: str, now: datetime | None = None) -> ReleaseRecord:
        """Take a release back; it stays known, and its numbers are not used again."""
        text = f"{id} is retracted by decision of {who}: {reason}."
        values = {"who": who, "decision": f"retracted: {reason}"}
        return self._move(id, _Change(("released",), "retracted", "release-retracted", text, who, values), now)

    def release_of(self, product: str, key: str) -> ReleaseRecord | None:
        """The release that stands for a unit of work now, or None if it is to be released.

        The newest release that is open, if it was made from it; else one that came after that: it is being built, a
        person decides of it, or has decided. A release of the unit from before the one that is open does not count:
        another unit was wanted in between.
        """
        with reading(self.engine) as connection:
            return _standing(connection, product, key)

    def find_release(self, id: str) -> ReleaseRecord | None:
        """The release of a name."""
        with reading(self.engine) as connection:
            row = connection.execute(select(releases).where(releases.c.id == id)).one_or_none()
            return None if row is None else record(ReleaseRecord, row)

    def releases(
        self, product: str | None = None, state: ReleaseState | None = None, *, key: str | None = None
    ) -> list[ReleaseRecord]:
        """Releases by product, state and unit of work, the oldest first."""
        query = select(releases).order_by(releases.c.number)
        wanted = {"product": product, "state": state, "key": key}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(releases.c[column] == value)
        with reading(self.engine) as connection:
            return [record(ReleaseRecord, row) for row in connection.execute(query)]

    def latest(self, product: str) -> ReleaseRecord | None:
        """The newest release of a product that is open to users."""
        released = self.releases(product, "released")
        return released[-1] if released else None

    def _move(self, id: str, change: _Change, now: datetime | None) -> ReleaseRecord:
        with writing(self.engine) as connection:
            return _moved(connection, id, change, moment(now))


@dataclass(frozen=True)
class _Change:
    """A change of state: from which ones, how it is told, by whom; is_done: whether it is no change any more."""

    before: tuple[ReleaseState, ...]
    state: ReleaseState
    kind: str
    text: str
    who: str
    values: Mapping[str, Any]
    is_done: Callable[[ReleaseRecord], bool] = lambda release: True


def _rejected(id: str, who: str, reason: str) -> _Change:
    text = f"{id} is not released by decision of {who}: {reason}."
    values = {"who": who, "decision": f"rejected: {reason}"}
    return _Change(("held", "building"), "rejected", "release-rejected", text, who, values)


def _moved(connection: Connection, id: str, change: _Change, at: datetime) -> ReleaseRecord:
    row = connection.execute(select(releases).where(releases.c.id == id)).one_or_none()
    if row is None:
        raise RequestRefused(f"there is no release {id}", advice="Take its name from the list of releases.")
    release = record(ReleaseRecord, row)
    if release.state == change.state and change.is_done(release):
        return release
    if release.state not in change.before:
        advice = f"Only what is {' or '.join(change.before)} can become {change.state}."
        raise RequestRefused(f"{id} is {release.state}", advice=advice)
    query = update(releases).where(releases.c.id == id)
    query = query.values(state=change.state, decided_at=at, **change.values)
    moved = record(ReleaseRecord, connection.execute(query.returning(releases)).one())
    return _told(connection, moved, change.kind, change.text, change.who, at)


def _give_up_older(
    connection: Connection, newer: ReleaseRecord, states: tuple[ReleaseState, ...], why: str, at: datetime
) -> None:
    left = (releases.c.product == newer.product) & releases.c.state.in_(states)
    older = select(releases.c.id).where(left, releases.c.number < newer.number)
    for each in connection.execute(older).scalars().all():
        _moved(connection, each, _rejected(each, SYSTEM, why), at)


def _standing(connection: Connection, product: str, key: str) -> ReleaseRecord | None:
    columns = releases.c.number, releases.c.state, releases.c.key, releases.c.who
    query = select(*columns).where(releases.c.product == product).order_by(releases.c.number)
    rows = connection.execute(query).all()
    opened = max((row.number for row in rows if row.state == "released"), default=0)
    # What made room for another was decided by nobody.
    left = [row for row in rows if row.number >= opened and (row.state, row.who) != ("rejected", SYSTEM)]
    standing = [row.number for row in left if row.key == key]
    if not standing:
        return None
    return record(ReleaseRecord, connection.execute(select(releases).where(releases.c.number == standing[-1])).one())


def _told(
    connection: Connection, release: ReleaseRecord, kind: str, text: str, who: str, at: datetime
) -> ReleaseRecord:
    details = {"product": release.product, "first": release.first, "last": release.last, "key": release.key}
    tell(connection, release.id, kind, text, who=who, details=details, now=at)
    return release
