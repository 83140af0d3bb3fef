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


def worker_count() -> int:
    """GRAVSTREAM_WORKERS, or the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("GRAVSTREAM_WORKERS", cores))
