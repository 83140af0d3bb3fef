"""The ingest service as Celery runs it, and its sources as the settings describe them."""

from __future__ import annotations

from services.ingest.sources.folder import Folder
from services.ingest.sources.icgem import icgem
from services.ingest.sources.isdc import isdc
from services.ingest.sources.source import Source
from shared import settings
from shared.broker import celery_app, tell_of_life
from shared.storage.catalogue import Catalogue

app = celery_app(settings.at_start().queue, include=["services.ingest.tasks"])
tell_of_life("ingest", lambda: Catalogue.open(settings.system().catalogue))


def sources() -> list[Source]:
    """The sources that are polled: those that are not switched off."""
    chosen = settings.ingest()
    found: list[Source] = [Folder(chosen, chosen.drop)] if chosen.drop else []
    if chosen.icgem_url:
        found.append(icgem(chosen))
    if chosen.isdc_url:
        found.append(isdc(chosen))
    return found
