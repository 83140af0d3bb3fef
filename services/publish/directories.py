"""Directories that appear whole or not at all, and then never change.

A directory grows under a hidden name beside its place and gets its name in one step. Whatever kills the writer
leaves a hidden rest that nobody reads; the next writer removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"
LATEST = "latest"

_FILE_MODE, _FOLDER_MODE = 0o444, 0o555


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only writer in a folder; a killed writer holds no lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def appearing_directory(final: Path) -> Iterator[Path]:
    """A hidden directory that becomes `final` when the block ends well, or vanishes.

    The caller holds the lock of the parent. Every byte is on the disk before the name is there, and nothing in the
    directory can be written to afterwards.
    """
    remove_rests(final.parent)
    temporary = final.parent / f".{final.name}{PARTIAL}"
    temporary.mkdir()
    try:
        yield temporary
        seal(temporary)
        temporary.rename(final)
        sync(final.parent)
    except BaseException:
        remove(temporary)
        raise


def remove_rests(folder: Path) -> None:
    """Remove what killed writers left in a folder whose lock is held."""
    for rest in folder.glob(f".*{PARTIAL}"):
        if rest.is_dir() and not rest.is_symlink():
            remove(rest)
        else:
            rest.unlink(missing_ok=True)


def seal(folder: Path) -> None:
    """Bring every file to the disk and take the right to write from all of them."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(parent, name)
            # A second name of a sealed file: its bytes are on the disk since the first one appeared.
            if path.stat().st_nlink > 1:
                continue
            sync(path)
            path.chmod(_FILE_MODE)
        sync(Path(parent))
        Path(parent).chmod(_FOLDER_MODE)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Remove a directory, sealed or not; nothing happens if it is not there."""
    if not folder.is_dir():
        return
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o755)
    shutil.rmtree(folder)


def switch(link: Path, name: str) -> None:
    """Let a symbolic link point to a neighbour, in one step; an older link is replaced."""
    temporary = link.with_name(f".{link.name}{PARTIAL}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(name)
    temporary.replace(link)
    sync(link.parent)


def pointed_at(link: Path) -> str | None:
    """The name that a link points to, None if there is no link."""
    return link.readlink().name if link.is_symlink() else None


def files_in(folder: Path) -> Iterator[str]:
    """Names of all files below a folder, relative to it, in order."""
    yield from sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
