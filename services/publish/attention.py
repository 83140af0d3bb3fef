"""What needs a person, or soon will: the same conditions as the alerts of the monitoring, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, get_args

from services.publish.month_states import last_line
from shared.models.epoch import moment_of_mjd
from shared.storage.catalogue import Catalogue
from shared.storage.records import Granule, Poll, Unit

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # the worst first
_SERVICES = ("ingest", "process", "publish")
_NAMED = 5  # units that are told one by one; more are counted


@dataclass(frozen=True)
class Limits:
    """Beyond which something needs a person.

    poll_interval: between looks at a source [s]; overdue: until a month that came is released; waiting: of a month for
    its table; late: since the end of the newest month upstream, which comes two to three months after it; silent:
    without a sign of life of a process; queue: tasks that wait; room: of a disk that must be free, as a share.
    """

    poll_interval: float = 86400.0
    overdue: timedelta = timedelta(hours=24)
    waiting: timedelta = timedelta(days=45)
    late: timedelta = timedelta(days=180)
    silent: timedelta = timedelta(minutes=5)
    queue: int = 100
    room: float = 0.10


@dataclass(frozen=True)
class Attention:
    """Something that needs a person; playbook: the page that tells what to do."""

    alert: str
    severity: Severity
    text: str
    subject: str
    since: datetime | None
    playbook: str


class Waiting(Protocol):
    """A queue and how many tasks wait in it."""

    @property
    def name(self) -> str:
        """Of the queue."""

    @property
    def length(self) -> int | None:
        """None if Redis does not answer."""


class Living(Protocol):
    """A process and when it last said that it lives."""

    @property
    def service(self) -> str:
        """That it belongs to."""

    @property
    def time(self) -> datetime:
        """When it last said so."""


def _notice(alert: str, severity: Severity, text: str, subject: str, since: datetime | None = None) -> Attention:
    page = re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()
    return Attention(alert, severity, f"{text.rstrip().rstrip('.')}.", subject, since, f"/playbooks/{page}")


def of_record(
    catalogue: Catalogue, files: Sequence[Granule], units: Sequence[Unit], products: Sequence[str], limits: Limits,
    now: datetime,
) -> Iterator[Attention]:  # fmt: skip
    """What is wrong with months and releases; files and units: those that the caller has read already."""
    yield from _decisions(catalogue)
    parked, waiting = ([unit for unit in units if unit.state == state] for state in ("parked", "waiting"))
    yield from _some("UnitParked", parked, lambda unit: ("critical", unit.updated_at))
    came = {file.month: file.arrived_at for file in files}

    def patience(unit: Unit) -> tuple[Severity, datetime]:
        since = came.get(unit.month, unit.created_at)
        return "warning" if now - since > limits.waiting else "info", since

    yield from _some("MonthWaiting", waiting, patience)
    yield from _late(catalogue, files, {(unit.product, unit.month) for unit in waiting}, products, limits, now)


def _decisions(catalogue: Catalogue) -> Iterator[Attention]:
    for release in catalogue.releases(state="held"):
        text = f"{release.id} is held: {'; '.join(release.reasons)}"
        yield _notice("ReleaseHeld", "warning", text, release.id, release.decided_at)
    for baseline in catalogue.baselines(state="proposed"):
        text = f"Baseline {baseline.number} of {baseline.product} is proposed and waits for a decision"
        yield _notice("ReleaseHeld", "info", text, baseline.product, baseline.created_at)
    for file in catalogue.granules(state="held"):
        text = f"{file.name} waits for a decision: {file.reason}"
        yield _notice("BytesChanged", "warning", text, file.month or file.role, file.arrived_at)


def _some(
    alert: str, units: Sequence[Unit], judged: Callable[[Unit], tuple[Severity, datetime]]
) -> Iterator[Attention]:
    """Units of one state, the worst ones by name; judged: how bad that is, and since when."""
    ranked = sorted(((*judged(unit), unit) for unit in units), key=lambda each: (SEVERITIES.index(each[0]), each[1]))
    for severity, since, unit in ranked[:_NAMED]:
        text = f"{unit.product} of {unit.month or unit.kind} is {unit.state}: {last_line(unit)}"
        yield _notice(alert, severity, text, unit.month or unit.product, since)
    if more := ranked[_NAMED:]:
        yield _notice(alert, more[0][0], f"{len(more)} more units are {more[0][2].state}", "system")


def _late(
    catalogue: Catalogue, files: Sequence[Granule], waiting: Collection[tuple[str, str | None]],
    products: Sequence[str], limits: Limits, now: datetime,
) -> Iterator[Attention]:  # fmt: skip
    newest = max((file for file in files if file.state == "accepted"), key=lambda file: str(file.month), default=None)
    if newest is None:
        return
    for product in products:
        latest = catalogue.latest(product)
        behind = latest is None or latest.last < str(newest.month)
        # A month that waits for its table is not late by us.
        ours = behind and (product, newest.month) not in waiting
        if ours and now - newest.arrived_at > limits.overdue:
            text = f"{newest.month} has come and is not in a release of {product}"
            yield _notice("ReleaseOverdue", "critical", text, str(newest.month), newest.arrived_at)
    ended = newest.arrived_at if newest.end is None else moment_of_mjd(newest.end).replace(tzinfo=UTC)
    if now - ended > limits.late:
        yield _notice("UpstreamLate", "info", f"Upstream has had no new month after {newest.month}", "upstream", ended)


def of_sources(catalogue: Catalogue, last: Sequence[Poll], limits: Limits, now: datetime) -> Iterator[Attention]:
    """What is wrong with the sources, from the last look at each."""
    for poll in last:
        if poll.status in (403, 429):
            text = f"{poll.source} refuses us: {poll.outcome}"
            yield _notice("UpstreamRefusing", "warning", text, poll.source, poll.time)
        good = catalogue.last_poll(poll.source, "ok")
        if good is None or now - good.time > timedelta(seconds=2.5 * limits.poll_interval):
            told = "" if poll.outcome == "ok" else f": {poll.outcome}"
            text = f"{poll.source} has not been looked at with success for too long{told}"
            yield _notice("PollerStalled", "critical", text, poll.source, good.time if good else None)
        alarm = catalogue.log(poll.source, kind=("layout-changed", "layout-changed-over"), newest=True, limit=1)
        if alarm and alarm[0].kind == "layout-changed":
            yield _notice("LayoutChanged", "critical", alarm[0].text, poll.source, alarm[0].time)


def of_services(
    queues: Sequence[Waiting], workers: Sequence[Living], limits: Limits, now: datetime
) -> Iterator[Attention]:
    """What is wrong with queues and the processes that serve them."""
    for queue in queues:
        # The alert sees whether they become more; here it may be the whole record that is made at once.
        if queue.length is not None and queue.length > limits.queue:
            yield _notice("QueueGrowing", "info", f"{queue.length} tasks wait for {queue.name}", queue.name)
    if any(queue.length is None for queue in queues):
        text = "Redis does not answer; work goes on when it does, and nothing is lost"
        yield _notice("QueueGrowing", "critical", text, "system")
    for service in _SERVICES if workers else ():
        times = [worker.time for worker in workers if worker.service == service]
        if not times or now - max(times) > limits.silent:
            yield _notice("NoWorker", "critical", f"No process of {service} lives", service, max(times, default=None))


def of_disks(room: Mapping[str, tuple[int, int]], limits: Limits) -> Iterator[Attention]:
    """What is wrong with the disks; room: size and free bytes by the name of the folder."""
    for folder, (size, free) in room.items():
        if free < limits.room * size:
            text = f"The disk of {folder} has {100.0 * free / size:.0f} % left, {free / 1e9:.1f} GB"
            yield _notice("DiskFilling", "critical", text, folder)
