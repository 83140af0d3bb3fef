"""The command `gravstream` as a person runs it: exit codes, the closing table, messages, and 80 columns."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import matplotlib.image
import netCDF4
import numpy as np
import pytest
from typer.testing import Result

from services.cli import app
from services.process.production import Outcome
from shared.formats.netcdf import read_level3
from shared.models.epoch import Month
from shared.models.grid import Grid
from tests.integration.conftest import Archive, Command, Make, Simulate, contents, edited
from tests.product_builders import continents, write_mask

COLUMNS = 80
REFUSED, MISUSED, INCOMPLETE = 1, 2, 3

Run = Callable[..., subprocess.CompletedProcess[str]]
Words = Callable[..., list[object]]


@pytest.fixture(scope="session")
def process(environment: dict[str, str]) -> Run:
    """The command in a process of its own, as a shell starts it."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "services.cli", *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, env=os.environ | environment, check=False)

    return run


def assert_fits(text: str) -> None:
    assert not [line for line in text.splitlines() if len(line) > COLUMNS]


def assert_plain_words(said: str) -> None:
    """A message for a person: no trace of the program's inside."""
    assert "Traceback" not in said
    assert "Error:" not in said
    assert said.strip()


def test_the_command_is_installed_under_its_name() -> None:
    (command,) = entry_points(group="console_scripts", name="gravstream")
    assert command.load() is app


class TestHelp:
    def test_of_the_command_names_every_command(self, process: Run) -> None:
        answer = process("--help")
        assert answer.returncode == 0
        assert not answer.stderr
        assert_fits(answer.stdout)
        assert {"produce", "inspect", "simulate"} <= set(answer.stdout.split())

    @pytest.mark.parametrize(
        ("command", "options"),
        [
            (
                "produce",
                "--level2 --auxiliaries --out --product --from --to --filter-source --baseline --mode --workers",
            ),
            ("inspect", "--help"),
            ("simulate", "--out --from --to --seed"),
        ],
    )
    def test_of_a_command_names_its_options(self, command: str, options: str, gravstream: Command) -> None:
        answer = gravstream(command, "--help")
        assert answer.exit_code == 0
        assert_fits(answer.stdout)
        assert set(options.split()) <= set(re.findall(r"--[a-z0-9-]+", answer.stdout))


NOISY = Month(2004, 2)


@dataclass(frozen=True)
class Ran:
    """A run of the command and its folder."""

    answer: subprocess.CompletedProcess[str]
    out: Path

    @property
    def product(self) -> Path:
        return next(self.out.glob("TWSA*.nc"))

    @property
    def table(self) -> dict[str, str]:
        """The closing table: text by label, lines that were folded put together."""
        rows: dict[str, str] = {}
        label = ""
        for line in self.answer.stdout.splitlines():
            found = re.match(r"  (\S.*?)  +(\S.*?) *$", line)
            if found:
                label = found[1]
                rows[label] = found[2]
            elif label and line.startswith(" " * 10):
                rows[label] += ("\n" if line.strip().startswith("/") else "") + line.strip()
        return rows


@pytest.fixture(scope="module")
def ran(
    archive: Archive, simulated: Simulate, process: Run, command_of: Words, tmp_path_factory: pytest.TempPathFactory
) -> Ran:
    """`gravstream produce` on seventeen months, of which one is four times as noisy as the others."""
    folder = tmp_path_factory.mktemp("ran")
    months = archive.linked(folder / "archive", until=Month(2004, 6))
    noisy = simulated(noise=4.0, first=NOISY, last=NOISY)
    edited(months.gfc(str(NOISY)), lambda _: noisy.gfc(str(NOISY)).read_bytes())
    out = folder / "out"
    return Ran(process(*command_of(months, out)), out)


