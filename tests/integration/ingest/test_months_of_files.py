"""Which month a file is of: normal equations that are dropped in, and files that are refused."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.formats.dense_normals import write_dense
from shared.formats.sinex import read_normals
from shared.formats.sinex_writer import write_normals
from shared.geodesy import normals as equations
from shared.models.auxiliaries import NormalMatrix
from shared.models.epoch import Month, Span
from shared.models.provenance import Source
from shared.storage.records import Granule
from tests.integration.ingest.conftest import Place

NMAX = 4
SPAN = Month(2008, 4).calendar


@pytest.fixture
def inbox(place: Place) -> Path:
    (place.folder / "inbox").mkdir()
    return place.folder / "inbox"


def drop_normals(path: Path, span: Span | None = SPAN) -> Path:
    """Normal equations of degree 4 under a name."""
    count = equations.size(NMAX)
    matrix = np.triu(np.full((count, count), 1e20) + 1e21 * np.eye(count))
    write_normals(path, NormalMatrix(matrix, NMAX, None, span, Source("normals", path.name, "0" * 64)), np.ones(count))
    return path


def taken(place: Place) -> Granule:
    """The one file that was let in."""
    report = place.look("folder")
    (granule,) = place.catalogue.granules("normals", state="accepted")
    assert report.new == [granule.name] and report.quarantined == []
    return granule


def refused(place: Place) -> Granule:
    """The one file that was not."""
    report = place.look("folder")
    (granule,) = place.catalogue.granules(state="quarantined")
    assert report.quarantined == [granule.name] and report.new == []
    return granule


class TestNormalEquations:
    @pytest.mark.parametrize("name", ["ITSG-Grace2018_n96_2008-04.snx", "2008-04.snx.gz", "april.snx", "april.snx.gz"])
    def test_come_in_with_their_month_by_name_or_header(self, name: str, place: Place, inbox: Path) -> None:
        drop_normals(inbox / name)
        granule = taken(place)
        assert (granule.role, granule.month, granule.series) == ("normals", "2008-04", place.upstream.series)
        assert (granule.begin, granule.end) == (SPAN.begin, SPAN.end)
        assert [each.role for each in place.announced] == ["normals"]
        # What process takes from the store is what its reader reads.
        path = place.store.fetch(granule.sha256, place.folder / granule.name)
        assert read_normals(path).nmax == NMAX

    @pytest.mark.parametrize("month", [Month(2008, 4), None])
    def test_in_binary_form_come_in_too(self, month: Month | None, place: Place, inbox: Path) -> None:
        sinex = drop_normals(place.folder / "april.snx")
        write_dense(inbox / "april.normals", replace(read_normals(sinex), month=month))
        assert taken(place).month == "2008-04"

    def test_may_be_larger_than_any_other_file(self, place: Place, inbox: Path) -> None:
        path = drop_normals(inbox / "2008-04.snx")
        (inbox / "2008-05.gfc").write_bytes(b"x" * 3000)
        size = path.stat().st_size
        report = place.look("folder", max_bytes=2000, max_member_bytes=2000, max_archive_bytes=size)
        assert report.new == [path.name] and "where the limit is 2000" in report.missed["2008-05.gfc"]
        place.later(hours=1)
        drop_normals(path, Month(2008, 4).plus(1).calendar)
        report = place.look("folder", max_archive_bytes=size - 1)
        assert f"where the limit is {size - 1}" in report.missed[path.name]

    def test_of_a_month_that_has_some_take_their_place(self, place: Place, inbox: Path) -> None:
        first = drop_normals(inbox / "2008-04.snx")
        taken(place)
        first.unlink()
        drop_normals(inbox / "april_again.snx")
        assert place.look("folder").replaced == ["april_again.snx"]
        (used,) = place.catalogue.granules("normals")
        assert (used.name, used.month) == ("april_again.snx", "2008-04")

    @pytest.mark.parametrize(
        ("name", "span", "edit", "reason"),
        [
            ("2008-05.snx", SPAN, None, "name and header say different months: 2008-04 and 2008-05"),
            ("april.snx", None, None, "neither name nor header says which month"),
            ("2008-04.snx", SPAN, lambda c: c.replace(b"%ENDSNX\n", b""), "the file is truncated"),
            ("2008-04.snx", SPAN, lambda c: c.replace(b" 00021 2", b" 00022 2"), "announces 22 parameters"),
            ("2008-04.snx", SPAN, lambda c: c.replace(b"MATRIX U", b"MATRIX X"), "of kind U or L"),
            ("2008-04.snx", SPAN, lambda c: b"<html>" + c, "it begins with '<html>%=SNX"),
        ],
    )
    def test_that_are_not_sound_are_set_aside(
        self, name: str, span: Span | None, edit, reason: str, place: Place, inbox: Path
    ) -> None:
        path = drop_normals(inbox / name, span)
        if edit is not None:
            content = path.read_bytes()
            assert edit(content) != content
            path.write_bytes(edit(content))
        granule = refused(place)
        assert reason in granule.reason
        assert place.catalogue.granules("normals") == []

    def test_that_are_packed_and_cut_off_are_set_aside_without_reading_the_matrix(
        self, place: Place, inbox: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = drop_normals(inbox / "2008-04.snx.gz")
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-100]))
        monkeypatch.setattr("shared.formats.sinex._fill", lambda *_: pytest.fail("the matrix was read"))
        assert "truncated" in refused(place).reason


class TestRefusedFiles:
    """A field of the archive with a coefficient that is none."""

    @staticmethod
    def spoilt(place: Place) -> bytes:
        content = place.upstream.content(place.upstream.months[6])
        return content.replace(b"\ngfc    5 ", b"\ngfc    5x", 1)

    def test_have_the_month_of_their_name(self, place: Place, inbox: Path) -> None:
        name = place.upstream.months[6]
        (inbox / name).write_bytes(self.spoilt(place))
        granule = refused(place)
        assert (granule.name, granule.month) == (name, "2005-07")
        (event,) = place.catalogue.log("2005-07")
        assert (event.kind, event.subject) == ("granule-quarantined", "2005-07")

    def test_have_the_month_of_their_header_where_the_name_tells_none(self, place: Place, inbox: Path) -> None:
        (inbox / "field.gfc").write_bytes(self.spoilt(place))
        assert refused(place).month == "2005-07"

    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_have_it_also_when_they_are_too_large_to_be_read(self, pack, place: Place, inbox: Path) -> None:
        content = self.spoilt(place) + b"0 " * 40 + b"\n" + (b"0 " * 40 + b"\n") * 40_000
        name = "field.gfc" if pack is bytes else "field.gfc.gz"
        (inbox / name).write_bytes(pack(content))
        place.look("folder", max_member_bytes=1 << 20)
        (granule,) = place.catalogue.granules(state="quarantined")
        assert "when unpacked" in granule.reason and granule.month == "2005-07"

    def test_of_which_the_name_contradicts_the_header_have_that_of_the_name(self, place: Place, inbox: Path) -> None:
        (inbox / "field_2006-01.gfc").write_bytes(self.spoilt(place))
        assert refused(place).month == "2006-01"

    @pytest.mark.parametrize("content", [b"", b"<html>no field</html>", b"\x1f\x8bnonsense", b"begin_of_head\n"])
    def test_of_which_nothing_tells_have_none(self, content: bytes, place: Place, inbox: Path) -> None:
        (inbox / "field.gfc").write_bytes(content)
        assert refused(place).month is None

    def test_of_normal_equations_have_theirs_too(self, place: Place, inbox: Path) -> None:
        path = drop_normals(inbox / "april.snx")
        path.write_bytes(path.read_bytes()[:-100])
        assert refused(place).month == "2008-04"

    def test_that_are_mended_leave_the_month_with_one_file_in_use(self, place: Place, inbox: Path) -> None:
        name = place.upstream.months[6]
        (inbox / name).write_bytes(self.spoilt(place))
        refused(place)
        (inbox / name).write_bytes(place.upstream.content(name))
        assert place.look("folder").new == [name]
        found = place.catalogue.granules("level-2", month="2005-07", state=None)
        assert [each.state for each in found] == ["quarantined", "accepted"]
