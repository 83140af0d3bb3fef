"""The publish service as Celery runs it, and its desk as the settings describe it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.publish.desk import Desk
from services.publish.targets.archive import LocalArchive
from services.publish.targets.notice import Notice
from services.publish.targets.objects import ObjectStore
from services.publish.targets.target import Target
from services.publish.titles import TITLES
from shared import settings
from shared.broker import celery_app, tell_of_life
from shared.settings import TargetSettings
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store

app = celery_app(settings.at_start(settings.targets).queue, include=["services.publish.tasks"])
tell_of_life("publish", lambda: Catalogue.open(settings.system().catalogue))


def desk() -> Desk:
    """The desk of this process."""
    system = settings.system()
    return Desk(
        catalogue=Catalogue.open(system.catalogue),
        store=Store.at(system.store),
        releases=system.releases,
        scratch=system.scratch / "publish",
        titles={name: TITLES[name] for name in system.products},
        publisher=settings.publisher(),
        targets=targets(settings.targets()),
        lease=timedelta(seconds=system.lease),
    )


def targets(chosen: TargetSettings) -> list[Target]:
    """Where releases go, besides their own folder."""
    found: list[Target] = []
    if chosen.archive:
        found.append(LocalArchive(chosen.archive))
    if chosen.bucket:
        found.append(ObjectStore(chosen.bucket, _options(chosen)))
    if chosen.notice_url:
        found.append(Notice(chosen.notice_url, chosen.notice_secret, public=chosen.releases_url))
    return found


def _options(chosen: TargetSettings) -> dict[str, Any]:
    """The words of s3fs; what is not set is left to the machine (its role, or the files of the user)."""
    region = {"region_name": chosen.bucket_region} if chosen.bucket_region else {}
    words = {
        "key": chosen.bucket_key,
        "secret": chosen.bucket_secret,
        "endpoint_url": chosen.bucket_endpoint,
        "client_kwargs": region,
    }
    return {name: value for name, value in words.items() if value}
