"""A line of the table of the running system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure, its target, and whether that is met; None where there is no target."""

    what: str
    figure: str
    target: str = ""
    met: bool | None = None
