"""The tasks of the process service; what they do, a person can do with `gravstream reconcile --work`."""

from __future__ import annotations

from functools import lru_cache

from celery import shared_task

from services.process import agenda, workplace
from services.process.app import hall
from services.process.hall import Hall
from shared.broker import give_memory_back, tell


@lru_cache(maxsize=1)
def _hall() -> Hall:
    return hall()  # opened in the worker, not before it forks


@shared_task(name="process.look")
def look() -> None:
    """Enter what should exist and hand out what is due."""
    here = _hall()
    for unit in agenda.next_of(here, agenda.look(here)):
        tell("process.work", unit.key)


@shared_task(name="process.work")
def work(key: str) -> None:
    """Do a unit; then look again if it was the last of its kind, or tell publish of a series."""
    unit = workplace.work(_hall(), key)
    if unit is None:
        return
    if unit.kind != "month":
        give_memory_back()
    if unit.kind == "series":
        if unit.state == "done":
            tell("publish.look")
    elif unit.kind == "baseline" or agenda.is_settled(_hall(), unit.product):
        tell("process.look")
