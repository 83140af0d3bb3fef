"""What every part of the catalogue stands on: transactions, records, and the log of events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, Row, insert, select

from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.records import Event
from shared.storage.schema import events

SYSTEM = "system"  # the subject, or who acted, where it is no one else

# No lease or pause is longer. One that ends further ahead was set before the clock was put back.
HORIZON = timedelta(hours=24)


_Record = TypeVar("_Record")


def record(kind: type[_Record], row: Row[Any]) -> _Record:
    """The record that a row of its table holds."""
    values = row._mapping
    given = {field.name: values[field.name] for field in fields(cast(Any, kind))}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def passed(until: datetime | None, at: datetime) -> bool:
    """Whether a lease or pause is over.

    It is, too, if it ends later than any can: then the clock was put back since it was set.
    """
    return until is None or until <= at or until > at + HORIZON


class Ledger:
    """One database, with the log of what happened."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def append(
        self,
        subject: str,
        kind: str,
        text: str,
        *,
        who: str = SYSTEM,
        details: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> Event:
        """Add a fact to the log: one clear sentence for people."""
        with writing(self.engine) as connection:
            return tell(connection, subject, kind, text, who=who, details=details, now=now)

    def log(
        self,
        subject: str | Collection[str] | None = None,
        *,
        kind: str | Collection[str] | None = None,
        after: int = 0,
        limit: int | None = None,
        newest: bool = False,
    ) -> list[Event]:
        """Events in the order in which they happened, of one or more subjects and kinds.

        after: only those with a larger id: no event appears later with a smaller one;
        newest: if there are more than `limit`, the last of them, not the first.
        """
        query = select(events).where(events.c.id > after)
        if subject is not None:
            query = query.where(events.c.subject.in_(_several(subject)))
        if kind is not None:
            query = query.where(events.c.kind.in_(_several(kind)))
        query = query.order_by(events.c.id.desc() if newest else events.c.id).limit(limit)
        with reading(self.engine) as connection:
            found = [record(Event, row) for row in connection.execute(query)]
        return found[::-1] if newest else found

    def close(self) -> None:
        """Close all connections; the next call opens new ones."""
        self.engine.dispose()


def tell(
    connection: Connection,
    subject: str,
    kind: str,
    text: str,
    *,
    who: str = SYSTEM,
    details: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Event:
    """Add a fact to the log in the transaction that makes it true."""
    values = {
        "time": moment(now),
        "subject": subject,
        "kind": kind,
        "text": f"{text.rstrip().rstrip('.')}.",
        "who": who,
        "details": dict(details or {}),
    }
    row = connection.execute(insert(events).values(**values).returning(events)).one()
    return record(Event, row)


def _several(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
