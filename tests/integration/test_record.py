"""The record as months arrive: the whole is evaluated anew, or the past is frozen to the last bit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from services.process.production import Outcome
from shared.errors import RequestRefused
from shared.formats.baseline import read_baseline, write_baseline
from shared.formats.level3_attributes import month_ranges
from shared.formats.netcdf import Level3, read_level3
from shared.models.epoch import Month
from tests.integration.conftest import (
    LAST,
    Archive,
    Command,
    Make,
    Simulate,
    assert_same_bits,
    contents,
    edited,
    maps_of,
)

# The first year and a half is noisy, and one of its months noisier still: below twice the mean as long as the
# others are bad too, above it when calm months join them.
LAST_OF_NOISY = Month(2004, 6)
NEAR = Month(2004, 3)
NOISE, NOISE_OF_NEAR = 3.0, 6.0

# The other way round: a calm past with one noisy month, which noisy months that join would excuse.
FLAGGED = Month(2004, 5)
NOISE_OF_FLAGGED, NOISE_OF_NEW = 3.0, 4.0
NEW = Month(2006, 1)


def with_noise(archive: Archive, simulated: Simulate, noise: float, first: Month, last: Month) -> None:
    """Replace months by those of an archive of the same signal and more noise; their stated errors stay the same."""
    for path in simulated(noise=noise, first=first, last=last).level2.glob("*.gfc"):
        edited(archive.level2 / path.name, lambda _, path=path: path.read_bytes())  # type: ignore[misc]


@pytest.fixture(scope="module")
def calming(archive: Archive, simulated: Simulate, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive whose first months are noisy."""
    noisy = archive.linked(tmp_path_factory.mktemp("calming"))
    with_noise(noisy, simulated, NOISE, Month(2003, 1), LAST_OF_NOISY)
    with_noise(noisy, simulated, NOISE_OF_NEAR, NEAR, NEAR)
    return noisy


