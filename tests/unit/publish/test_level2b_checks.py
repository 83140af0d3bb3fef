"""The gate of Level-2B: complete months, readable files that hold what they say, usual sizes and noise."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from services.publish.gate import GateReport
from services.publish.level2b_checks import FILTER_SETS, check_level2b
from tests.unit.publish.releases import manifest_of, write_months

MONTHS = ["2008-04", "2008-05", "2008-06"]
SPAN = "2008122-2008152"  # 2008-05


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return write_months(tmp_path / "level2b", MONTHS)


def named(files: dict[str, Path], filter_set: str, span: str = SPAN) -> str:
    return next(name for name in files if name.startswith(filter_set) and span in name)


def rewritten(path: Path, old: bytes, new: bytes) -> None:
    """The same file with other words in it."""
    plain = gzip.decompress(path.read_bytes())
    changed = re.sub(old, new, plain)
    assert changed != plain
    path.write_bytes(gzip.compress(changed, mtime=0))


def held(report: GateReport) -> list[str]:
    return [result.name for result in report.results if not result.passed]


def test_complete_months_pass(files: dict[str, Path]) -> None:
    report = check_level2b(files)
    assert held(report) == []
    assert report["readable"].text == "27 new files were read"
    assert len(FILTER_SETS) == 9


def test_only_what_is_new_is_read(files: dict[str, Path]) -> None:
    old = manifest_of({name: path for name, path in files.items() if "2008153" not in name})
    assert check_level2b(files, old)["readable"].text == "9 new files were read"


def test_a_month_without_one_of_its_sets_is_held(files: dict[str, Path]) -> None:
    del files[named(files, "VDK7")]
    report = check_level2b(files)
    assert held(report) == ["completeness"]
    assert report["completeness"].text == f"{SPAN} lacks VDK7"


def test_no_file_at_all_is_held() -> None:
    assert held(check_level2b({})) == ["completeness"]


def test_a_damaged_file_is_held_and_named(files: dict[str, Path]) -> None:
    name = named(files, "VDK2")
    files[name].write_bytes(files[name].read_bytes()[:-40])
    report = check_level2b(files)
    assert held(report) == ["readable"]
    assert name in report["readable"].text


def test_a_file_in_the_folder_of_another_filter_is_held(files: dict[str, Path]) -> None:
    files[named(files, "VDK2")].write_bytes(files[named(files, "VDK3")].read_bytes())
    report = check_level2b(files)
    assert "is of the filter set VDK3" in report["readable"].text


def test_a_file_of_another_month_is_held(files: dict[str, Path]) -> None:
    files[named(files, "VDK2")].write_bytes(files[named(files, "VDK2", "2008153")].read_bytes())
    assert "holds 2008153-2008182" in check_level2b(files)["names"].text


def test_a_field_that_is_no_anomaly_is_held(files: dict[str, Path]) -> None:
    rewritten(files[named(files, "VDK4")], rb"(gfc +2 +0) \S+", rb"\1 -4.84165000000000000E-04")
    report = check_level2b(files)
    assert held(report) == ["range"]
    assert report["range"].measured == pytest.approx(4.84165e-4)


def test_noise_of_a_month_that_is_not_usual_is_held(files: dict[str, Path]) -> None:
    old = manifest_of({name: path for name, path in files.items() if "2008153" not in name})
    name = named(files, "NFIL", "2008153")
    rewritten(files[name], rb"(gfc +6 +\d+) (\S+)E-1\d", rb"\1 \2E-09")
    report = check_level2b(files, old)
    assert held(report) == ["noise"]
    assert report["noise"].measured > report["noise"].limit


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (rb"CMMNT source: level-2.*\n", b"", "does not name its level-2"),
        (rb"CMMNT history: .*\n", b"", "does not tell its steps"),
    ],
)
def test_a_file_that_hides_where_it_comes_from_is_held(
    old: bytes, new: bytes, said: str, files: dict[str, Path]
) -> None:
    rewritten(files[named(files, "VDK4")], old, new)
    report = check_level2b(files)
    assert held(report) == ["metadata"]
    assert said in report["metadata"].text


def test_another_version_may_have_other_files(files: dict[str, Path], tmp_path: Path) -> None:
    report = check_level2b(write_months(tmp_path / "second", MONTHS, version="0002"), manifest_of(files))
    assert held(report) == []


def test_files_of_two_versions_do_not_mix(files: dict[str, Path], tmp_path: Path) -> None:
    other = write_months(tmp_path / "second", ["2008-07"], version="0002")
    assert "several versions: 0001, 0002" in check_level2b(files | other)["completeness"].text
