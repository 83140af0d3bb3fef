"""The overview and the story of a month, as a person reads and walks them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.console_home import BROKEN, EARLY, ODD, RELEASED, Home, lived_in

from .conftest import Visit, serving

Keep = Callable[[Page, str], None]


def test_overview_says_how_far_the_record_is_and_what_needs_a_person(visit: Visit, reading: str) -> None:
    page = visit(reading).go("", "Overview")
    tiles = page.locator(".tile")
    expect(tiles.nth(0)).to_contain_text("July 2005")
    expect(tiles.nth(2)).to_contain_text("April 2005")
    expect(tiles.nth(2)).to_contain_text(re.compile(r"\d+ (s|min|h).* ago in twsa-v1.0-003"))
    expect(page.locator(".alarms").first).to_contain_text(f"twsa of {BROKEN} is parked")
    page.locator(".chart canvas").wait_for()
    # The first alarm leads to what to do about it
    page.get_by_role("link", name=re.compile("What to do about UnitParked")).first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith("/playbooks/unit-parked")


def test_every_month_says_its_state_by_letter_and_in_words(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/overview", "Overview")
    states = {BROKEN: ("P", "parked"), EARLY: ("w", "waiting"), ODD: ("H", "held"), RELEASED: ("", "released")}
    for month, (letter, word) in states.items():
        cell = page.locator(f'[data-month="{month}"]')
        expect(cell).to_have_text(letter)
        assert f": {word}" in (cell.get_attribute("aria-label") or "")
    # All months since the first of GRACE
    expect(page.locator('[data-month="2002-04"]')).to_have_text("·")
    assert page.locator("[data-month]").count() == 3 * 12 + 4


def test_grid_is_walked_by_keys_and_opens_the_story_of_a_month(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/overview", "Overview")
    # One stop for the tabulator, at the newest month
    entrance = page.locator('.month-grid [tabindex="0"]')
    assert entrance.count() == 1
    entrance.focus()
    walked = []
    for key in ("ArrowLeft", "ArrowUp", "Home", "End", "Control+Home", "Control+End", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
        walked.append(page.evaluate("document.activeElement.dataset.month"))
    assert walked == ["2005-06", "2004-06", "2004-01", "2004-12", "2002-04", "2005-07", "2004-07", "2004-06"]
    expect(page.locator(".month-reading")).to_contain_text("June 2004: held")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="June 2004").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H1"
    assert page.locator(".stages").first.locator(".reached").count() >= 3
    assert page.locator(".events li").count() > 3


def test_noise_can_be_read_by_keys(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/overview", "Overview")
    page.locator(".chart canvas").wait_for()
    page.locator(".chart").focus()
    page.keyboard.press("End")
    expect(page.locator(".chart-reading")).to_contain_text(
        re.compile(r"April 2005: released.*noise [\d.]+ mm, threshold")
    )
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".chart-reading")).to_contain_text("March 2005")


def test_page_that_is_brought_up_to_date_leaves_the_focus_where_it_is(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/overview", "Overview")
    page.locator('[data-month="2004-02"]').focus()
    page.evaluate("window.before = document.activeElement")
    with page.expect_response("**/api/v1/months*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(100)
    assert page.evaluate("document.activeElement === window.before && document.activeElement.tabIndex === 0")


def test_silent_console_is_told_and_found_again(visit: Visit, reading: str, keep: Keep) -> None:
    page = visit(reading, complaints=True).go("#/overview", "Overview")
    page.route("**/api/v1/**", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    banner = page.locator("#banner")
    expect(banner).to_contain_text("does not answer")
    expect(page.locator(".month-grid")).to_be_visible()  # what was known stays
    keep(page, "silent")
    page.unroute("**/api/v1/**")
    banner.get_by_role("button", name="Try now").click()
    expect(banner).to_be_hidden()


def test_empty_system_says_what_happens_now(visit: Visit, tmp_path: Path, basins: Path, keep: Keep) -> None:
    home: Home = lived_in(tmp_path)
    home.home.mkdir()
    with serving(home, basins) as url:
        page = visit(url).go("#/overview", "Overview")
        expect(page.locator("main")).to_contain_text("Nothing is released yet")
        expect(page.locator("main")).to_contain_text("No month is known yet")
        keep(page, "empty")
        for part in ("Map", "Releases"):
            page.get_by_role("navigation", name="Pages").get_by_role("link", name=part).click()
            page.get_by_role("heading", level=1, name=part).wait_for()
            expect(page.locator("main")).to_contain_text("Nothing is released yet")
