"""The table of figures: its rows, their words, and the two ways of printing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MET, MISSED = "✓", "✗ MISSED"
HEADS = ("work", "reach", "measured", "memory", "")


@dataclass(frozen=True)
class Row:
    """A line of the table; `met` is None where there is nothing to reach."""

    work: str
    reach: str
    measured: str
    memory: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """The sign behind a row."""
        return "" if self.met is None else MET if self.met else MISSED

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, in the order of the heads."""
        return self.work, self.reach, self.measured, self.memory, self.verdict

    @property
    def one_line(self) -> str:
        """The row while the others are still to come."""
        return " | ".join(cell for cell in self.cells if cell)


def spread(seconds: Sequence[float]) -> str:
    """The median of some times [s] with their number and range, in a unit that fits."""
    middle = median(seconds)
    unit, factor = ("s", 1.0) if middle >= 0.1 else ("ms", 1e3)
    digits = 1 if middle * factor >= 10.0 else 2
    shown = [f"{factor * value:.{digits}f}" for value in (middle, min(seconds), max(seconds))]
    if len(seconds) == 1:
        return f"{shown[0]} {unit} (once)"
    return f"{shown[0]} {unit} (n={len(seconds)}, {shown[1]}-{shown[2]})"


def ratio(peer: float, own: float) -> str:
    """How many times as long a peer takes."""
    times = peer / own
    return f"{times:.0f} x" if times >= 10.0 else f"{times:.1f} x"


def gigabytes(count: float) -> str:
    """An amount of memory given in bytes, in units of 10^9."""
    return f"{count / 1e9:.2f} GB"


def as_text(rows: Sequence[Row]) -> str:
    """The table with columns of equal width."""
    lines = [HEADS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    rule = tuple("-" * width for width in widths)
    texts = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (HEADS, rule, *lines[1:])
    )
    return "\n".join(texts)


def as_markdown(rows: Sequence[Row]) -> str:
    """The table for the README."""
    lines = [HEADS, ("---",) * len(HEADS), *(row.cells for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
