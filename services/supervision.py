"""Processes that are kept running: one that ends is started again after growing pauses, and that is said."""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared import settings

PATIENCE = 15.0  # s until a process that was told to end has ended
_FIRST_PAUSE = 0.5  # s; it doubles each time
_STEADY = 60.0  # s after which a process counts as one that runs, and the pauses begin anew
_TICK = 0.2  # s between two looks at the processes
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux: a killed parent leaves no child behind
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

Say = Callable[[str], None]


@dataclass
class _Kept:
    """A process, and what it takes to start it again."""

    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    began: float = 0.0
    pause: float = _FIRST_PAUSE
    again_at: float | None = None


class Supervision:
    """Processes by their names, the last of each; ended in the order opposite to their start.

    A process is started and ended by one thread that lives as long as they do: the signal that ends a child with
    its parent comes when the thread ends that started it.
    """

    def __init__(self, say: Say, *, longest_pause: float = 60.0) -> None:
        """Say by whom is heard what happens, and how long at most [s] a start is put off."""
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._say, self._longest = say, longest_pause
        self._kept: dict[str, _Kept] = {}
        self._wanted = queue.SimpleQueue[tuple[str, _Kept, Future[None]]]()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervision")

    def start(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        """Start a process that writes its output to a file, and keep it running."""
        log.parent.mkdir(parents=True, exist_ok=True)
        started = Future[None]()
        self._wanted.put((name, _Kept(command, log, environment), started))
        started.result(PATIENCE)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the processes that are started in the block, and end them with it."""
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(queue.Empty):
                self._begin(*self._wanted.get(timeout=_TICK))
            for name in self._kept:
                self._look_after(name)
        self._end_all()

    def _begin(self, name: str, kept: _Kept, started: Future[None]) -> None:
        try:
            self._start(name, kept)
        except OSError as error:
            started.set_exception(error)
        else:
            self._kept[name] = kept
            started.set_result(None)

    def _start(self, name: str, kept: _Kept) -> None:
        with kept.log.open("ab") as stream:
            self.processes[name] = subprocess.Popen(
                list(kept.command),
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**settings.environment(), **kept.environment},
                preexec_fn=_follow_the_parent,
                start_new_session=True,  # Ctrl-C comes to this process alone, which ends the others in order
            )
        kept.began, kept.again_at = time.monotonic(), None

    def _look_after(self, name: str) -> None:
        kept, process, now = self._kept[name], self.processes[name], time.monotonic()
        if process.poll() is None:
            return
        if kept.again_at is None:
            _end_group(process)  # children of a killed worker would wait for ever
            kept.pause = _FIRST_PAUSE if now - kept.began > _STEADY else kept.pause
            kept.again_at = now + kept.pause
            self._tell(name, process.returncode, kept)
            kept.pause = min(2 * kept.pause, self._longest)
        elif now >= kept.again_at:
            try:
                self._start(name, kept)
            except OSError:
                kept.again_at = now + kept.pause

    def _tell(self, name: str, code: int, kept: _Kept) -> None:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        text = f"{name} {how} and is started again in {kept.pause:.1f} s; its last words are in {kept.log}"
        # A disk that is full takes no word, and must not end who looks after the others.
        with suppress(OSError), kept.log.open("a", encoding="utf-8") as stream:
            stream.write(f"gravstream: {text}\n")
        self._say(text)

    def _end_all(self) -> None:
        """All but the first, which the others talk to, at once; then the first."""
        processes = list(self.processes.values())
        for group in (processes[1:], processes[:1]):
            for process in group:
                process.terminate()
            give_up = time.monotonic() + PATIENCE
            for process in group:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(give_up - time.monotonic(), 0.0))
                _end_group(process)
                process.wait()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a process and its children, which share its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _follow_the_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_DEATH_SIGNAL, signal.SIGTERM)
