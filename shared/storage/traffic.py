"""The part of the catalogue about the ways in and out: looks at sources, deliveries to targets."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, select, update

from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import Ledger, passed, record, tell
from shared.storage.records import Delivery, DeliveryState, Poll
from shared.storage.schema import deliveries, polls


class Traffic(Ledger):
    """Polls and deliveries."""

    def record_poll(
        self,
        source: str,
        outcome: str = "ok",
        *,
        status: int | None = None,
        listed: int | None = None,
        seconds: float = 0.0,
        now: datetime | None = None,
    ) -> Poll:
        """Enter a look at a source; only a change of its outcome goes into the log."""
        with writing(self.engine) as connection:
            at = moment(now)
            values = {
                "source": source, "time": at, "outcome": outcome, "status": status, "listed": listed,
                "seconds": seconds,
            }  # fmt: skip
            query = select(polls.c.outcome).where(polls.c.source == source).order_by(polls.c.id.desc()).limit(1)
            former = connection.execute(query).scalar()
            row = connection.execute(insert(polls).values(**values).returning(polls)).one()
            if outcome != former and outcome == "ok":
                tell(connection, source, "source-answers", f"{source} answers.", now=at)
            elif outcome != former:
                tell(connection, source, "source-fails", f"{source} gives nothing: {outcome}.", now=at)
            return record(Poll, row)

    def polls(self, source: str | None = None, *, limit: int | None = 100) -> list[Poll]:
        """Looks at a source, the newest first."""
        query = select(polls).order_by(polls.c.id.desc()).limit(limit)
        if source is not None:
            query = query.where(polls.c.source == source)
        with reading(self.engine) as connection:
            return [record(Poll, row) for row in connection.execute(query)]

    def last_poll(self, source: str, outcome: str | None = None) -> Poll | None:
        """The last look at a source, or the last with this outcome."""
        query = select(polls).where(polls.c.source == source).order_by(polls.c.id.desc()).limit(1)
        if outcome is not None:
            query = query.where(polls.c.outcome == outcome)
        with reading(self.engine) as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else record(Poll, row)

    def plan_deliveries(self, release: str, targets: Collection[str], *, now: datetime | None = None) -> list[Delivery]:
        """Enter which targets a release goes to; those that are known stay as they are."""
        with writing(self.engine) as connection:
            at = moment(now)
            query = select(deliveries.c.target).where(deliveries.c.release == release)
            known = set(connection.execute(query).scalars())
            for target in sorted(set(targets) - known):
                values = {"release": release, "target": target, "state": "pending", "attempts": 0, "error": ""}
                connection.execute(insert(deliveries).values(**values, updated_at=at))
        return self.deliveries(release)

    def record_delivery(
        self,
        release: str,
        target: str,
        state: DeliveryState,
        *,
        error: str = "",
        retry_at: datetime | None = None,
        now: datetime | None = None,
    ) -> Delivery:
        """Enter that a delivery was done or failed; what is done stays done."""
        with writing(self.engine) as connection:
            at = moment(now)
            mine = (deliveries.c.release == release) & (deliveries.c.target == target)
            row = connection.execute(select(deliveries).where(mine)).one_or_none()
            if row is not None and (row.state == "done" or state == "pending"):
                return record(Delivery, row)
            values = {"state": state, "error": error, "retry_at": retry_at, "updated_at": at}
            attempts = (row.attempts if row is not None else 0) + (state != "pending")
            if row is None:
                first = insert(deliveries).values(release=release, target=target, attempts=attempts, **values)
                row = connection.execute(first.returning(deliveries)).one()
            else:
                again = update(deliveries).where(mine).values(attempts=attempts, **values)
                row = connection.execute(again.returning(deliveries)).one()
            if state == "done":
                tell(connection, release, "delivery-done", f"{release} is delivered to {target}.", now=at)
            elif state == "failed":
                text = f"{release} cannot be delivered to {target}: {error}."
                tell(connection, release, "delivery-failed", text, details={"attempts": attempts}, now=at)
            return record(Delivery, row)

    def deliveries(
        self, release: str | None = None, state: DeliveryState | None = None, *, target: str | None = None
    ) -> list[Delivery]:
        """Deliveries by release, state and target."""
        query = select(deliveries).order_by(deliveries.c.updated_at, deliveries.c.release, deliveries.c.target)
        wanted = {"release": release, "state": state, "target": target}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(deliveries.c[column] == value)
        with reading(self.engine) as connection:
            return [record(Delivery, row) for row in connection.execute(query)]

    def due_deliveries(self, now: datetime | None = None) -> list[Delivery]:
        """Deliveries that are pending, or failed and may be tried again."""
        at = moment(now)
        return [each for each in self.deliveries() if each.state != "done" and passed(each.retry_at, at)]
