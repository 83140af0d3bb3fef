"""The withdrawal of a release: first from the catalogue, then from the folder that its users read."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

from services.publish.tombstone import retract as bury
from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue, now

_LEASE = timedelta(minutes=5)


def withdraw(known: Catalogue, id: str, who: str, reason: str) -> str:
    """Retract a release in the catalogue, then its directory; the release that is the newest then, if any.

    First the catalogue: the next release is never compared with one that is being taken away. Interrupted, it is
    finished by being done again.
    """
    release = known.find_release(id)
    if release is None:
        raise RequestRefused(f"there is no release {id}", advice="See `gravstream releases`.")
    owner, lock = f"{socket.gethostname()}:{os.getpid()}", f"release {release.product}"
    if not known.lock(lock, owner, _LEASE):
        raise RequestRefused(f"a release of {release.product} is being made", advice="Try again in a minute.")
    try:
        retracted = known.retract_release(id, who=who, reason=reason)
        latest = known.latest(release.product)
        successor = Path(latest.directory).name if latest else ""
        why = retracted.decision.removeprefix("retracted: ")
        when = f"{retracted.decided_at or now():%Y-%m-%dT%H:%M:%SZ}"
        bury(Path(release.directory), why, who=retracted.who, when=when, successor=successor)
    finally:
        known.unlock(lock, owner)
    return successor
