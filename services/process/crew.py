"""Several processes that do one thing to many months.

Each process is told once what it works with; results come back in the order of the work, so that they do
not depend on how many processes there are.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from shared.errors import GravstreamError

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items sent at a time: what they have in common, the baseline, travels once for all of them
_CHUNK = 4

_WITH: dict[str, Any] = {}


def _begin(shared: Any) -> None:
    # One thread of linear algebra a process: the processes are the parallelism, and the sums of a matrix
    # product that is split over threads may round differently from run to run.
    threadpool_limits(1)
    _WITH["shared"] = shared


class Crew:
    """The processes of a run, or this process alone."""

    def __init__(self, pool: ProcessPoolExecutor | None, shared: Any) -> None:
        """Work with a pool, or without one with what the pool would have been told."""
        self._pool = pool
        self._shared = shared

    def each(self, work: Callable[[Any, Item], Result], items: Iterable[Item]) -> Iterator[Result | GravstreamError]:
        """work(shared, item) for every item, in order; an expected error comes back in place of the result."""
        if self._pool is None:
            return (_guarded(work, self._shared, item) for item in items)
        return self._pool.map(_in_process, ((work, item) for item in items), chunksize=_CHUNK)


def _in_process(task: tuple[Callable[[Any, Item], Result], Item]) -> Result | GravstreamError:
    work, item = task
    return _guarded(work, _WITH["shared"], item)


def _guarded(work: Callable[[Any, Item], Result], shared: Any, item: Item) -> Result | GravstreamError:
    try:
        return work(shared, item)
    except GravstreamError as error:
        return error


@contextmanager
def crew(workers: int, shared: Any) -> Iterator[Crew]:
    """A crew of so many processes, each told `shared` once."""
    with threadpool_limits(1):
        if workers <= 1:
            yield Crew(None, shared)
            return
        # A forked process has the libraries and auxiliaries at once; elsewhere than on Linux that is not safe.
        method = "fork" if sys.platform == "linux" else "spawn"
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(shared,)) as pool:
            yield Crew(pool, shared)
