"""Every page for every reader: no finding of axe, in light and dark, by pointer and keys, on a telephone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.console_home import ODD, Home

from .conftest import PHONE, Visit, serving

Keep = Callable[[Page, str], None]

PAGES = {
    "overview": ("#/overview", "Overview", ".chart canvas"),
    "month": (f"#/months/{ODD}", "June 2004", ".events"),
    "map": ("#/map?lat=-5.25&lon=-60.25", "Map", ".series .chart canvas"),
    "releases": ("#/releases?a=twsa-v1.0-001&b=twsa-v1.0-003", "Releases", ".difference img"),
    "release": ("#/releases/twsa-v1.0-003", "twsa-v1.0-003", "blockquote"),
    "taken-back": ("#/releases/twsa-v1.0-002", "twsa-v1.0-002", ".tombstone"),
    "sign-in": ("#/act", "Act", "#token"),
    "act": ("#/act", "Act", ".decision"),
}


@pytest.fixture(scope="module")
def secret(lived_home: Home) -> str:
    with lived_home.catalogue as known:
        return known.add_token(f"axe.{time.monotonic_ns()}", "scientist")


def serious(page: Page) -> list[str]:
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_open_to_every_reader_in_light_and_dark_and_on_a_telephone(
    name: str, visit: Visit, reading: str, secret: str, keep: Keep
) -> None:
    address, heading, sign = PAGES[name]
    page = visit(reading, token="" if name == "sign-in" else secret).go(address, heading)
    page.locator(sign).first.wait_for()
    keep(page, f"{name}-light")
    found = serious(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    keep(page, f"{name}-dark")
    found += serious(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(200)
    keep(page, f"{name}-phone")
    assert not found
    # Nothing is wider than the window
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_playbook_is_open_to_every_reader(visit: Visit, reading: str, keep: Keep) -> None:
    page = visit(reading).go("playbooks/release-held")
    keep(page, "playbook")
    assert not serious(page)


def test_first_stop_of_the_tabulator_leads_past_the_navigation(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/overview", "Overview")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/overview")


def test_closed_console_shows_and_gives_nothing_without_a_token(
    visit: Visit, lived_home: Home, basins: Path, secret: str
) -> None:
    with serving(lived_home, basins, GRAVSTREAM_READING="closed") as url:
        visit(url, complaints=True).go("#/overview", "This console wants to know who reads")
        page = visit(url, token=secret).go("#/map?lat=-5.25&lon=-60.25", "Map")
        page.locator("img.field").wait_for()
        page.locator(".series .chart canvas").wait_for()
        with page.expect_download() as arriving:
            page.locator(".map-stage .file", has_text="CSV").click()
        assert b"," in arriving.value.path().read_bytes()
