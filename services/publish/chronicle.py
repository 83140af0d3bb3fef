"""What has happened since the beginning, counted: read once, then only what is new."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime

from shared import metrics
from shared.metrics import Metric
from shared.storage.catalogue import Catalogue, Poll
from shared.storage.records import Happening, PollCount

# What may be wrong with what a source lists; ingest tells of it when it begins and, as `...-over`, when it ends.
ALARMS = ("layout-changed", "listing-shrunk", "names-doubled", "archive-refused", "files-missed")
_OVER = "-over"

# What becomes of a file, by the kind of its event
FILE_EVENTS = {
    f"granule-{event}": event for event in ("arrived", "replaced", "held", "quarantined", "vanished")
}  # fmt: skip


class Histogram:
    """How many durations [s] were below each limit, and their sum."""

    def __init__(self, limits: tuple[float, ...]) -> None:
        self.counts = [0] * (len(limits) + 1)
        self.sum = 0.0
        self._limits = limits

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self._limits, seconds)] += 1
        self.sum += seconds


class Chronicle:
    """Counters and moments that follow from the events and polls of a catalogue.

    counts: of each counter by its labels; times: last moment of each gauge of moments by its labels; alarms: whether
    an alarm of a source stands; durations: of units by product and kind; processed, evaluated, released: when the
    unit of a month first was, by its key; polls: the last look at each source.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.counts: defaultdict[Metric, Counter[tuple[str, ...]]] = defaultdict(Counter)
        self.times: defaultdict[Metric, dict[tuple[str, ...], datetime]] = defaultdict(dict)
        self.alarms: dict[tuple[str, str], bool] = {}
        self.durations: dict[tuple[str, str], Histogram] = {}
        self.processed: dict[str, datetime] = {}
        self.evaluated: dict[str, datetime] = {}
        self.released: dict[str, datetime] = {}
        self.polls: dict[str, Poll] = {}
        self._catalogue = catalogue
        self._months: dict[str, tuple[str, ...]] = {}  # keys of the months of a series, by its key
        self._event = self._poll = 0

    def follow(self) -> int:
        """Read what is new; the number of the last event."""
        for count in self._catalogue.poll_counts(self._poll):
            self._look(count)
        last = self._catalogue.last_event()
        if last != self._event:
            for each in self._catalogue.happenings(_KINDS, self._event, last):
                _ENTER[each.event](self, each)
            self._event = last
        return last

    def _look(self, new: PollCount) -> None:
        poll, labels = new.last, (new.source,)
        outcome = "ok" if new.went_well else "failed"
        self.counts[metrics.POLLS][new.source, outcome, str(new.status or "")] += new.count
        self.polls[new.source] = poll
        self.times[metrics.POLL_TIME][labels] = poll.time
        if new.went_well:
            self.times[metrics.POLL_OK_TIME][labels] = poll.time
        self._poll = max(self._poll, poll.id)

    def _alarm(self, each: Happening) -> None:
        alarm = each.event.removesuffix(_OVER)
        self.alarms[each.subject, alarm] = alarm == each.event

    def _file(self, each: Happening) -> None:
        labels = each.role or "", FILE_EVENTS[each.event]
        self.counts[metrics.FILE_EVENTS][labels] += 1
        self.times[metrics.FILE_EVENT_TIME][labels] = each.time

    def _begun(self, each: Happening) -> None:
        self.counts[metrics.ATTEMPTS][_unit(each)] += 1

    def _taken_over(self, each: Happening) -> None:
        self._begun(each)
        self.counts[metrics.TAKEOVERS][_unit(each)] += 1

    def _failed(self, each: Happening) -> None:
        if each.error:  # a person who parks a unit names none
            self.counts[metrics.FAILURES][(*_unit(each), each.error)] += 1

    def _done(self, each: Happening) -> None:
        if each.seconds is not None:
            self.durations.setdefault(_unit(each), Histogram(metrics.UNIT_DURATION.buckets)).add(each.seconds)
        if each.kind == "month":
            self.processed.setdefault(str(each.key), each.time)
        elif each.kind == "series":
            for key in self._months_of(str(each.key)):
                self.evaluated.setdefault(key, each.time)

    def _issued(self, each: Happening) -> None:
        self.times[metrics.RELEASE_TIME][each.product or "",] = each.time
        for key in self._months_of(str(each.key)):
            self.released.setdefault(key, each.time)

    def _release_failed(self, each: Happening) -> None:
        self.counts[metrics.RELEASE_FAILURES][each.subject,] += 1

    def _ended(self, each: Happening) -> None:
        self.counts[metrics.ENDED][()] += 1

    def _months_of(self, series: str) -> tuple[str, ...]:
        if series not in self._months:
            unit = self._catalogue.unit(series)
            self._months[series] = tuple(unit.inputs.get("months", {}).values()) if unit else ()
        return self._months[series]


def _unit(each: Happening) -> tuple[str, str]:
    return each.product or "", each.kind or ""


_ENTER: dict[str, Callable[[Chronicle, Happening], None]] = {
    **dict.fromkeys(FILE_EVENTS, Chronicle._file),
    "unit-begun": Chronicle._begun,
    "unit-taken-over": Chronicle._taken_over,
    "unit-failed": Chronicle._failed,
    "unit-parked": Chronicle._failed,
    "unit-done": Chronicle._done,
    "release-issued": Chronicle._issued,
    "release-failed": Chronicle._release_failed,
    "service-ended": Chronicle._ended,
    **{f"{alarm}{end}": Chronicle._alarm for alarm in ALARMS for end in ("", _OVER)},
}
_KINDS = tuple(_ENTER)
