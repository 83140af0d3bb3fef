"""Bad input: named with file, line, what was found and what to do; nothing half-written, the other months unharmed."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from services.process.production import Outcome
from shared.formats.icgem import read_gfc, write_level2
from shared.formats.netcdf import read_level3
from shared.geodesy import ordering
from shared.models.epoch import Month
from shared.models.grid import Grid
from tests.integration.conftest import (
    NMAX,
    Archive,
    Command,
    Make,
    Simulate,
    assert_same_bits,
    contents,
    edited,
    maps_of,
)
from tests.product_builders import continents, write_mask

REFUSED, INCOMPLETE = 1, 3
PAGE = b"<!DOCTYPE html><html><head><title>503 Service Unavailable</title></head></html>\n"

Edit = Callable[[bytes], bytes]


def line_of(content: bytes, start: bytes) -> int:
    """The number, counted from one, of the first line that begins with these words."""
    words = start.split()
    lines = content.split(b"\n")
    return next(number for number, line in enumerate(lines, start=1) if line.split()[: len(words)] == words)


def row(degree: int, order: int) -> bytes:
    return b"gfc %4d %4d " % (degree, order)


def with_words(start: bytes, change: Callable[[list[bytes]], list[bytes]]) -> Edit:
    """Change the words of the one line that begins like this."""

    def edit(content: bytes) -> bytes:
        lines = content.split(b"\n")
        at = line_of(content, start) - 1
        lines[at] = b" ".join(change(lines[at].split()))
        return b"\n".join(lines)

    return edit


def with_cosine(degree: int, order: int, text: bytes) -> Edit:
    return with_words(row(degree, order), lambda words: [*words[:3], text, *words[4:]])


def with_keyword(keyword: bytes, value: bytes) -> Edit:
    return with_words(keyword, lambda words: [words[0], value])


def without_line(start: bytes) -> Edit:
    return lambda content: b"\n".join(line for line in content.split(b"\n") if not line.startswith(start))


def cut_off(content: bytes) -> bytes:
    """The file ends within a row two thirds of the way down."""
    at = content.index(row(14, 3))
    return content[: at + 40]


def as_static_model(content: bytes) -> bytes:
    """The row of C20 becomes one of a model with trends and waves."""
    old = next(line for line in content.split(b"\n") if line.startswith(row(2, 0)))
    return content.replace(old, old.replace(b"gfc ", b"gfct") + b" 20050101")


def without_a_date(content: bytes) -> bytes:
    """The header says no period and names no month."""
    return without_line(b"time_period")(without_line(b"product_name")(content))


@dataclass(frozen=True)
class Damage:
    """What is done to a month, and what must be said of it: the words, and the beginning of the line."""

    month: str
    edit: Edit
    found: str
    advice: str
    line: bytes | None = None


# Each in a month of its own, so that one run meets them all.
DAMAGES = {
    "cut off within a row": Damage("2003-09", cut_off, "numbers in a row that has 6", "fetch it again", row(14, 3)),
    "cut off packed": Damage(
        "2003-10",
        lambda content: gzip.compress(content)[:-2000],
        "the gzip stream ends too early",
        "Fetch the file again",
    ),
    "empty": Damage("2003-11", lambda _: b"", "the file is empty", "Fetch the file again"),
    "a web page": Damage("2003-12", lambda _: PAGE, "a web page instead of data", "Fetch the file again"),
    "NaN": Damage("2004-03", with_cosine(7, 2, b"NaN"), "'NaN', which is not a finite number", "Fetch", row(7, 2)),
    "Inf": Damage("2004-04", with_cosine(7, 2, b"-Inf"), "'-Inf', which is not a finite number", "Fetch", row(7, 2)),
    "absurd": Damage("2004-05", with_cosine(9, 4, b"1.5"), "C(9,4) is 1.5: no coefficient", "Fetch", row(9, 4)),
    "degree above the header": Damage(
        "2004-06",
        with_keyword(b"max_degree", b"19"),
        "degree 20, but the header says max_degree 19",
        "fetch it again",
        row(20, 0),
    ),
    "degree below the header": Damage(
        "2004-07",
        with_keyword(b"max_degree", b"96"),
        "the coefficients end at degree 20, but the header says 96",
        "fetch it again",
    ),
    "a row too few": Damage(
        "2004-08",
        without_line(row(11, 5)),
        "1 of the coefficients to degree 20 are missing, first (11,5)",
        "fetch it again",
    ),
    "unknown norm": Damage(
        "2004-09", with_keyword(b"norm", b"unnormalized"), "norm 'unnormalized'", "convert the file", b"norm"
    ),
    "unknown unit": Damage(
        "2004-10",
        with_words(b"radius", lambda words: [*words, b"km"]),
        "radius in the unit 'km'",
        "fetch the file again",
        b"radius",
    ),
    "kilometres": Damage(
        "2004-11",
        with_keyword(b"radius", b"6378.1363"),
        "radius 6378.14, which is not between",
        "fetch the file again",
        b"radius",
    ),
    "static model": Damage(
        "2004-12", as_static_model, "a static time-variable model", "Take a monthly series", b"gfct"
    ),
    "other tide system": Damage(
        "2005-01",
        with_keyword(b"tide_system", b"zero_tide"),
        "the tide system is zero_tide, that of the baseline tide_free",
        "never mixed",
    ),
    "no date": Damage("2005-02", without_a_date, "neither name nor header says which month this is", "GSM-2_YYYYDDD"),
}

TWO_FILES = "2005-03"
NOT_IN_THE_TABLE, BEHIND_THE_TABLE = "2006-03", "2006-12"
INDEFINITE_NORMALS, NORMALS_OF_ANOTHER_SIZE, CUT_NORMALS = "2005-05", "2005-06", "2005-07"
SET_ASIDE = sorted(
    [damage.month for damage in DAMAGES.values()]
    + [TWO_FILES, NOT_IN_THE_TABLE, BEHIND_THE_TABLE, INDEFINITE_NORMALS, NORMALS_OF_ANOTHER_SIZE, CUT_NORMALS]
)


def without_row_of(month: Month) -> Edit:
    """The low-degree table without the row that begins with a month."""
    return without_line(b"%.1f" % month.calendar.begin)


def with_negative_diagonal(content: bytes) -> bytes:
    """The sign of the tenth parameter's own normal equation turned."""
    return with_words(b"10  10  ", lambda words: [*words[:2], b"-" + words[2], *words[3:]])(content)


