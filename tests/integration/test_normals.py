"""Months with their full normal matrix: when it is used, from which file, and what happens when it is bad."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from services.process.production import Outcome
from shared.constants import DAYS_PER_YEAR
from shared.formats.dense_normals import write_dense
from shared.formats.level2b import read_level2b
from shared.formats.shm import read_gia
from shared.formats.sinex import read_normals
from shared.geodesy import ordering
from shared.models.coefficients import FilterSource
from shared.models.epoch import Month
from tests.integration.conftest import Archive, Make, Simulate, assert_same_bits, edited, maps_of

NMAX = 12
LAST = Month(2004, 6)
WITH_NORMALS = ("2003-05", "2003-12", "2004-03")


@pytest.fixture(scope="module")
def complete(simulated: Simulate) -> Archive:
    """Seventeen months of degree 12, each with its normal equations as SINEX."""
    months = frozenset(Month(year, month) for year in (2003, 2004) for month in range(1, 13))
    return simulated(nmax=NMAX, last=LAST, normals=months)


@pytest.fixture(scope="module")
def some(complete: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The same months, three of them with normal equations."""
    fewer = complete.linked(tmp_path_factory.mktemp("some"))
    kept = {fewer.sinex(month) for month in WITH_NORMALS}
    for path in set(fewer.level2.glob("*.snx")) - kept:
        path.unlink()
    return fewer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("auto")


@pytest.fixture(scope="module")
def auto(some: Archive, make: Make, folder: Path) -> Outcome:
    """The product with the best source that each month has; its baseline is that of all runs here."""
    return make(some, folder / "auto")


@pytest.fixture(scope="module")
def reference(auto: Outcome) -> Path:
    return auto.files[1]


@pytest.fixture(scope="module")
def error_scaled(some: Archive, reference: Path, make: Make, folder: Path) -> Outcome:
    return make(some, folder / "error-scaled", baseline=reference, filter_source="error-scaled")


def sources_of(outcome: Outcome) -> dict[str, str]:
    """The filter source of each month, as the file's own flags and their meanings say it."""
    with xr.open_dataset(outcome.files[0]) as opened:
        variable = opened["filter_source"]
        meanings = dict(zip(variable.flag_values.tolist(), variable.flag_meanings.split(), strict=True))
        months = [f"{number // 100}-{number % 100:02d}" for number in opened["nominal_month"].values.tolist()]
        return dict(zip(months, (meanings[flag] for flag in variable.values.tolist()), strict=True))


class TestTheSource:
    def test_is_the_months_own_normals_where_it_has_them_and_its_errors_elsewhere(self, auto: Outcome) -> None:
        found = sources_of(auto)
        assert len(found) == 17
        assert {month for month, source in found.items() if source == "normals"} == set(WITH_NORMALS)
        assert {source for month, source in found.items() if month not in WITH_NORMALS} == {"error_scaled"}
        assert auto.filter_sources == {FilterSource.NORMALS: 3, FilterSource.ERROR_SCALED: 14}

    def test_of_normals_is_among_the_sources_of_the_product(self, auto: Outcome, some: Archive) -> None:
        with xr.open_dataset(auto.files[0]) as opened:
            roles, names = opened["source_role"].values.tolist(), opened["source_name"].values.tolist()
        found = [name for role, name in zip(roles, names, strict=True) if role == "normals"]
        assert sorted(found) == sorted(some.sinex(month).name for month in WITH_NORMALS)

    def test_is_errors_everywhere_when_they_are_asked_for(self, error_scaled: Outcome) -> None:
        assert set(sources_of(error_scaled).values()) == {"error_scaled"}
        with xr.open_dataset(error_scaled.files[0]) as opened:
            assert "normals" not in opened["source_role"].values.tolist()

    def test_is_the_static_filter_everywhere_when_it_is_asked_for(
        self, some: Archive, reference: Path, make: Make, tmp_path: Path
    ) -> None:
        """It is the way out that the error of bad normals names, so they must not matter any more."""
        archive = some.linked(tmp_path / "archive")
        edited(archive.sinex(WITH_NORMALS[0]), lambda content: content[:-5000])
        found = make(archive, tmp_path / "out", baseline=reference, filter_source="ddk")
        assert not found.rejected
        assert set(sources_of(found).values()) == {"ddk"}

    def test_makes_a_difference(self, auto: Outcome, error_scaled: Outcome) -> None:
        """Most in the months with normals; the fit of trend and seasons carries a part of it to the others."""
        ours, theirs = (maps_of(outcome.files[0])["twsa"] for outcome in (auto, error_scaled))
        change = np.nanstd(ours - theirs, axis=(1, 2))
        own = np.array([str(month) in WITH_NORMALS for month in auto.months])
        assert change[own].min() > change[~own].max() > 0.0


LACKING, INDEFINITE = "2003-09", "2004-02"


@pytest.fixture(scope="module")
def strict(complete: Archive, reference: Path, make: Make, folder: Path) -> Outcome:
    """--filter-source normals, where one month has none and those of another are bad."""
    archive = complete.linked(folder / "strict")
    archive.sinex(LACKING).unlink()
    edited(archive.sinex(INDEFINITE), with_negative_diagonal)
    return make(archive, folder / "strict" / "out", baseline=reference, filter_source="normals")


