"""A thread that says again and again that its process lives, for as long as it does."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from shared.errors import GravstreamError
from shared.storage.catalogue import Catalogue, now

INTERVAL = 30.0  # s; one short transaction each time
_FORGOTTEN = timedelta(days=1)  # who has been silent for so long was replaced, or is not meant to come back


class Pulse:
    """The sign of life of a worker; it stops with its process, and is taken back at an end in order."""

    def __init__(self, service: str, catalogue: Callable[[], Catalogue], interval: float = INTERVAL) -> None:
        """Say for which service, where (opened by the thread itself), and how often [s]."""
        self._service, self._catalogue, self._interval = service, catalogue, interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin; to be called in the process that is meant, not before it forks."""
        self._thread.start()

    def stop(self) -> None:
        """End in order: nobody is to miss this process."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        host = socket.gethostname()
        name = f"{self._service}@{host}:{os.getpid()}"
        known: Catalogue | None = None
        while not self._over.is_set():
            # While the catalogue does not answer nobody can read it there either; the work goes on or waits by itself.
            with suppress(GravstreamError):
                if known is None:
                    known = self._catalogue()
                    known.forget_heartbeats(now() - _FORGOTTEN)
                known.beat(name, self._service, host)
            self._over.wait(self._interval)
        if known is not None:
            with suppress(GravstreamError):
                known.leave(name)
            known.close()
