"""A lease that is extended for as long as its owner lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TypeVar

from shared.errors import StoreUnavailable

_PAUSE = 0.5  # s between two tries to enter something

Entered = TypeVar("Entered")


@contextmanager
def extended(extend: Callable[[], object], lease: timedelta) -> Iterator[None]:
    """Extend a lease three times in its length while the block goes on.

    So a lease can be far shorter than the work, and who died is soon replaced. While the catalogue does not
    answer nobody else can take the work either.
    """
    over = threading.Event()

    def keep() -> None:
        while not over.wait(lease.total_seconds() / 3):
            with suppress(StoreUnavailable):
                extend()

    thread = threading.Thread(target=keep, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def insisted(enter: Callable[[], Entered], lease: timedelta) -> Entered:
    """Enter what came of work, tried for as long as a lease if the catalogue is away.

    So a database that is restarted costs no result, and no attempt. Later somebody else has taken the work over.
    """
    give_up = time.monotonic() + lease.total_seconds()
    while True:
        try:
            return enter()
        except StoreUnavailable:
            if time.monotonic() >= give_up:
                raise
            time.sleep(_PAUSE)
