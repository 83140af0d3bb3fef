"""Pages of ICGEM and ISDC, real ones and such as they may become: the right links, whatever the layout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.ingest.sources import icgem, isdc
from services.ingest.sources.links import size_in
from services.ingest.sources.source import Listed, each_once

SERIES = "03_other/ITSG/ITSG-Grace2018/monthly"
ADDRESS = "https://icgem.gfz.de/sp/" + SERIES
FOLDER = "https://isdc-data.gfz.de/grace/GravIS/aux_data/"


@pytest.fixture
def page(real_data: Path) -> str:
    return (real_data / "icgem" / "icgem_series_fixture.html").read_text(encoding="utf-8")


class TestSavedPageOfASeries:
    def test_lists_the_months_of_the_chosen_subset_only(self, page: str) -> None:
        listing = icgem.read_listing(page, ADDRESS, f"{SERIES}/96")
        assert listing.status == "listed" and listing.doubles == ()
        assert len(listing.entries) == 162  # ITSG-Grace2018: 2002-04 to 2017-06 without the gaps
        assert all(re.fullmatch(r"ITSG-Grace2018_n96_\d{4}-\d{2}\.gfc", entry.name) for entry in listing.entries)
        last = listing.entries[-1]
        assert last.name == "ITSG-Grace2018_n96_2017-06.gfc"
        assert last.url == f"https://icgem.gfz.de/getseries/{SERIES}/96/{last.name}"
        assert last.size == round(441.9 * 1024) and not last.contradicts(452_512)

    def test_gives_the_three_subsets_by_their_names(self, page: str) -> None:
        found = {n: icgem.read_listing(page, ADDRESS, f"{SERIES}/{n}").entries for n in (60, 96, 120)}
        assert {n: len(entries) for n, entries in found.items()} == {60: 162, 96: 162, 120: 162}

    def test_says_licence_and_citation(self, page: str) -> None:
        listing = icgem.read_listing(page, ADDRESS, f"{SERIES}/96")
        assert listing.licence == "Creative Commons Attribution 4.0 international"
        assert (
            listing.citation.startswith("Mayer-Gürr, T, Behzadpur, S") and "10.5880/ICGEM.2018.003" in listing.citation
        )

    def test_of_the_wrong_path_says_where_files_are(self, page: str) -> None:
        listing = icgem.read_listing(page, ADDRESS, SERIES)
        assert listing.status == "layout-changed" and f"/getseries/{SERIES}/96" in listing.remark

    def test_is_read_in_spite_of_other_classes_and_tags(self, page: str) -> None:
        changed = re.sub(r'class="[^"]*"', "", page).replace("<td", "<div").replace("<tr", "<section")
        assert changed != page
        listing = icgem.read_listing(changed, ADDRESS, f"{SERIES}/96")
        assert listing.entries == icgem.read_listing(page, ADDRESS, f"{SERIES}/96").entries

    def test_without_addresses_has_changed_its_layout(self, page: str) -> None:
        listing = icgem.read_listing(page.replace("href=", "data-ref="), ADDRESS, f"{SERIES}/96")
        assert (listing.status, listing.entries) == ("layout-changed", ())


def test_saved_catalogue_page_lists_no_month(real_data: Path) -> None:
    text = (real_data / "icgem" / "icgem_temporal_fixture.html").read_text(encoding="utf-8")
    listing = icgem.read_listing(text, "https://icgem.gfz.de/sl/temporal", "02_COST-G_/Grace-Grace-FO_RL02.1")
    assert listing.status == "layout-changed"


@pytest.mark.parametrize(
    ("series", "address"),
    [
        ("01_GRACE/CSR/CSR Release 06.3 (GFO)", "/getseries/01_GRACE/CSR/CSR Release 06.3 (GFO)/a.gfc"),
        ("01_GRACE/CSR/CSR Release 06.3 (GFO)", "/getseries/01_GRACE/CSR/CSR%20Release%2006.3%20(GFO)/a.gfc"),
        ("03_other/APM&SYSU/X", "/getseries/03_other/APM&amp;SYSU/X/a.gfc"),
        ("03_other/APM&SYSU/X", "/getseries//03_other/APM&SYSU/X/a.gfc"),
        ("02_COST-G_/Y", "https://icgem.gfz.de/getseries/02_COST-G_/Y/a.gfc"),
        ("02_COST-G_/Y", " /getseries/02_COST-G_/Y/a.gfc "),
    ],
)
def test_addresses_are_understood_as_they_are_written(series: str, address: str) -> None:
    listing = icgem.read_listing(f"<p><a class=x href='{address}'>gfc</a>", ADDRESS, series)
    assert [entry.name for entry in listing.entries] == ["a.gfc"]
    assert " " not in listing.entries[0].url and "&amp;" not in listing.entries[0].url


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/getseries/S/a.gfc",
        "/getseries/S/../../etc/a.gfc",
        "/getseries/S/%2e%2e/a.gfc",
        "/getseries/S/.a.gfc",
        "/getseries/S/notes.pdf",
        "javascript:a.gfc",
        "/docs/S/a.gfc",
    ],
)
def test_other_addresses_are_no_months(address: str) -> None:
    listing = icgem.read_listing(f'<a href="{address}">gfc</a>', ADDRESS, "S")
    assert listing.entries == ()


def test_what_scripts_write_is_no_link() -> None:
    text = "<script>x = '<a href=\"/getseries/S/a.gfc\">'</script><!-- <a href='/getseries/S/b.gfc'> -->"
    assert icgem.read_listing(text, ADDRESS, "S").status == "layout-changed"


class TestFolderOfIsdc:
    TEXT = """<pre><a href="?C=N;O=D">Name</a> <a href="?C=M;O=A">Last modified</a><hr>
