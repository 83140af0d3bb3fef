"""Measure speed and memory, and print the table: `make bench`.

Every piece of work runs in a process of its own, so that its peak memory is its own. Times are medians.
A figure that misses its reach is marked in the table and is no error: a machine may be slower, or busy.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.growth import growth
from benchmarks.machine import machine
from benchmarks.numerics import decorrelation, full_matrix, reading, synthesis
from benchmarks.places import Place
from benchmarks.production import produce_append, produce_cold
from benchmarks.table import Row, as_markdown, as_text

ROOT = Path(__file__).resolve().parents[1]

Benchmark = Callable[[Place], Iterator[Row | str]]

# In the order of the table. Each yields rows, and remarks as plain text.
BENCHMARKS: dict[str, Benchmark] = {
    "produce": produce_cold,
    "append": produce_append,
    "synthesis": synthesis,
    "decorrelation": decorrelation,
    "full-matrix": full_matrix,
    "reading": reading,
    "growth": growth,
}
LONG = ("full-matrix", "growth")


def main() -> None:
    """Run the benchmarks that are asked for, telling what goes on, and print the table at the end."""
    asked = _arguments()
    names = asked.only or [name for name in BENCHMARKS if not (asked.quick and name in LONG)]
    lines = machine()
    print(*lines, sep="\n", flush=True)
    scratch = Path(tempfile.mkdtemp(prefix="gravstream-bench-", dir=asked.scratch))
    rows: list[Row] = []
    remarks: list[str] = []
    try:
        place = Place.made(ROOT, scratch, quick=asked.quick)
        for name in names:
            _tell(f"\n{name} ...")
            began = time.perf_counter()
            for found in BENCHMARKS[name](place):
                _tell(f"  {found.one_line if isinstance(found, Row) else found}")
                rows += [found] if isinstance(found, Row) else []
                remarks += [found] if isinstance(found, str) else []
            _tell(f"  ({time.perf_counter() - began:.0f} s in all)")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print()
    if asked.markdown:
        print(*(f"{line}  " for line in lines), "", as_markdown(rows), "", *(f"- {text}" for text in remarks), sep="\n")
    else:
        print(*lines, "", as_text(rows), "", *remarks, sep="\n")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed and memory of gravstream and print the table.")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=tuple(BENCHMARKS), help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help=f"fewer repeats, without {' and '.join(LONG)}")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--scratch", type=Path, help="folder for what is made and deleted again (about 4 GB)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
