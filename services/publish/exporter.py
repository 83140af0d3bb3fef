"""What Prometheus reads: the state of the catalogue at the moment at which it is asked for.

Nothing is counted while the services work, so no process needs a registry of its own. What only a new event can
change is kept until there is one.
"""

from __future__ import annotations

import platform
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from services.publish.chronicle import Chronicle, Histogram
from services.publish.console.context import Context
from services.publish.month_states import noise_of
from services.publish.room import StoreSize, room_on
from services.publish.stages import NEEDED, stages
from shared import metrics
from shared.errors import GravstreamError
from shared.metrics import Metric, Sample
from shared.models.epoch import Month, moment_of_mjd

SERVICES = ("ingest", "process", "publish")

_COUNTED = {
    metrics.FILES: "files",
    metrics.UNITS: "units",
    metrics.RELEASES: "releases",
    metrics.BASELINES: "baselines",
    metrics.DELIVERIES: "deliveries",
    metrics.REPROCESSINGS: "reprocessings",
}


def exposition(context: Context) -> bytes:
    """All measures in the text format of Prometheus; what does not answer is left out, and that is told."""
    with _LOCK:
        if not _EXPORTER or _EXPORTER[0].context is not context:
            _EXPORTER[:] = [Exporter(context)]
        return _EXPORTER[0].tell()


_LOCK = threading.Lock()  # one scrape at a time: the second finds what the first has read


