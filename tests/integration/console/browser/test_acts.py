"""What a person decides in the console, and what the catalogue knows afterwards."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.console_home import BROKEN, REISSUED, Home

from .conftest import Visit

Keep = Callable[[Page, str], None]
HOSTILE = "seen <img src=x onerror=alert(1)> & checked"


def token(home: Home, name: str, role: str) -> str:
    with home.catalogue as known:
        return known.add_token(name, role)  # type: ignore[arg-type]


def sign_in(page: Page, secret: str) -> None:
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def decide(page: Page, subject: str, button: str, reason: str) -> None:
    form = page.locator("form", has=page.get_by_role("button", name=f"{button} {subject}"))
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("button", name=f"{button} {subject}").click()


def test_operator_signs_in_looks_what_would_be_computed_again_and_has_it_done(
    visit: Visit, acting: str, own_home: Home, keep: Keep
) -> None:
    page = visit(acting, complaints=True).go("#/act", "Act")
    sign_in(page, "nothing")
    expect(page.get_by_role("alert").filter(has_text="not taken")).to_be_visible()
    keep(page, "act-refused")
    sign_in(page, token(own_home, "olga", "operator"))
    expect(page.locator(".me")).to_contain_text("Signed in as olga, operator")
    # What only a scientist decides is out of an operator's reach
    expect(page.get_by_role("button", name="Approve twsa-v1.0-004")).to_be_disabled()
    _computes_again(page, acting, own_home, keep)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def _computes_again(page: Page, url: str, own_home: Home, keep: Keep) -> None:
    """First a dry run, which changes nothing, then in earnest, from the story of a month."""
    page.goto(f"{url}/#/months/{REISSUED}")
    page.get_by_role("link", name="Compute it again").click()
    form = page.locator("form.reprocess")
    expect(form.get_by_label("Months")).to_have_value(REISSUED)
    form.get_by_label("Reason").fill("the table was mended")
    form.get_by_role("button", name="Dry run").click()
    expect(form.locator(".outcome")).to_contain_text("A dry run:", timeout=60_000)
    expect(form.locator(".outcome tbody")).to_contain_text(REISSUED)
    keep(page, "act-dry-run")
    with own_home.catalogue as known:
        assert not known.reprocessings()
    form.get_by_role("button", name="Compute again").click()
    expect(form.locator(".outcome")).to_contain_text("Recorded as reprocessing", timeout=60_000)
    with own_home.catalogue as known:
        (asked,) = known.reprocessings()
    assert (asked.who, asked.reason, asked.months) == ("olga", "the table was mended", (REISSUED,))


def test_decisions_are_made_beside_their_evidence_and_told_in_the_log(
    visit: Visit, acting: str, own_home: Home
) -> None:
    page = visit(acting, token=token(own_home, "ada", "scientist")).go("#/act", "Act")
    expect(page.locator("article", has_text="twsa-v1.0-004")).to_contain_text("largest rms change of a past month")
    decide(page, "twsa-v1.0-004", "Approve", HOSTILE)
    expect(page.get_by_role("button", name="Approve twsa-v1.0-004")).to_have_count(0)
    decide(page, f"month {BROKEN} of twsa", "Retry", "the file was fetched again")
    expect(page.get_by_role("button", name=f"Retry month {BROKEN} of twsa")).to_have_count(0)
    with own_home.catalogue as known:
        proposed = next(each.number for each in known.baselines(state="proposed") if each.product == "twsa")
    decide(page, f"baseline {proposed} of twsa", "Refuse", "the old one is good enough")
    expect(page.get_by_role("button", name=f"Refuse baseline {proposed} of twsa")).to_have_count(0)
    with own_home.catalogue as known:
        release = known.find_release("twsa-v1.0-004")
        assert release is not None and release.is_approved and release.who == "ada"
        assert HOSTILE in release.decision
        assert {unit.month for unit in known.units("parked") if unit.product == "twsa"} == set()
    # What a person wrote is shown as it was written
    expect(page.locator("section", has_text="Last acts").last).to_contain_text(HOSTILE)
    assert not page.locator("main img").count()


def test_release_that_was_approved_appears_with_the_map_of_what_it_changed(
    visit: Visit, acting: str, own_home: Home, keep: Keep
) -> None:
    page = visit(acting, token=token(own_home, "ada", "scientist")).go("#/act", "Act")
    decide(page, "twsa-v1.0-004", "Approve", "it is as it should be")
    expect(page.get_by_role("button", name="Approve twsa-v1.0-004")).to_have_count(0)
    own_home("reconcile", "--work")  # what the services do by themselves
    page.goto(f"{acting}/#/releases/twsa-v1.0-004")
    expect(page.locator(".badge").first).to_have_text("released")
    page.get_by_role("link", name="Where it changed, on a map").click()
    expect(page.get_by_role("heading", name="From twsa-v1.0-003 to twsa-v1.0-004")).to_be_visible()
    page.locator(".difference img").wait_for()
    keep(page, "approved-and-compared")
