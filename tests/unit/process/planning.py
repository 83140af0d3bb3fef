"""A catalogue on which work is planned, and done without computing: what came of it is made up."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from services.process.agenda import look
from services.process.hall import Hall
from services.process.proposals import BASELINE
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue, Granule, Unit

PRODUCT = "twsa"
LEASE = timedelta(minutes=1)


def digest(*words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()


@dataclass(frozen=True)
class Planning:
    """The hall of one product, and what arrives there."""

    hall: Hall

    @property
    def known(self) -> Catalogue:
        return self.hall.catalogue

    def auxiliary(self, role: str, content: str = "first") -> Granule:
        return self._register(role, f"{role}.txt", content)

    def month(self, month: str, content: str = "first") -> Granule:
        return self._register("level-2", f"{month}.gfc", content, month)

    def months(self, first: str, count: int) -> list[str]:
        """So many months in a row, which arrive."""
        names = [str(Month.parse(first).plus(number)) for number in range(count)]
        for name in names:
            self.month(name)
        return names

    def normals(self, month: str, content: str = "first") -> Granule:
        return self._register("normals", f"{month}.snx", content, month)

    def _register(self, role: str, name: str, content: str, month: str | None = None) -> Granule:
        sha256 = digest(role, name, content)
        return self.known.register_granule(role=role, name=name, sha256=sha256, size=1, month=month)[0]

    def work(self, park: Collection[str] = ()) -> list[Unit]:
        """Do what is due until nothing is; Level-2B of these months is parked. What was done, in its order."""
        done = []
        while units := look(self.hall):
            for unit in units:
                if unit.kind == "month" and unit.month in park:
                    assert self.known.claim(unit.key, "worker", LEASE)
                    self.known.fail(unit.key, "worker", "not positive definite", "GranuleRejected", park=True)
                else:
                    done.append(self.finish(unit))
        return done

    def finish(self, unit: Unit) -> Unit:
        """Do one unit; what it gives follows from its key."""
        assert self.known.claim(unit.key, "worker", LEASE)
        name = {"baseline": BASELINE, "month": "level2b", "series": "maps.nc"}[unit.kind]
        ended = self.known.finish(unit.key, "worker", {name: digest(unit.key)}, 1.0)
        assert ended is not None
        return ended

    @property
    def proposals(self) -> list[str]:
        """Why baselines are proposed now."""
        return [each.reason for each in self.known.baselines(PRODUCT, "proposed")]

    @property
    def wanted_months(self) -> list[str]:
        """The months of the series that is wanted."""
        series = self.known.wanted_series(PRODUCT)
        return [] if series is None else list(series.inputs["months"])


def kinds(units: Collection[Unit]) -> list[str]:
    return [unit.kind for unit in units]
