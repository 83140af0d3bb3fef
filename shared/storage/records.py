"""What the catalogue knows, as frozen records. Times are UTC with a zone, digests SHA-256 in hexadecimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

GranuleState = Literal["accepted", "superseded", "held", "quarantined"]
Outcome = Literal["new", "same", "replaced", "held"]
Policy = Literal["replace", "hold"]
UnitState = Literal["due", "running", "done", "waiting", "parked", "dropped"]
UnitKind = Literal["baseline", "month", "series", "release"]
BaselineState = Literal["proposed", "accepted", "refused", "replaced", "retired"]
ReleaseKind = Literal["initial", "major", "minor", "extension"]
ReleaseState = Literal["building", "held", "released", "rejected", "retracted"]
DeliveryState = Literal["pending", "done", "failed"]
Role = Literal["operator", "scientist"]
ReprocessingState = Literal["requested", "running", "done", "refused"]


@dataclass(frozen=True)
class Granule:
    """A file that came in: one version of one name.

    role: level-2, low-degrees, gia, geocenter, land-mask, month-table or normals; month: YYYY-MM, None for
    tables and models; begin, end: span of the data [MJD]; origin: address or path that it came from;
    vanished_at: since when upstream no longer lists it (it is used all the same); checked_at: when upstream
    was last seen to serve these bytes.
    States: `accepted` is used; `superseded` was, until other bytes came; `held` waits for a person;
    `quarantined` was refused for its `reason`.
    """

    id: int
    role: str
    name: str
    sha256: str
    size: int
    series: str
    month: str | None
    begin: float | None
    end: float | None
    version: int
    state: GranuleState
    reason: str
    origin: str
    arrived_at: datetime
    checked_at: datetime
    vanished_at: datetime | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True)
class Planned:
    """A unit of work that should exist.

    key: the digest of its recipe and inputs; month: YYYY-MM, None for a series or release; inputs: what it is
    made from, to be read by who makes it.
    """

    key: str
    kind: UnitKind
    product: str
    month: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """A unit of work and how far it is.

    States: `due` can be claimed (from `not_before` on, if set); `running` belongs to `owner` until `lease_until`;
    `waiting` lacks what `reason` names: with it the inputs are others, and so is the unit; `parked` needs a person, its
    last `error` says why; `dropped` was given up by a person; `done` has `outputs` (name to digest in the store).
    attempts: times it was claimed without an end; seconds: what the last run took.
    """

    key: str
    kind: UnitKind
    product: str
    month: str | None
    inputs: Mapping[str, Any]
    state: UnitState
    attempts: int
    owner: str | None
    lease_until: datetime | None
    not_before: datetime | None
    reason: str
    error: str
    error_kind: str
    outputs: Mapping[str, str]
    seconds: float | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class BaselineRecord:
    """A baseline of a product.

    digest: its file in the store; number: counts from 1; inputs: what it was estimated from (months and their
    digests), to see when it is out of date. States: `replaced` was in use before another was accepted; `retired` made
    room for a newer proposal before anybody decided.
    """

    id: int
    product: str
    number: int
    digest: str
    inputs: Mapping[str, Any]
    state: BaselineState
    reason: str
    who: str
    created_at: datetime


@dataclass(frozen=True)
class ReleaseRecord:
    """A release of a product, such as twsa-v1.0-003.

    number: orders all releases by birth; key: the unit of work it was made from; first, last: months YYYY-MM;
    reasons: why it was held; decision: approved, rejected or retracted, and why, by `who`; decided_at: when its
    state last changed.
    """

    id: str
    number: int
    product: str
    version: str
    serial: int
    first: str
    last: str
    kind: ReleaseKind
    state: ReleaseState
    key: str
    directory: str
    reasons: tuple[str, ...]
    changes: Mapping[str, Any]
    who: str
    decision: str
    created_at: datetime
    decided_at: datetime | None

    @property
    def is_approved(self) -> bool:
        """Whether a person let it pass the gate."""
        return self.decision.startswith("approved")


@dataclass(frozen=True)
class Delivery:
    """A release on its way to a target; retry_at: not tried again before, if it failed."""

    release: str
    target: str
    state: DeliveryState
    attempts: int
    error: str
    retry_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True)
class Poll:
    """One look at a source: outcome is `ok` or what went wrong, status that of HTTP."""

    id: int
    source: str
    time: datetime
    outcome: str
    status: int | None
    listed: int | None
    seconds: float


@dataclass(frozen=True)
class Event:
    """A fact that was true once and stays in the log: one clear sentence for people.

    subject: a month (2016-12), a role, a product, a release, a source, or `system`.
    """

    id: int
    time: datetime
    subject: str
    kind: str
    text: str
    who: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Reprocessing:
    """What a person asked to have computed again, from which step on, and why."""

    id: int
    who: str
    reason: str
    months: tuple[str, ...]
    first_step: str | None
    auxiliaries: Mapping[str, str]
    state: ReprocessingState
    created_at: datetime


@dataclass(frozen=True)
class Heartbeat:
    """A process that serves a queue, and when it last said that it lives; name: service@host:process."""

    name: str
    service: str
    host: str
    time: datetime


@dataclass(frozen=True)
class Token:
    """Who may act over the network; the secret itself is not kept, only its digest.

    role: an `operator` keeps the system going; a `scientist` also decides what is released.
    """

    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class Happening:
    """An event as it is counted, with what its details name."""

    time: datetime
    subject: str
    event: str
    key: str | None
    product: str | None
    kind: str | None
    role: str | None
    error: str | None
    seconds: float | None


@dataclass(frozen=True)
class MonthUnit:
    """A unit that is Level-2B of a month; level2: digest of the file that it is made from."""

    key: str
    product: str
    month: str
    state: UnitState
    level2: str


@dataclass(frozen=True)
class PollCount:
    """How many looks at a source ended in the same way, and the last of them."""

    source: str
    went_well: bool
    status: int | None
    count: int
    last: Poll