class TestProduce:
    def test_leaves_with_zero_and_without_a_complaint(self, ran: Ran) -> None:
        assert ran.answer.returncode == 0
        assert ran.answer.stderr == ""

    def test_closes_with_a_table_of_months_gaps_and_fallback_months(self, ran: Ran) -> None:
        assert ran.table["product"] == "twsa v1.0"
        assert ran.table["months"] == "17, 2003-01 to 2004-06"
        assert ran.table["gaps"] == "1: 2003-06"
        assert ran.table["fallback months"] == str(NOISY)
        assert ran.table["filter"] == "17 error-scaled"
        assert ran.table["baseline"] == "2003-01 to 2022-12, 17 months, estimated"

    def test_tells_the_mean_noise_that_stands_in_the_file(self, ran: Ran) -> None:
        noise = read_level3(ran.product).noise
        assert ran.table["mean noise"] == f"{noise.mean():.1f} mm over open ocean, largest {noise.max():.1f} mm"

    def test_tells_the_time_and_the_files(self, ran: Ran) -> None:
        assert re.fullmatch(r"\d+\.\d s", ran.table["time"])
        listed = [Path(line) for line in ran.table["files"].splitlines()]
        assert sorted(listed) == sorted(path for path in ran.out.iterdir() if path.is_file())
        assert sorted(path.suffix for path in listed) == [".nc", ".nc", ".png"]

    def test_shows_its_stages(self, ran: Ran) -> None:
        for stage in ("reading months", "correcting months", "evaluating the series", "writing the product"):
            assert re.search(rf"{stage} .* (\d+)/\1 ", ran.answer.stdout)

    def test_fits_a_narrow_terminal(self, ran: Ran) -> None:
        assert_fits(ran.answer.stdout)

    def test_draws_a_picture_that_is_one(self, ran: Ran) -> None:
        picture = ran.product.with_suffix(".png")
        head = picture.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", head[16:24])
        pixels = matplotlib.image.imread(picture)
        assert pixels.shape[:2] == (height, width)
        colours = np.unique(pixels[::8, ::8].reshape(-1, pixels.shape[2]), axis=0)
        assert len(colours) > 100  # a map, not an empty sheet

    def test_says_when_the_baseline_of_before_is_used_again(
        self, ran: Ran, archive: Archive, gravstream: Command, command_of: Words, tmp_path: Path
    ) -> None:
        months = archive.linked(tmp_path / "archive", until=Month(2004, 7))
        shutil.copytree(ran.out, tmp_path / "out")
        answer = gravstream(*command_of(months, tmp_path / "out"))
        assert answer.exit_code == 0
        assert "17 months, used again" in answer.stdout
        assert "18, 2003-01 to 2004-07" in answer.stdout


class TestLevel2BCommand:
    def test_counts_its_files_where_they_are_many(
        self, archive: Archive, gravstream: Command, command_of: Words, tmp_path: Path
    ) -> None:
        months = archive.linked(tmp_path / "archive", until=Month(2003, 12))
        answer = gravstream(*command_of(months, tmp_path / "out", "--product", "l2b"))
        assert answer.exit_code == 0
        assert_fits(answer.stdout)
        assert re.search(r"months +11, 2003-01 to 2003-12", answer.stdout)
        written = list((tmp_path / "out" / "level2b").rglob("*.gz"))
        assert len(written) == 11 * 9
        assert f"{11 * 9 + 1} under" in answer.stdout  # and the baseline


# Requests that cannot be: what is asked for beside a good archive, the exit code, and what is said of it.
WRONG = {
    "a month that is none": (["--from", "2015-13"], REFUSED, "2015-13 is not a month", "Write a month as YYYY-MM"),
    "a month in words": (["--to", "May"], REFUSED, "'May' is not a month", "Write a month as YYYY-MM"),
    "the wrong order": (
        ["--from", "2004-05", "--to", "2004-04"],
        REFUSED,
        "the first month, 2004-05, comes after the last, 2004-04",
        "Exchange --from and --to",
    ),
    "no month of the folder": (["--from", "2019-01"], REFUSED, "no month is left to process", "Widen --from and --to"),
    "too few months": (
        ["--to", "2003-05"],
        REFUSED,
        "5 months cannot separate a trend from the seasons",
        "at least a year and a half",
    ),
    "unknown product": (["--product", "snow"], MISUSED, "'snow' is not one of 'twsa', 'l2b'", ""),
    "unknown filter": (["--filter-source", "none"], MISUSED, "'none' is not one of", ""),
    "no process": (["--workers", "0"], MISUSED, "--workers", ""),
}


