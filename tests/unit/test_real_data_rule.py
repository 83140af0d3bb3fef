"""The rule of tests/conftest.py: tests of the real data skip only where there are none."""

from pathlib import Path

import pytest

from tests import conftest

TRIAL = """
    import pytest

    def test_reads_them(real_data):
        assert real_data.is_dir()

    @pytest.mark.real_data
    def test_gives_up():
        pytest.skip("too lazy")

    @pytest.mark.real_data
    @pytest.mark.skipif(True, reason="never")
    def test_is_switched_off():
        pass

    def test_of_something_else():
        pytest.skip("may skip")
"""


@pytest.fixture
def trial(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of four tests under our conftest."""
    pytester.makeini("[pytest]\nmarkers = real_data: needs the real data\naddopts = --strict-markers")
    pytester.makeconftest(Path(conftest.__file__).read_text(encoding="utf-8"))
    pytester.makepyfile(TRIAL)
    return pytester


def test_without_the_folder_tests_of_real_data_are_skipped_with_the_reason(
    trial: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAVSTREAM_REAL_DATA", str(trial.path / "nowhere"))
    run = trial.runpytest_subprocess("-rs")
    assert run.ret == pytest.ExitCode.OK
    run.assert_outcomes(skipped=4)
    run.stdout.fnmatch_lines(["*no real data: */nowhere is not there; set GRAVSTREAM_REAL_DATA*"])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_with_the_folder_a_skipped_test_of_real_data_fails_the_run_by_name(
    trial: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("GRAVSTREAM_REAL_DATA", str(trial.mkdir("there")))
    run = trial.runpytest_subprocess("--numprocesses", workers)
    assert run.ret == pytest.ExitCode.TESTS_FAILED
    outcomes = run.parseoutcomes()
    assert (outcomes["passed"], outcomes["skipped"]) == (1, 1)
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 2
    run.stdout.fnmatch_lines_random(["*test_gives_up was skipped although the real data are in */there: *too lazy*"])
    run.stdout.fnmatch_lines_random(
        ["*test_is_switched_off was skipped although the real data are in */there: *never*"]
    )


def test_asking_for_the_real_data_sets_the_mark(trial: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAVSTREAM_REAL_DATA", str(trial.mkdir("there")))
    run = trial.runpytest_subprocess("-m", "not real_data")
    run.assert_outcomes(skipped=1, deselected=3)
