"""The withdrawal of a release: its files go, its name stays and says why.

The tombstone is there before the first file goes. A crash in between leaves a release that says that it is withdrawn,
and a second try takes the rest away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.publish.directories import LATEST, files_in, locked, pointed_at, remove, seal, switch, sync
from services.publish.manifest import NAME, read_manifest
from shared.errors import GranuleRejected, RequestRefused
from shared.formats.files import write_atomically

TOMBSTONE, PAGE = "tombstone.json", "RETRACTED.md"


@dataclass(frozen=True)
class Tombstone:
    """Why a release was withdrawn, by whom and when (YYYY-MM-DDThh:mm:ssZ), and what takes its place."""

    release: str
    reason: str
    who: str
    when: str
    successor: str = ""


def is_retracted(release: Path) -> bool:
    """Whether a release was withdrawn."""
    return (release / TOMBSTONE).is_file()


def retract(release: Path, reason: str, *, who: str, when: str, successor: str = "") -> Path:
    """Withdraw a release: a tombstone takes the place of its files.

    `latest` leaves it, for the successor or for nothing.

    Parameters
    ----------
    release : its directory, beside those of the other releases
    reason : why; every reader sees it
    who, when : who decided and when, as YYYY-MM-DDThh:mm:ssZ
    successor : the release that `latest` points to from now on; without one, `latest` goes if it pointed here

    Raises
    ------
    RequestRefused : if there is no such release, or the successor is none
    """
    into = release.parent
    if not release.is_dir() or release.is_symlink():
        raise RequestRefused(f"there is no release {release.name}", advice=f"Name one of those in {into}.")
    if successor and (not (into / successor / NAME).is_file() or is_retracted(into / successor)):
        raise RequestRefused(f"{successor} cannot take its place", advice="Name a release that is there.")
    with locked(into):
        stone = read_tombstone(release) or Tombstone(release.name, reason, who, when, successor)
        release.chmod(0o755)
        if not is_retracted(release):
            words = _words(stone, release)
            write_atomically(release / PAGE, _page(stone, words).encode())
            write_atomically(release / TOMBSTONE, (json.dumps(words, indent=1, ensure_ascii=False) + "\n").encode())
            sync(release)
        if pointed_at(into / LATEST) == release.name:
            _leave(into, stone.successor)
        _empty(release)
        seal(release)
    return release


def read_tombstone(release: Path) -> Tombstone | None:
    """The tombstone of a release, None if it has none."""
    if not is_retracted(release):
        return None
    words = json.loads((release / TOMBSTONE).read_text(encoding="utf-8"))
    return Tombstone(**{name: words[name] for name in Tombstone.__dataclass_fields__})


def _leave(into: Path, successor: str) -> None:
    if successor:
        switch(into / LATEST, successor)
    else:
        (into / LATEST).unlink()


def _empty(release: Path) -> None:
    """Take every file but the tombstone away."""
    for path in sorted(release.iterdir()):
        if path.is_dir() and not path.is_symlink():
            remove(path)
        elif path.name not in (TOMBSTONE, PAGE):
            path.unlink()


def _words(stone: Tombstone, release: Path) -> dict[str, Any]:
    """The tombstone, and what the release was: its files by name and digest."""
    try:
        was = read_manifest(release)
    except GranuleRejected:
        return asdict(stone)
    return asdict(stone) | {
        "product": was.product,
        "version": was.version,
        "title": was.title,
        "months": f"{was.first}..{was.last}",
        "issued": was.issued,
        "files": {output.name: output.sha256 for output in was.outputs},
    }


def _page(stone: Tombstone, words: dict[str, Any]) -> str:
    what = f"{words['title']}, version {words['version']}, {words['months']}. " if "title" in words else ""
    instead = f"Use {stone.successor} instead." if stone.successor else "There is no release in its place yet."
    return (
        f"# {stone.release} was retracted\n\n{what}Retracted on {stone.when[:10]} by {stone.who}.\n\n"
        f"**Why:** {stone.reason}\n\n{instead} Do not use copies of the files that were here; "
        f"`{TOMBSTONE}` lists their digests.\n"
    )


def tombstone_problems(release: Path) -> Iterator[tuple[str, str]]:
    """Files beside the tombstone, as kind and name: the withdrawal was not finished."""
    names = set(files_in(release))
    yield from (("extra", name) for name in sorted(names - {TOMBSTONE, PAGE}))
    if PAGE not in names:
        yield "missing", PAGE
