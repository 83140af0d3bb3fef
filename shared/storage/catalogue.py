"""What is there, how far it is, and why: the state from which everything that is due is derived.

Each method is one transaction: a change of state and the event that tells of it are written together or
not at all. Its parts: files (granules.py), units of work (units.py, claims.py), baselines and requests
(baselines.py), releases (releases.py), ways in and out (traffic.py), who is there (presence.py), the log of
events (ledger.py), numbers about all of it (measures.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from shared.storage.baselines import Baselines
from shared.storage.clock import moment, now
from shared.storage.connection import engine_for
from shared.storage.granules import Granules
from shared.storage.measures import Measures
from shared.storage.migrations.upgrade import upgrade
from shared.storage.presence import Presence
from shared.storage.records import (
    BaselineRecord,
    Delivery,
    Event,
    Granule,
    Heartbeat,
    Planned,
    Poll,
    ReleaseRecord,
    Reprocessing,
    Token,
    Unit,
)
from shared.storage.releases import Releases
from shared.storage.traffic import Traffic
from shared.storage.units import Units
from shared.storage.wanted import Wanted

__all__ = [
    "BaselineRecord",
    "Catalogue",
    "Delivery",
    "Event",
    "Granule",
    "Heartbeat",
    "Planned",
    "Poll",
    "ReleaseRecord",
    "Reprocessing",
    "Token",
    "Unit",
    "moment",
    "now",
]


class Catalogue(Granules, Units, Baselines, Releases, Traffic, Presence, Wanted, Measures):
    """The catalogue, safe for threads, forks and any number of processes."""

    @classmethod
    def open(cls, url: str | Path) -> Self:
        """The catalogue at an address, made or brought to the present form if need be.

        url: a path or sqlite:/// for one machine, postgresql:// for several. StoreUnavailable if it does not
        answer; RequestRefused if a newer version of this software has changed it.
        """
        engine = engine_for(url)
        upgrade(engine)
        return cls(engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
