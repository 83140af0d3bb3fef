"""The tasks of the process service; what they do, a person can do with `gravstream reconcile --work`."""

from __future__ import annotations

from functools import lru_cache

from celery import shared_task

from services.process import agenda, workplace
from services.process.app import hall
from services.process.hall import Hall
from shared.broker import tell


@lru_cache(maxsize=1)
def _hall() -> Hall:
    return hall()  # opened in the worker, not before it forks


@shared_task(name="process.look")
def look() -> None:
    """Enter what should exist and hand out what is due."""
    for unit in agenda.look(_hall()):
        tell("process.work", unit.key)


@shared_task(name="process.work")
def work(key: str) -> None:
    """Do a unit; then look again if it was the last of its kind, or tell publish of a series."""
    unit = workplace.work(_hall(), key)
    if unit is None or unit.state != "done":
        return
    if unit.kind == "series":
        tell("publish.look")
    elif unit.kind == "baseline" or agenda.is_settled(_hall(), unit.product):
        tell("process.look")
