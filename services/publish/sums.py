"""SHA256SUMS: the digests of a release, as `sha256sum -c SHA256SUMS` reads them, and what they reveal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from services.publish.directories import files_in
from services.publish.manifest import NAME, read_manifest
from services.publish.tombstone import is_retracted, tombstone_problems
from shared.errors import GranuleRejected
from shared.formats.files import sha256_of

SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


@dataclass(frozen=True)
class Problem:
    """A file that is `missing`, `extra` or `changed`, or a text that is `damaged`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} is {self.kind}"


def sums_text(folder: Path) -> str:
    """A line for every file of a release but the sums themselves."""
    return "".join(f"{sha256_of(folder / name)}  {name}\n" for name in files_in(folder) if name != SUMS)


def read_sums(text: str) -> dict[str, str]:
    """Digest by name; ValueError for a line that is none."""
    sums = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if not match:
            raise ValueError(f"{line!r} is no line of sums")
        sums[match[2]] = match[1]
    return sums


def verify(release: Path) -> list[Problem]:
    """All that is not as it was released: files missing, extra or changed; nothing if all is well.

    A retracted release is well if its tombstone is all that there is.
    """
    if is_retracted(release):
        return [Problem(*each) for each in tombstone_problems(release)]
    if not release.is_dir():
        return [Problem("missing", release.name)]
    try:
        sums = read_sums((release / SUMS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return [Problem("missing", SUMS)]
    except ValueError:
        return [Problem("damaged", SUMS)]
    there = set(files_in(release)) - {SUMS}
    problems = [Problem("missing", name) for name in sorted(set(sums) - there)]
    problems += [Problem("extra", name) for name in sorted(there - set(sums))]
    problems += [
        Problem("changed", name) for name in sorted(there & set(sums)) if _digest(release / name) != sums[name]
    ]
    return problems + _against_manifest(release, sums)


def _digest(path: Path) -> str:
    """Digest of a file; what cannot be read is not what it was."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _against_manifest(release: Path, sums: dict[str, str]) -> list[Problem]:
    """The sums and the manifest tell the same: whoever changes both leaves the outputs inconsistent."""
    try:
        outputs = read_manifest(release).outputs
    except GranuleRejected:
        return [Problem("damaged", NAME)] if (release / NAME).is_file() else []
    return [Problem("not what the manifest says", o.name) for o in outputs if sums.get(o.name) != o.sha256]
