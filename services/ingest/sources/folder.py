"""A folder that an operator drops files into: watched, and looked through in any case."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

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

    def __init__(self, settings: IngestSettings, path: Path, *, settle: float = 2.0) -> None:
        """Say which folder, and for how long [s] a file must have been left alone to count as complete."""
        self._settings = settings
        self._path = path
        self._settle = settle

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
        return time.time() - path.stat().st_mtime >= self._settle

    def close(self) -> None:
        """There is nothing to close."""

    def fetch(
        self, entry: Listed, into: Path, *, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched | None:
        """Copy a file; None if time and size are as before, Unreachable if it is being written to."""
        path, state = Path(entry.url), f"{entry.last_modified}-{entry.size}"
        if etag == state:
            return None
        if entry.size is not None and entry.size > self._settings.max_bytes:
            raise GranuleRejected(f"{entry.size} bytes, which is over the limit", advice="Raise it", file=entry.name)
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


class _Bell(FileSystemEventHandler):
    """Rings once when it has been quiet for a while after something happened."""

    def __init__(self, ring: Callable[[], None], quiet: float) -> None:
        self._ring, self._quiet = ring, quiet
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._quiet, self._ring)
            self._timer.daemon = True
            self._timer.start()

    def silence(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()


@contextmanager
def watching(path: Path, ring: Callable[[], None], *, quiet: float = 2.5) -> Iterator[None]:
    """Call `ring`, from another thread, when files in a folder changed and rested.

    quiet: for how long [s] nothing must happen before.

    It only says that there is something to look at; a change that it misses is found by the next look in any case.
    """
    path.mkdir(parents=True, exist_ok=True)
    bell, observer = _Bell(ring, quiet), Observer()
    observer.schedule(bell, str(path), recursive=True)
    observer.start()
    try:
        yield
    finally:
        observer.stop()
        observer.join()
        bell.silence()