@pytest.fixture(scope="module")
def worsening(archive: Archive, simulated: Simulate, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive whose last months are noisy, and one before."""
    noisy = archive.linked(tmp_path_factory.mktemp("worsening"))
    with_noise(noisy, simulated, NOISE_OF_FLAGGED, FLAGGED, FLAGGED)
    with_noise(noisy, simulated, NOISE_OF_NEW, NEW, LAST)
    return noisy


@dataclass(frozen=True)
class Made:
    """A run and its folder."""

    outcome: Outcome
    out: Path

    @property
    def product(self) -> Path:
        return self.outcome.files[0]

    @property
    def level3(self) -> Level3:
        return read_level3(self.product)


def flag_of(level3: Level3, month: Month) -> int:
    return int(level3.strength[level3.months.index(month)])


def ratio(level3: Level3, month: Month) -> float:
    """Noise of a month in units of the threshold."""
    return float(level3.noise[level3.months.index(month)]) / level3.threshold


@pytest.fixture(scope="module")
def early(calming: Archive, baseline: Path, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The record while only the noisy months are there; its baseline is a calm one."""
    folder = tmp_path_factory.mktemp("early")
    few = calming.linked(folder / "archive", until=LAST_OF_NOISY)
    return Made(make(few, folder / "out", baseline=baseline), folder / "out")


@pytest.fixture(scope="module")
def grown(calming: Archive, baseline: Path, early: Made, make: Make) -> Made:
    """All months, in the same folder."""
    return Made(make(calming, early.out, baseline=baseline), early.out)


class TestReEvaluation:
    def test_changes_the_flag_of_a_month_when_later_months_lower_the_mean_noise(self, early: Made, grown: Made) -> None:
        before, after = early.level3, grown.level3
        assert after.threshold < before.threshold
        assert 0.6 < ratio(before, NEAR) < 0.95
        assert 1.05 < ratio(after, NEAR) < 1.8
        assert (flag_of(before, NEAR), flag_of(after, NEAR)) == (3, 2)

    def test_is_told_by_the_file(self, early: Made, grown: Made) -> None:
        for made, noisy in ((early, False), (grown, True)):
            level3 = made.level3
            fallback = [month for month, flag in zip(level3.months, level3.strength, strict=True) if flag == 2]
            assert (NEAR in fallback) is noisy
            assert level3.attributes["fallback_months"] == month_ranges(fallback)
            assert level3.attributes["evaluation_mode"] == "re-evaluate"
            # millimetres are metres times a thousand: two roundings
            assert level3.threshold == pytest.approx(2.0 * level3.noise.mean(), rel=1e-14)

    def test_changes_every_month_that_was_there_before(self, early: Made, grown: Made) -> None:
        """Trend and seasons are those of the longer record."""
        before, after = maps_of(early.product), maps_of(grown.product, early.outcome.months)
        changed = np.nanmax(np.abs(after["twsa"] - before["twsa"]), axis=(1, 2))
        assert changed.min() > 0.1  # mm

    def test_keeps_the_baseline(self, early: Made, grown: Made) -> None:
        assert grown.outcome.baseline_reused
        assert grown.level3.attributes["baseline_sha256"] == early.level3.attributes["baseline_sha256"]


@pytest.fixture(scope="module")
def past(worsening: Archive, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The record before the noisy months join; it leaves a baseline with its evaluation behind."""
    folder = tmp_path_factory.mktemp("past")
    return Made(make(worsening.linked(folder / "archive", until=NEW.plus(-1)), folder / "out"), folder / "out")


@pytest.fixture(scope="module")
def frozen(worsening: Archive, past: Made, make: Make, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All months, with the fits and the mean noise of the past, in a copy of its folder."""
    out = tmp_path_factory.mktemp("frozen") / "out"
    shutil.copytree(past.out, out)
    return Made(make(worsening, out, mode="freeze"), out)


class TestFreezing:
    def test_is_what_keeps_a_flag_that_the_new_months_would_change(
        self, worsening: Archive, past: Made, frozen: Made, make: Make, tmp_path: Path
    ) -> None:
        anew = read_level3(make(worsening, tmp_path, baseline=past.out / "baseline.nc").files[0])
        assert (flag_of(past.level3, FLAGGED), flag_of(frozen.level3, FLAGGED), flag_of(anew, FLAGGED)) == (2, 2, 3)

    def test_changes_no_bit_of_the_past_when_a_year_joins(self, past: Made, frozen: Made) -> None:
        assert len(frozen.outcome.months) == len(past.outcome.months) + 12
        assert_same_bits(maps_of(frozen.product, past.outcome.months), maps_of(past.product))

    def test_changes_no_bit_of_the_past_when_one_month_joins(
        self, worsening: Archive, past: Made, make: Make, tmp_path: Path
    ) -> None:
        longer = worsening.linked(tmp_path / "archive", until=NEW)
        found = make(longer, tmp_path / "out", baseline=past.out / "baseline.nc", mode="freeze")
        assert found.months == (*past.outcome.months, NEW)
        assert_same_bits(maps_of(found.files[0], past.outcome.months), maps_of(past.product))

    def test_keeps_the_fit_of_the_earthquake(self, past: Made, frozen: Made) -> None:
        """Sumatra has a year of months on either side in the past; what the new months add is not looked at."""
        word = "parameter_earthquake_sumatra_andaman"
        assert past.level3.attributes[word].startswith("relaxation time")
        assert frozen.level3.attributes[word] == past.level3.attributes[word]

    def test_measures_new_months_against_the_frozen_mean_and_says_so(self, past: Made, frozen: Made) -> None:
        level3 = frozen.level3
        assert level3.threshold == past.level3.threshold
        assert level3.fallback == tuple(m for m, f in zip(level3.months, level3.strength, strict=True) if f == 2)
        assert {month for month in level3.months if month >= NEW} <= set(level3.fallback)
        assert level3.attributes["fallback_months"] == f"{FLAGGED}, {NEW}..{LAST}"
        assert level3.attributes["evaluation_mode"] == "freeze"
        assert level3.attributes["parameter_uncertainty_latitude_scale_origin"] == "frozen with the baseline"
        assert level3.attributes["parameter_error_correlation_origin"] == "frozen with the baseline"
        assert level3.covariance == past.level3.covariance is not None

    def test_changes_nothing_in_the_baseline(self, past: Made, frozen: Made) -> None:
        assert contents(frozen.out)["baseline.nc"][1:] == contents(past.out)["baseline.nc"][1:]

    @pytest.mark.parametrize("first", [Month(2006, 9), Month(2006, 12)])
    def test_makes_new_months_the_same_whichever_are_made_with_them(
        self, first: Month, worsening: Archive, past: Made, frozen: Made, make: Make, tmp_path: Path
    ) -> None:
        """An interim run of the last months alone, down to a single one, is a part of the whole run."""
        alone = make(worsening, tmp_path, baseline=past.out / "baseline.nc", mode="freeze", first=first)
        assert alone.months[0] == first
        assert_same_bits(maps_of(alone.files[0]), maps_of(frozen.product, alone.months))

    def test_without_a_baseline_is_refused(
        self, worsening: Archive, gravstream: Command, command_of: Callable[..., list[object]], tmp_path: Path
    ) -> None:
        answer = gravstream(*command_of(worsening, tmp_path / "out", "--mode", "freeze"))
        assert answer.exit_code == 1
        said = " ".join(answer.stderr.split())
        assert f"the baseline {tmp_path / 'out' / 'baseline.nc'} does not exist" in said
        assert "Produce the record once in mode re-evaluate" in said
        assert not (tmp_path / "out").exists()

    def test_with_a_baseline_that_no_record_was_evaluated_with_is_refused(
        self, worsening: Archive, past: Made, make: Make, tmp_path: Path
    ) -> None:
        bare = tmp_path / "bare.nc"
        write_baseline(bare, replace(read_baseline(past.out / "baseline.nc"), evaluation=None))
        with pytest.raises(RequestRefused, match="holds no evaluation of a series to freeze"):
            make(worsening, tmp_path / "out", baseline=bare, mode="freeze")
        assert not (tmp_path / "out").exists()
