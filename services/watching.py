"""What a person sees of the running system: months, work and releases, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import Popen

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shared.storage.catalogue import Catalogue

_EVENTS = 8


def watch(
    catalogue: Catalogue,
    console: Console,
    processes: Mapping[str, Popen[bytes]],
    logs: Path,
    *,
    each: Callable[[], None] = lambda: None,
    seconds: float | None = None,
) -> None:
    """Show the state every second until the time is over or Ctrl-C comes.

    each : called every second
    """
    began = time.monotonic()
    with Live(picture(catalogue), console=console, refresh_per_second=2, transient=False) as live:
        while seconds is None or time.monotonic() - began < seconds:
            each()
            live.update(Group(picture(catalogue), *_ended(processes, logs)))
            time.sleep(1.0)


def picture(catalogue: Catalogue) -> RenderableType:
    """Counts of months, work and releases, and the last events."""
    table = Table(box=None, padding=(0, 2), show_header=False)
    months = [granule.month or "" for granule in catalogue.granules("level-2")]
    span = f", {min(months)} to {max(months)}" if months else ""
    table.add_row("months fetched", f"{len(months)}{span}")
    counts = catalogue.unit_counts()
    for product in sorted({product for _, product, _ in counts}):
        mine = {(kind, state): count for (kind, name, state), count in counts.items() if name == product}
        open_months = sum(count for (kind, state), count in mine.items() if kind == "month" and state != "done")
        done = mine.get(("month", "done"), 0)
        table.add_row(product, f"{done} months done, {open_months} to do; {_release(catalogue, product)}")
    events = Table(box=None, padding=(0, 2), show_header=False)
    for event in catalogue.log(limit=_EVENTS, newest=True):
        events.add_row(f"{event.time:%H:%M:%S}", Text(event.text, overflow="ellipsis", no_wrap=True))
    return Group(table, Text(""), events)


def _release(catalogue: Catalogue, product: str) -> str:
    latest = catalogue.latest(product)
    held = catalogue.releases(product, "held")
    said = f"released {latest.id}, {latest.first} to {latest.last}" if latest else "nothing released yet"
    return said + (f"; {len(held)} held, see `gravstream releases`" if held else "")


def _ended(processes: Mapping[str, Popen[bytes]], logs: Path) -> list[Text]:
    """A line for each service that is not running any more."""
    gone = [name for name, process in processes.items() if process.poll() is not None]
    return [Text(f"{name} has ended, see {logs / name}.log", style="bold red") for name in gone]
