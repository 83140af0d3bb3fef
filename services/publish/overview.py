"""How the whole system is, read off the catalogue in a few milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from services.publish.attention import Attention, Limits, of_disks, of_record, of_services, of_sources
from services.publish.month_states import MonthView, ProductMonths, noise_of, product_months
from services.publish.room import room_on
from shared.errors import Unreachable
from shared.storage.catalogue import Catalogue, now
from shared.storage.records import Granule, Poll, Reprocessing, Unit

__all__ = [
    "Attention", "Limits", "MonthView", "Overview", "ProductMonths", "ProductView", "QueueView", "SourceView",
    "UnitCount", "WorkerView", "last_polls", "overview", "product_months",
]  # fmt: skip

QUEUES = ("ingest", "process", "publish")
_POLLS = 1000  # of which the last of each source is told


@dataclass(frozen=True)
class ProductView:
    """How far a product is: the newest month at each station, and its latest release."""

    name: str
    title: str
    newest_upstream: str | None
    upstream_at: datetime | None
    newest_in_process: str | None
    in_process_at: datetime | None
    newest_released: str | None
    released_at: datetime | None
    latest: str | None
    threshold_mm: float | None


@dataclass(frozen=True)
class QueueView:
    """Tasks that wait in a queue; length: None if Redis does not answer."""

    name: str
    length: int | None


@dataclass(frozen=True)
class WorkerView:
    """A process that serves a queue, and when it last said that it lives."""

    name: str
    service: str
    host: str
    time: datetime


@dataclass(frozen=True)
class SourceView:
    """The last look at a source; outcome: `ok` or what went wrong, status: of HTTP, listed: files that it lists."""

    name: str
    time: datetime
    outcome: str
    status: int | None
    listed: int | None


@dataclass(frozen=True)
class UnitCount:
    """How many units of work there are of a product, kind and state."""

    product: str
    kind: str
    state: str
    count: int


@dataclass(frozen=True)
class Overview:
    """All that is to be seen at a glance."""

    now: datetime
    version: str
    products: tuple[ProductView, ...]
    queues: tuple[QueueView, ...]
    workers: tuple[WorkerView, ...]
    sources: tuple[SourceView, ...]
    units: tuple[UnitCount, ...]
    attention: tuple[Attention, ...]
    reprocessings: tuple[Reprocessing, ...]


def overview(
    catalogue: Catalogue,
    titles: Mapping[str, str],
    queue_lengths: Callable[[], Mapping[str, int]],
    limits: Limits,
    *,
    folders: Mapping[str, Path] | None = None,
    at: datetime | None = None,
) -> Overview:
    """How the system is.

    Parameters
    ----------
    titles : of each product by its name
    queue_lengths : tasks that wait by queue; raises Unreachable
    limits : beyond which something needs a person
    folders : whose disks are looked at, by name
    at : the moment to look from, for tests
    """
    moment = at or now()
    files = [file for file in catalogue.granules("level-2", state=None) if file.month]
    units = catalogue.units(("due", "running", "waiting", "parked"))
    polls = tuple(last_polls(catalogue))
    queues = tuple(_queues(queue_lengths))
    workers = tuple(WorkerView(each.name, each.service, each.host, each.time) for each in catalogue.heartbeats())
    counts = sorted(catalogue.unit_counts().items(), key=lambda item: (item[0][1], item[0][0], item[0][2]))
    return Overview(
        now=moment,
        version=version("gravstream"),
        products=tuple(_product(catalogue, name, title, files, units) for name, title in titles.items()),
        queues=queues,
        workers=workers,
        sources=tuple(SourceView(each.source, each.time, each.outcome, each.status, each.listed) for each in polls),
        units=tuple(UnitCount(product, kind, state, count) for (kind, product, state), count in counts),
        attention=(
            *of_record(catalogue, files, units, tuple(titles), limits, moment),
            *of_sources(catalogue, polls, limits, moment),
            *of_services(queues, workers, limits, moment),
            *of_disks(room_on(folders or {}), limits),
        ),
        reprocessings=tuple(each for each in catalogue.reprocessings() if each.state in ("requested", "running")),
    )


def _product(
    catalogue: Catalogue, name: str, title: str, files: Sequence[Granule], units: Sequence[Unit]
) -> ProductView:
    upstream = max(files, key=lambda file: (str(file.month), -file.version), default=None)
    latest = catalogue.latest(name)
    # What is worked on, and what has come but is in no release yet: it may be in the series, or be checked.
    under_way = {str(unit.month): unit.created_at for unit in units if unit.product == name and unit.month}
    last = latest.last if latest else ""
    for file in files:
        if file.state == "accepted" and str(file.month) > last:
            under_way.setdefault(str(file.month), file.arrived_at)
    newest = max(under_way, default=None)
    noise = noise_of(latest.directory) if latest else None
    return ProductView(
        name=name,
        title=title,
        newest_upstream=upstream.month if upstream else None,
        upstream_at=upstream.arrived_at if upstream else None,
        newest_in_process=newest,
        in_process_at=None if newest is None else under_way[newest],
        newest_released=latest.last if latest else None,
        released_at=latest.decided_at if latest else None,
        latest=latest.id if latest else None,
        threshold_mm=noise.threshold if noise else None,
    )


def _queues(queue_lengths: Callable[[], Mapping[str, int]]) -> Iterator[QueueView]:
    try:
        yield from (QueueView(name, length) for name, length in queue_lengths().items())
    except Unreachable:
        yield from (QueueView(name, None) for name in QUEUES)


def last_polls(catalogue: Catalogue) -> Iterator[Poll]:
    """The last look at each source."""
    seen = set[str]()
    for poll in catalogue.polls(limit=_POLLS):
        if poll.source not in seen:
            seen.add(poll.source)
            yield poll
