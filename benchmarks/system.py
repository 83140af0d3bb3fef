"""How fast and how lightly the whole system runs: real services, real Redis, the real series.

`make bench-system` prints a table of targets and figures. GRAVSTREAM_REAL_DATA names the real data if they do not
lie beside the project; arguments, if any, are the products to make.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.console import measure_console
from benchmarks.table import Row
from services.embedded import environment_of, free_port, system
from shared.broker import celery_app
from shared.settings import QueueSettings
from shared.simulation.upstream import Served, Upstream
from shared.storage.catalogue import Catalogue

REAL = Path(os.environ.get("GRAVSTREAM_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
PRODUCTS = tuple(sys.argv[1:]) or ("twsa", "l2b")
NEW_MONTHS = 3
IDLE_SECONDS = 30.0
EVENTS = 1000
PATIENCE = 900.0
CONSOLE_PORT = free_port()


def until(condition: Callable[[], Any], what: str, tick: float = 0.05) -> float:
    """Wait for something; the seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"{what} did not happen in {PATIENCE:.0f} s")
        time.sleep(tick)
    return time.monotonic() - began


def is_released(catalogue: Catalogue, product: str, months: int) -> bool:
    """Whether a release of so many months is open."""
    latest = catalogue.latest(product)
    unit = None if latest is None else catalogue.unit(latest.key)
    return unit is not None and len(unit.inputs["months"]) == months


def all_released(catalogue: Catalogue, months: int) -> bool:
    """Whether a release of so many months is open of every product."""
    return all(is_released(catalogue, product, months) for product in PRODUCTS)


@contextmanager
def running(home: Path, upstream: Upstream, workers: int, **others: str) -> Iterator[tuple[Catalogue, dict[str, Any]]]:
    settings = {**environment_of(upstream, poll=1.0), "GRAVSTREAM_LOOK_INTERVAL": "1", **others}
    settings |= {"GRAVSTREAM_PRODUCTS": " ".join(PRODUCTS)}
    with (
        system(home, settings, workers=workers, console=CONSOLE_PORT) as processes,
        Catalogue.open(home / "catalogue.sqlite") as catalogue,
    ):
        yield catalogue, processes


def measure_backfill(home: Path, workers: int, hidden: int = 0) -> list[Row]:
    """From an empty system to the first release."""
    with series(hidden) as upstream, running(home, upstream, workers) as (catalogue, _):
        months = len(upstream.months)
        first = until(lambda: is_released(catalogue, "twsa", months), "the first release")
        every = first + until(lambda: all_released(catalogue, months), "the releases of all products")
        units = [event.time for event in catalogue.log(kind="unit-done") if event.details["kind"] == "month"]
    pace = len(units) / (max(units) - min(units)).total_seconds() * 60
    said = f"{first:.1f} s (all products: {every:.1f} s)"
    target, met = ("<= 120 s", first <= 120.0) if workers == 1 else ("", None)
    return [
        Row(f"backfill of {months} months to the first release, {workers} worker(s)", target, said, met=met),
        Row(f"throughput, {workers} worker(s)", "", f"{pace:.0f} months (all products together) a minute"),
    ]


@contextmanager
def series(hidden: int = 0) -> Iterator[Upstream]:
    """The real series behind pages, some months kept back."""
    level2 = REAL / "level2" / "itsg-grace-n96"
    with Upstream(Served(level2, REAL / "gravis", revealed=len(list(level2.iterdir())) - hidden)) as upstream:
        yield upstream


