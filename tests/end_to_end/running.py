"""A running system that the tests take apart, and the months that are still to come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.embedded import SERVICES
from shared.formats.files import write_atomically
from shared.settings import environment
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.end_to_end.rig import descendants, released, settings_of, until


@dataclass
class Running:
    """A system that has released what there was; clock: file of the shift of its clock, in seconds."""

    home: Path
    upstream: Upstream
    catalogue: Catalogue
    processes: dict[str, subprocess.Popen[bytes]]
    clock: Path
    releases: int = 1

    def extends(self) -> Callable[[], object]:
        """Let a month appear; what tells whether it is released."""
        self.upstream.reveal(1)
        self.releases += 1
        return lambda: released(self.catalogue, len(self.upstream.months))

    def replaced(self, name: str, before: int) -> bool:
        """Whether another process has taken the place of one."""
        process = self.processes[name]
        return process.pid != before and process.poll() is None

    def set_clock(self, shift: float) -> None:
        """Set the clock of all services to so many seconds beside the right time."""
        write_atomically(self.clock, str(shift).encode())

    @property
    def broker(self) -> str:
        """The address of Redis, as its command has it."""
        words = list(map(str, self.processes["redis"].args))
        return f"redis://127.0.0.1:{words[words.index('--port') + 1]}/0"


def clockwork(clock: Path) -> dict[str, str]:
    """Settings by which the services have the clock that a file says."""
    clock.write_text("0")
    return {"PYTHONPATH": str(Path(__file__).parent / "clock"), "GRAVSTREAM_TEST_CLOCK": str(clock)}


@contextmanager
def the_command(home: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The command that runs everything, as a person starts it; killed at the end, if it was not before."""
    with (home / "up.log").open("ab") as log:
        command = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "up", "--home", str(home)],
            env={**environment(), **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield command
    finally:
        command.kill()
        command.wait()


def kill_alone(command: subprocess.Popen[bytes]) -> list[int]:
    """Kill the command and leave what it started to itself; what that was."""
    started = descendants(command.pid)
    command.send_signal(signal.SIGKILL)
    command.wait()
    return started


def kill_whole(command: subprocess.Popen[bytes]) -> list[int]:
    """Kill the command and all that it started, at once; what that was."""
    started = descendants(command.pid)
    for pid in (command.pid, *started):
        os.kill(pid, signal.SIGKILL)
    command.wait()
    return started


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def second_scheduler(running: Running, patience: float) -> Iterator[None]:
    """Another scheduler beside the one that is there, once it has begun to send."""
    settings = {
        **environment(),
        **settings_of(running.upstream),
        "GRAVSTREAM_HOME": str(running.home),
        "GRAVSTREAM_BROKER_URL": running.broker,
    }
    words = [sys.executable, "-m", "celery", *SERVICES["scheduler"], "--schedule", str(running.home / "second")]
    log = running.home / "second.log"
    with log.open("wb") as stream:
        scheduler = subprocess.Popen([*words, "--loglevel", "INFO"], env=settings, stdout=stream, stderr=stream)
    try:
        until(lambda: "Sending due task" in log.read_text(), patience, "a task from the second scheduler")
        yield
    finally:
        scheduler.terminate()
        scheduler.wait(patience)
