"""What the API answers with, where it is not told as the services know it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.publish.month_states import MonthView, last_line
from services.publish.shown_changes import ChangesView
from services.publish.shown_release import ReleaseLine
from shared.storage.records import BaselineRecord, Event, Granule, Role, Unit


@dataclass(frozen=True)
class EventView:
    """A fact that was true once; who: a person, a process, or `system`."""

    id: int
    time: datetime
    subject: str
    kind: str
    text: str
    who: str

    @classmethod
    def of(cls, event: Event) -> EventView:
        """As it stands in the log."""
        return cls(event.id, event.time, event.subject, event.kind, event.text, event.who)


@dataclass(frozen=True)
class Log:
    """Facts, the newest first."""

    events: list[EventView]


@dataclass(frozen=True)
class GranuleView:
    """A file that came in; origin: its address upstream, if it has one."""

    id: int
    role: str
    name: str
    month: str | None
    version: int
    state: str
    reason: str
    size: int
    sha256: str
    arrived_at: datetime
    origin: str | None

    @classmethod
    def of(cls, file: Granule) -> GranuleView:
        """Without folders of this machine."""
        origin = file.origin if file.origin.startswith(("http://", "https://")) else None
        return cls(
            file.id, file.role, file.name, file.month, file.version, file.state, file.reason, file.size, file.sha256,
            file.arrived_at, origin,
        )  # fmt: skip


@dataclass(frozen=True)
class UnitView:
    """A unit of work; error: the last line of what went wrong, the whole is told on the machine."""

    key: str
    kind: str
    product: str
    month: str | None
    state: str
    attempts: int
    owner: str | None
    reason: str
    error: str
    error_kind: str
    seconds: float | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, unit: Unit) -> UnitView:
        """Without traces."""
        return cls(
            unit.key, unit.kind, unit.product, unit.month, unit.state, unit.attempts, unit.owner, unit.reason,
            last_line(unit) if unit.error else "", unit.error_kind, unit.seconds, unit.created_at, unit.updated_at,
        )  # fmt: skip


@dataclass(frozen=True)
class RunView:
    """A unit that is worked on or was: how it ended, and how long it took."""

    key: str
    kind: str
    product: str
    month: str | None
    state: str
    time: datetime
    seconds: float | None
    who: str
    text: str


@dataclass(frozen=True)
class Runs:
    """Runs, the newest first; next: the offset of older ones, null if there are none."""

    runs: list[RunView]
    next: int | None


@dataclass(frozen=True)
class BaselineView:
    """A baseline; months: how many it was estimated from."""

    id: int
    product: str
    number: int
    state: str
    reason: str
    who: str
    digest: str
    months: int | None
    created_at: datetime

    @classmethod
    def of(cls, baseline: BaselineRecord) -> BaselineView:
        """With its months counted."""
        months = baseline.inputs.get("level-2")
        return cls(
            baseline.id, baseline.product, baseline.number, baseline.state, baseline.reason, baseline.who,
            baseline.digest, len(months) if months is not None else None, baseline.created_at,
        )  # fmt: skip


@dataclass(frozen=True)
class Baselines:
    """Baselines by product and number."""

    baselines: list[BaselineView]


@dataclass(frozen=True)
class Parked:
    """Units that failed and need a person."""

    units: list[UnitView]


@dataclass(frozen=True)
class HeldRelease(ReleaseLine):
    """A release that waits for a decision, and what it would change."""

    changes: ChangesView | None


@dataclass(frozen=True)
class Decisions:
    """All that waits for a person."""

    releases: list[HeldRelease]
    files: list[GranuleView]
    baselines: list[BaselineView]
    units: list[UnitView]


@dataclass(frozen=True)
class Stages:
    """When a month first reached each station of its way."""

    upstream: datetime | None = None
    processed: datetime | None = None
    evaluated: datetime | None = None
    released: datetime | None = None


@dataclass(frozen=True)
class MonthOfProduct(MonthView):
    """How far a month of one product is."""

    product: str
    threshold_mm: float | None
    stages: Stages


@dataclass(frozen=True)
class MonthStory:
    """All that is known of a month; events in the order in which they happened."""

    month: str
    products: list[MonthOfProduct]
    files: list[GranuleView]
    units: list[UnitView]
    events: list[EventView]


@dataclass(frozen=True)
class ReleaseList:
    """Releases, the newest first."""

    releases: list[ReleaseLine]


@dataclass(frozen=True)
class Me:
    """Whose token this is."""

    name: str
    role: Role


@dataclass(frozen=True)
class Done:
    """What was done, in a sentence."""

    text: str
