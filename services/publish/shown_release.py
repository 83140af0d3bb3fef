"""A release as its users see it: what it is, what changed, its files with their digests, and how to cite it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.publish.changes import changes_of_dict
from services.publish.file_names import maps_in
from services.publish.manifest import Manifest, read_manifest
from services.publish.shown_changes import ChangesView, changes_view
from services.publish.sums import SUMS, read_sums
from services.publish.tombstone import Tombstone, read_tombstone
from shared.errors import GranuleRejected
from shared.storage.records import ReleaseRecord


@dataclass(frozen=True)
class ReleaseLine:
    """A release in the list of all; maps: whether there are some to be seen, so only of one that is released."""

    id: str
    product: str
    version: str
    serial: int
    kind: str
    state: str
    first: str
    last: str
    created_at: datetime
    decided_at: datetime | None
    who: str
    decision: str
    reasons: tuple[str, ...]
    latest: bool
    maps: bool


@dataclass(frozen=True)
class FileView:
    """A file of a release; size in bytes, href: where it is served."""

    name: str
    size: int
    sha256: str
    href: str


@dataclass(frozen=True)
class ManifestView:
    """What a release was made of; begin, end: first and last day of data; inputs: how many files, roles: of each."""

    title: str
    months: tuple[str, ...]
    begin: str
    end: str
    issued: str
    previous: str
    why: str
    code_version: str
    baseline: str
    reference_period: str
    mode: str
    steps: tuple[str, ...]
    parameters: Mapping[str, str]
    inputs: int
    roles: Mapping[str, int]


@dataclass(frozen=True)
class ReleaseView(ReleaseLine):
    """All of a release; manifest, files and citation: only of one that is released, tombstone: of one retracted."""

    manifest: ManifestView | None
    files: tuple[FileView, ...]
    citation: str
    changes: ChangesView | None
    tombstone: Tombstone | None


def line_of(release: ReleaseRecord, latest: ReleaseRecord | None) -> ReleaseLine:
    """A release as a line; latest: the newest of its product that is open."""
    return ReleaseLine(**_words(release, latest))


def view_of(release: ReleaseRecord, latest: ReleaseRecord | None, address: str) -> ReleaseView:
    """All of a release; address: under which its files are served."""
    folder = Path(release.directory) if release.directory else None
    stone = read_tombstone(folder) if folder else None
    manifest = _manifest(folder) if folder and stone is None else None
    return ReleaseView(
        **_words(release, latest),
        manifest=summary_of(manifest) if manifest else None,
        files=tuple(files_of(folder, address)) if folder and manifest else (),
        citation=citation_of(manifest) if manifest else "",
        changes=recorded_changes(release, manifest.previous if manifest else ""),
        tombstone=stone,
    )


def recorded_changes(release: ReleaseRecord, previous: str = "") -> ChangesView | None:
    """What a release changed against the one before it, as was noted at its making."""
    return changes_view(changes_of_dict(release.changes), previous) if release.changes else None


def _words(release: ReleaseRecord, latest: ReleaseRecord | None) -> dict[str, Any]:
    names = ReleaseLine.__dataclass_fields__.keys() - {"latest", "maps"}
    is_latest = latest is not None and latest.id == release.id
    maps = release.state == "released" and maps_in(Path(release.directory)) is not None
    return {name: getattr(release, name) for name in names} | {"latest": is_latest, "maps": maps}


def _manifest(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except GranuleRejected:
        return None


def summary_of(manifest: Manifest) -> ManifestView:
    """What a manifest says, without the digests of its inputs."""
    roles = [source.role for source in manifest.inputs]
    same = ("title", "begin", "end", "issued", "previous", "why", "code_version", "baseline", "reference_period")
    return ManifestView(
        **{name: getattr(manifest, name) for name in same},
        mode=manifest.mode,
        steps=manifest.steps,
        months=tuple(map(str, manifest.months)),
        parameters=dict(manifest.parameters),
        inputs=len(roles),
        roles={role: roles.count(role) for role in dict.fromkeys(roles)},
    )


def citation_of(manifest: Manifest) -> str:
    """How a release is cited."""
    words = manifest.publication
    who = words.get("creator_name") or words.get("institution") or "gravstream"
    doi = f" https://doi.org/{words['doi']}" if words.get("doi") else ""
    title = f"{manifest.title}, {manifest.version}, release {manifest.serial:03d}"
    licence = f" Licence: {words['license']}." if words.get("license") else ""
    return f"{who} ({manifest.issued[:4]}): {title} ({manifest.release}).{doi}{licence}"


@lru_cache(maxsize=16)
def digests_of(folder: Path) -> Mapping[str, str]:
    """Digest of each file of a release by its name; a release never changes."""
    return read_sums((folder / SUMS).read_text(encoding="utf-8"))


def files_of(folder: Path, address: str) -> list[FileView]:
    """The files of a release directory with their digests."""
    found = []
    for name, digest in digests_of(folder).items():
        path = folder / name
        if path.is_file():
            found.append(FileView(name, path.stat().st_size, digest, f"{address}/{name}"))
    return found


def words_of(folder: Path, name: str) -> Any:
    """A file of JSON of a release."""
    return json.loads((folder / name).read_text(encoding="utf-8"))
