"""Deployment settings: the only place that reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def environment() -> dict[str, str]:
    """The environment, for processes that are started."""
    return dict(os.environ)


def cache_folder() -> Path:
    """GRAVSTREAM_CACHE, or the user's cache folder: converted auxiliary data."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gravstream"
    return Path(os.environ.get("GRAVSTREAM_CACHE", default))


@dataclass(frozen=True)
class Publisher:
    """Who signs for a product: written into every file."""

    institution: str
    name: str
    email: str
    url: str


def publisher() -> Publisher:
    """GRAVSTREAM_INSTITUTION, GRAVSTREAM_CREATOR_NAME, _EMAIL and _URL."""
    name = os.environ.get("GRAVSTREAM_CREATOR_NAME", "gravstream")
    return Publisher(
        institution=os.environ.get("GRAVSTREAM_INSTITUTION", name),
        name=name,
        email=os.environ.get("GRAVSTREAM_CREATOR_EMAIL", ""),
        url=os.environ.get("GRAVSTREAM_CREATOR_URL", ""),
    )


@dataclass(frozen=True)
class QueueSettings:
    """The queue between the services; times in seconds.

    url: of Redis; time_limit: of a task, after which its worker is ended; socket_timeout: of a silent Redis;
    poll_interval, look_interval: how often sources, and what is due, are looked at.
    """

    url: str = "redis://localhost:6379/0"
    time_limit: int = 900
    socket_timeout: float = 10.0
    poll_interval: float = 86400.0
    look_interval: float = 60.0
    beat_file: str = "var/beat"


@dataclass(frozen=True)
class SystemSettings:
    """Where the running system keeps what it knows, and what it makes.

    catalogue: path or address of the database; store: folder or address of the bytes; releases: folder of what is
    released; scratch: folder of work in progress; products: names of what is made; baseline_months: months of a
    reference period that must be there before a baseline is made; drop: folder that an operator puts files into;
    archive: folder of a second copy of the releases; lease: seconds without a sign of life after which the work of
    a worker is another's.
    """

    catalogue: str
    store: str
    releases: Path
    scratch: Path
    products: tuple[str, ...]
    baseline_months: int
    queue: QueueSettings
    drop: Path | None = None
    archive: Path | None = None
    lease: float = 120.0


def system() -> SystemSettings:
    """GRAVSTREAM_HOME and the addresses that depart from it."""
    home = Path(os.environ.get("GRAVSTREAM_HOME", "var")).absolute()
    queue = QueueSettings(
        url=_with_password("GRAVSTREAM_BROKER_URL", QueueSettings.url, "GRAVSTREAM_BROKER_PASSWORD_FILE"),
        time_limit=int(os.environ.get("GRAVSTREAM_TIME_LIMIT", QueueSettings.time_limit)),
        poll_interval=float(os.environ.get("GRAVSTREAM_POLL_INTERVAL", QueueSettings.poll_interval)),
        look_interval=float(os.environ.get("GRAVSTREAM_LOOK_INTERVAL", QueueSettings.look_interval)),
        beat_file=str(home / "beat"),
    )
    return SystemSettings(
        catalogue=_with_password(
            "GRAVSTREAM_CATALOGUE", str(home / "catalogue.sqlite"), "GRAVSTREAM_CATALOGUE_PASSWORD_FILE"
        ),
        store=os.environ.get("GRAVSTREAM_STORE", str(home / "store")),
        releases=Path(os.environ.get("GRAVSTREAM_RELEASES", home / "releases")),
        scratch=Path(os.environ.get("GRAVSTREAM_SCRATCH", home / "scratch")),
        products=tuple(os.environ.get("GRAVSTREAM_PRODUCTS", "twsa l2b").split()),
        baseline_months=int(os.environ.get("GRAVSTREAM_BASELINE_MONTHS", "150")),
        queue=queue,
        drop=_path("GRAVSTREAM_DROP"),
        archive=_path("GRAVSTREAM_ARCHIVE"),
        lease=float(os.environ.get("GRAVSTREAM_LEASE", SystemSettings.lease)),
    )


def _path(name: str) -> Path | None:
    text = os.environ.get(name, "")
    return Path(text).absolute() if text else None


def _with_password(name: str, default: str, file: str) -> str:
    """An address in which {password} stands for the content of a file, so that no secret is in the environment."""
    address, secret = os.environ.get(name, default), os.environ.get(file, "")
    return address.replace("{password}", Path(secret).read_text().strip()) if secret else address


def ingest() -> dict[str, Any]:
    """Addresses and intervals of the sources that depart from the defaults."""
    texts = {"series_path": "GRAVSTREAM_SERIES", "icgem_url": "GRAVSTREAM_ICGEM", "isdc_url": "GRAVSTREAM_ISDC"}
    texts |= {"isdc_path": "GRAVSTREAM_ISDC_PATH", "policy": "GRAVSTREAM_REISSUE"}
    numbers = {"pause": "GRAVSTREAM_PAUSE", "timeout": "GRAVSTREAM_TIMEOUT"}
    found: dict[str, Any] = {key: os.environ[name] for key, name in texts.items() if name in os.environ}
    found |= {key: float(os.environ[name]) for key, name in numbers.items() if name in os.environ}
    if "GRAVSTREAM_HOSTS" in os.environ:
        found["hosts"] = tuple(os.environ["GRAVSTREAM_HOSTS"].split())
    return found


@dataclass(frozen=True)
class ConsoleSettings:
    """The web page, the API and the metrics.

    host, port: where they are served; reading: `open` to everybody, or `closed` to those without a token;
    url: address that users know them by, if a proxy stands before; basins: GeoJSON or JSON of river basins;
    requests: allowed in a minute for each address, of reading and of acting.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    reading: str = "open"
    url: str = ""
    basins: Path | None = None
    requests: tuple[int, int] = (1200, 60)


def console() -> ConsoleSettings:
    """GRAVSTREAM_CONSOLE_HOST, _PORT and _URL; _READING, _BASINS and _REQUESTS."""
    reading, acting = os.environ.get("GRAVSTREAM_REQUESTS", "1200 60").split()
    return ConsoleSettings(
        host=os.environ.get("GRAVSTREAM_CONSOLE_HOST", ConsoleSettings.host),
        port=int(os.environ.get("GRAVSTREAM_CONSOLE_PORT", ConsoleSettings.port)),
        reading=os.environ.get("GRAVSTREAM_READING", ConsoleSettings.reading),
        url=os.environ.get("GRAVSTREAM_CONSOLE_URL", ConsoleSettings.url),
        basins=_path("GRAVSTREAM_BASINS"),
        requests=(int(reading), int(acting)),
    )


def worker_count() -> int:
    """GRAVSTREAM_WORKERS, or the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("GRAVSTREAM_WORKERS", cores))
