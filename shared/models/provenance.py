"""Where numbers come from: the bytes behind them and the steps that made them."""

from __future__ import annotations

from dataclasses import dataclass

# The role of the rows that a month uses of a table of low degrees, which grows under its name; called `<table> YYYY-MM`
LOW_DEGREE_ROWS = "low-degrees-rows"


@dataclass(frozen=True, order=True)
class Source:
    """A file that went into a product: its role, name, digest, and how to cite it."""

    role: str  # level-2, low-degrees, gia, ...
    name: str
    sha256: str
    citation: str = ""

    def __str__(self) -> str:
        return f"{self.role}: {self.name} sha256:{self.sha256}"
