"""The gate for Level-2B: every month in every filter set, and past files that never change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.publish.file_names import LEVEL2B_NAME, level2b_names
from services.publish.gate import LIMITS, GateLimits, GateReport, Result, below, faultless
from services.publish.manifest import Manifest
from shared.errors import GranuleRejected
from shared.formats.files import sha256_of
from shared.formats.level2b import NOT_FILTERED, read_level2b
from shared.geodesy import ordering
from shared.models.coefficients import GravityField

FILTER_SETS = (NOT_FILTERED, *(f"VDK{strength}" for strength in range(1, 9)))

# Coefficients above this degree are mostly noise before the filter (Kusche et al. 2009, doi 10.1007/s00190-009-0308-3)
NOISY_DEGREE = 30
# So many months before the new ones tell what noise is usual.
_REFERENCE_MONTHS = 24


@dataclass(frozen=True)
class Read:
    """A file that was read: its name in the release and its content."""

    name: str
    field: GravityField


def check_level2b(
    files: Mapping[str, Path], previous: Manifest | None = None, limits: GateLimits = LIMITS
) -> GateReport:
    """Measure the files of Level-2B against the limits and the release before.

    Parameters
    ----------
    files : path of each file by its name in the release
    previous : manifest of the release before; its files are known to be sound, so only others are read
    limits : what may be released without a person
    """
    names = level2b_names(files)
    known = {} if previous is None else {output.name: output.sha256 for output in previous.outputs}
    same = {name for name in names if known.get(name) == sha256_of(files[name])}
    read, faults = _read([name for name in names if name not in same], files)
    same_version = previous is not None and _version(names) == _version(known)
    return GateReport(
        (
            faultless("readable", faults, f"{len(read)} new files were read"),
            faultless("completeness", _incomplete(names), f"every month has {len(FILTER_SETS)} filter sets"),
            faultless("past files", _changed(names, same, known) if same_version else (), _unchanged(same, known)),
            faultless("names", _misnamed(read), "files hold what their names and folders say"),
            faultless("metadata", _unsaid(read), "files say steps and inputs with their digests"),
            _check_range(read, limits),
            _check_noise(names, read, files, limits),
        )
    )


def _version(names: Mapping[str, str] | list[str]) -> set[str]:
    return {match["version"] for name in names if (match := LEVEL2B_NAME.fullmatch(name))}


def _read(names: list[str], files: Mapping[str, Path]) -> tuple[list[Read], list[str]]:
    read, faults = [], []
    for name in names:
        try:
            filter_set, field = read_level2b(files[name])
        except GranuleRejected as error:
            faults.append(f"{name}: {error}")
            continue
        if filter_set != name.partition("/")[0]:
            faults.append(f"{name} is of the filter set {filter_set}")
        read.append(Read(name, field))
    return read, faults


def _incomplete(names: list[str]) -> Iterator[str]:
    sets: dict[str, set[str]] = {}
    for name in names:
        if match := LEVEL2B_NAME.fullmatch(name):
            sets.setdefault(match["span"], set()).add(match["set"])
    for span, found in sets.items():
        if missing := set(FILTER_SETS) - found:
            yield f"{span} lacks {', '.join(sorted(missing))}"
    if not names:
        yield "there is no file"
    if len(versions := _version(names)) > 1:
        yield f"files of several versions: {', '.join(sorted(versions))}"


def _changed(names: list[str], same: set[str], known: Mapping[str, str]) -> Iterator[str]:
    there = set(names)
    changed = [name for name in sorted(known) if LEVEL2B_NAME.fullmatch(name) and name not in same]
    for found, one, many in (
        ([name for name in changed if name in there], "file has other content", "files have other content"),
        ([name for name in changed if name not in there], "file is gone", "files are gone"),
    ):
        if found:
            yield f"{len(found)} {one if len(found) == 1 else many}, such as {found[0]}"


def _unchanged(same: set[str], known: Mapping[str, str]) -> str:
    if not known:
        return "there is no release before this one"
    return f"{len(same)} files of the release before are there, byte by byte"


def _misnamed(read: list[Read]) -> Iterator[str]:
    degrees = {each.field.nmax for each in read}
    if len(degrees) > 1:
        yield f"files up to degree {min(degrees)} and up to degree {max(degrees)}"
    for each in read:
        match = LEVEL2B_NAME.fullmatch(each.name)
        if match and each.field.span is not None and each.field.span.label != match["span"]:
            yield f"{each.name} holds {each.field.span.label}"


def _unsaid(read: list[Read]) -> Iterator[str]:
    for each in read:
        roles = {source.role for source in each.field.sources if len(source.sha256) == 64}
        if missing := {"level-2", "baseline"} - roles:
            yield f"{each.name} does not name its {' and '.join(sorted(missing))}"
        if not each.field.history:
            yield f"{each.name} does not tell its steps"


def _check_range(read: list[Read], limits: GateLimits) -> Result:
    sizes = {each.name: float(np.abs(each.field.values).max()) for each in read}
    # A number that is none counts as the largest.
    worst = max(sizes, key=lambda name: np.nan_to_num(sizes[name], nan=np.inf), default=None)
    if worst is None:
        return below("range", 0.0, limits.largest_coefficient, "no file is new")
    text = f"largest anomaly of a coefficient {sizes[worst]:.1e}, in {worst}"
    return below("range", sizes[worst], limits.largest_coefficient, text)


def _check_noise(names: list[str], read: list[Read], files: Mapping[str, Path], limits: GateLimits) -> Result:
    """The unfiltered coefficients of high degree, in medians of the months before."""
    new = {each.name: _noise(each.field) for each in read if each.name.startswith(NOT_FILTERED)}
    earlier = [name for name in names if name.startswith(NOT_FILTERED) and name not in new][-_REFERENCE_MONTHS:]
    usual = [_noise(read_level2b(files[name])[1]) for name in earlier] or list(new.values())
    if not new:
        return below("noise", 0.0, limits.coefficient_noise_ratio, "no month is new")
    worst = max(new, key=lambda name: new[name])
    ratio = new[worst] / float(np.median(usual)) if np.median(usual) > 0.0 else 0.0
    text = (
        f"coefficients above degree {NOISY_DEGREE} of {worst} are {ratio:.1f} times the median of {len(usual)} months"
    )
    return below("noise", ratio, limits.coefficient_noise_ratio, text)


def _noise(field: GravityField) -> float:
    """Rms of the coefficients of high degree, of the upper half where a field ends before."""
    degree = ordering.index(field.nmax).degree
    high = degree > min(NOISY_DEGREE, field.nmax // 2)
    return float(np.sqrt(np.mean(field.values[high] ** 2)))
