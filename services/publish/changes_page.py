"""CHANGES.md: what a release means for somebody who already works with the one before it."""

from __future__ import annotations

from collections.abc import Iterator

from services.publish.changes import Changes, MonthChange
from services.publish.classification import EXTENSION, INITIAL, MAJOR, MINOR
from services.publish.comparison import spans_of
from services.publish.manifest import Manifest
from shared.formats.level3_attributes import missing_months, month_ranges

NAME = "CHANGES.md"

# Months that the table names; the others are smaller
LISTED = 10
# Below this a change is a rounding of the number in the file [mm]: float32 holds 300 mm to 3e-5 mm
_NOTHING = 1e-3

_ADVICE = {
    INITIAL: "There is nothing to replace.",
    MAJOR: "Replace the whole record and repeat what you derived from it: values before and after do not fit together.",
    MINOR: "Replace the whole record; the table below says whether what you derived from it needs to be repeated.",
    EXTENSION: "Replace the file. Older values are evaluated together with the new months, so they may move a little; "
    "the table below says by how much.",
}


def changes_text(manifest: Manifest, changes: Changes) -> str:
    """The page as Markdown.

    Parameters
    ----------
    manifest : of the release
    changes : against the release before it; heights in mm
    """
    parts = [
        f"# {manifest.release}",
        f"{manifest.title}, version {manifest.version}, release {manifest.serial:03d} of {manifest.issued[:10]}.",
        f"{_number(len(manifest.months), 'month')}, {manifest.first} to {manifest.last}. {_gaps(manifest)}",
        f"**{(manifest.kind or 'release').capitalize()}**{_since(manifest)}. {manifest.why}",
        _ADVICE.get(manifest.kind, "") if manifest.product != "l2b" else _advice_level2b(manifest),
        "## Months",
        *_months(manifest, changes),
        "## Values of months that were there before",
        *(_files(changes) if manifest.product == "l2b" else _values(manifest, changes)),
        "## Flags that turned",
        *_flags(changes),
        "## Inputs",
        _inputs(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _since(manifest: Manifest) -> str:
    return f" of {manifest.previous}" if manifest.previous else ""


def _gaps(manifest: Manifest) -> str:
    gaps = missing_months(manifest.months)
    return f"No data: {month_ranges(gaps)}." if gaps else "No month is missing."


def _advice_level2b(manifest: Manifest) -> str:
    if manifest.kind == EXTENSION:
        return "Add the files of the new months; within a version those of older months never change."
    return _ADVICE.get(manifest.kind, "")


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _months(manifest: Manifest, changes: Changes) -> Iterator[str]:
    if manifest.kind == INITIAL:
        yield "All of them are new."
        return
    yield f"New: {month_ranges(changes.months_added)}."
    if changes.months_removed:
        yield f"**No longer there: {month_ranges(changes.months_removed)}.**"


def _values(manifest: Manifest, changes: Changes) -> Iterator[str]:
    largest = changes.largest
    if changes.note:
        yield f"Not compared: {changes.note}."
    elif manifest.kind == INITIAL:
        yield "There is no release to compare with."
    elif largest is None:
        yield f"None of {_number(changes.unchanged, 'month')} changed, not in a single cell."
    else:
        together = len(changes.changed) + changes.unchanged
        typical = sorted(each.rms for each in changes.changed)[len(changes.changed) // 2]
        yield (
            f"{len(changes.changed)} of {_number(together, 'month')} changed. The change of a month, as "
            f"area-weighted rms over land, is {_mm(typical)} mm in the middle and at most {_mm(changes.rms)} mm. "
            f"The largest change of a single cell is {_signed(largest.largest)} mm, in {largest.month} at "
            f"{_place(largest)}. A cell is no independent value: the resolution is about 300 km."
        )
        yield _table(changes)
    if changes.mask_cells:
        yield f"{_number(changes.mask_cells, 'cell')} turned from land to ocean or back."


def _table(changes: Changes) -> str:
    rows = sorted(changes.changed, key=lambda each: -each.rms)[:LISTED]
    lines = ["| month | rms change (mm) | largest change (mm) | where |", "|---|---:|---:|---|"]
    lines += [f"| {r.month} | {_mm(r.rms)} | {_signed(r.largest)} | {_place(r)} |" for r in rows]
    more = len(changes.changed) - len(rows)
    return "\n".join(lines) + (f"\n\n{_number(more, 'other month')} changed less than these." if more else "")


def _mm(value: float) -> str:
    """A height in mm with as many digits as mean something."""
    return "below 0.001" if 0.0 < abs(value) < _NOTHING else f"{value:.3f}" if abs(value) < 1.0 else f"{value:.1f}"


def _signed(value: float) -> str:
    return _mm(value) if abs(value) < _NOTHING else f"{'+' if value > 0 else '−'}{_mm(abs(value))}"


def _place(change: MonthChange) -> str:
    north, east = "N" if change.latitude >= 0 else "S", "E" if change.longitude >= 0 else "W"
    return f"{abs(change.latitude):.2f}° {north}, {abs(change.longitude):.2f}° {east}"


def _files(changes: Changes) -> Iterator[str]:
    if changes.files:
        yield f"**{_number(len(changes.files), 'file')} of {_number(len(spans_of(changes.files)), 'month')} changed.**"
    if changes.files_lost:
        yield f"**{_number(len(changes.files_lost), 'file')} no longer there.**"
    if not changes.files and not changes.files_lost:
        yield "Every file is, byte by byte, the one that was there before."


def _flags(changes: Changes) -> Iterator[str]:
    words = {"filter": "residual filtered with", "normals": "normal equations of the filter:"}
    lines = [f"- {each.month}: {words[each.flag]} {each.after}, before {each.before}" for each in changes.flags]
    yield "\n".join(lines) or "None."


def _inputs(manifest: Manifest) -> str:
    others = [s for s in manifest.inputs if s.role not in ("level-2", "normals")]
    count = sum(source.role == "level-2" for source in manifest.inputs)
    lines = [f"- {_number(count, 'monthly field')} (Level-2)"]
    lines += [f"- {source.role}: {source.name}" for source in others]
    lines += [f"- gravstream {manifest.code_version}, baseline {manifest.baseline[:12]} of {manifest.reference_period}"]
    return "\n".join(lines) + "\n\n`manifest.json` lists every file with its SHA-256."
