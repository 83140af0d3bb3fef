"""Deployment settings, of which none changes a published number: `.env.example` lists them all.

Only variables.py reads the environment.
"""

from __future__ import annotations

from collections.abc import Callable

from shared.errors import RequestRefused
from shared.settings.ingest import IngestSettings, ingest
from shared.settings.publish import ConsoleSettings, Publisher, TargetSettings, console, publisher, targets
from shared.settings.system import (
    MachineSettings,
    QueueSettings,
    SystemSettings,
    cache_folder,
    system,
    worker_count,
)
from shared.settings.variables import environment, names_of, read, refuse_misspelt

__all__ = [
    "ConsoleSettings",
    "IngestSettings",
    "MachineSettings",
    "Publisher",
    "QueueSettings",
    "SystemSettings",
    "TargetSettings",
    "at_start",
    "cache_folder",
    "check",
    "console",
    "environment",
    "ingest",
    "publisher",
    "system",
    "targets",
    "worker_count",
]

_ALL = (ConsoleSettings, IngestSettings, MachineSettings, Publisher, QueueSettings, SystemSettings, TargetSettings)


def check() -> None:
    """Read every setting; RequestRefused for one that is wrong, or whose name is misspelt.

    Files of secrets are not read: each is there only for the service that needs it.
    """
    refuse_misspelt([name for settings in _ALL for name in names_of(settings)])
    for settings in _ALL:
        read(settings)


def at_start(*others: Callable[[], object]) -> SystemSettings:
    """The settings with which a service starts; a wrong one ends the process with its message.

    others: what this service reads besides, with its secrets.
    """
    # A service that reads only later what is wrong would fail in the middle of its work, again and again.
    try:
        check()
        for settings in others:
            settings()
        return system()
    except RequestRefused as error:
        raise SystemExit(f"{error.headline}: {error}") from None