class Exporter:
    """Reads all that is declared in shared.metrics."""

    def __init__(self, context: Context) -> None:
        self.context, self._catalogue = context, context.catalogue
        self._chronicle = Chronicle(context.catalogue)
        self._store = StoreSize(context.folders["store"]) if "store" in context.folders else None
        self._kept, self._kept_at = b"", -1

    def tell(self) -> bytes:
        """The text of one scrape."""
        began = time.perf_counter()
        build = version("gravstream"), platform.python_version()
        samples: list[Sample] = [(metrics.BUILD, build, 1.0), *self._room()]
        parts: dict[str, Callable[[], Iterable[Sample]]] = {"catalogue": self._record, "queue": self._queue}
        answers = {}
        for part, read in parts.items():
            try:
                samples += list(read())
                answers[part] = True
            except GravstreamError:
                answers[part] = False
        samples += [(metrics.UP, (part,), float(answer)) for part, answer in answers.items()]
        samples.append((metrics.DURATION, (), time.perf_counter() - began))
        return (self._kept if answers["catalogue"] else b"") + _text(families(samples))

    def _room(self) -> Iterator[Sample]:
        for name, (size, free) in room_on(self.context.folders).items():
            yield metrics.DISK_SIZE, (name,), float(size)
            yield metrics.DISK_FREE, (name,), float(free)
        if self._store is not None:
            yield from self._store.samples()

    def _queue(self) -> Iterator[Sample]:
        for name, length in self.context.queue_lengths().items():
            yield metrics.QUEUE, (name,), float(length)

    def _record(self) -> Iterator[Sample]:
        event = self._chronicle.follow()
        if event != self._kept_at:
            kept = [*families(self._after_an_event()), _durations(self._chronicle.durations)]
            self._kept, self._kept_at = _text(kept), event
        yield from self._told()
        yield from self._sources()
        yield from self._workers()

    def _told(self) -> Iterator[Sample]:
        """Counters and moments of the chronicle; a counter without labels is there from the beginning."""
        yield metrics.ENDED, (), float(self._chronicle.counts[metrics.ENDED][()])
        for metric, counts in self._chronicle.counts.items():
            if metric is not metrics.ENDED:
                yield from ((metric, labels, float(count)) for labels, count in counts.items())
        for metric, moments in self._chronicle.times.items():
            yield from ((metric, labels, moment.timestamp()) for labels, moment in moments.items())

    def _sources(self) -> Iterator[Sample]:
        yield metrics.POLL_INTERVAL, (), self.context.queue.poll_interval
        for source, poll in self._chronicle.polls.items():
            yield metrics.POLL_CODE, (source,), float(poll.status or 0)
            yield metrics.POLL_DURATION, (source,), poll.seconds
            if poll.listed is not None:
                yield metrics.LISTED, (source,), float(poll.listed)
        for labels, stands in self._chronicle.alarms.items():
            yield metrics.ALARM, labels, float(stands)

    def _workers(self) -> Iterator[Sample]:
        last = dict.fromkeys(SERVICES, 0.0)
        for each in self._catalogue.heartbeats():
            moment = each.time.timestamp()
            yield metrics.WORKER, (each.name, each.service, each.host), moment
            last[each.service] = max(last.get(each.service, 0.0), moment)
        for service, moment in last.items():
            yield metrics.SERVICE, (service,), moment

    def _after_an_event(self) -> Iterator[Sample]:
        """What stays the same as long as nothing happens."""
        counts = self._catalogue.counts()
        for metric, name in _COUNTED.items():
            yield from ((metric, labels, float(count)) for labels, count in counts[name].items())
        yield from self._months()
        yield from self._files()
        for product in self.context.products:
            yield from self._product(product)

    def _months(self) -> Iterator[Sample]:
        for (product, month), moments in stages(self._catalogue, self._chronicle, self.context.products).items():
            for stage, moment in moments.items():
                yield metrics.STAGE, (product, month, stage), moment.timestamp()

    def _files(self) -> Iterator[Sample]:
        months = [each for each in self._catalogue.granules("level-2", state=None) if each.month]
        if months:
            newest = max(months, key=lambda each: (str(each.month), -each.version))
            yield metrics.UPSTREAM_MONTH, (), _end(str(newest.month))
            yield metrics.UPSTREAM_ARRIVED, (), newest.arrived_at.timestamp()
        for role in (*NEEDED, "geocenter"):
            for table in self._catalogue.current(role):
                if table.end is not None:
                    yield metrics.TABLE_END, (role,), moment_of_mjd(table.end).timestamp()

    def _product(self, product: str) -> Iterator[Sample]:
        for event in self._catalogue.log(product, kind="gate-measured", newest=True, limit=1):
            for check, result in event.details["results"].items():
                yield metrics.GATE_PASSED, (product, check), float(result["passed"])
                yield metrics.GATE_LIMIT, (product, check), result["limit"]
                if result["measured"] is not None:
                    yield metrics.GATE_MEASURED, (product, check), result["measured"]
        latest = self._catalogue.latest(product)
        if latest is None:
            return
        yield metrics.RELEASE, (product, latest.id, latest.first, latest.last), 1.0
        yield metrics.RELEASED_MONTH, (product,), _end(latest.last)
        noise = noise_of(latest.directory)
        if noise is not None:
            yield metrics.THRESHOLD, (product,), noise.threshold / 1000.0
            for month, height in noise.months.items():
                yield metrics.NOISE, (product, month), height / 1000.0
                yield metrics.FALLBACK, (product, month), float(month in noise.fallback)


def _end(month: str) -> float:
    return moment_of_mjd(Month.parse(month).calendar.end).timestamp()


_EXPORTER: list[Exporter] = []  # of the context that was asked for last: a process has one


class _Families(Collector):
    """What was collected already, for who writes it down."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


def _text(families: Iterable[Family]) -> bytes:
    return generate_latest(_Families(families))


def families(samples: Iterable[Sample]) -> Iterator[Family]:
    """Samples under their names, each once."""
    found: defaultdict[Metric, dict[tuple[str, ...], float]] = defaultdict(dict)
    for metric, labels, value in samples:
        found[metric][labels] = value
    for metric, values in found.items():
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=metric.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        yield family


def _durations(durations: dict[tuple[str, str], Histogram]) -> Family:
    metric = metrics.UNIT_DURATION
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, histogram in durations.items():
        below, buckets = 0, []
        for limit, count in zip((*map(str, metric.buckets), "+Inf"), histogram.counts, strict=True):
            below += count
            buckets.append((limit, float(below)))
        family.add_metric(labels, buckets, histogram.sum)
    return family
