"""What machine the figures were measured on: without it they mean nothing."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from shared.settings import worker_count

# Above this many waiting processes a core something else is running, and times are too long.
_BUSY = 0.5


def machine() -> tuple[str, ...]:
    """Two lines: the machine, and the software; a third one if the machine is busy."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lines = [
        f"Machine: {_processor()}, {cores} cores, {_memory()} of memory, {platform.system()} {platform.release()}",
        f"Software: Python {platform.python_version()}, numpy {np.__version__}, {_blas()}, {worker_count()} workers",
    ]
    load = os.getloadavg()[0]
    if load > _BUSY * cores:
        lines.append(f"BUSY: the load average is {load:.1f} on {cores} cores, so these times are too long")
    return tuple(lines)


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"
    except (ValueError, OSError, AttributeError):
        return "an unknown amount"


def _blas() -> str:
    """The library of linear algebra behind numpy, and its threads."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(
        f"{pool['internal_api']} {pool['version']} with {pool['num_threads']} threads" for pool in pools[:1]
    )
