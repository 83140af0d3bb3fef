"""The tasks of the ingest service; what they do, a person can do with `gravstream poll`."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from services.ingest.app import sources
from services.ingest.intake import BUSY, intake
from services.ingest.sources.folder import Folder
from services.ingest.sources.source import Source
from services.ingest.sources.watch import Watch
from shared import settings
from shared.broker import tell
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store

_AGAIN = 2.0  # s until a folder is looked at again that somebody else is looking at
_MARGIN = 0.1  # s: who is told when a file has rested must find that it has


@shared_task(name="ingest.poll")
def poll() -> None:
    """Look at every source once; each file that is kept is told to process."""
    for source in sources():
        _look(source)
    tell("process.look")


@shared_task(name="ingest.take_dropped")
def take_dropped() -> None:
    """Look at the folder that an operator drops files into, and at no other source."""
    chosen = settings.ingest()
    if chosen.drop is None:
        return
    if _look(Folder(chosen, chosen.drop)) == BUSY:
        take_dropped.apply_async(countdown=_AGAIN)
    tell("process.look")


def _look(source: Source) -> str:
    system = settings.system()
    with Catalogue.open(system.catalogue) as catalogue:
        return intake(source, catalogue, Store.at(system.store), settings.ingest(), lambda message: None).outcome


@worker_ready.connect
def _watch_the_folder(**_: Any) -> None:
    """Take in what is dropped as soon as it rests; the look at each poll stays, for what this misses."""
    chosen = settings.ingest()
    if chosen.drop is not None:
        Watch(chosen.drop, lambda: tell("ingest.take_dropped"), quiet=chosen.settle + _MARGIN).start()