class TestWrongRequests:
    @pytest.mark.parametrize("kind", WRONG)
    def test_are_refused_in_words_and_write_no_product(
        self, kind: str, record_archive: Archive, gravstream: Command, command_of: Words, tmp_path: Path
    ) -> None:
        options, code, found, advice = WRONG[kind]
        answer = gravstream(*command_of(record_archive, tmp_path / "out", *options))
        said = " ".join(answer.stderr.replace("│", " ").split())
        assert answer.exit_code == code
        assert found in said
        assert advice in said
        assert_plain_words(said)
        assert not [path for path in (tmp_path / "out").glob("*") if path.name != ".level2b"]  # working files

    @pytest.mark.parametrize("folder", ["level2", "auxiliaries"])
    def test_of_a_folder_that_is_not_there_name_it(
        self, folder: str, record_archive: Archive, gravstream: Command, tmp_path: Path
    ) -> None:
        folders = {"level2": record_archive.level2, "auxiliaries": record_archive.auxiliaries}
        folders[folder] = tmp_path / "nowhere"
        words = [word for name, path in folders.items() for word in (f"--{name}", path)]
        answer = gravstream("produce", *words, "--out", tmp_path / "out")
        assert answer.exit_code == REFUSED
        assert f"{tmp_path / 'nowhere'} is not a folder" in answer.stderr
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("folder", "found"),
        [("level2", "holds no Level-2 file"), ("auxiliaries", "has no file of a low-degree table")],
    )
    def test_of_an_empty_folder_say_what_is_expected_there(
        self, folder: str, found: str, record_archive: Archive, gravstream: Command, tmp_path: Path
    ) -> None:
        (tmp_path / "empty").mkdir()
        folders = {"level2": record_archive.level2, "auxiliaries": record_archive.auxiliaries}
        folders[folder] = tmp_path / "empty"
        words = [word for name, path in folders.items() for word in (f"--{name}", path)]
        answer = gravstream("produce", *words, "--out", tmp_path / "out")
        assert answer.exit_code == REFUSED
        assert f"{tmp_path / 'empty'} {found}" in answer.stderr

    def test_to_write_into_a_file_are_refused(
        self, record_archive: Archive, gravstream: Command, command_of: Words, tmp_path: Path
    ) -> None:
        (tmp_path / "out").write_text("a letter")
        answer = gravstream(*command_of(record_archive, tmp_path / "out"))
        assert answer.exit_code == REFUSED
        assert f"{tmp_path / 'out'} is a file" in answer.stderr
        assert (tmp_path / "out").read_text() == "a letter"

    def test_for_the_baseline_of_another_product_say_which_it_is_of(
        self, record_archive: Archive, baseline: Path, gravstream: Command, command_of: Words, tmp_path: Path
    ) -> None:
        words = command_of(record_archive, tmp_path / "out", "--product", "l2b", "--baseline", baseline)
        answer = gravstream(*words)
        assert answer.exit_code == REFUSED
        assert "is of 2003-01..2022-12" in answer.stderr
        assert "l2b needs 2002-04..2020-03" in answer.stderr

    def test_come_through_a_shell_without_a_traceback(self, process: Run, command_of: Words, tmp_path: Path) -> None:
        nowhere = Archive(tmp_path / "a", tmp_path / "b")
        answer = process(*command_of(nowhere, tmp_path / "out"))
        assert answer.returncode == REFUSED
        assert_plain_words(answer.stderr)

    def test_with_brackets_in_a_name_are_told_as_they_are(
        self, record_archive: Archive, gravstream: Command, command_of: Words, tmp_path: Path
    ) -> None:
        """Rich reads brackets as markup; a closing one without an opening one would end the program."""
        strange = Archive(tmp_path / "a [/b]", record_archive.auxiliaries)
        answer = gravstream(*command_of(strange, tmp_path / "out"))
        assert answer.exit_code == REFUSED
        assert "a [/b] is not a folder" in answer.stderr


