"""What the console tells everybody, on a home in which all has happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.models.epoch import Month
from tests.console_home import BROKEN, EARLY, FIRST, ODD, REFUSED, REISSUED, RELEASED, Home
from tests.integration.console.conftest import Console

Get = Callable[..., Any]


class TestStatus:
    def test_tells_where_the_newest_month_of_each_product_is(self, get: Get) -> None:
        products = {each["name"]: each for each in get("/api/v1/status")["products"]}
        twsa = products["twsa"]
        assert (twsa["newest_upstream"], twsa["newest_released"], twsa["latest"]) == (EARLY, RELEASED, "twsa-v1.0-003")
        assert 0.0 < twsa["threshold_mm"] < 100.0
        assert (products["l2b"]["latest"], products["l2b"]["threshold_mm"]) == ("l2b-0001-002", None)

    def test_names_what_needs_a_person_and_where_it_is_told_what_to_do(self, get: Get) -> None:
        notices = get("/api/v1/status")["attention"]
        alerts = {each["alert"] for each in notices}
        assert {"ReleaseHeld", "UnitParked", "MonthWaiting", "BytesChanged"} <= alerts
        parked = next(each for each in notices if each["alert"] == "UnitParked")
        assert (parked["subject"], parked["playbook"], parked["severity"]) == (
            BROKEN,
            "/playbooks/unit-parked",
            "critical",
        )

    def test_has_no_length_of_a_queue_while_redis_is_silent(self, get: Get) -> None:
        found = get("/api/v1/status")
        assert {each["length"] for each in found["queues"]} == {None}
        assert any("Redis does not answer" in each["text"] for each in found["attention"])

    def test_counts_units_as_the_catalogue_does(self, get: Get, console: Console) -> None:
        told = {
            (each["kind"], each["product"], each["state"]): each["count"] for each in get("/api/v1/status")["units"]
        }
        assert told == console.catalogue.unit_counts()


class TestMonths:
    def test_are_all_since_2002_04_with_their_state(self, get: Get) -> None:
        found = get("/api/v1/months", product="twsa")["months"]
        assert [each["month"] for each in found] == [
            str(Month(2002, 4).plus(n)) for n in range(Month.parse(EARLY).ordinal - Month(2002, 4).ordinal + 1)
        ]
        states = {each["month"]: each["state"] for each in found}
        wanted = {
            "2002-04": "missing", str(FIRST): "released", RELEASED: "released", ODD: "held", BROKEN: "parked",
            EARLY: "waiting", REFUSED: "quarantined",
        }  # fmt: skip
        assert {month: states[month] for month in wanted} == wanted

    def test_say_why_and_which_release_has_them(self, get: Get) -> None:
        months = {each["month"]: each for each in get("/api/v1/months")["months"]}
        assert "twsa-v1.0-004 waits for a decision: step: largest rms change" in months[ODD]["reason"]
        assert months[ODD]["release"] == "twsa-v1.0-003"
        assert "waits for a table that covers it" in months[EARLY]["reason"]
        assert months[EARLY]["release"] is None
        assert months[REISSUED] | {"noise_mm": None} == {
            "month": REISSUED, "state": "released", "reason": "", "noise_mm": None, "fallback": False,
            "release": "twsa-v1.0-003",
        }  # fmt: skip

    def test_have_the_noise_that_the_release_says(self, get: Get, lived_home: Home) -> None:
        import netCDF4

        path = next((lived_home.home / "releases" / "twsa" / "twsa-v1.0-003").glob("*.nc"))
        with netCDF4.Dataset(path) as file:
            noise = dict(zip(map(int, file["nominal_month"][:]), file["noise_open_ocean"][:], strict=True))
        told = {each["month"]: each["noise_mm"] for each in get("/api/v1/months")["months"] if each["noise_mm"]}
        assert {int(month.replace("-", "")): round(value, 3) for month, value in told.items()} == {
            month: round(float(value), 3) for month, value in noise.items()
        }

    def test_of_coefficients_have_no_noise(self, get: Get) -> None:
        assert {each["noise_mm"] for each in get("/api/v1/months", product="l2b")["months"]} == {None}

    def test_one_tells_its_whole_story(self, get: Get) -> None:
        story = get(f"/api/v1/months/{REISSUED}")
        twsa = next(each for each in story["products"] if each["product"] == "twsa")
        stages = [twsa["stages"][name] for name in ("upstream", "processed", "evaluated", "released")]
        assert all(stages) and stages == sorted(stages)
        assert [file["state"] for file in story["files"]] == ["superseded", "accepted"]
        assert {unit["product"] for unit in story["units"]} == {"twsa", "l2b"}
        kinds = [event["kind"] for event in story["events"]]
        assert kinds[0] == "granule-arrived" and "granule-replaced" in kinds
        assert [event["id"] for event in story["events"]] == sorted(event["id"] for event in story["events"])

    def test_one_that_was_refused_has_its_file_and_why(self, get: Get) -> None:
        story = get(f"/api/v1/months/{REFUSED}")
        assert [(file["state"], file["month"]) for file in story["files"]] == [("quarantined", REFUSED)]
        assert {each["state"] for each in story["products"]} == {"quarantined"}


class TestWork:
    def test_log_is_newest_first_and_may_be_of_one_subject_or_of_people(self, get: Get) -> None:
        everything = get("/api/v1/log", limit=1000)["events"]
        assert [each["id"] for each in everything] == sorted((each["id"] for each in everything), reverse=True)
        assert {each["subject"] for each in get("/api/v1/log", subject="twsa-v1.0-002")["events"]} == {"twsa-v1.0-002"}
        assert get("/api/v1/log", limit=2)["events"] == everything[:2]
        acts = get("/api/v1/log", acts=True)["events"]
        retracted = next(each for each in acts if each["who"] != "system")
        assert (retracted["who"], retracted["kind"]) == ("ada", "release-retracted")

    def test_runs_come_page_by_page_without_a_gap(self, get: Get, console: Console) -> None:
        pages, offset = [], 0
        while offset is not None:
            page = get("/api/v1/runs", limit=30, offset=offset)
            pages.append([(each["key"], each["time"]) for each in page["runs"]])
            offset = page["next"]
        runs = [run for page in pages for run in page]
        ended = console.catalogue.log(kind=("unit-done", "unit-failed", "unit-parked"))
        assert [key for key, _ in runs] == [each.details["key"] for each in reversed(ended)]
        assert [len(page) for page in pages[:-1]] == [30] * (len(pages) - 1)

    def test_runs_say_what_was_made_and_how_long_it_took(self, get: Get) -> None:
        done = next(each for each in get("/api/v1/runs")["runs"] if each["kind"] == "month" and each["state"] == "done")
        assert done["month"] == ODD and done["seconds"] > 0.0

    def test_parked_names_the_error_without_a_trace(self, get: Get) -> None:
        units = get("/api/v1/parked")["units"]
        assert {unit["month"] for unit in units} == {BROKEN}
        assert all("Fetch the file again" in unit["error"] and "\n" not in unit["error"] for unit in units)

    def test_decisions_are_all_that_waits(self, get: Get) -> None:
        found = get("/api/v1/decisions")
        held = {each["id"]: each["changes"] for each in found["releases"]}
        assert set(held) == {"twsa-v1.0-004", "l2b-0001-004"}, "the third of l2b made room for the fourth"
        assert abs(held["twsa-v1.0-004"]["rms_mm"]) > 5.0
        assert {(each["role"], each["state"]) for each in found["files"]} == {
            ("gia", "held"),
            ("level-2", "quarantined"),
        }
        assert {each["state"] for each in found["baselines"]} == {"proposed"}
        assert {each["state"] for each in found["units"]} == {"parked"}

    def test_baselines_count_their_months(self, get: Get) -> None:
        used = [each for each in get("/api/v1/baselines")["baselines"] if each["state"] == "accepted"]
        assert {(each["product"], each["number"], each["months"]) for each in used} == {("twsa", 1, 26), ("l2b", 1, 26)}


class TestReleases:
    def test_are_listed_the_newest_first_with_their_state(self, get: Get) -> None:
        found = get("/api/v1/releases", product="twsa")["releases"]
        assert [(each["id"], each["state"], each["latest"]) for each in found] == [
            ("twsa-v1.0-004", "held", False),
            ("twsa-v1.0-003", "released", True),
            ("twsa-v1.0-002", "retracted", False),
            ("twsa-v1.0-001", "released", False),
        ]
        everything = get("/api/v1/releases")["releases"]
        assert len(everything) == 8
        assert {each["id"] for each in everything if each["maps"]} == {"twsa-v1.0-001", "twsa-v1.0-003"}

    def test_one_names_its_files_as_its_sums_do(self, get: Get, lived_home: Home) -> None:
        found = get("/api/v1/releases/twsa-v1.0-003")
        folder = lived_home.home / "releases" / "twsa" / "twsa-v1.0-003"
        lines = (folder / "SHA256SUMS").read_text().splitlines()
        assert {(each["sha256"], each["name"]) for each in found["files"]} == {
            tuple(line.split("  ")) for line in lines
        }
        assert all(each["size"] == (folder / each["name"]).stat().st_size for each in found["files"])

    def test_one_can_be_cited_and_says_what_it_was_made_of(self, get: Get) -> None:
        found = get("/api/v1/releases/twsa-v1.0-003")
        assert "v1.0, release 003 (twsa-v1.0-003)" in found["citation"]
        manifest = found["manifest"]
        assert (len(manifest["months"]), manifest["roles"]["level-2"]) == (27, 27)
        assert manifest["inputs"] == sum(manifest["roles"].values())
        assert found["changes"]["changed"]

    def test_one_that_was_retracted_says_why_and_what_to_use(self, get: Get) -> None:
        found = get("/api/v1/releases/twsa-v1.0-002")
        assert found["tombstone"] | {"when": ""} == {
            "release": "twsa-v1.0-002", "reason": "the wrong month was in it", "who": "ada", "when": "",
            "successor": "twsa-v1.0-003",
        }  # fmt: skip
        assert found["files"] == []

    def test_changes_between_two_are_those_of_their_files(self, get: Get, lived_home: Home) -> None:
        import netCDF4
        import numpy as np

        found = get("/api/v1/releases/twsa-v1.0-001/changes/twsa-v1.0-003")
        assert (found["added"], found["removed"]) == ([RELEASED], [])
        paths = [next((lived_home.home / "releases" / "twsa" / f"twsa-v1.0-00{n}").glob("*.nc")) for n in (1, 3)]
        with netCDF4.Dataset(paths[0]) as old, netCDF4.Dataset(paths[1]) as new:
            months = [f"{number // 100}-{number % 100:02d}" for number in old["nominal_month"][:]]
            at = months.index(REISSUED)
            difference = np.ma.filled(new["twsa"][at] - old["twsa"][at], 0.0).astype(float)
            weights = np.cos(np.deg2rad(old["lat"][:]))[:, None] * (old["land_mask"][:] != 0)
        changed = {each["month"]: each for each in found["changed"]}[REISSUED]
        # The answer is rounded to a thousandth of a millimetre.
        assert abs(changed["rms_mm"] - np.sqrt((weights * difference**2).sum() / weights.sum())) < 1e-3
        assert abs(abs(changed["max_mm"]) - np.abs(difference).max()) < 1e-3
        assert max(found["changed"], key=lambda each: each["rms_mm"])["month"] == REISSUED
