"""Where objects lie: a folder, or any object store that fsspec knows. Content is not looked at here."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import fsspec

from shared.errors import StoreUnavailable

CHUNK = 1 << 20  # bytes

# What a disk says that is full, at its quota, read-only, damaged or gone. Of a full one the NetCDF library says EACCES.
_OF_THE_DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE, errno.ENODEV,
}  # fmt: skip


class Place(Protocol):
    """What a store needs of the place where its objects lie."""

    def write(self, name: str) -> Any:
        """A context with a stream; the object appears whole at its end, or not at all."""

    def read(self, name: str) -> BinaryIO:
        """A stream of an object; FileNotFoundError if there is none."""

    def size(self, name: str) -> int | None:
        """Bytes of an object, or None if there is none."""

    def refresh(self, name: str) -> bool:
        """Make an object count as young; False if it must be written again for that."""

    def modified(self, name: str) -> datetime:
        """When an object was last put."""

    def is_there(self) -> bool:
        """Whether there is such a place at all."""

    def names(self) -> Iterator[str]:
        """Every object."""

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""

    def path(self, name: str) -> Path | None:
        """The file of an object, if it is one."""


class Folder:
    """A folder of this machine, or one that all machines mount."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        """Write beside, force to the disk, then rename."""
        path = self.root / name
        with told(self, "write"):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                _sync(path.parent.parent)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as stream:
                    yield stream
                    stream.flush()
                    os.fchmod(stream.fileno(), 0o444)
                    os.fsync(stream.fileno())
                Path(temporary).replace(path)
                _sync(path.parent)
            finally:
                Path(temporary).unlink(missing_ok=True)

    def read(self, name: str) -> BinaryIO:
        """The opened file."""
        return (self.root / name).open("rb")

    def size(self, name: str) -> int | None:
        """Bytes of the file."""
        try:
            return (self.root / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def refresh(self, name: str) -> bool:
        """Touch the file."""
        try:
            os.utime(self.root / name)
        except FileNotFoundError:
            return False
        return True

    def modified(self, name: str) -> datetime:
        """Time of the file."""
        return datetime.fromtimestamp((self.root / name).stat().st_mtime, UTC)

    def is_there(self) -> bool:
        """Whether something was ever put here; if not, a disk may be missing."""
        return (self.root / "objects").is_dir()

    def names(self) -> Iterator[str]:
        """Every file two folders down, half-written ones left out."""
        for path in sorted(self.root.glob("objects/*/*")):
            if not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def leftovers(self) -> Iterator[str]:
        """What a crash left half-written."""
        for path in self.root.glob("objects/*/.*.tmp"):
            yield path.relative_to(self.root).as_posix()

    def delete(self, name: str) -> None:
        """Remove the file."""
        (self.root / name).unlink(missing_ok=True)

    def path(self, name: str) -> Path | None:
        """The file itself."""
        return self.root / name


class Bucket:
    """A prefix in an object store: S3 and whatever else fsspec speaks to."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.protocol, _, root = url.partition("://")
        self.root = root.rstrip("/")
        # A listing that is remembered would hide what other machines put since.
        self.options = {"use_listings_cache": False, **options}

    def __str__(self) -> str:
        return f"{self.protocol}://{self.root}"

    @property
    def files(self) -> Any:
        """The file system; fsspec keeps one per process and thread, since it does not survive a fork."""
        return fsspec.filesystem(self.protocol, **self.options)

    @contextmanager
    def write(self, name: str) -> Iterator[BinaryIO]:
        """Collect in a temporary file, then upload; the object appears at the end of it."""
        with told(self, "write"), tempfile.NamedTemporaryFile() as temporary:
            yield cast(BinaryIO, temporary)
            temporary.flush()
            self.files.put_file(temporary.name, self._full(name))

    def read(self, name: str) -> BinaryIO:
        """A stream from the store."""
        return cast(BinaryIO, self.files.open(self._full(name), "rb"))

    def size(self, name: str) -> int | None:
        """Bytes of the object."""
        try:
            return int(self.files.info(self._full(name))["size"])
        except FileNotFoundError:
            return None

    def refresh(self, name: str) -> bool:
        """Only by writing it again."""
        return False

    def modified(self, name: str) -> datetime:
        """When it was put, by the store's own clock."""
        moment: datetime = self.files.modified(self._full(name))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def is_there(self) -> bool:
        """Whether there is the bucket."""
        return bool(self.files.exists(self.root.partition("/")[0]))

    def names(self) -> Iterator[str]:
        """Every object below the prefix."""
        start = len(self.root) + 1
        for name in self.files.find(self._full("objects")):
            yield str(name)[start:]

    def delete(self, name: str) -> None:
        """Remove the object."""
        if self.files.exists(self._full(name)):
            self.files.rm_file(self._full(name))

    def path(self, name: str) -> Path | None:
        """There is no file."""
        return None

    def _full(self, name: str) -> str:
        return f"{self.root}/{name}"


@contextmanager
def told(place: object, verb: str) -> Iterator[None]:
    """Trouble with a place, in our own words; an object missing to a reader stays FileNotFoundError."""
    try:
        yield
    except StoreUnavailable:
        raise
    except OSError as error:
        if isinstance(error, FileNotFoundError) and verb != "write":
            raise
        raise _unavailable(place, verb, error) from error
    except Exception as error:
        # Each object store has errors of its own, known by where they come from.
        if type(error).__module__.partition(".")[0] not in {"botocore", "aiobotocore", "aiohttp", "fsspec"}:
            raise
        raise _unavailable(place, verb, error) from error


def disk_trouble(error: BaseException) -> StoreUnavailable | None:
    """What an error that came while files were written says of their disk; None if it is of another kind."""
    if not isinstance(error, OSError) or error.errno not in _OF_THE_DISK:
        return None
    advice = "Check that it is there, has room and may be written; work goes on by itself then."
    return StoreUnavailable(f"files at work cannot be written: {error}", advice=advice)


def _unavailable(place: object, verb: str, error: Exception) -> StoreUnavailable:
    advice = "Check that it is there, has room and may be written; work goes on by itself then."
    return StoreUnavailable(f"cannot {verb} in the store {place}: {error}", advice=advice)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