<a href="/grace/GravIS/">Parent Directory</a>   -
<a href="GRAVIS-2B_COSTG_0200_GEOCENTER_0001.dat">GRAVIS-2B_COSTG_0200_GEOC..&gt;</a> 2026-04-17 09:12  31K
<a href="GRAVIS-2B_COSTG_0200_GRACE%2BSLR_LOW_DEGREES_0001.dat">GRAVIS..&gt;</a> 2026-04-17 09:12  1.2M
<a href="GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a_0001.gz">GRAVIS-2B_COSTG_0200_GIA_..&gt;</a> 2020-10-01 08:00  312
<a href="GRAVIS-2B_COSTG_0200_MEAN_2002095-2020091_NFIL_0001.gz">GRAVIS..</a> 2020-10-01 08:00  200K
<a href="README.txt">README.txt</a> 2020-10-01 08:00  2K
<a href="old/">old/</a> 2020-10-01 08:00  -
<hr></pre>"""

    def test_gives_tables_and_models_by_their_roles(self) -> None:
        entries = {entry.role: entry for entry in isdc.read_listing(self.TEXT, FOLDER).entries}
        assert set(entries) == {"low-degrees", "geocenter", "gia"}
        table = entries["low-degrees"]
        assert table.name == "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0001.dat"
        assert table.url == FOLDER + "GRAVIS-2B_COSTG_0200_GRACE%2BSLR_LOW_DEGREES_0001.dat"
        assert table.last_modified == "2026-04-17 09:12" and table.size == round(1.2 * 2**20)
        assert (entries["gia"].size, entries["gia"].tolerance) == (312, 0)

    def test_gives_published_months_where_they_are_asked_for(self) -> None:
        text = '<a href="GRAVIS-2B_2002095-2002120_COSTG_0200_NFIL_0001.gz">x</a> 2026-04-17 09:12  31K'
        assert len(isdc.read_listing(text, FOLDER, isdc.REFERENCE).entries) == 1
        assert isdc.read_listing(text, FOLDER).status == "layout-changed"


@pytest.mark.parametrize(
    ("text", "size", "contradicted", "fitting"),
    [
        ("(441.9 KiB)", 452506, 453_000, 452_512),
        ("(26.5 MiB)", 27787264, 28_000_000, 27_800_000),
        (" 123K ", 125952, 128_000, 126_500),
        ("312", 312, 313, 312),
    ],
)
def test_sizes_are_as_precise_as_they_are_written(text: str, size: int, contradicted: int, fitting: int) -> None:
    found, tolerance = size_in(text)
    entry = Listed("level-2", "a.gfc", "", found, tolerance)
    assert found == size and entry.contradicts(contradicted) and not entry.contradicts(fitting)


def test_a_name_for_two_files_is_in_no_entry() -> None:
    one, two, other = (Listed("level-2", name, url) for name, url in (("a", "x"), ("a", "y"), ("b", "x")))
    assert each_once([one, one, two, other]) == ((other,), ("a",))
