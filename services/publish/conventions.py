"""CF-1.11 and ACDD-1.3: what the checkers say, and what of it is right as it is.

The checkers are heavy and keep what they load, so they run as a program of their own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CONVENTIONS = ("cf:1.11", "acdd:1.3")

# What the checkers may say, and why it is right as it is.
ALLOWED: Mapping[str, str] = {
    r'variable "(twsa|twsa_uncertainty|noise_open_ocean|nominal_month)" missing.*standard_name': "CF has no such name",
    r'variable "error_correlation" missing.*standard_name': "it has no value, only attributes",
    r"geospatial_(vertical_\w+|bounds_vertical_crs) not present": "maps have no height",
    r"(creator|publisher)_(url|email) not present": "settings of who runs it; where there is none, none is made up",
    r"did not match geospatial_(lat|lon)_(min|max)": "the checker looks at centres; cells reach to the poles",
    r"Date time mismatch between time_coverage": "the checker looks at mid-epochs; the data begin and end as stated",
}

# A file of one map takes 2 s, half of it to load the checkers.
_PATIENCE = 120.0  # s
_FEWEST_POINTS = 30  # the checkers count at least as many things where they look at a product at all


def not_allowed(complaints: list[str]) -> list[str]:
    """The complaints that no entry of the list explains."""
    return [text for text in complaints if not any(re.search(pattern, text) for pattern in ALLOWED)]


def complaints_of(path: Path) -> list[str]:
    """All that the checkers complain about, in their words.

    Raises
    ------
    RuntimeError : if they could not be run, or counted nothing
    """
    command = [sys.executable, "-m", __name__, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or ""
        raise RuntimeError(f"{error} {str(said).strip()[-500:]}") from error
    found: list[str] = json.loads(done.stdout)
    return found


def run_checkers(path: Path, report: Path) -> list[str]:
    """Run the checkers in this process, with a file for their report."""
    from compliance_checker.runner import CheckSuite, ComplianceChecker  # type: ignore[import-untyped]

    CheckSuite.load_all_available_checkers()
    ComplianceChecker.run_checker(
        str(path), list(CONVENTIONS), 0, "normal", output_filename=str(report), output_format="json_new"
    )
    (results,) = json.loads(report.read_text(encoding="utf-8")).values()
    for convention in CONVENTIONS:
        if results[convention]["possible_points"] < _FEWEST_POINTS:
            raise RuntimeError(f"the checker of {convention} did not look at the file")
    priorities = ("high_priorities", "medium_priorities", "low_priorities")
    return [
        f"{check['name']} {text}"
        for result in results.values()
        for priority in priorities
        for check in result[priority]
        for text in check["msgs"]
    ]


def main() -> None:
    """Print what the checkers say of the file that is named, as JSON."""
    import tempfile
    from contextlib import redirect_stdout

    with tempfile.TemporaryDirectory() as folder:
        with redirect_stdout(sys.stderr):  # they talk
            found = run_checkers(Path(sys.argv[1]), Path(folder, "report.json"))
        sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
