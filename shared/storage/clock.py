"""The one place that asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment in UTC."""
    return datetime.now(UTC)


def moment(given: datetime | None = None) -> datetime:
    """A moment in UTC: the given one (without a zone taken as UTC), or the current."""
    if given is None:
        return now()
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
