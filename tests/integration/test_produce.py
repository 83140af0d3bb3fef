"""The function `produce`, end to end on a simulated archive: files, provenance, the same bits again, extension."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyshtools
import pytest
import xarray as xr
from threadpoolctl import threadpool_info, threadpool_limits

from services.process.production import Outcome
from services.process.products import L2B, TWSA
from shared.constants import DAYS_PER_YEAR
from shared.formats.baseline import read_baseline
from shared.formats.icgem import read_gfc
from shared.formats.level2b import read_level2b
from shared.formats.level3_attributes import FILTER_SOURCE_FLAGS
from shared.formats.shm import read_gia
from shared.geodesy import ordering
from shared.models.coefficients import FilterSource
from shared.models.epoch import Month, months_between
from tests.integration.conftest import (
    FIRST,
    ISSUED,
    LAST_OF_RECORD,
    NMAX,
    Archive,
    Make,
    assert_same_bits,
    contents,
    maps_of,
)

MISSING = Month(2003, 6)
MONTHS = [month for month in months_between(FIRST, LAST_OF_RECORD) if month != MISSING]
NEXT = Month(2006, 1)
WORKING_FILES = ".level2b"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestTheProduct:
    def test_is_one_file_beside_its_baseline_and_the_working_files(self, record: Outcome, record_out: Path) -> None:
        names = [path.name for path in record.files]
        assert names == ["TWSA_COSTG-RL02_GLOBAL_MONTHLY_200301_200512_v1.0.nc", "baseline.nc"]
        assert sorted(path.name for path in record_out.iterdir()) == sorted([*names, WORKING_FILES])
        assert len(list((record_out / WORKING_FILES).iterdir())) == len(MONTHS)

    def test_has_the_months_of_the_folder_at_the_true_middle_of_their_data(self, product: Path) -> None:
        with xr.open_dataset(product) as opened:
            assert opened["nominal_month"].values.tolist() == [100 * month.year + month.month for month in MONTHS]
            bounds = opened["time_bnds"].values
            assert np.array_equal(opened["time"].values, bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) / 2)
            # 2004-01 has data of its first 13 days only (COST-G RL02): a row that no calendar could give
            row = MONTHS.index(Month(2004, 1))
            assert bounds[row, 0] == np.datetime64("2004-01-01")
            assert bounds[row, 1] - bounds[row, 0] == np.timedelta64(13, "D")

    def test_has_values_on_land_and_only_there(self, product: Path) -> None:
        with xr.open_dataset(product) as opened:
            land = opened["land_mask"].values == 1
            assert 0.25 < land.mean() < 0.45
            for name in ("twsa", "twsa_uncertainty"):
                assert np.array_equal(np.isfinite(opened[name].values), np.broadcast_to(land, opened[name].shape))

    def test_names_the_executed_steps_in_their_order(self, product: Path) -> None:
        assert TWSA.series is not None
        expected = [step.name for step in (*TWSA.monthly, *TWSA.series)]
        with xr.open_dataset(product) as opened:
            lines = opened.attrs["history"].splitlines()
        assert [line.split(": ", 1)[1].partition("(")[0] for line in lines] == expected
        assert all(line.startswith(f"{ISSUED:%Y-%m-%dT%H:%M:%SZ} gravstream ") for line in lines)

    def test_names_the_very_files_that_it_was_made_from(self, product: Path, record_archive: Archive) -> None:
        with xr.open_dataset(product) as opened:
            columns = (opened[f"source_{part}"].values.tolist() for part in ("role", "name", "sha256"))
            sources = list(zip(*columns, strict=True))
        months = {(path.name, sha256(path)) for path in record_archive.level2.iterdir()}
        assert {(name, digest) for role, name, digest in sources if role == "level-2"} == months
        assert len(months) == len(MONTHS)
        by_role = {role: (name, digest) for role, name, digest in sources if role != "level-2"}
        for role, path in (("low-degrees", record_archive.low_degrees), ("gia", record_archive.gia)):
            assert by_role[role] == (path.name, sha256(path))
        assert {"filter", "land-mask", "love-numbers", "baseline"} <= by_role.keys()

    def test_says_which_values_were_taken_where_the_specification_leaves_them_open(
        self, product: Path, baseline: Path
    ) -> None:
        with xr.open_dataset(product) as opened:
            words = opened.attrs
        reference = read_baseline(baseline)
        assert words["baseline_sha256"] == reference.digest
        assert words["reference_period"] == "2003-01..2022-12"
        assert words["parameter_reference_months"] == f"{len(MONTHS)} months of 2003-01..2022-12"
        assert words["parameter_maximum_degree"] == str(NMAX)
        assert words["parameter_gia_reference_epoch"].startswith("2004-07")  # the middle of 2003 to 2005
        assert words["gaps"] == str(MISSING)
        assert words["filter_source_summary"] == f"normals: 0, error-scaled: {len(MONTHS)}, ddk: 0"
        # a year of months lies on either side of Sumatra alone
        assert words["parameter_earthquake_sumatra_andaman"].startswith("relaxation time ")
        assert "not fitted" in words["parameter_earthquake_maule"]
        for name in ("geocenter", "open_ocean", "love_numbers", "land_mask", "synthesis_surface", "tide_system"):
            assert words[f"parameter_{name}"]

    def test_says_of_each_month_where_its_filter_came_from(self, product: Path) -> None:
        with xr.open_dataset(product) as opened:
            assert set(opened["filter_source"].values.tolist()) == {FILTER_SOURCE_FLAGS[FilterSource.ERROR_SCALED]}


class TestTheSameBitsAgain:
    """The record itself was made with the threads of this process; NetCDF and baseline must come out the same."""

    def expect(self, outcome: Outcome, record: Outcome) -> None:
        for ours, theirs in zip(outcome.files, record.files, strict=True):
            assert ours.read_bytes() == theirs.read_bytes(), ours.name

    def test_come_with_two_processes_as_with_one(
        self, record_archive: Archive, record: Outcome, make: Make, tmp_path: Path
    ) -> None:
        self.expect(make(record_archive, tmp_path / "out", workers=2), record)

    @pytest.mark.parametrize("threads", [1, 2])
    def test_come_with_any_number_of_threads(
        self, threads: int, record_archive: Archive, record: Outcome, make: Make, tmp_path: Path
    ) -> None:
        with threadpool_limits(threads, user_api="blas"):
            assert max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas") == threads
            self.expect(make(record_archive, tmp_path / "out"), record)


class TestAPeriod:
    def test_limits_the_months_but_not_the_reference(
        self, record_archive: Archive, baseline: Path, make: Make, tmp_path: Path
    ) -> None:
        outcome = make(record_archive, tmp_path, first=Month(2004, 1), last=Month(2005, 6))
        asked = tuple(months_between(Month(2004, 1), Month(2005, 6)))
        assert outcome.months == asked
        assert outcome.files[0].name == "TWSA_COSTG-RL02_GLOBAL_MONTHLY_200401_200506_v1.0.nc"
        with xr.open_dataset(outcome.files[0]) as opened:
            assert opened["nominal_month"].values.tolist() == [100 * month.year + month.month for month in asked]
        assert not outcome.rejected
        assert outcome.baseline.digest == read_baseline(baseline).digest


@dataclass(frozen=True)
class Extension:
    """A run with one more month into a copy of the record's folder: what was there, and what then was."""

    outcome: Outcome
    out: Path
    before: dict[str, tuple[int, int, bytes]]
    after: dict[str, tuple[int, int, bytes]]


