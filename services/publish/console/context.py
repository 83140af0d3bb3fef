"""What the console is handed when it starts: it opens nothing and knows no other service by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.settings import ConsoleSettings, QueueSettings
from shared.storage.catalogue import Catalogue


@dataclass(frozen=True)
class Again:
    """A unit of work that would be computed again, and why."""

    key: str
    kind: str
    product: str
    month: str | None
    why: str


@dataclass(frozen=True)
class Proposal:
    """What is computed again; reprocessing: its number, None if nothing was begun."""

    units: tuple[Again, ...]
    reprocessing: int | None


@dataclass(frozen=True)
class Acts:
    """What other services do for a person; each raises RequestRefused if it cannot be done.

    reprocess: who, why, months (none for all), the step it begins with, and whether only to say what would be done;
    accept_file: number of a file, who and why; its name.
    """

    reprocess: Callable[[str, str, tuple[str, ...], str | None, bool], Proposal]
    accept_file: Callable[[int, str, str], str]


@dataclass(frozen=True)
class Context:
    """Where the console reads and what it may do.

    catalogue: state of all; releases: folder with <product>/<release id>/; titles: of each product by its name;
    settings: of the console; queue: of the queue, for its intervals; acts: of other services; queue_lengths: tasks
    that wait by queue, raises Unreachable; folders: those on this machine whose room is watched, by name.
    """

    catalogue: Catalogue
    releases: Path
    titles: Mapping[str, str]
    settings: ConsoleSettings
    queue: QueueSettings
    acts: Acts
    queue_lengths: Callable[[], Mapping[str, int]]
    folders: Mapping[str, Path]

    @property
    def products(self) -> tuple[str, ...]:
        """Names of the products."""
        return tuple(self.titles)
