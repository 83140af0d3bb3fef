"""The process service as Celery runs it, and its workplace as the settings describe it."""

from __future__ import annotations

from datetime import timedelta

from services.process.hall import Hall
from services.process.products import PRODUCTS
from shared import settings
from shared.broker import celery_app, tell_of_life
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store

app = celery_app(settings.at_start().queue, include=["services.process.tasks"])
tell_of_life("process", lambda: Catalogue.open(settings.system().catalogue))


def hall() -> Hall:
    """The workplace of this process."""
    system = settings.system()
    return Hall(
        catalogue=Catalogue.open(system.catalogue),
        store=Store.at(system.store),
        scratch=system.scratch / "process",
        cache=settings.cache_folder(),
        products=[PRODUCTS[name] for name in system.products],
        baseline_months=system.baseline_months,
        lease=timedelta(seconds=system.lease),
    )