@pytest.fixture(scope="module")
def extension(
    archive: Archive, record: Outcome, record_out: Path, make: Make, tmp_path_factory: pytest.TempPathFactory
) -> Extension:
    folder = tmp_path_factory.mktemp("extension")
    out = folder / "out"
    shutil.copytree(record_out, out)
    before = contents(out)
    longer = archive.linked(folder / "archive", until=NEXT)
    outcome = make(longer, out, baseline=out / "baseline.nc")
    return Extension(outcome, out, before, contents(out))


class TestOneMonthMore:
    def test_is_measured_against_the_baseline_that_is_named(self, extension: Extension, baseline: Path) -> None:
        assert extension.outcome.baseline_reused
        assert extension.outcome.months == (*MONTHS, NEXT)
        with xr.open_dataset(extension.outcome.files[0]) as opened:
            words = opened.attrs
        assert words["baseline_sha256"] == read_baseline(baseline).digest
        assert words["parameter_reference_months"] == f"{len(MONTHS)} months of 2003-01..2022-12"

    def test_changes_nothing_in_the_baseline(self, extension: Extension) -> None:
        assert extension.after["baseline.nc"] == extension.before["baseline.nc"]

    def test_is_one_new_working_file_and_one_new_product(self, extension: Extension) -> None:
        new = extension.after.keys() - extension.before.keys()
        assert sorted(Path(name).parent.name for name in new) == ["", WORKING_FILES]
        assert Path(next(name for name in new if WORKING_FILES not in name)) == Path(extension.outcome.files[0].name)

    def test_leaves_what_is_kept_of_the_other_months_as_it_is(self, extension: Extension) -> None:
        """Not even written again: the inode and the time of the last change are those of the first run."""
        assert {name: extension.after[name] for name in extension.before} == extension.before

    def test_is_not_made_again_when_nothing_has_changed(self, extension: Extension, make: Make) -> None:
        longer = Archive(extension.out.parent / "archive" / "level2", extension.out.parent / "archive" / "auxiliaries")
        again = make(longer, extension.out)
        after = contents(extension.out)
        kept = {name: facts for name, facts in after.items() if WORKING_FILES in name}
        assert kept == {name: facts for name, facts in extension.after.items() if WORKING_FILES in name}
        assert_same_bits(maps_of(again.files[0]), maps_of(extension.outcome.files[0]))


