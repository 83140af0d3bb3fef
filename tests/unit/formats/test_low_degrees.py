"""Tables of low degrees: which column is what is read, each row is checked, no row stands for another."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats.low_degree_writer import geocenter_bytes, low_degrees_bytes
from shared.formats.low_degrees import read_geocenter, read_low_degrees, read_table
from shared.models.epoch import Month, months_between
from tests.builders import make_table

MONTHS = list(months_between(Month(2008, 1), Month(2008, 6)))
LOW = make_table(("C20", "C30", "C21", "S21"), MONTHS)
GEO = make_table(("C10", "C11", "S11"), MONTHS)
GOOD_LOW, GOOD_GEO = low_degrees_bytes(LOW), geocenter_bytes(GEO)

TN14 = """Title: NASA GSFC SLR C20 and C30 solutions
   Column  1: MJD of BEGINNING of solution data span (matches JPL GSM)
   Column  2: Year and fraction of year of BEGINNING of solution data span
   Column  3: Replacement C20
   Column  4: Replacement C20 - mean C20 (1.0E-10)
   Column  5: C20 Sigma (1.0E-10)
   Column  6: Replacement C30
   Column  7: Replacement C30 - mean C30 (1.0E-10)
   Column  8: C30 Sigma (1.0E-10)
   Column  9: MJD of END of solution data span (matches JPL GSM)
   Column 10: Year and fraction of year of END of solution data span
   Mean C20: -4.841694573200E-04
   Mean C30: +9.571647583412E-07
