"""The map and the series of places on it, against the numbers of the released file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from shared.formats.level3_reader import Level3, read_level3
from tests.console_home import Home

from .conftest import DESK, PHONE, Visit

Keep = Callable[[Page, str], None]
PNG, HDF = b"\x89PNG\r\n\x1a\n", b"\x89HDF\r\n\x1a\n"


@pytest.fixture(scope="module")
def product(lived_home: Home) -> Level3:
    """The newest release's file, read as it was written."""
    with lived_home.catalogue as known:
        latest = known.latest("twsa")
    assert latest is not None
    return read_level3(next((lived_home.home / "releases" / "twsa" / latest.id).glob("*.nc")))


def shown(page: Page) -> list[list[str]]:
    """The rows of the table of a series."""
    page.get_by_text("The numbers as a table").click()
    rows = page.locator(".numbers tbody tr")
    rows.first.wait_for()
    return [row.locator("th, td").all_inner_texts() for row in rows.all()]


def click_at(page: Page, longitude: float, latitude: float) -> None:
    box = page.locator(".world").bounding_box()
    assert box is not None
    page.mouse.click(
        box["x"] + box["width"] * (longitude + 180) / 360, box["y"] + box["height"] * (90 - latitude) / 180
    )


def open_map(visit: Visit, url: str, query: str = "", complaints: bool = False) -> Page:
    page = visit(url, complaints=complaints).go(f"#/map{query}", "Map")
    page.locator("img.field").wait_for()
    return page


def test_click_shows_the_series_of_the_cell_as_it_was_released(visit: Visit, reading: str, product: Level3) -> None:
    page = open_map(visit, reading)
    click_at(page, -60.2, -5.2)
    page.locator(".series .chart canvas").wait_for()
    latitude, longitude = (float(page.locator(f"#{name}").input_value()) for name in ("latitude", "longitude"))
    assert abs(latitude + 5.2) < 1 and abs(longitude + 60.2) < 1
    row, column = (
        int(np.abs(axis - at).argmin()) for axis, at in ((product.latitudes, latitude), (product.longitudes, longitude))
    )
    values = product.block("twsa")[:, row, column]
    released = dict(zip(map(str, product.months), values, strict=True))
    rows = shown(page)
    assert [each[0] for each in rows][:3] == ["2003-01", "2003-02", "2003-03"]
    for month, value, _, said in rows:
        if month in released:
            assert float(value.replace("−", "-")) == pytest.approx(released[month], abs=0.051)
        else:
            assert said == "no solution" and value == "–"


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_whole_world_fits_the_map(size: tuple[int, int], visit: Visit, reading: str) -> None:
    page = visit(reading, size=size).go("#/map", "Map")
    page.locator("img.field").wait_for()
    page.set_viewport_size({"width": size[0] - 20, "height": size[1]})
    page.wait_for_timeout(200)
    world, field = (page.locator(each).bounding_box() for each in (".world", "img.field"))
    assert world is not None and field is not None
    assert [field[each] for each in ("x", "width")] == pytest.approx([world[each] for each in ("x", "width")], abs=1)


def test_place_is_chosen_by_keys_alone(visit: Visit, reading: str) -> None:
    page = open_map(visit, reading)
    page.locator("#latitude").focus()
    page.keyboard.type("52.25")
    page.keyboard.press("Tab")
    page.keyboard.type("13.25")
    page.keyboard.press("Enter")
    page.locator(".series .chart canvas").wait_for()
    expect(page.locator(".series h2")).to_have_text("Point 52.25° N, 13.25° E")
    page.locator(".series .chart").focus()
    page.keyboard.press("Home")
    expect(page.locator(".series .chart-reading")).to_contain_text(re.compile(r"January 2003: −?[\d.]+ ± [\d.]+ mm"))
    # The address shows the same again
    again = visit(reading).go("#" + page.url.partition("#")[2], "Map")
    expect(again.locator(".series h2")).to_have_text("Point 52.25° N, 13.25° E")


def test_place_in_the_sea_says_that_there_is_nothing(visit: Visit, reading: str) -> None:
    page = open_map(visit, reading, complaints=True)
    click_at(page, -150.0, -30.0)
    expect(page.locator(".series .notice")).to_be_visible()


