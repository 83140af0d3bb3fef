"""A folder is watched: somebody is told when files in it changed and rested.

It only says that there is something to look at. What it misses, such as changes that another machine makes on a
network file system, is found by the next poll in any case.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

_TICK = 0.25  # s between two looks whether the folder is still the one that is watched
_RETRY = 10.0  # s until it is told again when nobody could hear it, or it could not be watched

_log = logging.getLogger(__name__)


class Watch(threading.Thread):
    """Watches a folder, also one that is removed and made again, until it is ended."""

    def __init__(self, path: Path, ring: Callable[[], None], *, quiet: float) -> None:
        """Say which folder, who is told, and how long [s] after a change.

        `ring` is called from this thread; if it raises, it is called again later. While changes go on it is called
        again and again, since one long copy must not keep other files waiting.
        """
        super().__init__(name="watch", daemon=True)
        self._path, self._ring, self._quiet = path, ring, quiet
        self._observer: BaseObserver | None = None
        self._folder: tuple[int, int] | None = None
        self._not_before = 0.0
        self._due: float | None = None  # when it is to be told; monotonic
        self._changed = 0.0  # when something changed last
        self._lock, self._ended = threading.Lock(), threading.Event()

    def run(self) -> None:
        """Follow the folder and tell of its changes."""
        while not self._ended.wait(_TICK):
            self._follow()
            self._tell()
        self._let_go()

    def end(self) -> None:
        """Tell nothing any more; returns when the folder is let go."""
        self._ended.set()
        self.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def changed(self, *, lost: bool = False) -> None:
        """Note that something happened; lost: that the folder itself is another now."""
        with self._lock:
            self._changed = time.monotonic()
            self._due = self._due or self._changed + self._quiet
            self._folder = None if lost else self._folder

    def _follow(self) -> None:
        """Watch the folder that is there now."""
        there = _identity(self._path)
        if there == self._folder or time.monotonic() < self._not_before:
            return
        self._let_go()
        self._folder = there
        if there is None:
            return
        observer = Observer()
        try:
            # A link is followed: what it leads to is watched.
            observer.schedule(_Handler(self), str(self._path.resolve()), recursive=True)
            observer.start()
        except OSError as error:
            _log.warning("%s cannot be watched (%s); what is in it is found by polling", self._path, error)
            self._folder, self._not_before = None, time.monotonic() + _RETRY
            return
        self._observer = observer
        self.changed()  # files may have come before

    def _let_go(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _tell(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._due is None or now < self._due:
                return
            # What changed a moment ago may not be complete: one more look when it has rested.
            rested = self._changed + self._quiet
            self._due = rested if rested > now else None
        try:
            self._ring()
        except Exception as error:  # whatever keeps the word from being passed on, it is passed on later
            _log.warning("nobody could be told of changes in %s (%s); tried again", self._path, error)
            with self._lock:
                self._due = time.monotonic() + _RETRY


class _Handler(FileSystemEventHandler):
    def __init__(self, watch: Watch) -> None:
        self._watch, self._root = watch, str(watch._path.resolve())

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("opened", "closed_no_write"):
            gone = event.event_type in ("deleted", "moved") and event.src_path == self._root
            self._watch.changed(lost=gone)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which folder it is; None if there is none."""
    with suppress(OSError):
        if path.is_dir():
            stat = path.stat()
            return stat.st_dev, stat.st_ino
    return None
