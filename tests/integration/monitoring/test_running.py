"""A real Prometheus scrapes the real console of a running system: what dashboards and alerts make of it."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.embedded import environment_of, free_port, system
from shared.models.epoch import Month
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.integration.conftest import Simulate
from tests.integration.monitoring.dashboards import PANELS, Panel

PROJECT = Path(__file__).resolve().parents[3]
RULES = PROJECT / "monitoring" / "prometheus"
FIRST, LAST = Month(2003, 1), Month(2005, 2)  # 25 months: one is missing, as in the real record
PATIENCE = 120.0  # s, on two cores that others keep busy


def until(question: Callable[[], Any], what: str, evidence: Callable[[], str] = str) -> Any:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if answer := question():
            return answer
        time.sleep(0.2)
    pytest.fail(f"{what} did not happen within {PATIENCE:.0f} s\n{evidence()}")


@dataclass
class Running:
    """A system with its console, and a Prometheus that reads it."""

    home: Path
    console: str
    prometheus: str
    processes: dict[str, subprocess.Popen[bytes]]
    stop: Callable[[], None]

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers at this moment."""
        found = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=10.0).json()
        assert found["status"] == "success", found
        return found["data"]["result"]

    def story(self) -> str:
        """What has happened last."""
        with self.catalogue as catalogue:
            return "\n".join(f"{event.time:%H:%M:%S} {event.text}" for event in catalogue.log(limit=20, newest=True))

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue.open(self.home / "catalogue.sqlite")


def is_up(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5.0).status_code == 200
    except httpx.TransportError:
        return False


def start_prometheus(binary: str, folder: Path, console: int) -> tuple[subprocess.Popen[bytes], str]:
    """Prometheus with our configuration, but for the addresses, and the pauses between two looks."""
    configuration = yaml.safe_load((RULES / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(RULES / name) for name in configuration["rule_files"]]
    del configuration["alerting"]
    (ours,) = [job for job in configuration["scrape_configs"] if job["job_name"] == "gravstream"]
    ours["static_configs"] = [{"targets": [f"127.0.0.1:{console}"]}]
    configuration["scrape_configs"] = [ours]
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binary, *words, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    return process, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def running(
    simulated: Simulate, cache: Path, tmp_path_factory: pytest.TempPathFactory, system_package: Callable[[str], str]
) -> Iterator[Running]:
    """A system that has released its record and was looked at since."""
    binary = system_package("prometheus")
    home, port = tmp_path_factory.mktemp("system"), free_port()
    archive = simulated(first=FIRST, last=LAST)
    quick = {"GRAVSTREAM_LOOK_INTERVAL": "1", "GRAVSTREAM_PRODUCTS": "twsa", "GRAVSTREAM_BASELINE_MONTHS": "24"}
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream.of_archive(archive.level2.parent))
        settings = environment_of(upstream, poll=2.0) | quick | {"GRAVSTREAM_CACHE": str(cache)}
        inner = stack.enter_context(ExitStack())
        processes = inner.enter_context(system(home, settings, workers=1, console=port))
        console = f"http://127.0.0.1:{port}"
        until(lambda: is_up(f"{console}/health"), "the console")
        prometheus, address = start_prometheus(binary, home / "prometheus", port)
        stack.callback(prometheus.wait, 20)
        stack.callback(prometheus.terminate)
        until(lambda: is_up(f"{address}/-/ready"), "Prometheus")
        here = Running(home, console, address, processes, inner.close)
        until(lambda: here.ask("gravstream_release_info"), "a release in Prometheus", here.story)
        # Two more looks at everything: what is counted over time needs two points.
        until(lambda: here.ask("count_over_time(gravstream_release_info[1h]) >= 3"), "two more scrapes")
        yield here


@pytest.mark.parametrize("panel", PANELS, ids=str)
def test_no_panel_is_empty(running: Running, panel: Panel) -> None:
    for expression in panel.expressions:
        found = running.ask(expression.replace("$product", "twsa"))
        assert found, expression
        assert all(math.isfinite(float(each["value"][1])) for each in found), expression


def test_a_healthy_system_alarms_of_nothing_but_an_upstream_that_ends_in_2005(running: Running) -> None:
    rules = httpx.get(f"{running.prometheus}/api/v1/rules", timeout=10.0).json()["data"]["groups"]
    states = {rule["name"]: rule["state"] for group in rules for rule in group["rules"]}
    assert len(states) == 13
    assert {name for name, state in states.items() if state != "inactive"} == {"UpstreamLate"}
    assert not [rule["lastError"] for group in rules for rule in group["rules"] if "lastError" in rule]


def test_what_is_told_is_what_the_catalogue_knows(running: Running) -> None:
    def told(expression: str) -> dict[str, float]:
        return {json.dumps(each["metric"], sort_keys=True): float(each["value"][1]) for each in running.ask(expression)}

    with running.catalogue as catalogue:
        latest, units = catalogue.latest("twsa"), catalogue.unit_counts()
        months = {each.month: each for each in catalogue.granules("level-2")}
        begun = len(catalogue.log(kind="unit-begun"))
    assert latest is not None
    assert running.ask("gravstream_release_info")[0]["metric"]["release"] == latest.id
    assert sum(told('gravstream_units{state="done"}').values()) == sum(units.values())
    assert sum(told("gravstream_unit_attempts_total").values()) == begun
    stages = running.ask("gravstream_month_stage_time_seconds")
    for stage in ("upstream", "ready", "processed", "evaluated", "released"):
        moments = {s["metric"]["month"]: float(s["value"][1]) for s in stages if s["metric"]["stage"] == stage}
        assert moments.keys() == months.keys()
        if stage == "upstream":
            assert moments == pytest.approx({name: each.arrived_at.timestamp() for name, each in months.items()})
    by_month: dict[str, dict[str, float]] = {}
    for each in stages:
        by_month.setdefault(each["metric"]["month"], {})[each["metric"]["stage"]] = float(each["value"][1])
    for way in by_month.values():
        assert way["upstream"] <= way["ready"] <= way["processed"] <= way["evaluated"] <= way["released"]
    # The end of the last month, and when the table of the same archive ends: after the begin of its last row.
    assert set(told("gravstream_upstream_newest_month_time_seconds").values()) == {1109635200.0}  # 2005-03-01
    end = max(told('gravstream_table_end_time_seconds{role="low-degrees"}').values())
    assert end > 1107216000.0  # the last month begins on 2005-02-01


def test_workers_say_that_they_live_and_the_dead_are_told_from_those_who_left(running: Running) -> None:
    # The last test: it leaves nothing running.
    def workers() -> dict[str, str]:
        with running.catalogue as catalogue:
            return {each.name: each.service for each in catalogue.heartbeats()}

    before = workers()
    assert sorted(before.values()) == ["ingest", "process", "publish"]
    (killed,) = [name for name, service in before.items() if service == "ingest"]
    assert killed.endswith(f":{running.processes['ingest'].pid}")
    os.kill(running.processes["ingest"].pid, signal.SIGKILL)
    until(lambda: len(workers()) == 4, "another worker")
    assert workers().keys() > before.keys(), "who died does not say so"
    assert until(lambda: running.ask("gravstream_service_ends_total > 0"), "the end in Prometheus")
    running.stop()
    assert workers() == {killed: "ingest"}
