"""What a release changed for somebody who has the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.models.epoch import Month


@dataclass(frozen=True)
class MonthChange:
    """How a month differs: rms over land and largest change [mm], and where that is.

    The rms is weighted by area; latitude and longitude in degrees.
    """

    month: Month
    rms: float
    largest: float
    latitude: float
    longitude: float


@dataclass(frozen=True)
class FlagChange:
    """A flag of a month that turned: `filter` or `normals`, before and after."""

    month: Month
    flag: str
    before: str
    after: str


@dataclass(frozen=True)
class Changes:
    """Months gained, lost and changed between two releases.

    changed: months of both that differ in any value; unchanged: how many do not; files: Level-2B files of both
    that have other bytes; files_lost: Level-2B files that are gone; mask_cells: cells whose mask turned;
    note: why months of both could not be compared, empty if they were.
    """

    months_added: tuple[Month, ...] = ()
    months_removed: tuple[Month, ...] = ()
    changed: tuple[MonthChange, ...] = ()
    unchanged: int = 0
    flags: tuple[FlagChange, ...] = ()
    files: tuple[str, ...] = ()
    files_lost: tuple[str, ...] = ()
    mask_cells: int = 0
    note: str = ""

    @property
    def rms(self) -> float:
        """Largest rms change of a month, mm."""
        return max((each.rms for each in self.changed), default=0.0)

    @property
    def largest(self) -> MonthChange | None:
        """The month with the largest change of a single cell."""
        return max(self.changed, key=lambda each: abs(each.largest), default=None)

    def to_dict(self) -> dict[str, Any]:
        """The changes as plain text, numbers and lists."""
        words = asdict(self)
        for name in ("months_added", "months_removed"):
            words[name] = [str(month) for month in getattr(self, name)]
        for name in ("changed", "flags"):
            rows = (asdict(each) | {"month": str(each.month)} for each in getattr(self, name))
            words[name] = [{key: _rounded(value) for key, value in row.items()} for row in rows]
        return words | {"files": list(self.files), "files_lost": list(self.files_lost)}


def _rounded(value: Any) -> Any:
    """Numbers to a thousandth of a millimetre or degree: more says nothing."""
    return round(value, 3) if isinstance(value, float) else value


def changes_of_dict(words: Mapping[str, Any]) -> Changes:
    """The changes that `Changes.to_dict` has written down."""
    rows = {"changed": MonthChange, "flags": FlagChange}
    made: dict[str, Any] = dict(words)
    for name, kind in rows.items():
        made[name] = tuple(kind(**(row | {"month": Month.parse(row["month"])})) for row in words[name])
    for name in ("months_added", "months_removed"):
        made[name] = tuple(Month.parse(month) for month in words[name])
    return Changes(**made | {"files": tuple(words["files"]), "files_lost": tuple(words["files_lost"])})
