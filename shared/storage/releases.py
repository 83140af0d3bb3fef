"""The part of the catalogue about releases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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
        """The release made from a unit of work, entered if there is none yet.

        A new one takes the next serial number of its version. One unit gives one release, however often it is
        asked for.
        """
        with writing(self.engine) as connection:
            at = moment(now)
            mine = releases.c.product == product
            known = connection.execute(select(releases).where(mine, releases.c.key == key)).one_or_none()
            if known is not None:
                return record(ReleaseRecord, known)
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
        """Keep a release from its users until a person decides."""
        text = f"{id} is held and needs a person: {'; '.join(reason.rstrip('.') for reason in reasons)}."
        values: dict[str, Any] = {"reasons": list(reasons), **({"directory": directory} if directory else {})}
        return self._move(id, ("building",), "held", "release-held", text, SYSTEM, now, values)

    def approve_release(self, id: str, *, who: str, reason: str, now: datetime | None = None) -> ReleaseRecord:
        """Let a held release pass: it is built again, without a gate (`is_approved`)."""
        text = f"{id} may be released by decision of {who}: {reason}."
        values = {"who": who, "decision": f"approved: {reason}"}
        is_done = attrgetter("is_approved")
        return self._move(id, ("held",), "building", "release-approved", text, who, now, values, is_done)

    def issue_release(
        self,
        id: str,
        *,
        directory: str,
        changes: Mapping[str, Any] | None = None,
        who: str = SYSTEM,
        now: datetime | None = None,
    ) -> ReleaseRecord:
        """Enter that a release is complete and open; a second time changes nothing."""
        values: dict[str, Any] = {"directory": directory, **({} if changes is None else {"changes": dict(changes)})}
        return self._move(id, ("building",), "released", "release-issued", f"{id} is released.", who, now, values)

    def reject_release(self, id: str, *, who: str, reason: str, now: datetime | None = None) -> ReleaseRecord:
        """Give a held or unfinished release up."""
        text = f"{id} is not released by decision of {who}: {reason}."
        values = {"who": who, "decision": f"rejected: {reason}"}
        return self._move(id, ("held", "building"), "rejected", "release-rejected", text, who, now, values)

    def retract_release(self, id: str, *, who: str, reason: str, now: datetime | None = None) -> ReleaseRecord:
        """Take a release back; it stays known, and its numbers are not used again."""
        text = f"{id} is retracted by decision of {who}: {reason}."
        values = {"who": who, "decision": f"retracted: {reason}"}
        return self._move(id, ("released",), "retracted", "release-retracted", text, who, now, values)

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

    def _move(
        self,
        id: str,
        before: tuple[ReleaseState, ...],
        state: ReleaseState,
        kind: str,
        text: str,
        who: str,
        now: datetime | None,
        values: Mapping[str, Any],
        is_done: Callable[[ReleaseRecord], bool] = lambda release: True,
    ) -> ReleaseRecord:
        with writing(self.engine) as connection:
            at = moment(now)
            row = connection.execute(select(releases).where(releases.c.id == id)).one_or_none()
            if row is None:
                raise RequestRefused(f"there is no release {id}", advice="Take its name from the list of releases.")
            release = record(ReleaseRecord, row)
            if release.state == state and is_done(release):
                return release
            if release.state not in before:
                advice = f"Only what is {' or '.join(before)} can become {state}."
                raise RequestRefused(f"{id} is {release.state}", advice=advice)
            query = update(releases).where(releases.c.id == id).values(state=state, decided_at=at, **values)
            moved = record(ReleaseRecord, connection.execute(query.returning(releases)).one())
            return _told(connection, moved, kind, text, who, at)


def _told(
    connection: Connection, release: ReleaseRecord, kind: str, text: str, who: str, at: datetime
) -> ReleaseRecord:
    details = {"product": release.product, "first": release.first, "last": release.last, "key": release.key}
    tell(connection, release.id, kind, text, who=who, details=details, now=at)
    return release
