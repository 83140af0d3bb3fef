"""The names of all that is measured: what dashboards, alerts and documentation may ask for, and nothing else.

A moment is told as a moment (Unix time), never as an age: an age stands still when its teller dies. Units are
those of the SI, as Prometheus has it; a counter never falls as long as the catalogue lives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True)
class Metric:
    """A measure: its name, kind, unit, labels, and one sentence for people.

    buckets: upper ends of a histogram, in its unit.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


Sample = tuple[Metric, tuple[str, ...], float]  # a measure, the values of its labels, and its own


def _gauge(name: str, unit: str, labels: str, help: str) -> Metric:
    return Metric(f"gravstream_{name}", "gauge", unit, tuple(labels.split()), help)


def _counter(name: str, labels: str, help: str) -> Metric:
    return Metric(f"gravstream_{name}_total", "counter", "1", tuple(labels.split()), help)


# The exporter itself
UP = _gauge("up", "bool", "part", "1 if a part answers: catalogue, queue, releases.")
BUILD = _gauge("build_info", "1", "version python", "Always 1; the version that runs.")
DURATION = _gauge("exporter_duration_seconds", "s", "", "How long it took to read what is told here.")

# Months
UPSTREAM_MONTH = _gauge("upstream_newest_month_time_seconds", "Unix time", "", "End of the newest month that has come.")
UPSTREAM_ARRIVED = _gauge("upstream_newest_arrived_time_seconds", "Unix time", "", "When the newest month came.")
RELEASED_MONTH = _gauge(
    "released_newest_month_time_seconds", "Unix time", "product", "End of the newest month in the latest release."
)
STAGE = _gauge(
    "month_stage_time_seconds", "Unix time", "product month stage",
    "When a month first reached a stage: upstream (it has come), ready (its tables have, too), processed (Level-2B), "
    "evaluated (Level-3), released. What it has not reached is not told.",
)  # fmt: skip
NOISE = _gauge("month_noise_meters", "m", "product month", "Noise over open ocean in the latest release.")
FALLBACK = _gauge("month_fallback", "bool", "product month", "1 if the noise chose the stronger filter.")
THRESHOLD = _gauge("noise_threshold_meters", "m", "product", "Noise above which a month takes the stronger filter.")

# Files and their sources
TABLE_END = _gauge("table_end_time_seconds", "Unix time", "role", "Up to when the table in use has every value.")
FILES = _gauge("files", "1", "role state", "Files by role and state: accepted, superseded, held, quarantined.")
FILE_EVENTS = _counter(
    "file_events", "role event", "What became of files: arrived, replaced, held, quarantined, vanished."
)
FILE_EVENT_TIME = _gauge("file_event_time_seconds", "Unix time", "role event", "When that last happened to a file.")
POLLS = _counter("polls", "source outcome code", "Looks at a source: ok or failed, with the status of HTTP if known.")
POLL_TIME = _gauge("poll_time_seconds", "Unix time", "source", "Last look at a source.")
POLL_OK_TIME = _gauge("poll_ok_time_seconds", "Unix time", "source", "Last look at a source that went well.")
POLL_CODE = _gauge("poll_code", "1", "source", "Status of HTTP at the last look, 0 if none is known.")
POLL_DURATION = _gauge("poll_duration_seconds", "s", "source", "How long the last look took.")
POLL_INTERVAL = _gauge("poll_interval_seconds", "s", "", "How often sources are to be looked at.")
LISTED = _gauge("source_listed_files", "1", "source", "Files in the last listing.")
ALARM = _gauge("source_alarm", "bool", "source alarm", "1 while something is wrong with what a source lists.")

# Work
UNITS = _gauge(
    "units", "1", "product kind state",
    "Units of work by state: due, running, done, waiting, parked, dropped; kinds: baseline, month, series.",
)  # fmt: skip
ATTEMPTS = _counter("unit_attempts", "product kind", "Times that a unit was begun.")
TAKEOVERS = _counter("unit_takeovers", "product kind", "Times that a worker did not come back and another took over.")
FAILURES = _counter("unit_failures", "product kind error", "Times that a unit failed or was parked, by class of error.")
UNIT_DURATION = Metric(
    "gravstream_unit_duration_seconds", "histogram", "s", ("product", "kind"), "How long a unit took that was done.",
    (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
)  # fmt: skip
REPROCESSINGS = _gauge("reprocessings", "1", "state", "Requests to compute again: requested, running, done, refused.")

# Queue and workers
QUEUE = _gauge("queue_length", "1", "queue", "Tasks that wait in a queue.")
WORKER = _gauge(
    "worker_heartbeat_time_seconds", "Unix time", "worker service host", "When a worker last said that it lives."
)
SERVICE = _gauge(
    "service_heartbeat_time_seconds",
    "Unix time",
    "service",
    "When the last of a service did, 0 if none did.",
)
ENDED = _counter("service_ends", "", "Times that a service ended by itself and was started again.")

# Releases
RELEASES = _gauge("releases", "1", "product state", "Releases: building, held, released, rejected, retracted.")
RELEASE_TIME = _gauge("release_time_seconds", "Unix time", "product", "When the latest release was issued.")
RELEASE = _gauge("release_info", "1", "product release first last", "Always 1; the latest release and its months.")
RELEASE_FAILURES = _counter("release_failures", "product", "Times that making a release failed for a new reason.")
GATE_PASSED = _gauge("gate_passed", "bool", "product check", "1 if the last product passed this check of the gate.")
GATE_MEASURED = _gauge("gate_measured", "of the check", "product check", "What this check measured.")
GATE_LIMIT = _gauge("gate_limit", "of the check", "product check", "Against which limit.")
BASELINES = _gauge("baselines", "1", "product state", "Baselines: proposed, accepted, refused, replaced, retired.")
DELIVERIES = _gauge("deliveries", "1", "target state", "Releases on their way to a target: pending, done, failed.")

# Disk
STORE_BYTES = _gauge("store_bytes", "B", "", "Size of all objects in the store, if it is a folder of this machine.")
STORE_OBJECTS = _gauge("store_objects", "1", "", "How many objects they are.")
DISK_SIZE = _gauge("disk_size_bytes", "B", "folder", "Size of the disk that a folder lies on.")
DISK_FREE = _gauge("disk_free_bytes", "B", "folder", "Room that is left there for us.")

METRICS: tuple[Metric, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Metric))


def names_exposed(metric: Metric) -> tuple[str, ...]:
    """The names of the series that Prometheus keeps of a measure."""
    if metric.kind == "histogram":
        return tuple(f"{metric.name}_{part}" for part in ("bucket", "sum", "count"))
    return (metric.name,)


def reference() -> str:
    """The page about all measures, as Markdown."""
    return "\n".join(_reference()) + "\n"


def _reference() -> Iterator[str]:
    yield "# Metrics"
    yield ""
    yield "Made from `shared/metrics.py` by `python -m shared.metrics`; what is told at `/metrics` of the console."
    yield "Moments are Unix time: `time() - gravstream_poll_time_seconds` is an age."
    yield ""
    yield "| name | kind | unit | labels | meaning |"
    yield "|---|---|---|---|---|"
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.help} |"


if __name__ == "__main__":
    from pathlib import Path

    (Path(__file__).resolve().parents[1] / "docs" / "metrics.md").write_text(reference(), encoding="utf-8")
