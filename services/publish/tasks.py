"""The tasks of the publish service; what they do, a person can do with `gravstream reconcile --work`."""

from __future__ import annotations

from functools import lru_cache

from celery import shared_task

from services.publish import desk as service
from services.publish.app import desk
from services.publish.desk import Desk
from shared.broker import give_memory_back


@lru_cache(maxsize=1)
def _desk() -> Desk:
    return desk()  # opened in the worker, not before it forks


@shared_task(name="publish.look")
def look() -> None:
    """Release what is due, and bring releases to their targets."""
    if service.release_due(_desk()):
        give_memory_back()
    service.deliver(_desk())
