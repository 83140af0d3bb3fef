"""Deployment settings: the only place that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where converted auxiliary data are kept between runs: GRAVSTREAM_CACHE, or the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gravstream"
    return Path(os.environ.get("GRAVSTREAM_CACHE", default))


def worker_count() -> int:
    """Number of processes for the months of a run: GRAVSTREAM_WORKERS, or the cores this process may use."""
    return int(os.environ.get("GRAVSTREAM_WORKERS", len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
