"""A release to be: described, classified, compared and measured, so that it can be decided on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from services.publish.changes import Changes
from services.publish.checks import check
from services.publish.classification import EXTENSION, MAJOR, next_version, propose
from services.publish.comparison import compare, compare_level2b
from services.publish.contents import describe
from services.publish.file_names import maps_name
from services.publish.gate import LIMITS, GateLimits, GateReport, Result
from services.publish.level2b_checks import check_level2b
from services.publish.manifest import Manifest, read_manifest
from shared.settings import Publisher


@dataclass(frozen=True)
class Draft:
    """All that is known of a release before it is one; `build` makes it from this."""

    files: Mapping[str, Path]
    manifest: Manifest
    changes: Changes
    report: GateReport


def prepare(
    files: Mapping[str, Path],
    previous: Path | None,
    *,
    issued: str,
    code_version: str = "",
    title: str = "",
    publisher: Publisher | None = None,
    doi: str = "",
    key: str = "",
    serial: int | None = None,
    limits: GateLimits = LIMITS,
) -> Draft:
    """Describe, classify, compare and measure the files of a product; nothing is written.

    Parameters
    ----------
    files : path of each file by its name in the release
    previous : directory of the release before, None for the first one
    issued : when, as YYYY-MM-DDThh:mm:ssZ
    code_version, title, publisher : of Level-2B, which does not say them itself
    doi : of the product, if it has one
    key : of the work that made the files
    serial : number within the version; default the one after `previous`

    Raises
    ------
    RequestRefused : if the files are no product
    GranuleRejected : if the file of maps, or one of the release before, cannot be read
    """
    old = None if previous is None else read_manifest(previous)
    found = describe(files, code_version=code_version, title=title, publisher=publisher)
    publication = {**found.publication, **({"doi": doi} if doi else {})}
    manifest = propose(replace(found, key=key, publication=publication), old, issued=issued, serial=serial)
    name = maps_name(files)
    if name is None:
        changes, report = compare_level2b(manifest, old), check_level2b(files, old, limits)
    else:
        before = previous / next(o.name for o in old.outputs if _is_maps(o.name)) if previous and old else None
        changes = compare(files[name], before)
        report = check(files[name], before, limits, changes=changes, name=name)
    return Draft(files, manifest, changes, GateReport((*report.results, check_version(manifest, old))))


def _is_maps(name: str) -> bool:
    return "/" not in name and name.endswith(".nc")


def check_version(manifest: Manifest, old: Manifest | None) -> Result:
    """The version moves as the kind says: not for an extension, upwards for others."""
    if old is None:
        return Result("version", True, f"{manifest.version} is the first release", 0.0, 0.0)
    expected = next_version(old.version, manifest.kind)
    now, before = version_numbers(manifest.version), version_numbers(old.version)
    fits = now == before if manifest.kind == EXTENSION else now > before
    if manifest.kind == MAJOR:
        fits = fits and now[0] > before[0]
    text = f"a release of the kind {manifest.kind} behind {old.version} is {expected}; this one is {manifest.version}"
    return Result("version", fits, text, float(not fits), 0.0)


def version_numbers(version: str) -> tuple[int, ...]:
    """`v1.0` as (1, 0), `0001` as (1,); empty for what is none, which is below any."""
    parts = version.removeprefix("v").split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()
