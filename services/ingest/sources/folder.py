"""A folder that an operator drops files into."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from services.ingest.sources.source import Fetched, Listed, Listing, Missed, each_once, one_by_one
from shared.errors import GranuleRejected, Unreachable
from shared.settings import IngestSettings

# What the names of files say, in this order
ROLES = (
    ("level-2", re.compile(r".+\.gfc(\.gz)?", re.IGNORECASE)),
    ("low-degrees", re.compile(r".*LOW_DEGREES.*|TN-14.*", re.IGNORECASE)),
    ("geocenter", re.compile(r".*GEOCENTER.*|TN-13.*", re.IGNORECASE)),
    ("gia", re.compile(r".*GIA.*")),
    ("land-mask", re.compile(r".*(mask|landsea).*\.nc", re.IGNORECASE)),
    ("month-table", re.compile(r"months.*\.csv")),
    ("normals", re.compile(r".+\.(snx|snx\.gz|normals)")),
)
UNKNOWN = "unknown"

_UNFINISHED = re.compile(r"\..*|.*(~|\.tmp|\.part|\.partial|\.crdownload|\.swp)")
_CHUNK = 1 << 20


class Folder:
    """A folder with files of any role, told by their names."""

    name = "folder"

    def __init__(self, settings: IngestSettings, path: Path) -> None:
        self._settings = settings
        self._path = path

    @property
    def status(self) -> int | None:
        """None: a folder has no HTTP."""
        return None

    def list(self) -> Listing:
        """Files that nobody has written to for a while."""
        if not self._path.is_dir():
            raise Unreachable(f"there is no folder {self._path}", advice="Make it, or take it out of the settings")
        found = [path for path in sorted(self._path.rglob("*")) if self._is_complete(path)]
        entries = []
        for path in found:
            role = next((role for role, pattern in ROLES if pattern.fullmatch(path.name)), UNKNOWN)
            stat = path.stat()
            entries.append(Listed(role, path.name, str(path), stat.st_size, 0, str(stat.st_mtime_ns)))
        single, doubles = each_once(entries)
        return Listing(single, "listed" if entries else "empty", doubles=doubles, permanent=False)

    def _is_complete(self, path: Path) -> bool:
        if any(_UNFINISHED.fullmatch(part) for part in path.relative_to(self._path).parts):
            return False
        if path.is_symlink() or not path.is_file():
            return False
        return time.time() - path.stat().st_mtime >= self._settings.settle

    def close(self) -> None:
        """There is nothing to close."""

    def fetch(
        self, entry: Listed, into: Path, *, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched | None:
        """Copy a file; None if time and size are as before, Unreachable if it is being written to."""
        path, state = Path(entry.url), f"{entry.last_modified}-{entry.size}"
        if etag == state:
            return None
        limit = self._settings.largest(entry.role)
        if entry.size is not None and entry.size > limit:
            found = f"{entry.size} bytes, where the limit is {limit}"
            raise GranuleRejected(found, advice="Raise it in the settings if the file is right", file=entry.name)
        hasher, size, copy = hashlib.sha256(), 0, into / entry.name
        try:
            with path.open("rb") as source, copy.open("wb") as target:
                while chunk := source.read(_CHUNK):
                    hasher.update(chunk)
                    target.write(chunk)
                    size += len(chunk)
            stat = path.stat()
        except OSError as error:
            raise Unreachable(f"{path} cannot be read ({error})", advice="It is tried again") from error
        if f"{stat.st_mtime_ns}-{stat.st_size}" != state or size != entry.size:
            raise Unreachable(f"{path} is being written to", advice="It is tried again")
        return Fetched(copy, hasher.hexdigest(), size, str(path), state)

    def fetch_many(self, entries: Sequence[Listed], into: Path) -> Iterator[tuple[Listed, Fetched | Missed]]:
        """Copy many files."""
        yield from one_by_one(entries, lambda entry: self.fetch(entry, into), len(entries))