class TestNormalsAskedFor:
    def test_are_used_for_every_month_that_has_them(self, strict: Outcome) -> None:
        found = sources_of(strict)
        assert set(found.values()) == {"normals"}
        assert len(found) == 15
        assert not {LACKING, INDEFINITE} & found.keys()

    def test_set_a_month_without_them_aside(self, strict: Outcome, complete: Archive) -> None:
        (error,) = (error for error in strict.rejected if LACKING in str(error))
        assert error.file == complete.gfc(LACKING).name
        assert "has no normal matrix, but --filter-source normals asks for it" in error.found
        assert "--filter-source auto" in error.advice

    def test_that_are_not_positive_definite_set_their_month_aside(self, strict: Outcome, complete: Archive) -> None:
        (error,) = (error for error in strict.rejected if INDEFINITE in str(error))
        assert error.file == complete.sinex(INDEFINITE).name
        assert "the normal matrix is not positive definite" in error.found

    def test_leave_the_other_months_to_what_they_are_without_the_two(
        self, strict: Outcome, complete: Archive, reference: Path, make: Make, tmp_path: Path
    ) -> None:
        good = complete.linked(tmp_path / "archive", without=(LACKING, INDEFINITE))
        expected = make(good, tmp_path / "out", baseline=reference, filter_source="normals")
        assert_same_bits(maps_of(strict.files[0]), maps_of(expected.files[0]))


def with_negative_diagonal(content: bytes) -> bytes:
    """The sign of the tenth parameter's own normal equation turned."""
    assert content.count(b"\n10  10  ") == 1
    return content.replace(b"\n10  10  ", b"\n10  10  -")


def test_bad_normals_set_their_month_aside_even_where_its_errors_would_do(
    some: Archive, reference: Path, make: Make, tmp_path: Path
) -> None:
    """Nobody chose another filter for it: a decision that is not taken silently."""
    archive = some.linked(tmp_path / "archive")
    edited(archive.sinex("2003-12"), with_negative_diagonal)
    found = make(archive, tmp_path / "out", baseline=reference)
    assert [error.file for error in found.rejected] == [archive.sinex("2003-12").name]
    assert Month(2003, 12) not in found.months
    assert found.filter_sources[FilterSource.NORMALS] == 2


def test_packed_and_dense_normals_are_the_same_as_plain_ones_bit_for_bit(
    some: Archive, auto: Outcome, reference: Path, make: Make, tmp_path: Path
) -> None:
    packed, dense, plain = WITH_NORMALS
    archive = some.linked(tmp_path / "archive")
    sinex = archive.sinex(packed)
    sinex.with_suffix(".snx.gz").write_bytes(gzip.compress(sinex.read_bytes()))
    sinex.unlink()
    sinex = archive.sinex(dense)
    write_dense(sinex.with_suffix(".normals"), read_normals(sinex))
    sinex.unlink()
    assert archive.sinex(plain).is_file()
    found = make(archive, tmp_path / "out", baseline=reference)
    assert sources_of(found) == sources_of(auto)
    # The run from nothing that it is compared with had the same months, so the same baseline.
    assert_same_bits(maps_of(found.files[0]), maps_of(auto.files[0]))


def test_the_matrix_in_the_file_is_what_filters(some: Archive, make: Make, tmp_path: Path) -> None:
    """(N + alpha M)^-1 N x by a solver of its own, from the SINEX text to the VDK3 of Level-2B.

    Before the filter x is NFIL plus what was subtracted from it afterwards; C20 and degree 1 were replaced
    behind it, so C20 is compared neither, and enters with what Level-2 had.
    """
    outcome = make(some, tmp_path, product="l2b")
    month = Month.parse(WITH_NORMALS[1])
    sets = {}
    for path in outcome.files[:-1]:
        label, field = read_level2b(path)
        if field.month == month and label in ("NFIL", "VDK3"):
            sets[label] = field
    span = sets["NFIL"].span
    assert span is not None
    baseline, gia = outcome.baseline, read_gia(some.gia)
    degree = ordering.index(NMAX).degree
    rates = ordering.truncate(gia.rates, NMAX) * (gia.gm / baseline.gm) * (gia.radius / baseline.radius) ** degree
    elapsed = (span.mid - np.mean([each.mid for each in baseline.spans])) / DAYS_PER_YEAR
    phase = 2.0 * np.pi * 365.2422 / 161.0 * (2000.0 + (span.mid - 51544.5) / DAYS_PER_YEAR)
    waves = np.array([np.cos(phase), np.sin(phase)])
    before = {label: sets[label].values + elapsed * rates + waves @ baseline.alias[label] for label in sets}

    filtered = degree >= 2
    c20 = ordering.position(NMAX, 2, 0)
    triangle = read_normals(some.sinex(str(month))).matrix
    normal = np.triu(triangle) + np.triu(triangle, 1).T
    x = before["NFIL"].copy()
    x[c20] = _level2_c20(some, month) - baseline.mean[c20]
    penalty = 1e18 * np.diag(degree[filtered].astype(float) ** 4)
    expected = np.linalg.solve(normal + penalty, normal @ x[filtered])
    compared = np.flatnonzero(filtered) != c20
    found = before["VDK3"][filtered]
    # The condition of the matrix, about 1e4 here, times the last place of a float64, with room for the sums
    scale = np.abs(expected[compared]).max()
    assert np.abs(found - expected)[compared].max() < 1e-10 * scale
    assert np.abs(x[filtered] - expected)[compared].max() > 1e-3 * scale


def _level2_c20(archive: Archive, month: Month) -> float:
    lines = archive.gfc(str(month)).read_text().splitlines()
    (row,) = (line.split() for line in lines if line.split()[:3] == ["gfc", "2", "0"])
    return float(row[3])