def test_what_is_kept_is_made_again_when_an_auxiliary_changes(
    record_archive: Archive, record_out: Path, record: Outcome, make: Make, tmp_path: Path
) -> None:
    """A remark in the GIA model's header changes no number, but which file it is: every month has a new key."""
    out = tmp_path / "out"
    shutil.copytree(record_out, out)
    other = record_archive.linked(tmp_path / "archive")
    text = other.gia.read_bytes()
    other.gia.unlink()
    (other.auxiliaries / record_archive.gia.name).write_bytes(b"# fetched again\n" + text)
    again = make(other, out)
    assert len(list((out / WORKING_FILES).iterdir())) == 2 * len(MONTHS)
    assert_same_bits(maps_of(again.files[0]), maps_of(record.files[0]))


LAST_OF_LEVEL2B = Month(2004, 2)


@pytest.fixture(scope="module")
def level2b(archive: Archive, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Level-2B of the first thirteen months."""
    folder = tmp_path_factory.mktemp("level2b")
    short = archive.linked(folder / "archive", until=LAST_OF_LEVEL2B)
    return make(short, folder / "out", product="l2b")


class TestLevel2B:
    def file(self, level2b: Outcome, month: Month, label: str) -> Path:
        found = [
            path for path in level2b.files[:-1] if path.parent.name == label and read_level2b(path)[1].month == month
        ]
        assert len(found) == 1
        return found[0]

    def test_is_one_file_for_each_month_and_filter_set(self, level2b: Outcome) -> None:
        sets = ["NFIL", *(f"VDK{n}" for n in range(1, 9))]
        months = [month for month in MONTHS if month <= LAST_OF_LEVEL2B]
        assert level2b.months == tuple(months)
        found = [(label, field.month) for label, field in map(read_level2b, level2b.files[:-1])]
        assert sorted(found) == sorted((label, month) for label in sets for month in months)
        assert level2b.files[-1].name == "baseline.nc"

    def test_names_its_steps_and_the_sums_of_its_sources(self, level2b: Outcome, archive: Archive) -> None:
        _, field = read_level2b(self.file(level2b, Month(2004, 2), "VDK5"))
        assert [line.partition("(")[0] for line in field.history] == [step.name for step in L2B.monthly]
        sums = {source.role: source.sha256 for source in field.sources}
        assert sums["level-2"] == sha256(archive.gfc("2004-02"))
        assert "low-degrees" not in sums, "it names the rows that it used: the table is another one each month"
        rows = next(source for source in field.sources if source.role == "low-degrees-rows")
        assert rows.name == f"{archive.low_degrees.name} 2004-02" and len(rows.sha256) == 64
        assert sums["gia"] == sha256(archive.gia)
        assert sums["baseline"] == level2b.baseline.digest

    def test_is_read_by_pyshtools_as_by_us(self, level2b: Outcome) -> None:
        path = self.file(level2b, Month(2003, 4), "VDK3")
        _, field = read_level2b(path)
        theirs, gm, radius = pyshtools.shio.read_icgem_gfc(str(path))
        assert (gm, radius) == (field.gm, field.radius)
        assert np.array_equal(theirs, ordering.unpack(field.values))

    def test_not_filtered_is_the_month_minus_all_that_was_taken_away(self, level2b: Outcome, archive: Archive) -> None:
        """The sum by hand: NFIL + mean + GIA + alias is the field of Level-2 above degree 1, C20 aside.

        The same numbers, summed in another order: a few units in the last place of the largest.
        """
        month = Month(2003, 8)
        _, field = read_level2b(self.file(level2b, month, "NFIL"))
        reference, gia, raw = level2b.baseline, read_gia(archive.gia), read_gfc(archive.gfc(str(month)))
        assert field.span is not None
        degree = ordering.index(NMAX).degree
        scale = (gia.gm / reference.gm) * (gia.radius / reference.radius) ** degree
        rates = ordering.truncate(gia.rates, NMAX) * scale
        elapsed = (field.span.mid - np.mean([span.mid for span in reference.spans])) / DAYS_PER_YEAR
        phase = 2.0 * np.pi * 365.2422 / 161.0 * (2000.0 + (field.span.mid - 51544.5) / DAYS_PER_YEAR)
        alias = np.array([np.cos(phase), np.sin(phase)]) @ reference.alias["NFIL"]
        rest = field.values + reference.mean + elapsed * rates + alias - raw.values
        others = degree >= 2
        others[ordering.position(NMAX, 2, 0)] = False  # comes from laser ranging
        assert np.abs(rest[others]).max() < 4 * np.finfo(float).eps * np.abs(raw.values[others]).max()
        assert np.abs(alias[others]).max() > 1e-14
        assert np.abs(elapsed * rates[others]).max() > 1e-14
