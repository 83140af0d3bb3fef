"""Disks without room, by two ways: a small file system that is filled, and the kernel's limit on files."""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.end_to_end.rig import descendants

SIZE = 600 << 20  # bytes; the home of a test stays below half of it
_PIECE = 1 << 20
_LIBC = ctypes.CDLL(None, use_errno=True)
_DETACH = 2  # MNT_DETACH: also if a process is still there
_BIND, _BOUND_READ_ONLY = 4096, 4096 | 32 | 1  # MS_BIND; MS_BIND | MS_REMOUNT | MS_RDONLY


class Disk:
    """A folder on a file system of its own, if one may be mounted here, which takes a right that few have."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder, self.mounted = folder, mounted

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room for a single byte."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as stream:
            for piece in (_PIECE, 1):
                with suppress(OSError):
                    while True:
                        stream.write(b"\0" * piece)
        try:
            yield
        finally:
            ballast.unlink()


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """A small file system in a folder, or, where none may be mounted, the folder as it is."""
    folder.mkdir()
    mounted = _LIBC.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={SIZE}".encode()) == 0
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            _LIBC.umount2(os.fsencode(folder), _DETACH)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write in a folder; where it cannot be mounted like that, a file that is no folder takes its place."""
    path, aside = os.fsencode(folder), folder.with_name("aside")
    if _LIBC.mount(path, path, None, _BIND, None) == 0:
        assert _LIBC.mount(None, path, None, _BOUND_READ_ONLY, None) == 0
        try:
            yield
        finally:
            _LIBC.umount2(path, _DETACH)
        return
    folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


@contextmanager
def no_file_may_be_written(supervisor: int, spared: int) -> Iterator[None]:
    """Let each write of what a process started fail with EFBIG, as beyond a quota; one of them is spared.

    The kernel ends a process that it tells so, unless that ignores the signal, as Python does and Redis does not.
    """
    pids = [pid for pid in descendants(supervisor) if pid != spared]
    try:
        for pid in pids:
            _limit(pid, 0)
        yield
    finally:
        for pid in pids:
            _limit(pid, None)


def _limit(pid: int, size: int | None) -> None:
    """The largest file that a process may write [bytes]; None for what it was at most."""
    with suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))
