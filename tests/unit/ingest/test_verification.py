"""What is let in: lines and sizes, rows that were there before, months like their neighbours."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.ingest.neighbours import LARGEST_NOISE, LARGEST_SIGNAL, Member, Neighbours, amplitudes
from services.ingest.verification import changed_rows, check_text
from shared.errors import GranuleRejected
from shared.geodesy import ordering
from shared.models.auxiliaries import CoefficientTable
from shared.models.coefficients import GravityField, TideSystem
from shared.models.epoch import Month
from tests.builders import A_SOURCE, RADIUS, make_field

NMAX = 40


def with_change(field: GravityField, degree: int, height: float) -> GravityField:
    """The field with one coefficient changed so that its degree differs by so many metres of geoid."""
    values = field.values.copy()
    values[ordering.position(field.nmax, degree, degree)] += height / RADIUS
    return replace(field, values=values)


@pytest.fixture(scope="module")
def field() -> GravityField:
    return make_field(NMAX)


@pytest.fixture
def neighbours(field: GravityField) -> Neighbours:
    """A year of months that differ by a tenth of a millimetre in each degree."""
    members = {}
    for offset in range(12):
        month = Month(2008, 1).plus(offset)
        noisy = with_change(with_change(field, 30, 1e-4 * (offset - 5.5)), 5, 1e-4 * (5.5 - offset))
        members[month] = Member(month, str(offset), lambda noisy=noisy: noisy)
    return Neighbours(members)


class TestNeighbours:
    @pytest.mark.parametrize("degree", [2, 5, 20, 21, 40])
    def test_amplitude_of_a_degree_is_a_height_of_the_geoid(self, field: GravityField, degree: int) -> None:
        difference = with_change(field, degree, 0.003).values - field.values
        heights = amplitudes(difference, RADIUS)
        # One coefficient of a normalised basis changes its degree by itself; rounding of 1e-16 of C20 times R.
        assert heights[degree] == pytest.approx(0.003, abs=1e-9)
        assert np.delete(heights, degree).max() == 0.0

    def test_let_pass_a_month_like_them(self, field: GravityField, neighbours: Neighbours) -> None:
        neighbours.check(Month(2009, 1), with_change(field, 12, 0.002))

    @pytest.mark.parametrize(("degree", "height"), [(5, LARGEST_SIGNAL), (30, LARGEST_NOISE)])
    def test_refuse_what_is_larger_than_anything_on_earth(
        self, field: GravityField, neighbours: Neighbours, degree: int, height: float
    ) -> None:
        neighbours.check(Month(2009, 1), with_change(field, degree, 0.9 * height))
        with pytest.raises(GranuleRejected, match=f"degree {degree} differs by"):
            neighbours.check(Month(2009, 1), with_change(field, degree, 1.1 * height))

    def test_refuse_what_stands_out_of_quiet_degrees(self, field: GravityField, neighbours: Neighbours) -> None:
        """Quiet is 0.05 mm: 150 times that is 7.5 mm."""
        neighbours.check(Month(2009, 1), with_change(field, 35, 0.007))
        with pytest.raises(GranuleRejected, match="degree 35 differs by 8 mm"):
            neighbours.check(Month(2009, 1), with_change(field, 35, 0.008))

    def test_one_wrong_month_among_them_does_not_condemn_the_next(self, field: GravityField) -> None:
        wrong = with_change(field, 30, 0.3)
        members = {m: Member(m, str(m), lambda f=f: f) for m, f in (
            (Month(2008, 1), wrong), (Month(2008, 2), field), (Month(2008, 3), field))}  # fmt: skip
        Neighbours(members).check(Month(2008, 4), field)
        with pytest.raises(GranuleRejected):
            Neighbours(members).check(Month(2008, 4), wrong)

    def test_too_few_of_them_judge_nothing(self, field: GravityField) -> None:
        members = {m: Member(m, str(m), lambda: field) for m in (Month(2008, 1), Month(2008, 2))}
        Neighbours(members).check(Month(2008, 4), with_change(field, 30, 0.3))

    def test_a_month_is_not_its_own_neighbour(self, field: GravityField) -> None:
        members = {m: Member(m, str(m), lambda: field) for m in (Month(2008, n) for n in (1, 2, 3))}
        Neighbours(members).check(Month(2008, 3), with_change(field, 30, 0.3))

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"tide_system": TideSystem.ZERO_TIDE}, "tide_system zero_tide"),
            ({"gm": 3.986004418e14}, "gm 398600441800000"),
            ({"radius": 6378137.0}, "radius 6378137"),
        ],
    )
    def test_refuse_a_field_of_another_convention(
        self, field: GravityField, neighbours: Neighbours, change: dict[str, object], found: str
    ) -> None:
        with pytest.raises(GranuleRejected, match=found):
            neighbours.check(Month(2009, 1), replace(field, **change, sources=(A_SOURCE,)))

    def test_refuse_a_field_that_ends_at_another_degree(self, field: GravityField, neighbours: Neighbours) -> None:
        with pytest.raises(GranuleRejected, match="nmax 39 where the months around it have 40"):
            neighbours.check(Month(2009, 1), field.truncated(39))

    @pytest.mark.parametrize("factor", [0.01, 100.0])
    def test_refuse_a_field_of_no_earth_without_any_neighbour(self, field: GravityField, factor: float) -> None:
        values = field.values * np.where(ordering.index(NMAX).degree >= 3, factor, 1.0)
        with pytest.raises(GranuleRejected, match="times those of the Earth"):
            Neighbours({}).check(Month(2009, 1), replace(field, values=values))

    def test_refuse_an_anomaly_in_place_of_a_field(self, field: GravityField) -> None:
        with pytest.raises(GranuleRejected, match="not the Earth's"):
            Neighbours({}).check(Month(2009, 1), replace(field, values=1e-6 * field.values))


class TestText:
    @pytest.mark.parametrize("packed", [False, True])
    def test_of_usual_lines_passes(self, tmp_path: Path, packed: bool) -> None:
        content = (b"x" * 100 + b"\n") * 5000
        path = tmp_path / "a"
        path.write_bytes(gzip.compress(content) if packed else content)
        check_text(path, "a", largest=len(content), longest_line=100)

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("before", [0, 1, 65_500, 65_536, 200_000])
    def test_with_a_line_too_long_is_refused_wherever_it_is(self, tmp_path: Path, packed: bool, before: int) -> None:
        lines = (b"y\n" * before)[:before]
        content = lines.removesuffix(b"y") + b"\n" + b"x" * 101 + b"\nend\n"
        path = tmp_path / "a"
        path.write_bytes(gzip.compress(content) if packed else content)
        with pytest.raises(GranuleRejected, match="a line of more than 100"):
            check_text(path, "a", largest=1 << 20, longest_line=100)
        check_text(path, "a", largest=1 << 20, longest_line=101)

    def test_too_large_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"x\n" * 5000)
        with pytest.raises(GranuleRejected, match="more than 9999 bytes"):
            check_text(path, "a", largest=9_999, longest_line=100)

    def test_in_many_members_of_gzip_is_counted_as_a_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(gzip.compress(b"x\n" * 1000) * 10)
        with pytest.raises(GranuleRejected, match="more than 15000 bytes"):
            check_text(path, "a", largest=15_000, longest_line=100)


def table(rows: int = 6, **changes: tuple[int, float]) -> CoefficientTable:
    """Rows of C20; a named column may be changed in one row."""
    columns = {"C20": np.full(rows, -4.8e-4), "sigma": np.full(rows, 1e-11)}
    columns["C20"][2] = np.nan
    columns["sigma"][2] = np.nan
    for name, (row, value) in changes.items():
        columns[name][row] = value
    begin = 53371.0 + 31.0 * np.arange(rows)
    return CoefficientTable("t", begin, {"C20": columns["C20"]}, {"C20": columns["sigma"]}, A_SOURCE)


class TestRows:
    def test_that_are_new_change_nothing(self) -> None:
        assert changed_rows(table(6), table(9)) == ""

    @pytest.mark.parametrize("change", [{"C20": (1, -4.8000001e-4)}, {"sigma": (1, 2e-11)}])
    def test_that_differ_in_one_digit_are_named(self, change: dict[str, tuple[int, float]]) -> None:
        assert changed_rows(table(6), table(9, **change)).startswith("past rows have changed: 2005-02-01 C20")

    def test_that_had_no_number_may_not_get_one(self) -> None:
        assert "2005-03-04 C20 nan is now" in changed_rows(table(6), table(6, C20=(2, -4.8e-4)))

    def test_that_lost_their_number_are_named(self) -> None:
        assert "is now nan" in changed_rows(table(6), table(6, C20=(4, np.nan)))

    def test_that_are_gone_are_named(self) -> None:
        assert changed_rows(table(6), table(5)) == "past rows have changed: 2005-06-05 is gone"
        assert changed_rows(table(12), table(4)).endswith("and 3 more")
