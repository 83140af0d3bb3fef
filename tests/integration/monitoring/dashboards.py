"""The dashboards as they are provisioned: their panels, and what they ask for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "monitoring" / "grafana" / "dashboards"
DASHBOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*"))}


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard."""

    dashboard: str
    content: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.content['title']}"

    @property
    def expressions(self) -> list[str]:
        return [target["expr"] for target in self.content["targets"]]


PANELS = [Panel(name, panel) for name, board in DASHBOARDS.items() for panel in board["panels"]]


def names_in(text: str) -> set[str]:
    """The names of our measures that a text asks for."""
    return set(re.findall(r"\bgravstream_\w+", text))
