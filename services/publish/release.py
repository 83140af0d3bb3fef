"""A release: a directory that appears whole or not at all, never changes, and can be withdrawn.

Read `STEPS`: that is the order. Until the last of them nothing is visible; after it nothing is missing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from services.publish import changes_page, datacite, quicklook, stac
from services.publish import manifest as manifests
from services.publish.changes import Changes
from services.publish.directories import (
    LATEST,
    appearing_directory,
    locked,
    pointed_at,
    switch,
)
from services.publish.file_names import maps_name
from services.publish.manifest import Manifest, Output, read_manifest
from services.publish.sums import SUMS, sums_text
from services.publish.tombstone import is_retracted
from shared.errors import RequestRefused
from shared.formats.files import sha256_of

QUICKLOOK = "quicklook.png"

STEPS = ("copy the files", "draw the picture", "describe", "sum up", "appear")

Progress = Callable[[str], None]


def build(
    files: Mapping[str, Path],
    manifest: Manifest,
    changes: Changes,
    into: Path,
    *,
    previous: Path | None = None,
    progress: Progress = lambda _: None,
) -> Path:
    """Make the directory of a release and give it its name in one step.

    Called again after a crash it starts anew, or returns the directory if that was already there.

    Parameters
    ----------
    files : path of each file by its name in the release
    manifest : with the name of the release
    changes : against the release before
    into : the folder of the product, where releases stand side by side
    previous : the release before, or None; what is the same there gets a second name instead of a second copy
    progress : called with the name of each step before it

    Raises
    ------
    RequestRefused : if a release of this name with other content is there, or a file is not what the manifest says
    """
    if not manifest.release:
        raise RequestRefused("a release without a name", advice="Take the manifest that `propose` returns.")
    final = into / manifest.release
    with locked(into):
        if final.exists():
            return _the_same(final, manifest)
        with appearing_directory(final) as folder:
            progress(STEPS[0])
            _place(files, manifest, folder, previous)
            progress(STEPS[1])
            extras = _draw(files, folder)
            progress(STEPS[2])
            _describe(manifest, changes, extras, folder)
            progress(STEPS[3])
            (folder / SUMS).write_text(sums_text(folder), encoding="utf-8")
            progress(STEPS[4])
        return final


def _the_same(final: Path, manifest: Manifest) -> Path:
    """The release that is there, if it is of the same files."""
    if is_retracted(final):
        raise RequestRefused(f"{final.name} was retracted", advice="Give the release a new serial number.")
    if read_manifest(final).outputs != manifest.outputs:
        raise RequestRefused(
            f"{final.name} is there with other files, and a release never changes",
            advice="Give the release a new serial number.",
        )
    return final


def _place(files: Mapping[str, Path], manifest: Manifest, folder: Path, previous: Path | None) -> None:
    """Bring every file into the directory, each verified against its digest where it now is."""
    known = _digests(previous)
    for output in manifest.outputs:
        target = folder / output.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if previous is not None and known.get(output.name) == output.sha256:
            _link(previous / output.name, target)
            if target.exists() and sha256_of(target) == output.sha256:
                continue
            target.unlink(missing_ok=True)  # the old copy is damaged: this release does not inherit it
        shutil.copyfile(files[output.name], target)
        if sha256_of(target) != output.sha256:
            raise RequestRefused(
                f"{output.name} is not the file that was checked: its digest differs",
                advice="Check the product again; somebody wrote to its file meanwhile.",
                file=output.name,
            )


def _digests(previous: Path | None) -> dict[str, str]:
    if previous is None or is_retracted(previous) or not (previous / manifests.NAME).is_file():
        return {}
    return {output.name: output.sha256 for output in read_manifest(previous).outputs}


def _link(there: Path, target: Path) -> None:
    """A second name for a file, where the file system allows it."""
    try:
        os.link(there, target)
    except OSError:
        target.unlink(missing_ok=True)


def _draw(files: Mapping[str, Path], folder: Path) -> tuple[Output, ...]:
    """The picture of the maps; coefficients have none."""
    name = maps_name(files)
    if name is None:
        return ()
    path = folder / QUICKLOOK
    quicklook.draw(path, folder / name)
    return (Output(QUICKLOOK, sha256_of(path), path.stat().st_size),)


def _describe(manifest: Manifest, changes: Changes, extras: tuple[Output, ...], folder: Path) -> None:
    record = datacite.datacite_xml(manifest, changes)
    texts = {
        manifests.NAME: manifest.to_json(),
        changes_page.NAME: changes_page.changes_text(manifest, changes),
        "changes.json": json.dumps(changes.to_dict(), indent=1) + "\n",
        datacite.NAME: record.decode(),
        stac.ITEM: stac.item_json(manifest, extras),
        stac.COLLECTION: stac.collection_json(manifest),
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def switch_latest(into: Path, release: str) -> None:
    """Let `latest` point to a release; RequestRefused if that is not there or was retracted."""
    with locked(into):
        target = into / release
        if not (target / manifests.NAME).is_file() or is_retracted(target):
            raise RequestRefused(f"{release} is no release that `latest` could be", advice="Name one that is there.")
        switch(into / LATEST, release)


def latest(into: Path) -> str | None:
    """The release that `latest` points to, None if there is none."""
    return pointed_at(into / LATEST)


def releases_in(into: Path) -> list[Manifest]:
    """The manifests of all releases that are not retracted, the oldest first."""
    folders: Iterable[Path] = into.iterdir() if into.is_dir() else ()
    there = (path for path in folders if not path.is_symlink() and (path / manifests.NAME).is_file())
    found = [read_manifest(path) for path in there if not path.name.startswith(".") and not is_retracted(path)]
    return sorted(found, key=lambda each: (each.issued, each.serial))
