"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block ends well.

    If it does not, the temporary file vanishes and an older file stays as it was. OSError if there is no room, also
    where a library has other words for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # mkstemp makes files for one's own eyes only
        temporary.replace(path)
    except RuntimeError as error:
        if "HDF error" not in str(error):
            raise
        # All that the NetCDF library says of a full disk
        raise OSError(errno.EIO, f"cannot be written ({error})", str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def working_folder(parent: Path) -> Iterator[Path]:
    """A folder to work in, gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, never sees a part of it."""
    with appearing(path) as temporary:
        temporary.write_bytes(content)


def sha256_of(path: Path) -> str:
    """SHA-256 of the bytes of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_cached(path: Path, make: Callable[[], NDArray]) -> NDArray:  # type: ignore[type-arg]
    """An array from its file in a cache; made and kept there first if it is missing or damaged."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        array = make()
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    return array
