"""Where the running system keeps what it knows, and how its services talk to one another."""

# ruff: noqa: RUF009  each call makes the field of its own class alone
from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from shared.settings.variables import (
    address,
    environment,
    number,
    path,
    place,
    read,
    variable,
    whole,
    with_password,
    words,
)

PRODUCTS = ("twsa", "l2b")  # what can be made

_DATABASES = ("postgresql", "postgresql+psycopg", "sqlite")


@dataclass(frozen=True)
class QueueSettings:
    """The queue between the services; times in seconds.

    url: of Redis; time_limit: of a task, after which its worker is ended; socket_timeout: of a silent Redis;
    poll_interval, look_interval: how often sources, and what is due, are looked at.
    """

    url: str = variable("GRAVSTREAM_BROKER_URL", "redis://localhost:6379/0", address("redis", "rediss"))
    password_file: Path | None = variable("GRAVSTREAM_BROKER_PASSWORD_FILE", None, path())
    time_limit: int = variable("GRAVSTREAM_TIME_LIMIT", 900, whole(1))
    socket_timeout: float = 10.0
    poll_interval: float = variable("GRAVSTREAM_POLL_INTERVAL", 86400.0, number(0.1))
    look_interval: float = variable("GRAVSTREAM_LOOK_INTERVAL", 60.0, number(0.1))
    beat_file: str = "var/beat"


@dataclass(frozen=True)
class SystemSettings:
    """Where the running system keeps what it knows, and what it makes.

    catalogue: path or address of the database; store: folder or address of the bytes; releases: folder of what is
    released; scratch: folder of work in progress; products: names of what is made; baseline_months: months of a
    reference period that must be there before a baseline is made; lease: seconds without a sign of life after
    which the work of a worker is another's.
    """

    home: Path = variable("GRAVSTREAM_HOME", Path("var"), path())
    catalogue: str = variable("GRAVSTREAM_CATALOGUE", "var/catalogue.sqlite", place(*_DATABASES))
    catalogue_password_file: Path | None = variable("GRAVSTREAM_CATALOGUE_PASSWORD_FILE", None, path())
    store: str = variable("GRAVSTREAM_STORE", "var/store", place("s3", "file", "memory"))
    releases: Path = variable("GRAVSTREAM_RELEASES", Path("var/releases"), path())
    scratch: Path = variable("GRAVSTREAM_SCRATCH", Path("var/scratch"), path())
    products: tuple[str, ...] = variable("GRAVSTREAM_PRODUCTS", PRODUCTS, words(*PRODUCTS))
    baseline_months: int = variable("GRAVSTREAM_BASELINE_MONTHS", 150, whole(2))
    lease: float = variable("GRAVSTREAM_LEASE", 120.0, number(1.0))
    queue: QueueSettings = QueueSettings()

    @property
    def folders(self) -> dict[str, Path]:
        """Folders on this machine whose disks may fill, by name."""
        store = {} if "://" in self.store else {"store": Path(self.store)}
        return {**store, "releases": self.releases, "scratch": self.scratch}


def system(home: Path | None = None) -> SystemSettings:
    """GRAVSTREAM_HOME, or another folder, and the addresses that depart from it."""
    home = (home or read(SystemSettings).home).absolute()
    queue = read(QueueSettings, beat_file=str(home / "beat"))
    found = read(
        SystemSettings,
        home=home,
        catalogue=str(home / "catalogue.sqlite"),
        store=str(home / "store"),
        releases=home / "releases",
        scratch=home / "scratch",
        queue=replace(queue, url=with_password(queue.url, queue.password_file, "GRAVSTREAM_BROKER_PASSWORD_FILE")),
    )
    secret = "GRAVSTREAM_CATALOGUE_PASSWORD_FILE"
    return replace(found, catalogue=with_password(found.catalogue, found.catalogue_password_file, secret))


@dataclass(frozen=True)
class MachineSettings:
    """The machine of a run: folder of converted data, processes for the months."""

    cache: Path | None = variable("GRAVSTREAM_CACHE", None, path())
    workers: int | None = variable("GRAVSTREAM_WORKERS", None, whole(1))


def cache_folder() -> Path:
    """GRAVSTREAM_CACHE, or the user's cache folder: converted auxiliary data."""
    ours = Path(environment().get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gravstream"
    return read(MachineSettings).cache or ours


def worker_count() -> int:
    """GRAVSTREAM_WORKERS, or the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return read(MachineSettings).workers or cores
