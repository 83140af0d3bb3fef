"""What is found in a file: facts for the eye, problems that make it unsound."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Inspection:
    """The kind of a file, facts as (label, text) in their order, and its problems."""

    kind: str
    facts: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with the file."""
        return not self.problems


@dataclass
class Findings:
    """Facts and problems while they are collected."""

    facts: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, label: str, text: str) -> None:
        """Add a fact."""
        self.facts.append((label, text))

    def require(self, holds: bool, problem: str) -> None:
        """Add a problem unless it holds."""
        if not holds:
            self.problems.append(problem)


def degree_and_constants(findings: Findings, nmax: int, gm: float, radius: float) -> None:
    """Add maximum degree, GM [m^3 s^-2] and reference radius [m]."""
    findings.add("maximum degree", str(nmax))
    findings.add("GM", f"{gm:.10g} m3 s-2")
    findings.add("reference radius", f"{radius:.10g} m")
