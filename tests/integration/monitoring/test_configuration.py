"""What Prometheus, Alertmanager and Grafana are given: rules with their cases, pages for their alerts, who is told."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
MONITORING, PLAYBOOKS = PROJECT / "monitoring", PROJECT / "docs" / "playbooks"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((MONITORING / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
CASES = sorted((MONITORING / "prometheus").glob("*_test.yml"))
ALERTMANAGER = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text())
ALERTS = {
    "ReleaseOverdue", "PollerStalled", "LayoutChanged", "UpstreamRefusing", "MonthWaiting", "UpstreamLate",
    "BytesChanged", "ReleaseHeld", "UnitParked", "NoWorker", "QueueGrowing", "DiskFilling", "ExporterSilent",
}  # fmt: skip

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def promtool(binary: str, *words: str) -> str:
    ended = subprocess.run([binary, *words], cwd=MONITORING / "prometheus", capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def kebab(alert: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def test_rules_fire_and_do_not_as_their_cases_say(system_package: Callable[[str], str]) -> None:
    promtool(system_package("promtool"), "test", "rules", *map(str, CASES))


def test_prometheus_takes_its_configuration(system_package: Callable[[str], str]) -> None:
    assert "13 rules found" in promtool(system_package("promtool"), "check", "config", "prometheus.yml")


def test_the_alerts_are_those_that_are_agreed() -> None:
    assert [rule["alert"] for rule in RULES if rule["alert"] not in ALERTS] == []
    assert len(RULES) == len(ALERTS)


@each_rule
def test_every_rule_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(rule: dict[str, Any]) -> None:
    cases = [
        case for path in CASES for test in yaml.safe_load(path.read_text())["tests"] for case in test["alert_rule_test"]
    ]
    mine = [bool(case.get("exp_alerts")) for case in cases if case["alertname"] == rule["alert"]]
    assert set(mine) == {True, False}


@each_rule
def test_every_rule_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {"summary", "description", "playbook"} == rule["annotations"].keys()
    assert rule["annotations"]["playbook"] == f"/playbooks/{kebab(rule['alert'])}"


@each_rule
def test_every_alert_has_its_page(rule: dict[str, Any]) -> None:
    page = (PLAYBOOKS / f"{kebab(rule['alert'])}.md").read_text()
    assert page.startswith(f"# {rule['alert']}\n")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == ["What it means", "How to see it", "What to do", "How to check"]


def test_there_is_no_page_without_an_alert() -> None:
    assert {path.stem for path in PLAYBOOKS.glob("*.md")} - {"index"} == {kebab(alert) for alert in ALERTS}


def commands() -> set[str]:
    """The commands of gravstream and of its groups."""
    import typer.main

    from services.cli import app

    def walk(command: Any, before: str) -> set[str]:
        inner = getattr(command, "commands", {})
        found = {f"{before} {name}".strip() for name in inner}
        return found.union(*(walk(each, f"{before} {name}".strip()) for name, each in inner.items()))

    return walk(typer.main.get_command(app), "")


def test_pages_name_commands_and_options_that_there_are() -> None:
    from typer.main import get_command

    from services.cli import app

    known = commands()
    for page in PLAYBOOKS.glob("*.md"):
        for words in re.findall(r"gravstream ([^`\n|;#]+)", page.read_text()):
            names = [word for word in words.split() if re.fullmatch(r"[a-z][a-z-]*", word)]
            here = max((" ".join(names[:n]) for n in (1, 2) if " ".join(names[:n]) in known), key=len, default="")
            assert here, f"{page.name}: gravstream {words}"
            command: Any = get_command(app)
            for name in here.split():
                command = command.commands[name]
            options = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", words)) <= options | {"--help"}, f"{page.name}: gravstream {words}"


class TestAlertmanager:
    def test_sends_every_alert_somewhere_that_there_is(self) -> None:
        receivers = {receiver["name"] for receiver in ALERTMANAGER["receivers"]}
        routes = [ALERTMANAGER["route"], *ALERTMANAGER["route"]["routes"]]
        assert {route["receiver"] for route in routes} == receivers
        assert "matchers" not in ALERTMANAGER["route"]

    def test_has_its_address_from_a_file(self) -> None:
        hooks = [hook for receiver in ALERTMANAGER["receivers"] for hook in receiver.get("webhook_configs", ())]
        assert [hook["url_file"] for hook in hooks] == ["/run/secrets/alerts_url"]
        assert "://" not in (MONITORING / "alertmanager" / "alertmanager.yml").read_text()

    def test_silences_only_alerts_that_there_are(self) -> None:
        named = re.findall(r'alertname!?=~?"([\w|]+)"', (MONITORING / "alertmanager" / "alertmanager.yml").read_text())
        assert {name for names in named for name in names.split("|")} <= ALERTS


class TestGrafana:
    def test_finds_its_dashboards_and_their_source(self) -> None:
        folder = MONITORING / "grafana" / "provisioning"
        (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
        (provider,) = yaml.safe_load((folder / "dashboards" / "gravstream.yml").read_text())["providers"]
        mounts = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]
        assert f"./monitoring/grafana/dashboards:{provider['options']['path']}:ro" in mounts
        assert (source["uid"], source["url"]) == ("gravstream", "http://prometheus:9090")
