"""Releases: the list, one of them, one that was taken back, and what changed between two."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console_home import ODD, REISSUED

from .conftest import Visit

Keep = Callable[[Page, str], None]


def test_all_releases_are_listed_with_their_states(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/releases", "Releases")
    rows = {
        row.locator("th").inner_text(): row.locator(".badge").inner_text() for row in page.locator("tbody tr").all()
    }
    assert rows["twsa-v1.0-001"] == rows["twsa-v1.0-003"] == "released"
    assert rows["twsa-v1.0-002"] == "retracted"
    assert rows["twsa-v1.0-004"] == "held"
    page.get_by_role("link", name="l2b", exact=True).click()
    expect(page.get_by_text("twsa-v1.0-001")).to_have_count(0)
    expect(page.locator("tbody tr").first).to_contain_text("l2b")


def test_two_releases_are_compared_by_months_millimetres_and_map(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/releases", "Releases")
    page.locator("#compare-a").select_option("twsa-v1.0-001")
    page.locator("#compare-b").select_option("twsa-v1.0-003")
    page.get_by_role("button", name="Compare").click()
    changes = page.locator("section", has=page.get_by_role("heading", name="From twsa-v1.0-001 to twsa-v1.0-003"))
    expect(changes).to_contain_text("1: 2005-04")  # the month that came
    # The month that was issued again changed most
    expect(changes.locator("tbody th").first).to_have_text(REISSUED)
    changes.locator(".difference img").wait_for()
    assert (
        changes.locator(".difference img").evaluate("picture => picture.decode().then(() => picture.naturalWidth)")
        > 700
    )


def test_release_behind_one_that_was_taken_back_offers_no_map_of_what_it_changed(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/releases/twsa-v1.0-003", "twsa-v1.0-003")
    expect(page.get_by_role("link", name="twsa-v1.0-002")).to_be_visible()
    expect(page.get_by_role("link", name="Where it changed, on a map")).to_have_count(0)


def test_release_tells_its_months_files_and_citation_and_its_sums_hold(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/releases/twsa-v1.0-003", "twsa-v1.0-003")
    expect(page.locator("blockquote")).to_contain_text("twsa-v1.0-003")
    line = page.locator("tr", has_text="CHANGES.md")
    with page.expect_download() as arriving:
        line.get_by_role("link").click()
    assert hashlib.sha256(arriving.value.path().read_bytes()).hexdigest() == line.locator("code").inner_text()
    line.get_by_role("button").click()
    expect(line.get_by_role("button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == line.locator("code").inner_text()


def test_release_that_was_taken_back_is_a_tombstone_without_files(visit: Visit, reading: str) -> None:
    page = visit(reading).go("#/releases/twsa-v1.0-002", "twsa-v1.0-002")
    stone = page.locator(".tombstone")
    expect(stone).to_contain_text("the wrong month was in it")
    expect(stone).to_contain_text("by ada")
    expect(stone.get_by_role("link")).to_have_text("twsa-v1.0-003")
    assert not page.locator("a.file").count()


def test_held_release_shows_why_and_what_it_would_change(visit: Visit, reading: str, keep: Keep) -> None:
    page = visit(reading).go("#/releases/twsa-v1.0-004", "twsa-v1.0-004")
    expect(page.locator(".notice-card")).to_contain_text(f"in {ODD}")
    keep(page, "release-held")


def test_release_that_is_not_there_is_said_to_be_so(visit: Visit, reading: str) -> None:
    page = visit(reading, complaints=True).go("#/releases/twsa-v9.9-999", "There is no such thing")
    page.get_by_role("link", name="Back to the overview").click()
    page.get_by_role("heading", level=1, name="Overview").wait_for()