Product:
55958.0 2012.0847  -4.8416947729975E-04 -0.1998  0.1632                   NaN     NaN     NaN 55987.0 2012.1639
55987.0 2012.1639  -4.8416945249136E-04  0.0483  0.1560   9.5715512271741E-07 -0.0964  0.3284 56018.0 2012.2486
"""
TN13 = """GRACE Technical Note 13
end of header ===============================================================================
GRCOF2    1   0 +5.120437146e-10 +0.000000000e+00 +4.4585e-11 +0.0000e+00 20020405.0000 20020501.0000
GRCOF2    1   1 +2.897447347e-10 -6.826708442e-11 +4.5296e-11 +5.0724e-11 20020405.0000 20020501.0000
GRCOF2    1   0 +4.542912581e-10 +0.000000000e+00 +4.4585e-11 +0.0000e+00 20020503.0000 20020518.0000
GRCOF2    1   1 +1.584053247e-10 -8.940349160e-11 +4.5296e-11 +5.0724e-11 20020503.0000 20020518.0000
"""


def row(content: bytes, number: int) -> bytes:
    return content.split(b"PRODUCT:\n")[1].split(b"\n")[number]


def in_row(content: bytes, number: int, edit: Callable[[bytes], bytes]) -> bytes:
    old = row(content, number)
    new = edit(old)
    assert new != old
    return content.replace(old, new)


def line_of(content: bytes, number: int) -> int:
    """Line, counted from one, of a row, counted from zero."""
    return content.split(b"PRODUCT:\n")[0].count(b"\n") + 2 + number


@pytest.mark.parametrize(("good", "table"), [(GOOD_LOW, LOW), (GOOD_GEO, GEO)], ids=["low", "geo"])
def test_a_table_comes_back_as_it_was_written(good: bytes, table: object) -> None:
    back = read_table(good, name="table.dat")
    assert np.array_equal(back.begin, table.begin)
    for name, column in table.values.items():
        assert np.array_equal(back.values[name], column)
        assert back.sigmas[name] == pytest.approx(table.sigmas[name], rel=1e-12)


def test_the_order_of_the_columns_is_the_headers() -> None:
    """C20 and C30 exchanged in the header are exchanged in the table: nothing is known by position."""
    text = GOOD_LOW.decode().replace("C(2,0)", "C(X,0)").replace("C(3,0)", "C(2,0)").replace("C(X,0)", "C(3,0)")
    back = read_table(text.encode())
    assert np.array_equal(back.values["C30"], LOW.values["C20"])
    assert np.array_equal(back.values["C20"], LOW.values["C30"])


def test_sigmas_have_the_unit_of_the_header() -> None:
    assert read_table(GOOD_LOW.replace(b"(1.0E-12)", b"(1.0E-11)")).sigmas["C20"] == pytest.approx(
        10 * LOW.sigmas["C20"]
    )


def test_tn14_has_no_c30_before_the_satellite_that_sees_it() -> None:
    table = read_low_degrees(TN14.encode(), name="TN-14.txt")
    assert table.values["C20"].tolist() == [-4.8416947729975e-04, -4.8416945249136e-04]
    assert np.isnan(table.values["C30"][0])
    assert np.isnan(table.sigmas["C30"][0])
    assert table.values["C30"][1] == 9.5715512271741e-07
    assert table.sigmas["C30"][1] == pytest.approx(0.3284e-10)
    assert "Loomis" in table.source.citation


def test_tn13_has_two_rows_a_month() -> None:
    table = read_geocenter(TN13.encode(), name="TN-13.txt")
    assert table.begin.tolist() == [52369.0, 52397.0]
    assert table.values["C10"].tolist() == [5.120437146e-10, 4.542912581e-10]
    assert table.values["C11"].tolist() == [2.897447347e-10, 1.584053247e-10]
    assert table.values["S11"].tolist() == [-6.826708442e-11, -8.940349160e-11]
    assert table.sigmas["S11"].tolist() == [5.0724e-11, 5.0724e-11]
    assert table.source.role == "geocenter"


def test_the_wrong_table_is_not_taken() -> None:
    with pytest.raises(GranuleRejected, match="without C20"):
        read_low_degrees(GOOD_GEO, name="geo.dat")
    with pytest.raises(GranuleRejected, match="without C10"):
        read_geocenter(GOOD_LOW, name="low.dat")


def digit(place: int) -> Callable[[bytes], bytes]:
    """The row with one digit turned."""
    return lambda old: old[:place] + bytes([48 + (old[place] - 48 + 5) % 10]) + old[place + 1 :]


BROKEN_ROW: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "digit of C20": (digit(26), "C20"),
    "digit of S21": (digit(124), "S21"),
    "digit of a difference": (digit(40), "C20"),
    "digit of the begin": (digit(3), "not the same day"),
    "digit of the year": (digit(11), "not the same day"),
    "cut in the last number": (lambda old: old[:-2], "characters"),
    "column missing": (lambda old: old[:-8], "columns"),
    "a word": (lambda old: old[:-4] + b"xxxx", "something else than numbers"),
    "NaN only in the value": (lambda old: old[:17] + b" " * 17 + b"NaN" + old[37:], "C20"),
    "negative sigma": (lambda old: old[:45] + b" -0.500" + old[52:], "standard deviation of -5e-13"),
}


@pytest.mark.parametrize("damage", BROKEN_ROW)
def test_a_damaged_row_is_rejected_by_its_line(damage: str) -> None:
    edit, found = BROKEN_ROW[damage]
    with pytest.raises(GranuleRejected) as caught:
        read_table(in_row(GOOD_LOW, 3, edit), name="low.dat")
    assert found in caught.value.found
    assert (caught.value.file, caught.value.line) == ("low.dat", line_of(GOOD_LOW, 3))


def test_rows_out_of_order_are_rejected() -> None:
    second, third = row(GOOD_LOW, 1), row(GOOD_LOW, 2)
    content = GOOD_LOW.replace(second, b"X").replace(third, second).replace(b"X", third)
    with pytest.raises(GranuleRejected, match="out of order") as caught:
        read_table(content)
    assert caught.value.line == line_of(GOOD_LOW, 2)


def test_a_row_twice_is_rejected() -> None:
    with pytest.raises(GranuleRejected, match="out of order"):
        read_table(GOOD_LOW.replace(row(GOOD_LOW, 1), row(GOOD_LOW, 0)))


BROKEN_TABLE: dict[str, tuple[bytes, str]] = {
    "no rows": (GOOD_LOW.split(b"PRODUCT:\n")[0] + b"PRODUCT:\n", "without rows"),
    "no mean": (re.sub(rb"(?m)^ *Mean C\(3,0\).*\n", b"", GOOD_LOW), "no mean of C30"),
    "another mean": (re.sub(rb"Mean C\(3,0\): 0.95", b"Mean C(3,0): 0.96", GOOD_LOW), "C30"),
    "no sigma column": (re.sub(rb"(?m)^ *Column  5.*\n", b"", GOOD_LOW), "does not describe"),
    "cut in the header": (GOOD_LOW[:600], "no table"),
    "a gravity field": (b"gfc 0 0 1.0 0.0\n", "no table"),
    "web page": (b"<html>", "web page"),
}


@pytest.mark.parametrize("damage", BROKEN_TABLE)
def test_a_damaged_table_is_rejected(damage: str) -> None:
    content, found = BROKEN_TABLE[damage]
    with pytest.raises(GranuleRejected, match=found):
        read_table(content, name="low.dat")


BROKEN_TN13: dict[str, tuple[Callable[[str], str], str, int | None]] = {
    "cut in a line": (lambda text: text[:-8], "cut off", 6),
    "cut in a date": (lambda text: text[:-14], "no row of degree 1", 6),
    "one of two rows": (lambda text: "\n".join(text.split("\n")[:5]), "only one of the two rows", 5),
    "row twice": (lambda text: text.replace("1   1 +2.897", "1   0 +2.897"), "twice", 4),
    "absurd": (lambda text: text.replace("+1.584053247e-10", "+1.584053247e+10"), "no values", 6),
    "day 32": (lambda text: text.replace("20020503", "20020532"), "begin 20020532", 5),
    "nothing": (lambda text: text[: text.index("GRCOF2")] + "no GRCOF2", "no row of degree 1", 3),
}


@pytest.mark.parametrize("damage", BROKEN_TN13)
def test_a_damaged_tn13_is_rejected_by_its_line(damage: str) -> None:
    edit, found, line = BROKEN_TN13[damage]
    with pytest.raises(GranuleRejected) as caught:
        read_table(edit(TN13).encode())
    assert found in caught.value.found
    assert caught.value.line == line


def test_a_number_too_wide_for_its_column_is_refused() -> None:
    table = make_table(("C10", "C11", "S11"), MONTHS)
    sigmas = dict(table.sigmas) | {"C10": np.array([4e-11, 4e-11, 4e-8, 4e-11, 4e-11, 4e-11])}
    with pytest.raises(ValueError, match="does not fit"):
        geocenter_bytes(type(table)(table.name, table.begin, table.values, sigmas, table.source))


# --- the real files ---

ROWS = {
    "gravis/GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0001.dat": (252, 4),
    "gravis/GRAVIS-2B_COSTG_0200_GEOCENTER_0001.dat": (252, 3),
    "low-degree/TN-13_GEOC_CSR_RL06.3.txt": (256, 3),
    "low-degree/TN-13_GEOC_GFZ_RL06_3.txt": (256, 3),
    "low-degree/TN-13_GEOC_JPL_RL06.3.txt": (256, 3),
    "low-degree/TN-14_C30_C20_SLR_GSFC.txt": (258, 2),
}


@pytest.mark.real_data
@pytest.mark.parametrize("path", ROWS)
def test_every_row_of_the_real_tables_is_read(path: str, real_data: Path) -> None:
    table = read_table(real_data / path)
    rows, coefficients = ROWS[path]
    assert (table.begin.size, len(table.values)) == (rows, coefficients)
    last = (real_data / path).read_text().rstrip().split("\n")[-1].split()
    name, place = ("C11", 3) if last[0] == "GRCOF2" else (next(iter(table.values)), 2)
    assert table.values[name][-1] == float(last[place])
    # Geocenter motion and the low degrees vary by some 1e-10, whatever the table.
    for column in table.values.values():
        assert 1e-11 < np.nanstd(column) < 1e-9


@pytest.mark.real_data
def test_c30_of_tn14_begins_in_march_2012(real_data: Path) -> None:
    """Its header: "C30 values are not provided prior to MJD 55987"."""
    table = read_table(real_data / "low-degree" / "TN-14_C30_C20_SLR_GSFC.txt")
    assert np.array_equal(np.isnan(table.values["C30"]), table.begin < 55987.0)


@pytest.mark.real_data
def test_the_real_tables_are_written_as_gfz_writes_them(real_data: Path) -> None:
    """All but the last digit of differences of C20, which GFZ takes before rounding the value."""
    for path, write in zip(list(ROWS)[:2], (low_degrees_bytes, geocenter_bytes), strict=True):
        text = (real_data / path).read_text()
        means = {"".join(m[:3]): float(m[3]) for m in re.findall(r"Mean (.)\((.),(.)\): (\S+)", text)}
        written = write(read_table(real_data / path), means=means).decode()
        pairs = list(zip(*(x.split("PRODUCT:\n")[1].split("\n") for x in (text, written)), strict=True))
        for theirs, ours in pairs:
            assert theirs[:38] + theirs[45:] == ours[:38] + ours[45:]
        assert sum(theirs != ours for theirs, ours in pairs) < 30
