"""The part of the catalogue about baselines and what people ask to have computed again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from shared.errors import RequestRefused
from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import SYSTEM, Ledger, record, tell
from shared.storage.records import BaselineRecord, BaselineState, Reprocessing, ReprocessingState
from shared.storage.schema import baselines, reprocessings

# Nobody decided on the former, and the latter was in use: both are proposed anew if they are estimated again
_GONE = ("retired", "replaced")


class Baselines(Ledger):
    """Baselines: proposed by the system, changed by a person only."""

    def propose_baseline(
        self,
        product: str,
        digest: str,
        *,
        reason: str,
        inputs: Mapping[str, Any] | None = None,
        who: str = SYSTEM,
        now: datetime | None = None,
    ) -> BaselineRecord:
        """Propose a baseline, in the place of one that nobody has decided on; one that is known stays as it is.

        Known is one that is proposed or in use, or that a person refused: nobody is asked twice.
        """
        with writing(self.engine) as connection:
            at = moment(now)
            mine = baselines.c.product == product
            query = select(baselines).where(mine, baselines.c.digest == digest, baselines.c.state.not_in(_GONE))
            known = connection.execute(query.limit(1)).one_or_none()
            if known is not None:
                return record(BaselineRecord, known)
            connection.execute(update(baselines).where(mine, baselines.c.state == "proposed").values(state="retired"))
            number = (connection.execute(select(func.max(baselines.c.number)).where(mine)).scalar() or 0) + 1
            values = {
                "product": product, "number": number, "digest": digest, "inputs": dict(inputs or {}),
                "state": "proposed", "reason": reason, "who": who, "created_at": at,
            }  # fmt: skip
            row = connection.execute(insert(baselines).values(**values).returning(baselines)).one()
            text = f"Baseline {number} of {product} is proposed: {reason}"
            return _told(connection, record(BaselineRecord, row), "baseline-proposed", text, who, at)

    def accept_baseline(self, id: int, *, who: str, reason: str, now: datetime | None = None) -> BaselineRecord:
        """Use a baseline that is proposed, refused or was replaced instead of the present."""
        with writing(self.engine) as connection:
            at = moment(now)
            proposed = _open(connection, id, ("proposed", "refused", "replaced"))
            former = (baselines.c.product == proposed.product) & (baselines.c.state == "accepted")
            connection.execute(update(baselines).where(former).values(state="replaced"))
            taken = _set(connection, id, "accepted", who, reason)
            text = f"Baseline {taken.number} of {taken.product} is used from now on by decision of {who}: {reason}"
            return _told(connection, taken, "baseline-accepted", text, who, at)

    def refuse_baseline(self, id: int, *, who: str, reason: str, now: datetime | None = None) -> BaselineRecord:
        """Refuse a proposed baseline; the one in use stays."""
        with writing(self.engine) as connection:
            at = moment(now)
            _open(connection, id, ("proposed",))
            gone = _set(connection, id, "refused", who, reason)
            text = f"Baseline {gone.number} of {gone.product} is not used by decision of {who}: {reason}"
            return _told(connection, gone, "baseline-refused", text, who, at)

    def baseline(self, product: str) -> BaselineRecord | None:
        """The baseline in use."""
        found = self.baselines(product, "accepted")
        return found[0] if found else None

    def baselines(self, product: str | None = None, state: BaselineState | None = None) -> list[BaselineRecord]:
        """Baselines in the order of their numbers."""
        query = select(baselines).order_by(baselines.c.product, baselines.c.number)
        if product is not None:
            query = query.where(baselines.c.product == product)
        if state is not None:
            query = query.where(baselines.c.state == state)
        with reading(self.engine) as connection:
            return [record(BaselineRecord, row) for row in connection.execute(query)]

    def request_reprocessing(
        self,
        *,
        who: str,
        reason: str,
        months: Collection[str] = (),
        first_step: str | None = None,
        auxiliaries: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> Reprocessing:
        """Enter what a person wants computed again.

        months: none for all of them; first_step: from which step on; auxiliaries: role to digest, where others
        than those in use are taken.
        """
        with writing(self.engine) as connection:
            at = moment(now)
            values = {
                "who": who, "reason": reason, "months": sorted(months), "first_step": first_step,
                "auxiliaries": dict(auxiliaries or {}), "state": "requested", "created_at": at,
            }  # fmt: skip
            row = connection.execute(insert(reprocessings).values(**values).returning(reprocessings)).one()
            asked = record(Reprocessing, row)
            named = len(asked.months) <= 3
            which = " and ".join(asked.months) if named else f"{len(asked.months)} months"
            since = f" from {first_step} on" if first_step else ""
            text = f"{who} asks to compute {which or 'all months'} again{since}: {reason}."
            for subject in (SYSTEM, *asked.months):
                tell(connection, subject, "reprocessing-requested", text, who=who, details={"id": asked.id}, now=at)
            return asked

    def settle_reprocessing(
        self, id: int, state: ReprocessingState, *, text: str, who: str = SYSTEM, now: datetime | None = None
    ) -> Reprocessing:
        """Note how far a reprocessing is; `text` is the sentence for the log."""
        query = update(reprocessings).where(reprocessings.c.id == id, reprocessings.c.state != state)
        with writing(self.engine) as connection:
            changed = connection.execute(query.values(state=state)).rowcount
            row = connection.execute(select(reprocessings).where(reprocessings.c.id == id)).one_or_none()
            if row is None:
                raise RequestRefused(f"there is no reprocessing {id}", advice="Take its number from their list.")
            if changed:
                tell(connection, SYSTEM, f"reprocessing-{state}", text, who=who, details={"id": id}, now=now)
            return record(Reprocessing, row)

    def reprocessings(self, state: ReprocessingState | None = None) -> list[Reprocessing]:
        """What was asked to be computed again, the oldest first."""
        query = select(reprocessings).order_by(reprocessings.c.id)
        if state is not None:
            query = query.where(reprocessings.c.state == state)
        with reading(self.engine) as connection:
            return [record(Reprocessing, row) for row in connection.execute(query)]


def _open(connection: Connection, id: int, states: tuple[BaselineState, ...]) -> BaselineRecord:
    row = connection.execute(select(baselines).where(baselines.c.id == id)).one_or_none()
    if row is None:
        raise RequestRefused(f"there is no baseline {id}", advice="Take its number from the list of baselines.")
    found = record(BaselineRecord, row)
    if found.state not in states:
        raise RequestRefused(
            f"baseline {found.number} of {found.product} is {found.state}", advice="Only a proposed one can be decided."
        )
    return found


def _set(connection: Connection, id: int, state: BaselineState, who: str, reason: str) -> BaselineRecord:
    query = update(baselines).where(baselines.c.id == id).values(state=state, who=who, reason=reason)
    return record(BaselineRecord, connection.execute(query.returning(baselines)).one())


def _told(
    connection: Connection, baseline: BaselineRecord, kind: str, text: str, who: str, at: datetime
) -> BaselineRecord:
    details = {"id": baseline.id, "number": baseline.number, "digest": baseline.digest}
    tell(connection, baseline.product, kind, f"{text}.", who=who, details=details, now=at)
    return baseline