def measure_new_months(home: Path) -> list[Row]:
    """From a month's appearing upstream to its release, and what a thousand events do then."""
    with series(NEW_MONTHS) as upstream, running(home, upstream, 2) as (catalogue, processes):
        before = len(upstream.months)
        until(lambda: all_released(catalogue, before), "the first releases")
        maps, every = [], []
        for _ in range(NEW_MONTHS):
            upstream.reveal(1)
            maps.append(until(lambda: is_released(catalogue, "twsa", len(upstream.months)), "the release"))
            every.append(maps[-1] + until(lambda: all_released(catalogue, len(upstream.months)), "the releases"))
        the_latest = catalogue.latest("twsa")
        assert the_latest is not None
        shown = measure_console(f"http://127.0.0.1:{CONSOLE_PORT}", the_latest.id)
        memory = megabytes(processes)
        duplicates = measure_duplicates(catalogue, processes)
    median = statistics.median(maps)
    return [
        Row(
            f"new month upstream to its release, {before} to {before + 2} months before it, median of {NEW_MONTHS}",
            "<= 20 s", f"{median:.1f} s (all products: {statistics.median(every):.1f} s)", met=median <= 20.0,
        ),
        Row("memory of all services after work (PSS)", "< 800 MB", f"{memory:.0f} MB", met=memory < 800.0),
        duplicates,
        *shown,
    ]  # fmt: skip


def measure_duplicates(catalogue: Catalogue, processes: dict[str, Any]) -> Row:
    """A unit that is due again, and a thousand events that say so."""
    unit = catalogue.units("done", "month", "twsa")[-1]
    words = [str(word) for word in processes["redis"].args]
    app = celery_app(QueueSettings(url=f"redis://127.0.0.1:{words[words.index('--port') + 1]}/0"))
    seen = catalogue.log(limit=1, newest=True)[-1].id
    catalogue.retry(unit.key, who="benchmark", reason="a thousand events")
    for _ in range(EVENTS):
        app.send_task("process.work", args=(unit.key,))
    with app.connection_for_read() as connection:
        queue = connection.default_channel.client
        until(lambda: queue.llen("process") == 0, "the end of the queue")
    until(lambda: catalogue.unit(unit.key).state == "done", "the unit")  # type: ignore[union-attr]
    time.sleep(2.0)
    kinds = ("unit-begun", "unit-taken-over")
    begun = [event for event in catalogue.log(kind=kinds, after=seen) if event.details["key"] == unit.key]
    app.close()
    return Row(f"{EVENTS} events about one unit", "once", f"done {len(begun)} time(s)", met=len(begun) == 1)


def measure_idle(home: Path) -> list[Row]:
    """What the system takes while nothing comes, with the intervals of `gravstream up`."""
    usual = {"GRAVSTREAM_LOOK_INTERVAL": "60", "GRAVSTREAM_POLL_INTERVAL": "86400"}
    with series() as upstream, running(home, upstream, 2, **usual) as (_, processes):
        time.sleep(15.0)  # until all have started
        before = cpu_seconds(processes)
        time.sleep(IDLE_SECONDS)
        share = 100.0 * (cpu_seconds(processes) - before) / IDLE_SECONDS
        memory = megabytes(processes)
    return [
        Row(f"idle: processor time over {IDLE_SECONDS:.0f} s", "< 2 %", f"{share:.2f} % of a core", met=share < 2.0),
        Row("idle: memory of all services (PSS)", "< 800 MB", f"{memory:.0f} MB", met=memory < 800.0),
    ]


def family(processes: dict[str, Any]) -> list[int]:
    """All processes of the system, children included."""
    found, todo = [], [process.pid for process in processes.values()]
    while todo:
        pid = todo.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            todo += map(int, children.read_text().split())
    return found


def cpu_seconds(processes: dict[str, Any]) -> float:
    ticks = 0
    for pid in family(processes):
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def megabytes(processes: dict[str, Any]) -> float:
    total = 0
    for pid in family(processes):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024.0


def main() -> int:
    loads = [os.getloadavg()[0]]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for part in (
            lambda: measure_backfill(Path(folder) / "one", 1),
            lambda: measure_backfill(Path(folder) / "two", 2, hidden=NEW_MONTHS),
            lambda: measure_new_months(Path(folder) / "two"),
            lambda: measure_idle(Path(folder) / "two"),
        ):
            for row in part():
                rows.append(row)
                print(f"{row.work:88} {row.measured:45} {row.reach:9} {row.verdict}", flush=True)
            loads.append(os.getloadavg()[0])
    print(f"{os.cpu_count()} cores; load before and after each part: {', '.join(f'{load:.1f}' for load in loads)}")
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
