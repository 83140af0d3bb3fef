"""The words of the benchmark table; what it measures is not tested, machines differ."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.growth import COUNTS, exponent, growth_row
from benchmarks.table import MISSED, Row, as_markdown, as_text, gigabytes, ratio, spread

PROJECT = Path(__file__).resolve().parents[2]
ROWS = [
    Row("a fast thing", "<= 2 s", "1.0 s", "0.10 GB", True),
    Row("a thing that is | too slow", "<= 2 s", "3.0 s", met=False),
    Row("a peer beside it", "", "9.0 s"),
]


def test_columns_of_the_text_begin_at_the_same_place() -> None:
    head, rule, *lines = as_text(ROWS).split("\n")
    assert len(lines) == len(ROWS)
    assert set(rule) == {"-", " "}
    for head_word, column in (("reach", 1), ("measured", 2)):
        at = head.index(head_word)
        assert all(line[at:].startswith(row.cells[column]) for line, row in zip(lines, ROWS, strict=True))


def test_markdown_has_as_many_cells_in_every_line_as_heads() -> None:
    lines = as_markdown(ROWS).replace("\\|", "").split("\n")
    assert len(lines) == len(ROWS) + 2
    assert {line.count("|") for line in lines} == {6}


@pytest.mark.parametrize("table", [as_text, as_markdown])
def test_only_the_row_that_misses_its_reach_is_marked(table) -> None:
    assert [MISSED in line for line in table(ROWS).split("\n")] == [False, False, False, True, False]


def test_a_time_is_shown_as_its_median_with_number_and_range() -> None:
    assert spread([3.0, 1.0, 10.0]) == "3.00 s (n=3, 1.00-10.00)"
    assert spread([0.0125, 0.0130, 0.0120]) == "12.5 ms (n=3, 12.0-13.0)"
    assert spread([12.34]) == "12.3 s (once)"


def test_a_ratio_says_how_many_times_as_long_the_peer_takes() -> None:
    assert ratio(peer=1.083, own=0.001) == "1083 x"
    assert ratio(peer=3.0, own=2.0) == "1.5 x"


def test_memory_is_counted_in_units_of_a_thousand_million_bytes() -> None:
    assert gigabytes(1.5e9) == "1.50 GB"


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_law_is_its_power(power: float) -> None:
    counts = (60, 120, 500)
    # exact but for the rounding of two logarithms
    assert exponent(counts, [7.0 * count**power for count in counts]) == pytest.approx(power, rel=1e-12)


def test_time_that_grows_with_the_square_misses_its_reach_even_beside_a_large_fixed_cost() -> None:
    memory = [5e8 + 1e6 * count for count in COUNTS]
    assert growth_row([5.0 + 0.05 * count for count in COUNTS], memory).met
    assert not growth_row([20.0 + 0.001 * count**2 for count in COUNTS], memory).met
    assert not growth_row([5.0 + 0.05 * count for count in COUNTS], [5e8 + 5e6 * count for count in COUNTS]).met


def test_the_door_names_its_benchmarks_without_running_one() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/bench.py", "--help"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "full-matrix" in done.stdout
    assert "--markdown" in done.stdout


def test_a_task_alone_reports_its_own_memory() -> None:
    """A process that only imports stays far below what its parent may have had."""
    code = "from benchmarks.alone import peak_memory; import json; print(json.dumps(peak_memory()))"
    held = bytearray(400_000_000)  # of the parent; ru_maxrss of a new process would begin with it
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert len(held) > json.loads(done.stdout) > 1_000_000
