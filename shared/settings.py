"""Deployment settings: the only place that reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


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
    reference period that must be there before a baseline is made; archive: folder or address of a second copy.
    """

    catalogue: str
    store: str
    releases: Path
    scratch: Path
    products: tuple[str, ...]
    baseline_months: int
    queue: QueueSettings


def system() -> SystemSettings:
    """GRAVSTREAM_HOME and the addresses that depart from it."""
    home = Path(os.environ.get("GRAVSTREAM_HOME", "var")).absolute()
    queue = QueueSettings(
        url=os.environ.get("GRAVSTREAM_BROKER_URL", QueueSettings.url),
        time_limit=int(os.environ.get("GRAVSTREAM_TIME_LIMIT", QueueSettings.time_limit)),
        poll_interval=float(os.environ.get("GRAVSTREAM_POLL_INTERVAL", QueueSettings.poll_interval)),
        look_interval=float(os.environ.get("GRAVSTREAM_LOOK_INTERVAL", QueueSettings.look_interval)),
        beat_file=str(home / "beat"),
    )
    return SystemSettings(
        catalogue=os.environ.get("GRAVSTREAM_CATALOGUE", str(home / "catalogue.sqlite")),
        store=os.environ.get("GRAVSTREAM_STORE", str(home / "store")),
        releases=Path(os.environ.get("GRAVSTREAM_RELEASES", home / "releases")),
        scratch=Path(os.environ.get("GRAVSTREAM_SCRATCH", home / "scratch")),
        products=tuple(os.environ.get("GRAVSTREAM_PRODUCTS", "twsa l2b").split()),
        baseline_months=int(os.environ.get("GRAVSTREAM_BASELINE_MONTHS", "150")),
        queue=queue,
    )


def worker_count() -> int:
    """GRAVSTREAM_WORKERS, or the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("GRAVSTREAM_WORKERS", cores))
