"""How much room the store takes, and how much is left on the disks."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared import metrics
from shared.metrics import Sample

_SETTLED = 2 * 10**9  # ns; a folder that changed later than this may change again within the same tick of its clock


class StoreSize:
    """The size of a store in a folder; only parts that have changed are looked at again."""

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"
        self._known: dict[str, tuple[int, int, int]] = {}  # time of change, bytes and number of files by folder

    def samples(self) -> Iterator[Sample]:
        """Bytes and number of the objects."""
        if self._objects.is_dir():
            with os.scandir(self._objects) as parts:
                self._known = {part.name: self._part(part) for part in parts if part.is_dir()}
        yield metrics.STORE_BYTES, (), float(sum(size for _, size, _ in self._known.values()))
        yield metrics.STORE_OBJECTS, (), float(sum(count for *_, count in self._known.values()))

    def _part(self, part: os.DirEntry[str]) -> tuple[int, int, int]:
        changed = part.stat().st_mtime_ns
        known = self._known.get(part.name)
        if known is not None and known[0] == changed:
            return known
        with os.scandir(part.path) as files:
            sizes = [size for file in files if (size := _size(file)) is not None]
        return changed if time.time_ns() - changed > _SETTLED else 0, sum(sizes), len(sizes)


def _size(file: os.DirEntry[str]) -> int | None:
    try:
        return file.stat().st_size
    except FileNotFoundError:  # removed in between
        return None


def room_on(folders: Mapping[str, Path]) -> dict[str, tuple[int, int]]:
    """Size and free bytes of the disk under each folder that is there."""
    usages = {name: shutil.disk_usage(folder) for name, folder in folders.items() if folder.is_dir()}
    return {name: (usage.total, usage.free) for name, usage in usages.items()}
