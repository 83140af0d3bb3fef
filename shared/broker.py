"""The queue between the services: Celery on Redis, and what happens to a task that fails.

Delivery is at least once. So a task never carries work, only the word to look again: what is due stands in
the catalogue, and a lost, doubled or late message costs nothing.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from celery import Celery, current_app
from celery.signals import beat_init, worker_ready, worker_shutdown
from kombu.entity import Queue

from shared.errors import (
    AuxiliaryMissing,
    GranuleRejected,
    GravstreamError,
    ProductHeld,
    StoreDamaged,
    StoreUnavailable,
    Unreachable,
)
from shared.settings import QueueSettings

if TYPE_CHECKING:
    from shared.storage.catalogue import Catalogue

# Looks after which a task that nobody took is given up
_LOOKS = 5

QUEUES = ("ingest", "process", "publish")


@dataclass(frozen=True)
class Policy:
    """What happens next to a unit of work that failed.

    counts: whether the attempt counts; not where the trouble is not the unit's.
    """

    action: str  # retry | wait | park
    pause: timedelta = timedelta(0)
    counts: bool = True


# The one table from an error to what happens next. Whatever is not in it is a fault of ours: it is parked with
# its trace, since trying again would fail again.
POLICIES: dict[type[GravstreamError], Policy] = {
    Unreachable: Policy("retry", timedelta(minutes=1)),
    AuxiliaryMissing: Policy("wait"),
    GranuleRejected: Policy("park"),
    ProductHeld: Policy("wait"),
    StoreUnavailable: Policy("retry", timedelta(seconds=10), counts=False),
    # Bytes that are gone or altered do not come back by themselves.
    StoreDamaged: Policy("park"),
}


def policy_of(error: BaseException) -> Policy:
    """What happens next after an error."""
    for kind, policy in POLICIES.items():
        if isinstance(error, kind):
            return policy
    return Policy("park")


def tell(task: str, *arguments: str) -> None:
    """Put a task into the queue of the service that its name begins with.

    It expires after a few looks, which would hand it out again: so a queue that nobody empties does not grow.
    """
    current_app.send_task(task, args=arguments, expires=current_app.conf.task_expires)


def tell_of_life(service: str, catalogue: Callable[[], Catalogue]) -> None:
    """Have a worker of this process say in the catalogue that it lives; other processes say nothing."""
    from shared.storage.pulse import Pulse  # not for the scheduler, which has no catalogue

    pulse = Pulse(service, catalogue)
    worker_ready.connect(lambda **_: pulse.start(), weak=False)
    worker_shutdown.connect(lambda **_: pulse.stop(), weak=False)


def give_memory_back() -> None:
    """Return to the machine what a large task has freed; without this a resting worker keeps it (glibc)."""
    gc.collect()  # figures hold one another
    with suppress(OSError, AttributeError, TypeError):  # other systems have no such function
        ctypes.CDLL(None).malloc_trim(0)


def scheduler_app(settings: QueueSettings) -> Celery:
    """The Celery application of the scheduler; it looks at the sources at once."""
    # A new scheduler would wait a whole interval, a day, for its first look.
    beat_init.connect(_poll, weak=False)
    return celery_app(settings)


def _poll(**_: object) -> None:
    tell("ingest.poll")


def celery_app(settings: QueueSettings, include: Sequence[str] = ()) -> Celery:
    """The Celery application of a service.

    Parameters
    ----------
    settings : the broker's address and limits
    include : modules that define tasks
    """
    app = Celery("gravstream", broker=settings.url, include=list(include))
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,  # the catalogue knows what came of it
        task_acks_late=True,
        # A worker that dies hands its task back. It cannot loop for ever: attempts are counted in the catalogue.
        task_reject_on_worker_lost=True,
        task_time_limit=settings.time_limit,
        # A task that ran longer than this would be delivered again while it runs.
        broker_transport_options={
            "visibility_timeout": 4 * settings.time_limit,
            "socket_timeout": settings.socket_timeout,
            "socket_connect_timeout": settings.socket_timeout,
        },
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        task_default_queue="process",
        task_expires=_LOOKS * settings.look_interval,
        task_queues=[Queue(name) for name in QUEUES],
        task_routes={f"{name}.*": {"queue": name} for name in QUEUES},
        beat_schedule=_schedule(settings),
        beat_schedule_filename=settings.beat_file,
        timezone="UTC",
    )
    return app


def _schedule(settings: QueueSettings) -> dict[str, dict[str, object]]:
    """What is looked at again and again, whether or not a message came."""
    every = {
        "ingest.poll": settings.poll_interval,
        "process.look": settings.look_interval,
        "publish.look": settings.look_interval,
    }
    # A look that nobody took is worthless once the next one is due.
    return {
        name: {"task": name, "schedule": seconds, "options": {"expires": seconds}} for name, seconds in every.items()
    }
