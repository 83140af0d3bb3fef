"""How soon the console answers, by the clock, while the services run beside it."""

from __future__ import annotations

import statistics
import time
import urllib.request

from benchmarks.table import Row

# Places far from one another, so that no answer is kept from the one before
PLACES = ((50.25, 10.25), (-3.25, -60.25), (28.75, 77.25), (72.25, -40.25), (-75.25, 0.25))


def seconds(url: str) -> float:
    """By the clock, until the last byte of an answer is here."""
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=60.0) as answer:
        answer.read()
    return time.perf_counter() - began


def measure_console(address: str, release: str) -> list[Row]:
    """The first scrape, what the pages ask for, and the series of places that nobody asked for before."""
    api = f"{address}/api/v1"
    scrapes = [seconds(f"{address}/metrics") for _ in range(2)]
    rows = [Row("console: first and second scrape of the metrics", "", " and ".join(f"{one:.3f} s" for one in scrapes))]
    for what, path in (
        ("overview", "status"), ("months", "months?product=twsa"), ("map", f"releases/{release}/map/twsa.png"),
        ("trend", f"releases/{release}/map/trend.png"),
    ):  # fmt: skip
        rows.append(Row(f"console: {what}, asked for the first time", "", f"{seconds(f'{api}/{path}'):.3f} s"))
    points = [seconds(f"{api}/releases/{release}/point.json?lat={lat}&lon={lon}") for lat, lon in PLACES]
    median = statistics.median(points)
    said = f"{median:.3f} s ({max(points):.3f} s)"
    return [*rows, Row("console: series of a point, median (longest) of 5", "< 0.3 s", said, met=median < 0.3)]
