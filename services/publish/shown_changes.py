"""What changed between two releases, as their users see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.publish.changes import Changes, FlagChange


@dataclass(frozen=True)
class ChangedMonth:
    """A month that differs: rms over land, the largest change of a cell and where; flags that turned, in words."""

    month: str
    rms_mm: float
    max_mm: float
    latitude: float
    longitude: float
    flags: str | None


@dataclass(frozen=True)
class TurnedFlag:
    """A flag of a month that turned."""

    month: str
    flag: str
    before: str
    after: str


@dataclass(frozen=True)
class ChangesView:
    """Months gained, lost and changed since another release.

    against: the other; rms_mm, max_mm: of the month and the cell that changed most; unchanged: months; files: how many
    of Level-2B have other bytes or are gone; note: why values could not be compared, if so.
    """

    against: str | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[ChangedMonth, ...]
    unchanged: int
    rms_mm: float
    max_mm: float
    flags: tuple[TurnedFlag, ...]
    mask_cells: int
    files_changed: int
    files_lost: int
    note: str


def changes_view(changes: Changes, against: str = "") -> ChangesView:
    """Changes in the words of the console."""
    largest = changes.largest
    return ChangesView(
        against=against or None,
        added=tuple(map(str, changes.months_added)),
        removed=tuple(map(str, changes.months_removed)),
        changed=tuple(
            ChangedMonth(
                str(each.month), round(each.rms, 3), round(each.largest, 3), each.latitude, each.longitude,
                _in_words(flag for flag in changes.flags if flag.month == each.month),
            )
            for each in changes.changed
        ),
        unchanged=changes.unchanged,
        rms_mm=round(changes.rms, 3),
        max_mm=round(largest.largest, 3) if largest else 0.0,
        flags=tuple(TurnedFlag(str(each.month), each.flag, each.before, each.after) for each in changes.flags),
        mask_cells=changes.mask_cells,
        files_changed=len(changes.files),
        files_lost=len(changes.files_lost),
        note=changes.note,
    )  # fmt: skip


def _in_words(flags: Iterable[FlagChange]) -> str | None:
    return "; ".join(f"{each.flag} {each.before} → {each.after}" for each in flags) or None