@pytest.fixture(scope="module")
def shelf(
    archive: Archive,
    record: Outcome,
    simulated: Simulate,
    make: Make,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """One good file of every kind that is read or written here."""
    folder = tmp_path_factory.mktemp("shelf")
    month = "2003-05"
    first, last = Month.parse(month), Month(2003, 5)
    with_normals = simulated(nmax=8, first=first, last=last, normals=frozenset([first]))
    packed = folder / f"{archive.gfc(month).name}.gz"
    packed.write_bytes(gzip.compress(archive.gfc(month).read_bytes()))
    months = folder / "months.csv"
    months.write_text("nominal_month,begin_yyyyddd,end_yyyyddd\n2003-01,2003001,2003031\n2003-02,2003032,2003059\n")
    grid = Grid()
    some = archive.linked(folder / "some", until=Month(2003, 12))
    return {
        "Level-2 gravity field (gfc)": archive.gfc(month),
        "Level-2 gravity field (gfc), packed": packed,
        "Level-2B coefficients": make(some, folder / "l2b", product="l2b").files[0],
        "model of glacial isostatic adjustment": archive.gia,
        "table of low-degree coefficients": archive.low_degrees,
        "table of low-degree coefficients, geocenter": next(archive.auxiliaries.glob("*GEOCENTER*")),
        "table of months": months,
        "normal equations (SINEX)": with_normals.sinex(month),
        "Level-3 product": record.files[0],
        "baseline": record.files[1],
        "land mask": write_mask(folder / "mask.nc", continents(grid), grid.latitudes, grid.longitudes),
    }


KINDS = (
    "Level-2 gravity field (gfc)",
    "Level-2 gravity field (gfc), packed",
    "Level-2B coefficients",
    "model of glacial isostatic adjustment",
    "table of low-degree coefficients",
    "table of low-degree coefficients, geocenter",
    "table of months",
    "normal equations (SINEX)",
    "Level-3 product",
    "baseline",
    "land mask",
)


def without_its_end(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def with_another_number(path: Path, variable: str) -> None:
    """One number of a NetCDF file changed, as nobody should."""
    with netCDF4.Dataset(path, "a") as file:
        place = (0,) * file[variable].ndim
        file[variable][place] = 77e3


class TestInspect:
    def test_knows_every_kind(self, shelf: dict[str, Path]) -> None:
        assert tuple(shelf) == KINDS

    @pytest.mark.parametrize("kind", KINDS)
    def test_says_what_a_good_file_is_and_that_it_is_sound(
        self, kind: str, shelf: dict[str, Path], gravstream: Command
    ) -> None:
        answer = gravstream("inspect", shelf[kind])
        assert answer.exit_code == 0
        assert answer.stderr == ""
        assert answer.stdout.startswith(kind.partition(",")[0])
        assert answer.stdout.rstrip().endswith("sound")
        assert_fits(answer.stdout)

    @pytest.mark.parametrize("kind", KINDS)
    def test_calls_a_file_that_is_cut_off_unsound(
        self, kind: str, shelf: dict[str, Path], gravstream: Command, tmp_path: Path
    ) -> None:
        path = tmp_path / shelf[kind].name
        shutil.copy(shelf[kind], path)
        edited(path, without_its_end)
        answer = gravstream("inspect", path)
        assert answer.exit_code == INCOMPLETE
        assert "problem" in answer.stderr
        assert "sound" not in answer.stdout
        assert_plain_words(answer.stderr)

    @pytest.mark.parametrize(
        ("kind", "variable", "problem"),
        [
            ("Level-3 product", "twsa", "stand on the ocean"),
            ("Level-3 product", "twsa_uncertainty", "stand on the ocean"),
            ("Level-3 product", "noise_open_ocean", "flag_filter does not fit"),
            ("baseline", "mean", "not what its digest says"),
        ],
    )
    def test_finds_a_number_that_was_changed(
        self, kind: str, variable: str, problem: str, shelf: dict[str, Path], gravstream: Command, tmp_path: Path
    ) -> None:
        """The corner of the map is ocean: 77 metres of water do not belong there."""
        path = tmp_path / shelf[kind].name
        shutil.copy(shelf[kind], path)
        if variable.startswith("twsa"):
            with netCDF4.Dataset(path, "a") as file:
                row = int(np.flatnonzero(np.asarray(file["land_mask"][:]).min(axis=1) == 0)[0])
                column = int(np.flatnonzero(np.asarray(file["land_mask"][row]) == 0)[0])
                file[variable][0, row, column] = 77e3
        else:
            with_another_number(path, variable)
        answer = gravstream("inspect", path)
        assert answer.exit_code == INCOMPLETE
        assert problem in " ".join(answer.stderr.split())

    @pytest.mark.parametrize(
        ("name", "content", "found"),
        [
            ("empty.gfc", b"", "the file is empty"),
            ("page.gfc", b"<html>404</html>", "a web page instead of data"),
            ("letter.txt", b"Dear reader, this is a letter.\n", "none of the files that are known"),
        ],
    )
    def test_says_of_what_is_no_such_file_which_are_known(
        self, name: str, content: bytes, found: str, gravstream: Command, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_bytes(content)
        answer = gravstream("inspect", tmp_path / name)
        assert answer.exit_code == REFUSED
        assert f"{name}: {found}" in answer.stderr
        assert "Known are Level-2" in answer.stderr

    def test_of_a_file_that_is_not_there_says_so(self, gravstream: Command, tmp_path: Path) -> None:
        answer = gravstream("inspect", tmp_path / "nothing.gfc")
        assert answer.exit_code == REFUSED
        assert f"there is no file {tmp_path / 'nothing.gfc'}" in answer.stderr

    def test_changes_nothing(self, shelf: dict[str, Path], gravstream: Command) -> None:
        for path in shelf.values():
            before = contents(path.parent)[path.name]
            gravstream("inspect", path)
            assert contents(path.parent)[path.name] == before


def simulated_files(run: Callable[..., Result], out: Path, seed: int) -> dict[str, bytes]:
    """Content of all files of a simulated month."""
    answer = run("simulate", "--out", out, "--from", "2003-01", "--to", "2003-01", "--seed", seed)
    assert answer.exit_code == 0
    assert_fits(answer.stdout)
    return {name: content for name, (_, _, content) in contents(out).items()}


class TestSimulate:
    @pytest.fixture
    def seven(self, gravstream: Command, tmp_path: Path) -> dict[str, bytes]:
        return simulated_files(gravstream, tmp_path / "seven", 7)

    def test_makes_the_same_bytes_of_the_same_seed_and_others_of_another(
        self, seven: dict[str, bytes], gravstream: Command, process: Run, tmp_path: Path
    ) -> None:
        folders = {Path(name).parts[0] for name in seven}
        assert folders == {"level2", "auxiliaries", "truth"}
        words = ("--from", "2003-01", "--to", "2003-01", "--seed", "7")
        again = process("simulate", "--out", tmp_path / "again", *words)
        assert again.returncode == 0
        assert {name: content for name, (_, _, content) in contents(tmp_path / "again").items()} == seven
        other = simulated_files(gravstream, tmp_path / "other", 8)
        assert other.keys() == seven.keys()
        same = {name for name, content in other.items() if content == seven[name]}
        # Rebound is a model of the Earth, not a random number.
        assert all("GIA" in name for name in same)

    @pytest.mark.parametrize(
        ("options", "code", "found"),
        [
            (["--from", "2004-02", "--to", "2003-02"], REFUSED, "there is no month of data from 2004-02 to 2003-02"),
            (["--from", "2004-13"], REFUSED, "2004-13 is not a month"),
            (["--seed", "-1"], MISUSED, "greater than or equal to 0"),
        ],
    )
    def test_refuses_what_cannot_be_simulated(
        self, options: list[str], code: int, found: str, gravstream: Command, tmp_path: Path
    ) -> None:
        answer = gravstream("simulate", "--out", tmp_path / "out", *options)
        assert answer.exit_code == code
        assert found in " ".join(answer.stderr.replace("│", " ").split())
        assert_plain_words(answer.stderr)
        assert not (tmp_path / "out").exists()
