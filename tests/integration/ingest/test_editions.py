"""Tables and models under several names: which one is used, and when a person is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.editions import edition_of
from shared.formats.low_degrees import read_table
from shared.simulation.upstream import Served, Upstream
from tests.integration.ingest import test_way_of_a_file as way
from tests.integration.ingest.conftest import GIA, TABLE, Place

NEXT, THIRD = TABLE.replace("_0001", "_0002"), TABLE.replace("_0001", "_0003")


@pytest.mark.parametrize(
    ("name", "family", "number"),
    [
        ("GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0001.dat", "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES", 1),
        ("GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0012.dat.gz", "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES", 12),
        ("GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a_0001.gz", "GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a", 1),
        ("GRAVIS-2B_COSTG_0200_GIA_SIMULATED_0001", "GRAVIS-2B_COSTG_0200_GIA_SIMULATED", 1),
        ("TN-14_C30_C20_SLR_GSFC.txt", "TN-14_C30_C20_SLR_GSFC.txt", 0),
        ("TN-13_GEOC_CSR_RL06.3.txt", "TN-13_GEOC_CSR_RL06.3.txt", 0),
    ],
)
def test_the_number_at_the_end_of_a_name_is_that_of_the_edition(name: str, family: str, number: int) -> None:
    """Names of real files; the release (0200) in the midst of a name is not the number of an edition."""
    assert edition_of(name) == (family, number)


@pytest.fixture
def tables(place: Place, archive: Path) -> Path:
    """The folder of ISDC, to which files can be added."""
    folder = place.folder / "tables"
    folder.mkdir()
    for path in (archive / "auxiliaries").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def look(place: Place, tables: Path, **changes):
    """A look at ISDC as it serves the folder now."""
    with Upstream(Served(None, tables)) as upstream:
        return place.look("isdc", isdc_url=upstream.url, hosts=(upstream.host,), **changes)


def used(place: Place, role: str = "low-degrees") -> str:
    (granule,) = place.catalogue.current(role)
    return granule.name


def shortened(content: bytes, rows: int) -> bytes:
    head, marker, body = content.partition(b"PRODUCT:\n")
    return head + marker + b"".join(line for line in body.splitlines(keepends=True)[:rows])


class TestANewEdition:
    def test_with_the_same_past_takes_the_place_of_the_former(self, place: Place, tables: Path) -> None:
        content = (tables / TABLE).read_bytes()
        (tables / TABLE).write_bytes(shortened(content, 10))
        look(place, tables)
        assert (
            read_table(place.store.get(place.catalogue.current("low-degrees")[0].sha256), name=TABLE).begin.size == 10
        )
        (tables / NEXT).write_bytes(content)
        assert look(place, tables).replaced == [NEXT]
        assert used(place) == NEXT
        assert place.events("granule-replaced") == [f"{NEXT} replaces {TABLE}."]

    def test_with_another_past_waits_and_the_former_is_followed_meanwhile(self, place: Place, tables: Path) -> None:
        content = (tables / TABLE).read_bytes()
        (tables / TABLE).write_bytes(shortened(content, 10))
        look(place, tables)
        (tables / NEXT).write_bytes(way.TestTables.changed(content))
        assert look(place, tables).held == [NEXT]
        assert "past rows have changed: 2005-01-01 C20" in place.events("granule-held")[0]
        (tables / TABLE).write_bytes(content)
        assert look(place, tables).replaced == [TABLE]
        (held,) = place.catalogue.granules("low-degrees", state="held")
        place.catalogue.accept_granule(held.id, who="ada", reason="announced by the producer")
        assert used(place) == NEXT
        (tables / TABLE).write_bytes(content + b"\n")  # the former is left alone from now on
        report = look(place, tables)
        assert report.replaced == report.held == report.vanished == [] and used(place) == NEXT

    def test_is_all_that_an_empty_system_takes(self, place: Place, tables: Path) -> None:
        content = (tables / TABLE).read_bytes()
        for name in (NEXT, THIRD):
            (tables / name).write_bytes(way.TestTables.changed(content))
        report = look(place, tables)
        assert THIRD in report.new and TABLE not in report.new and report.held == []
        assert used(place) == THIRD

    def test_of_a_model_always_waits(self, place: Place, tables: Path) -> None:
        look(place, tables)
        following = GIA.replace("_0001", "_0002")
        (tables / following).write_bytes((tables / GIA).read_bytes().replace(b"SIMULATED", b"simulated", 1))
        assert look(place, tables).held == [following]
        assert used(place, "gia") == GIA

    def test_with_a_lower_number_than_that_in_use_waits(self, place: Place, tables: Path) -> None:
        (tables / TABLE).rename(tables / NEXT)
        look(place, tables)
        (place.folder / "inbox").mkdir()
        (place.folder / "inbox" / TABLE).write_bytes(way.TestTables.changed((tables / NEXT).read_bytes()))
        assert place.look("folder").held == [TABLE]
        assert "which is newer" in place.events("granule-held")[0]
        assert used(place) == NEXT


class TestAnotherTable:
    """NASA's TN-14 comes behind GRAVIS-2B in the alphabet, and has another mean and other months."""

    NAMES = ("TN-14_C30_C20_SLR_GSFC.txt", "A_LOW_DEGREES.dat")

    @pytest.mark.parametrize("name", NAMES)
    def test_does_not_take_the_place_by_its_place_in_the_alphabet(self, name: str, place: Place, tables: Path) -> None:
        look(place, tables)
        (place.folder / "inbox").mkdir()
        (place.folder / "inbox" / name).write_bytes(way.TestTables.changed((tables / TABLE).read_bytes()))
        assert place.look("folder").held == [name]
        assert f"{TABLE} is in use, of which it is no edition" in place.events("granule-held")[0]
        assert used(place) == TABLE

    @pytest.mark.parametrize("name", NAMES)
    def test_is_the_only_one_in_use_once_a_person_has_accepted_it(self, name: str, place: Place, tables: Path) -> None:
        self.test_does_not_take_the_place_by_its_place_in_the_alphabet(name, place, tables)
        (held,) = place.catalogue.granules("low-degrees", state="held")
        place.catalogue.accept_granule(held.id, who="ada", reason="a comparison")
        assert used(place) == name
        look(place, tables)
        place.later(days=30)
        assert look(place, tables).replaced == [] and used(place) == name


def test_the_last_table_of_months_that_came_is_used_whatever_it_is_called(place: Place) -> None:
    (place.folder / "inbox").mkdir()
    for number, name in enumerate(("months_b.csv", "months_a.csv"), start=1):
        row = f"nominal_month,begin_yyyyddd,end_yyyyddd\n2005-01,200500{number},2005031\n"
        (place.folder / "inbox" / name).write_text(row)
        place.look("folder")
    assert used(place, "month-table") == "months_a.csv"