@dataclass(frozen=True)
class Met:
    """A run that met everything at once: the folder that it read, what it said, and what lies in its folder."""

    archive: Archive
    out: Path
    answer: Result

    @property
    def said(self) -> str:
        return self.answer.stderr

    @property
    def product(self) -> Path:
        return next(self.out.glob("*.nc"))


@pytest.fixture(scope="module")
def damaged(archive: Archive, simulated: Simulate, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The archive in which every kind of damage stands in a month of its own."""
    bad = archive.linked(tmp_path_factory.mktemp("damaged"))
    for damage in DAMAGES.values():
        path = edited(bad.gfc(damage.month), damage.edit)
        if damage.edit is without_a_date:
            path.rename(bad.level2 / "field.gfc")
    again = bad.gfc(TWO_FILES)
    (bad.level2 / again.name.replace("_0200", "_0201")).write_bytes(with_cosine(9, 4, b"1.0E-09")(again.read_bytes()))
    edited(bad.low_degrees, lambda content: without_row_of(Month.parse(NOT_IN_THE_TABLE))(content))
    edited(bad.low_degrees, lambda content: without_row_of(Month.parse(BEHIND_THE_TABLE))(content))
    months = {"first": Month(2005, 5), "last": Month(2005, 7)}
    normal = frozenset(Month.parse(month) for month in (INDEFINITE_NORMALS, CUT_NORMALS))
    ours = simulated(normals=normal, **months)
    smaller = simulated(nmax=12, normals=frozenset([Month.parse(NORMALS_OF_ANOTHER_SIZE)]), **months)
    bad.sinex(INDEFINITE_NORMALS).write_bytes(with_negative_diagonal(ours.sinex(INDEFINITE_NORMALS).read_bytes()))
    bad.sinex(CUT_NORMALS).write_bytes(ours.sinex(CUT_NORMALS).read_bytes()[:-5000])
    bad.sinex(NORMALS_OF_ANOTHER_SIZE).write_bytes(smaller.sinex(NORMALS_OF_ANOTHER_SIZE).read_bytes())
    return bad


@pytest.fixture(scope="module")
def met(
    damaged: Archive,
    baseline: Path,
    gravstream: Command,
    command_of: Callable[..., list[object]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Met:
    out = tmp_path_factory.mktemp("met")
    return Met(damaged, out, gravstream(*command_of(damaged, out, "--baseline", baseline)))


@pytest.fixture(scope="module")
def sound(archive: Archive, baseline: Path, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The same run where the bad months are not in the folder at all."""
    folder = tmp_path_factory.mktemp("sound")
    return make(archive.linked(folder / "archive", without=SET_ASIDE), folder / "out", baseline=baseline)


class TestEveryBadMonth:
    @pytest.mark.parametrize("kind", DAMAGES)
    def test_is_named_with_file_line_what_was_found_and_what_to_do(self, kind: str, met: Met) -> None:
        damage = DAMAGES[kind]
        path = met.archive.gfc(damage.month)
        path = path if path.exists() else met.archive.level2 / "field.gfc"
        said = [line.strip() for line in met.said.splitlines() if line.strip().startswith(path.name)]
        assert len(said) == 1, met.said
        place = f"{path.name}: "
        if damage.line is not None:
            place = f"{path.name}, line {line_of(path.read_bytes(), damage.line)}: "
        assert said[0].startswith(place)
        assert damage.found in said[0]
        assert damage.advice in said[0].split(damage.found)[1]

    def test_of_two_files_names_both_and_takes_neither(self, met: Met) -> None:
        name = met.archive.gfc(TWO_FILES).name
        line = next(line for line in met.said.splitlines() if f"different files for {TWO_FILES}" in line)
        assert name in line
        assert name.replace("_0200", "_0201") in line
        assert "Decide which one is meant" in line

    @pytest.mark.parametrize("month", [NOT_IN_THE_TABLE, BEHIND_THE_TABLE])
    def test_without_a_row_in_the_table_waits_for_it_and_takes_no_other_row(self, month: str, met: Met) -> None:
        line = next(line for line in met.said.splitlines() if f"no C20 for {month}" in line)
        assert line.strip().startswith(f"{met.archive.low_degrees.name}: ")
        assert "rows of C20 begin from 2003-01-01 to 2006-11-01" in line
        assert "The month waits for a table that covers it" in line

    @pytest.mark.parametrize(
        ("month", "found", "advice"),
        [
            (INDEFINITE_NORMALS, "the normal matrix is not positive definite", "--filter-source ddk"),
            (NORMALS_OF_ANOTHER_SIZE, "end at degree 12, degree 20 is needed", "leave this month's normals out"),
            (CUT_NORMALS, "truncated", "Fetch the file again"),
        ],
    )
    def test_of_bad_normals_names_the_file_of_the_normals(self, month: str, found: str, advice: str, met: Met) -> None:
        name = met.archive.sinex(month).name
        line = next(line for line in met.said.splitlines() if line.strip().startswith(name))
        assert found in line
        assert advice in line

    def test_is_set_aside_and_nothing_else_is(self, met: Met) -> None:
        left = {str(month) for month in read_level3(met.product).months}
        every = {f"{year}-{month:02d}" for year in range(2003, 2007) for month in range(1, 13)} - {"2003-06"}
        assert every - left == set(SET_ASIDE)
        assert met.said.count("it is not used") == len(SET_ASIDE) - 2
        assert met.said.count("the month waits for it") == 2

    def test_makes_the_exit_code_three_and_the_product_stands(self, met: Met) -> None:
        assert met.answer.exit_code == INCOMPLETE
        assert sorted(path.suffix for path in met.out.iterdir() if path.is_file()) == [".nc", ".png"]

    def test_leaves_nothing_half_written(self, met: Met) -> None:
        names = [path.name for path in met.out.rglob("*") if path.is_file()]
        assert not [name for name in names if name.endswith((".tmp", ".part"))]
        assert len(list((met.out / ".level2b").iterdir())) == len(read_level3(met.product).months) + 2
        # the two files of one month were both good by themselves

    def test_leaves_every_other_month_as_it_is_without_it_bit_for_bit(self, met: Met, sound: Outcome) -> None:
        assert_same_bits(maps_of(met.product), maps_of(sound.files[0]))


def test_a_bad_month_is_no_part_of_a_new_baseline(archive: Archive, make: Make, tmp_path: Path) -> None:
    """From nothing, too, the product is the one that the other months make."""
    until = Month(2004, 6)
    bad = archive.linked(tmp_path / "bad", until=until)
    edited(bad.gfc("2003-09"), cut_off)
    found = make(bad, tmp_path / "with")
    expected = make(archive.linked(tmp_path / "good", until=until, without=["2003-09"]), tmp_path / "without")
    assert [error.file for error in found.rejected] == [bad.gfc("2003-09").name]
    assert found.baseline.digest == expected.baseline.digest
    assert_same_bits(maps_of(found.files[0]), maps_of(expected.files[0]))


def test_another_gm_and_radius_are_rescaled(
    record_archive: Archive, record: Outcome, baseline: Path, make: Make, tmp_path: Path
) -> None:
    """c (GM/GM') (R/R')^n: the field is the same, so are the maps, to single precision [mm].

    The constants are further off than any published ones, so that what is not rescaled shows: C22 alone
    would be wrong by 5e-9, which are decimetres of water.
    """
    other = record_archive.linked(tmp_path / "archive")

    def rescale(content: bytes) -> bytes:
        field = read_gfc(content, name=other.gfc("2004-05").name)
        gm, radius = 3.9864e14, 6371000.0
        factor = (field.gm / gm) * (field.radius / radius) ** ordering.index(NMAX).degree
        assert field.sigmas is not None
        changed = replace(field, values=field.values * factor, sigmas=field.sigmas * factor, gm=gm, radius=radius)
        return write_level2(changed, digits=16)

    edited(other.gfc("2004-05"), rescale)
    found = make(other, tmp_path / "out", baseline=baseline)
    assert not found.rejected
    ours, theirs = maps_of(found.files[0]), maps_of(record.files[0])
    largest = np.nanmax(np.abs(theirs["twsa"]))
    assert np.nanmax(np.abs(ours["twsa"] - theirs["twsa"])) < np.finfo(np.float32).eps * largest


# What is refused before a month is read: nothing at all may be written.


@dataclass(frozen=True)
class Hindrance:
    """An edit of a whole archive, and what must be said."""

    edit: Callable[[Archive], object]
    file: Callable[[Archive], Path] | None
    found: str
    advice: str
    line: bytes | None = None


def gia(archive: Archive) -> Path:
    return archive.gia


def low_degrees(archive: Archive) -> Path:
    return archive.low_degrees


def mask(archive: Archive) -> Path:
    return archive.auxiliaries / "land_mask.nc"


def with_mask_of_another_grid(archive: Archive) -> Path:
    grid = Grid(1.0)
    return write_mask(mask(archive), continents(grid), grid.latitudes, grid.longitudes)


def with_shifted_mask(archive: Archive) -> Path:
    """As many cells as needed, but their corners where the centres should be."""
    grid = Grid()
    return write_mask(mask(archive), continents(grid), grid.latitudes - 0.25, grid.longitudes - 0.25)


def with_rate(degree: int, order: int, text: bytes) -> Edit:
    start = b"GRDOTA %4d %4d " % (degree, order)
    return with_words(start, lambda words: [*words[:3], text, *words[4:]])


def without_rates(content: bytes) -> bytes:
    """Every rate is zero, as a reader that knows another keyword would make them."""
    head, marker, body = content.partition(b"# End of YAML header\n")
    rows = [b" ".join([*line.split()[:3], b"0.0", b"0.0"]) for line in body.splitlines()]
    return head + marker + b"\n".join(rows) + b"\n"


HINDRANCES = {
    "GIA is a web page": Hindrance(
        lambda a: edited(a.gia, lambda _: PAGE), gia, "a web page instead of data", "Fetch the file again"
    ),
    "GIA is cut off": Hindrance(
        lambda a: edited(a.gia, lambda c: c[: c.index(b"GRDOTA   90   30 ") + 30]),
        gia,
        "numbers in a row that has 4",
        "fetch it again",
        b"GRDOTA   90   30 ",
    ),
    "GIA with NaN": Hindrance(
        lambda a: edited(a.gia, with_rate(2, 0, b"NaN")),
        gia,
        "'NaN', which is not a finite number",
        "Fetch",
        b"GRDOTA 2 0 ",
    ),
    "GIA of zeros": Hindrance(lambda a: edited(a.gia, without_rates), gia, "zero", "etch"),
    "table is a web page": Hindrance(
        lambda a: edited(a.low_degrees, lambda _: PAGE), low_degrees, "a web page instead of data", "Fetch"
    ),
    "table with a torn row": Hindrance(
        lambda a: edited(a.low_degrees, lambda c: c[:-40]), low_degrees, "columns and", "fetch it again", b"54070.0"
    ),
    "two tables": Hindrance(
        lambda a: (a.auxiliaries / f"old-{a.low_degrees.name}").write_bytes(a.low_degrees.read_bytes()),
        None,
        "2 files that may be the low-degree table",
        "Leave the one that is meant",
    ),
    "no GIA": Hindrance(lambda a: a.gia.unlink(), None, "a GIA model", "Put GravIS' auxiliaries there"),
    "mask of another grid": Hindrance(
        with_mask_of_another_grid, mask, "a grid of 180 lat from -89.5 to 89.5 by 360 lon", "360 x 720 cells of 0.5"
    ),
    "shifted mask": Hindrance(with_shifted_mask, mask, "a grid of 360 lat from -90 to 89.5", "360 x 720 cells of 0.5"),
    "every month damaged": Hindrance(
        lambda a: [edited(path, lambda _: PAGE) for path in a.level2.glob("*.gfc")],
        None,
        "no month is left to process",
        "gravstream inspect",
    ),
}


@pytest.mark.parametrize("kind", HINDRANCES)
def test_what_spoils_every_month_is_refused_and_an_older_product_stays_untouched(
    kind: str,
    record_archive: Archive,
    record_out: Path,
    record: Outcome,
    tmp_path: Path,
    gravstream: Command,
    command_of: Callable[..., list[object]],
) -> None:
    hindrance = HINDRANCES[kind]
    bad = record_archive.linked(tmp_path / "archive")
    hindrance.edit(bad)
    out = tmp_path / "out"
    shutil.copytree(record_out, out)
    before = contents(out)
    answer = gravstream(*command_of(bad, out))
    assert answer.exit_code == REFUSED
    assert contents(out) == before
    said = " ".join(answer.stderr.split())
    assert hindrance.found in said
    assert hindrance.advice in said.split(hindrance.found)[1]
    if hindrance.file is not None:
        path = hindrance.file(bad)
        line = "" if hindrance.line is None else f", line {line_of(path.read_bytes(), hindrance.line)}"
        assert f"{path.name}{line}: " in said


def test_what_is_refused_from_nothing_leaves_an_empty_place(
    record_archive: Archive, tmp_path: Path, gravstream: Command, command_of: Callable[..., list[object]]
) -> None:
    bad = record_archive.linked(tmp_path / "archive")
    edited(bad.gia, lambda _: PAGE)
    assert gravstream(*command_of(bad, tmp_path / "out")).exit_code == REFUSED
    assert not (tmp_path / "out").exists()
