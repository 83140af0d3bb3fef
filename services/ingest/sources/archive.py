"""The months in a ZIP file, taken out one by one and with limits.

A ZIP is a stranger's: its directory may lie about sizes, a few bytes may hold gigabytes, and a name may point
out of the folder. Nothing is written under a name that it says, and what comes out is counted.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath

from services.ingest.sources.source import Fetched
from shared.errors import GranuleRejected
from shared.settings import IngestSettings

_ADVICE = "The files are fetched one by one instead; tell upstream"
_MOST_MEMBERS = 20_000
_CHUNK = 1 << 16
_SYMLINK = 0o120000


def members_of(
    archive: Fetched, names: Set[str], into: Path, settings: IngestSettings
) -> Iterator[tuple[str, Fetched]]:
    """The files of some names in a ZIP, each written to a folder when it is asked for.

    A name that comes twice is left out. Raises GranuleRejected, before anything is written, for a file that is no
    ZIP, and for one that is larger inside than any series, or leads out of the folder.
    """
    try:
        with zipfile.ZipFile(archive.path) as opened:
            members = _checked(opened, archive, settings)
            found = Counter(PurePosixPath(member.filename).name for member in members)
            for member in members:
                name = PurePosixPath(member.filename).name
                if name in names and found[name] == 1:
                    yield name, _extracted(opened, member, into / name, archive, settings)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise GranuleRejected(f"{archive.url} is no sound ZIP file ({error})", advice=_ADVICE) from error


def _checked(opened: zipfile.ZipFile, archive: Fetched, settings: IngestSettings) -> list[zipfile.ZipInfo]:
    """The files inside, if all of them together keep within the limits."""
    members = [member for member in opened.infolist() if not member.is_dir()]
    if len(members) > _MOST_MEMBERS:
        raise _refused(archive, f"holds {len(members)} files")
    for member in members:
        path = PurePosixPath(member.filename)
        leads_out = path.is_absolute() or ".." in path.parts or "\\" in member.orig_filename or ":" in path.parts[0]
        if leads_out or (member.external_attr >> 16) & 0o170000 == _SYMLINK:
            raise _refused(archive, f"holds {member.filename[:120]!r}, which leads out of it")
        if member.file_size > settings.max_member_bytes or _ratio(member) > settings.max_ratio:
            packed = f"{member.file_size} bytes packed into {member.compress_size}"
            raise _refused(archive, f"holds {member.filename[:120]!r} with {packed}")
    if sum(member.file_size for member in members) > settings.max_archive_bytes:
        raise _refused(archive, "holds more than a series can have")
    return members


def _ratio(member: zipfile.ZipInfo) -> float:
    return member.file_size / max(member.compress_size, 1)


def _extracted(
    opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, archive: Fetched, settings: IngestSettings
) -> Fetched:
    hasher, size = hashlib.sha256(), 0
    with opened.open(member) as packed, path.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            size += len(chunk)
            if size > settings.max_member_bytes:
                raise _refused(archive, f"holds {member.filename[:120]!r}, which is larger than it says")
            hasher.update(chunk)
            file.write(chunk)
    return Fetched(path, hasher.hexdigest(), size, f"{archive.url}#{member.filename}")


def _refused(archive: Fetched, found: str) -> GranuleRejected:
    return GranuleRejected(f"the ZIP of {archive.url} {found}", advice=_ADVICE)
