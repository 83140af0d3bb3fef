"""A lease that is extended for as long as its owner lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from shared.errors import StoreUnavailable


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
