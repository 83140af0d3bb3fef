"""Where the real data and system packages are, and the rule that what is there is not skipped."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# Two test processes share two cores: one thread each. It counts only before numpy is imported; a test
# of several threads asks for them itself (threadpoolctl).
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

MARK = "real_data"
BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def real_data_folder() -> Path:
    """The folder of real data: GRAVSTREAM_REAL_DATA, else shared/data beside the project."""
    return Path(os.environ.get("GRAVSTREAM_REAL_DATA") or BESIDE)


BEGAN = time.time()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The faults that this run tried, how often the system came back, and how soon."""
    try:
        from tests.end_to_end.table import table
    except ModuleNotFoundError:
        return  # this file alone, copied to be tested itself
    if faults := table(since=BEGAN):
        terminalreporter.write_line(f"\n{faults}")


def pytest_report_header() -> str:
    folder = real_data_folder()
    return f"real data: {folder} " + ("(no test of it may skip)" if folder.is_dir() else "(absent: its tests skip)")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = real_data_folder()
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there; set GRAVSTREAM_REAL_DATA to the folder that has them")
    return folder


@pytest.fixture(scope="session")
def system_package() -> Callable[[str], str]:
    """Where a program of the system is; the test is skipped where it is not, and fails in CI."""

    def find(program: str) -> str:
        found = shutil.which(program)
        if found is None:
            missing = f"{program} is not installed: make system-packages"
            if os.environ.get("CI") == "true":
                pytest.fail(missing)
            pytest.skip(missing)
        return str(found)

    return find


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the real data carries the mark, whether or not its author wrote it."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker(MARK)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where the real data are, a skipped test of them is a failure: it would hide that nothing was tested."""
    report = yield
    skipped = report.outcome == "skipped" and not hasattr(report, "wasxfail")
    if skipped and item.get_closest_marker(MARK) and real_data_folder().is_dir():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although the real data are in {real_data_folder()}: {reason}"
    return report
