"""The table of faults: what was done to the system, how often, and how soon it was well again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "build" / "faults"


@dataclass(frozen=True)
class Fault:
    """A line of the table."""

    fault: str
    tried: int
    recovered: int
    seconds: float  # the longest


def note(fault: str, seconds: list[float | None]) -> None:
    """Keep a line of the table; None stands for a time from which the system did not come back."""
    well = [each for each in seconds if each is not None]
    TABLE.mkdir(parents=True, exist_ok=True)
    line = Fault(fault, len(seconds), len(well), round(max(well, default=float("nan")), 1))
    name = "".join(letter if letter.isalnum() else "-" for letter in fault)
    (TABLE / f"{name}.json").write_text(json.dumps(asdict(line)))


def table(since: float = 0.0) -> str:
    """The lines that were kept since a moment, as Markdown; empty if there are none."""
    paths = [path for path in sorted(TABLE.glob("*.json")) if path.stat().st_mtime >= since]
    lines = [Fault(**json.loads(path.read_text())) for path in paths]
    rows = [f"| {line.fault} | {line.tried} | {line.recovered} | {line.seconds:.1f} |" for line in lines]
    return "\n".join(["| fault | tried | recovered | seconds, longest |", "|---|---|---|---|", *rows]) if rows else ""
