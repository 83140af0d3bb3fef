"""Where the months lie that the figures are measured with: real ones, or simulated in their stead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.alone import alone

MONTHS = 214  # of the real series


@dataclass(frozen=True)
class Place:
    """Folders of the input, a scratch folder, and how often to repeat."""

    scratch: Path
    real: Path | None  # folder of the real data
    quick: bool

    @classmethod
    def made(cls, root: Path, scratch: Path, *, quick: bool) -> Place:
        """Look for the real data in GRAVSTREAM_REAL_DATA, else in shared/data beside the project."""
        real = Path(os.environ.get("GRAVSTREAM_REAL_DATA") or root.parent / "shared" / "data")
        return cls(scratch, real if (real / "level2" / "itsg-grace-n96").is_dir() else None, quick)

    @property
    def repeats(self) -> int:
        """How often a long piece of work is done."""
        return 1 if self.quick else 3

    @property
    def kind(self) -> str:
        """What the months are."""
        return "simulated" if self.real is None else "real"

    @cached_property
    def archive(self) -> tuple[Path, Path]:
        """Folders of the months and of the auxiliaries."""
        if self.real is not None:
            return self.real / "level2" / "itsg-grace-n96", self.real / "gravis"
        out = self.scratch / "simulated"
        alone("simulate", out=out, months=MONTHS)
        return out / "level2", out / "auxiliaries"

    @cached_property
    def months(self) -> list[Path]:
        """The files of the months, in order of time."""
        return sorted(path for path in self.archive[0].iterdir() if path.name.endswith((".gfc", ".gfc.gz")))

    @cached_property
    def cache(self) -> Path:
        """A cache of converted auxiliaries of our own, which the first to ask fills."""
        folder = self.scratch / "cache"
        alone("fill_cache", auxiliaries=self.archive[1], cache=folder)
        return folder

    def folder(self, name: str, files: list[Path]) -> Path:
        """A folder of links to some files."""
        folder = self.scratch / name
        folder.mkdir()
        for file in files:
            (folder / file.name).symlink_to(file)
        return folder
