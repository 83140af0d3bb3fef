"""Deployment settings: the only place that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """GRAVSTREAM_CACHE, or the user's cache folder: converted auxiliary data."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gravstream"
    return Path(os.environ.get("GRAVSTREAM_CACHE", default))


def worker_count() -> int:
    """GRAVSTREAM_WORKERS, or the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("GRAVSTREAM_WORKERS", cores))