def test_basin_and_the_same_polygon_have_the_same_mean(visit: Visit, reading: str, keep: Keep) -> None:
    page = open_map(visit, reading)
    page.locator("#basin").select_option("Amazonas")
    expect(page.locator(".series h2")).to_have_text("Amazonas")
    page.locator(".series .chart canvas").wait_for()
    page.get_by_label("Outlines of the river basins").check()
    page.wait_for_timeout(200)
    keep(page, "map-basin")
    basin = shown(page)
    page.locator("#corners").fill("-70 -15, -50 -15, -50 0, -70 0")
    page.get_by_role("button", name="Show the area").click()
    expect(page.locator(".series h2")).to_have_text("Polygon of 4 corners")
    assert shown(page) == basin
    expect(page.locator(".series .soft").first).to_contain_text(re.compile(r"km² · 1200 cells"))


def test_polygon_is_drawn_by_clicks_and_finished_by_a_button(visit: Visit, reading: str, keep: Keep) -> None:
    page = open_map(visit, reading)
    page.get_by_role("button", name="Draw on the map").click()
    for corner in ((-70, -15), (-50, -15), (-50, 0)):
        click_at(page, *corner)
    keep(page, "map-drawing")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".series h2")).to_have_text("Polygon of 3 corners")
    page.locator(".series .chart canvas").wait_for()
    # After that a click is a point again
    click_at(page, 20, 50)
    expect(page.locator(".series h2")).to_contain_text("Point")


def test_months_are_walked_by_the_slider_and_played(visit: Visit, reading: str) -> None:
    page = open_map(visit, reading)
    slider = page.get_by_role("slider", name="Month")
    expect(slider).to_have_attribute("aria-valuetext", "April 2005")
    slider.focus()
    first = page.locator("img.field").get_attribute("src")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "March 2005")
    expect(page.locator("img.field")).not_to_have_attribute("src", first or "")
    assert "month=2005-03" in page.url
    # A month without a solution says so instead of showing another
    page.goto(f"{reading}/#/map?month=2003-06")
    expect(page.locator(".map-notice")).to_have_text("No solution in this month")
    assert page.locator("img.field").count() == 0
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".month-shown")).to_have_text("August 2003", timeout=10_000)
    page.get_by_role("button", name="Stop").click()


def test_trend_and_season_are_of_the_whole_record(visit: Visit, reading: str, keep: Keep) -> None:
    page = open_map(visit, reading)
    for layer, unit in (("trend", "mm/yr"), ("annual", "mm"), ("uncertainty", "mm")):
        with page.expect_response(f"**/map/{layer}.png*") as picture:
            page.locator("#layer").select_option(layer)
        assert picture.value.ok
        assert page.request.get(picture.value.url).body().startswith(PNG)
        expect(page.locator(".colour-bar p")).to_contain_text(f"[{unit}], fixed range")
        expect(page.locator(".time")).to_be_visible(visible=layer == "uncertainty")
        page.wait_for_timeout(150)
        keep(page, f"map-{layer}")


def test_what_is_shown_can_be_taken_along(visit: Visit, reading: str) -> None:
    page = open_map(visit, reading, "?lat=-5.25&lon=-60.25")
    page.locator(".series .chart canvas").wait_for()

    def taken(where: str, name: str) -> bytes:
        with page.expect_download() as arriving:
            page.locator(f"{where} .file", has_text=re.compile(f"^{name}$")).click()
        return arriving.value.path().read_bytes()

    for where in (".map-stage", ".series"):
        assert taken(where, "PNG").startswith(PNG)
        assert taken(where, "NetCDF").startswith((HDF, b"CDF"))
        assert len(taken(where, "CSV").splitlines()) > 20
    # Of a polygon, too
    page.locator("#corners").fill("-70 -15, -50 -15, -50 0, -70 0")
    page.get_by_role("button", name="Show the area").click()
    expect(page.locator(".series h2")).to_have_text("Polygon of 4 corners")
    assert b"2003-01" in taken(".series", "CSV")


def test_colours_are_those_that_the_server_names_evenly_over_the_range(visit: Visit, reading: str) -> None:
    page = open_map(visit, reading)
    view = json.loads(page.request.get(f"{reading}/api/v1/releases/twsa-v1.0-003/view").text())
    script = "c => [c.width, [...c.getContext('2d').getImageData(0, 0, c.width, 1).data]]"
    width, shown = page.locator(".colour-bar canvas").evaluate(script)
    bar = np.array(shown).reshape(width, 4)[:, :3]
    colours = view["layers"][0]["colours"]
    wanted = np.array([[int(each[at : at + 2], 16) for at in (1, 3, 5)] for each in colours])
    places = np.linspace(0, width, len(colours)).clip(0, width - 1).astype(int)
    # A pixel is as wide as the hundredth part of the way between two colours
    assert np.abs(bar[places] - wanted).max() <= 4
