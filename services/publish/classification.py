"""What kind of release a product is, by what differs from the one before.

major: another Level-2 release, baseline or filter - values are not comparable with those before.
minor: another algorithm, program version or auxiliary - the same quantity, computed otherwise.
extension: new or re-issued months - the version stays, the end of the record moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from services.publish.manifest import Manifest
from shared.errors import RequestRefused
from shared.formats.level3_attributes import month_ranges
from shared.models.provenance import LOW_DEGREE_ROWS, Source

INITIAL, MAJOR, MINOR, EXTENSION = "initial", "major", "minor", "extension"

# Steps that decide which filter the values passed
FILTER_STEPS = ("decorrelate", "combine_filters")
# Inputs that are themselves a decision of the kind above: the reference, and the normals of the filter
MAJOR_ROLES = {"baseline": "the baseline", "filter": "the normal equations of the filter"}
# Inputs that belong to single months
MONTHLY_ROLES = ("level-2", "normals", LOW_DEGREE_ROWS)
# Tables that grow by a row a month under one name; their centres promise that past rows stay while the name does
GROWING_ROLES = ("low-degrees", "geocenter", "month-table")

_NAMED = 3


def classify(new: Manifest, old: Manifest | None) -> tuple[str, str]:
    """The kind of a release and a sentence why.

    Parameters
    ----------
    new : manifest of the product to be released
    old : manifest of the release before it, None for the first one
    """
    if old is None:
        return INITIAL, f"It is the first release of {new.product}."
    major, minor = _major(new, old), _minor(new, old)
    if major:
        return MAJOR, _sentence(major + minor)
    if minor:
        return MINOR, _sentence(minor)
    return EXTENSION, _sentence(_extension(new, old) or ["inputs, steps and settings are those of the release before"])


def _sentence(reasons: list[str]) -> str:
    text = "; ".join(reasons)
    return text[0].upper() + text[1:] + "."


def _major(new: Manifest, old: Manifest) -> list[str]:
    reasons = []
    series, before = (series_of(each.inputs) for each in (new, old))
    if series - before:
        reasons.append(f"Level-2 comes from {', '.join(sorted(series - before))}, before from {', '.join(before)}")
    if new.baseline != old.baseline:
        reasons.append(f"the baseline {new.baseline[:12]} replaces {old.baseline[:12]}")
    if new.reference_period != old.reference_period:
        reasons.append(f"values are relative to {new.reference_period}, before to {old.reference_period}")
    reasons += [
        f"the filter is {after}, before {each or 'none'}"
        for after, each in _differing_steps(new, old)
        if _step_name(after or each) in FILTER_STEPS
    ]
    if _of_role(new, "filter") != _of_role(old, "filter"):
        reasons.append(f"{MAJOR_ROLES['filter']} differ")
    return reasons


def _minor(new: Manifest, old: Manifest) -> list[str]:
    reasons = []
    if new.code_version != old.code_version:
        reasons.append(f"the program is version {new.code_version}, before {old.code_version}")
    if new.mode != old.mode:
        reasons.append(f"the series is evaluated in mode {new.mode or 'none'}, before {old.mode or 'none'}")
    for after, before in _differing_steps(new, old):
        if _step_name(after or before) not in FILTER_STEPS:
            reasons.append(f"a step is {after or 'left out'}, before {before or 'none'}")
    if _step_names(new) != _step_names(old) and not reasons:
        reasons.append("the steps stand in another order")
    reasons += [f"{what} {_changed_auxiliary(new, old, what)}" for what in _changed_roles(new, old)]
    return reasons


def _extension(new: Manifest, old: Manifest) -> list[str]:
    reasons = []
    added, lost = set(new.months) - set(old.months), set(old.months) - set(new.months)
    if added:
        reasons.append(f"{_count(len(added), 'month is', 'months are')} new: {month_ranges(added)}")
    if lost:
        reasons.append(f"{_count(len(lost), 'month is', 'months are')} gone: {month_ranges(lost)}")
    again = reissued(new, old)
    if again:
        reasons.append(f"{_count(len(again), 'input was', 'inputs were')} re-issued: {_some(again)}")
    new_normals = _of_role(new, "normals") ^ _of_role(old, "normals")
    if new_normals and not added:
        reasons.append(f"normal equations of {_count(len(new_normals), 'month', 'months')} differ")
    reasons += [
        f"the table {role} is a newer one" for role in GROWING_ROLES if _of_role(new, role) != _of_role(old, role)
    ]
    return reasons


def reissued(new: Manifest, old: Manifest) -> list[str]:
    """Inputs of single months that have their old name and other bytes."""
    before = {(source.role, source.name): source.sha256 for source in old.inputs if source.role in MONTHLY_ROLES}
    return sorted(s.name for s in new.inputs if before.get((s.role, s.name), s.sha256) != s.sha256)


def series_of(inputs: Iterable[Source]) -> set[str]:
    """The Level-2 series of the inputs: their names without mission and dates."""
    names = (source.name for source in inputs if source.role == "level-2")
    return {_DATES.sub("", name).removesuffix(".gz").removesuffix(".gfc").strip("_-") for name in names}


_DATES = re.compile(r"(?<=[_-])(GRAC|GRFO|\d{7}-\d{7}|\d{4}-\d{2})(_|(?=\.)|$)")


def _of_role(manifest: Manifest, role: str) -> set[tuple[str, str]]:
    return {(source.name, source.sha256) for source in manifest.inputs if source.role == role}


def _changed_roles(new: Manifest, old: Manifest) -> list[str]:
    """Roles of auxiliaries whose version differs: their name, and their bytes too unless they grow."""
    roles = {source.role for source in (*new.inputs, *old.inputs)} - {*MONTHLY_ROLES, *MAJOR_ROLES}
    return [
        role
        for role in sorted(roles)
        if _names(new, role) != _names(old, role)
        or (role not in GROWING_ROLES and _of_role(new, role) != _of_role(old, role))
    ]


def _names(manifest: Manifest, role: str) -> set[str]:
    return {name for name, _ in _of_role(manifest, role)}


def _changed_auxiliary(new: Manifest, old: Manifest, role: str) -> str:
    after, before = _names(new, role), _names(old, role)
    if after == before:
        return f"({', '.join(after)}) has other content under its name"
    return f"is {', '.join(after) or 'absent'}, before {', '.join(before) or 'absent'}"


def _step_name(step: str) -> str:
    return step.partition("(")[0]


def _step_names(manifest: Manifest) -> list[str]:
    return [_step_name(step) for step in manifest.steps]


def _differing_steps(new: Manifest, old: Manifest) -> list[tuple[str, str]]:
    """Steps whose settings differ or that only one has, as (after, before); empty where it has none."""
    after, before = ({_step_name(step): step for step in each.steps} for each in (new, old))
    names = [*after, *(name for name in before if name not in after)]
    return [(after.get(n, ""), before.get(n, "")) for n in names if after.get(n) != before.get(n)]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def next_version(version: str, kind: str) -> str:
    """The version that a release of this kind gets after `version`.

    `v1.0` counts MAJOR.MINOR; a plain number such as `0001` knows no minor one and counts both.
    """
    if kind in (INITIAL, EXTENSION):
        return version
    if version.isdigit():
        return f"{int(version) + 1:0{len(version)}d}"
    match = re.fullmatch(r"v(\d+)\.(\d+)", version)
    if not match:
        raise RequestRefused(f"{version!r} is no version", advice="Write it as v1.0 or 0001.")
    return f"v{int(match[1]) + 1}.0" if kind == MAJOR else f"v{match[1]}.{int(match[2]) + 1}"


def release_name(product: str, version: str, serial: int) -> str:
    """The name of a release, such as twsa-v1.0-003."""
    return f"{product}-{version}-{serial:03d}"


def propose(draft: Manifest, old: Manifest | None, *, issued: str, serial: int | None = None) -> Manifest:
    """The manifest with the name, serial number and kind of its release.

    Parameters
    ----------
    draft : what the files say
    old : of the release before it, None for the first one
    issued : when, as YYYY-MM-DDThh:mm:ssZ
    serial : number within the version; default the one after `old`
    """
    kind, why = classify(draft, old)
    if serial is None:
        serial = old.serial + 1 if old is not None and old.version == draft.version else 1
    return replace(
        draft,
        kind=kind,
        why=why,
        serial=serial,
        issued=issued,
        release=release_name(draft.product, draft.version, serial),
        previous=old.release if old else "",
    )
