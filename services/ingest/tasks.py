"""The tasks of the ingest service; what they do, a person can do with `gravstream poll`."""

from __future__ import annotations

from celery import shared_task

from services.ingest.app import sources
from services.ingest.intake import intake
from shared import settings
from shared.broker import tell
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store


@shared_task(name="ingest.poll")
def poll() -> None:
    """Look at every source once; each file that is kept is told to process."""
    system = settings.system()
    store = Store.at(system.store)
    with Catalogue.open(system.catalogue) as catalogue:
        for source in sources():
            intake(source, catalogue, store, settings.ingest(), lambda message: None)
    tell("process.look")
