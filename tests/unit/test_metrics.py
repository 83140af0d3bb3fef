"""The list of measures: what dashboards, alerts and documentation ask for is in it, and it is well made."""

import re
from pathlib import Path

import pytest

from services.ingest import alarms
from services.publish.chronicle import ALARMS
from services.publish.exporter import SERVICES
from shared.broker import QUEUES
from shared.metrics import METRICS, names_exposed, reference
from tests.integration.monitoring.dashboards import DASHBOARDS, PANELS, Panel, names_in

PROJECT = Path(__file__).resolve().parents[2]
NAMES = {name for metric in METRICS for name in names_exposed(metric)}
TEXTS = [
    *(PROJECT / "monitoring").rglob("*.yml"),
    *(PROJECT / "docs").rglob("*.md"),
    PROJECT / "README.md",
]  # fmt: skip
# What else begins so: the name of a volume, of a module
OTHERS = {"gravstream_cache"}


def test_each_has_a_name_of_its_own_with_its_unit() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names)) > 40
    ends = {"s": "_seconds", "Unix time": "_time_seconds", "B": "_bytes", "m": "_meters"}
    for metric in METRICS:
        assert metric.name.endswith(ends.get(metric.unit, "")), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert re.fullmatch(r"gravstream_[a-z_]+", metric.name)
        assert metric.help.endswith(".") and len(metric.help) <= 220


def test_none_is_an_age() -> None:
    assert not [metric.name for metric in METRICS if re.search(r"_age|_since|_ago", metric.name)]


def test_every_one_is_used_by_a_dashboard_or_an_alert() -> None:
    asked = names_in(" ".join(e for panel in PANELS for e in panel.expressions))
    asked |= names_in((PROJECT / "monitoring" / "prometheus" / "alerts.yml").read_text())
    unused = {metric.name for metric in METRICS if not asked & set(names_exposed(metric))}
    assert unused <= {"gravstream_store_objects", "gravstream_poll_duration_seconds"}


@pytest.mark.parametrize("panel", PANELS, ids=str)
def test_a_panel_asks_for_what_there_is(panel: Panel) -> None:
    for expression in panel.expressions:
        assert names_in(expression) <= NAMES
        assert re.findall(r"\$\w+", expression) in ([], ["$product"] * expression.count("$product"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_text_names_what_there_is(path: Path) -> None:
    found = names_in(path.read_text(encoding="utf-8")) - OTHERS
    assert found <= NAMES | {metric.name for metric in METRICS}


def test_the_labels_that_are_asked_for_are_those_that_there_are() -> None:
    labels = {name: set(metric.labels) for metric in METRICS for name in names_exposed(metric)}
    texts = [e for panel in PANELS for e in panel.expressions]
    texts.append((PROJECT / "monitoring" / "prometheus" / "alerts.yml").read_text())
    for name, matchers in re.findall(r"(gravstream_\w+)\{([^}]*)\}", "\n".join(texts)):
        assert set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers)) <= labels[name], name


def test_the_page_about_them_is_up_to_date() -> None:
    assert (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8") == reference(), "run python -m shared.metrics"


def test_the_alarms_that_are_counted_are_those_that_ingest_tells() -> None:
    told = {value for name, value in vars(alarms).items() if name.isupper() and isinstance(value, str)}
    assert told == set(ALARMS)


def test_every_queue_has_a_service_that_must_live() -> None:
    assert set(SERVICES) == set(QUEUES)


class TestDashboards:
    def test_are_the_four(self) -> None:
        assert {board["title"] for board in DASHBOARDS.values()} == {"Overview", "Latency", "Quality", "Workers"}
        assert len({board["uid"] for board in DASHBOARDS.values()}) == 4

    @pytest.mark.parametrize("panel", PANELS, ids=str)
    def test_say_what_they_show_and_from_where(self, panel: Panel) -> None:
        content = panel.content
        assert content["title"] and content["description"].endswith(".")
        assert content["datasource"]["uid"] == "gravstream"
        assert content["fieldConfig"]["defaults"]["unit"]
        assert all(target["datasource"]["uid"] == "gravstream" for target in content["targets"])

    @pytest.mark.parametrize("panel", PANELS, ids=str)
    def test_have_colours_that_everybody_can_tell_apart(self, panel: Panel) -> None:
        # Okabe and Ito (2008); no red beside green.
        palette = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
        assert set(re.findall(r"#[0-9A-F]{6}\b", str(panel.content))) <= palette
        assert not re.findall(r"'(?:color|fixedColor)': '(?!#)\w+'", str(panel.content))

    @pytest.mark.parametrize("name", DASHBOARDS)
    def test_panels_do_not_lie_upon_one_another(self, name: str) -> None:
        taken = set[tuple[int, int]]()
        for panel in DASHBOARDS[name]["panels"]:
            place = panel["gridPos"]
            cells = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
            assert not taken & cells and max(x for x, _ in cells) < 24, panel["title"]
            taken |= cells
        assert len({panel["id"] for panel in DASHBOARDS[name]["panels"]}) == len(DASHBOARDS[name]["panels"])
