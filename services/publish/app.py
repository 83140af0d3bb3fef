"""The publish service as Celery runs it, and its desk as the settings describe it."""

from __future__ import annotations

from datetime import timedelta

from services.publish.desk import Desk
from services.publish.targets.archive import LocalArchive
from services.publish.targets.target import Target
from shared import settings
from shared.broker import celery_app
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store

app = celery_app(settings.system().queue, include=["services.publish.tasks"])

TITLES = {
    "twsa": "Terrestrial water storage anomaly from GRACE and GRACE-FO",
    "l2b": "Level-2B coefficients from GRACE and GRACE-FO",
}


def desk() -> Desk:
    """The desk of this process."""
    system = settings.system()
    targets: list[Target] = [LocalArchive(system.archive)] if system.archive else []
    return Desk(
        catalogue=Catalogue.open(system.catalogue),
        store=Store.at(system.store),
        releases=system.releases,
        scratch=system.scratch / "publish",
        titles={name: TITLES[name] for name in system.products},
        publisher=settings.publisher(),
        targets=targets,
        lease=timedelta(seconds=system.lease),
    )
