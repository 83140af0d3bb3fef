"""How a file on the local disk is let in: verified, kept under its digest, registered, announced, or set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.ingest.editions import DECIDED, why_not
from services.ingest.neighbours import Member, Neighbours
from services.ingest.sources.source import Fetched, Listed
from services.ingest.verification import OF_A_SERIES, TABLES, Verified, Verifier, changed_rows, read_coefficients
from shared.errors import GranuleRejected, StoreDamaged, StoreUnavailable, Unreachable
from shared.formats.icgem import read_gfc
from shared.formats.months import MonthTable, read_month_table
from shared.messages import GranuleArrived
from shared.models.coefficients import GravityField
from shared.models.epoch import Month
from shared.settings import IngestSettings
from shared.storage.catalogue import Catalogue
from shared.storage.records import Granule, Policy
from shared.storage.store import Store

Emit = Callable[[GranuleArrived], None]
Again = Callable[[Listed], Fetched | None]


@dataclass
class IntakeReport:
    """What came of one look at a source: names of files by what became of them.

    outcome: `ok`, or why the source gave nothing; missed: why each of these files did not come.
    """

    source: str
    outcome: str = "ok"
    listed: int = 0
    new: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    missed: dict[str, str] = field(default_factory=dict)
    licence: str = ""
    citation: str = ""


def series_of(role: str, settings: IngestSettings) -> str:
    """The series under which files of a role are registered; empty for tables and models."""
    return settings.series_path.strip("/") if role in OF_A_SERIES else ""


class Admission:
    """Lets files in, one after another."""

    def __init__(
        self, catalogue: Catalogue, store: Store, settings: IngestSettings, emit: Emit, report: IntakeReport,
        now: datetime,
    ) -> None:  # fmt: skip
        self._catalogue, self._store, self._settings = catalogue, store, settings
        self._emit, self._report, self._now = emit, report, now
        self._neighbours = Neighbours(_members(catalogue, store, series_of("level-2", settings)))
        self._verifier = Verifier(settings, _month_table(catalogue, store), self._neighbours)
        self.listed: frozenset[str] = frozenset()

    def take(self, entry: Listed, fetched: Fetched, again: Again | None = None) -> None:
        """Verify a file; keep and register it, or set it aside.

        Parameters
        ----------
        entry, fetched : how it was listed, and what came
        again : fetches it anew: what is unsound may have been damaged on its way
        """
        last, reason = fetched, None
        for last in _tries(entry, fetched, again):
            try:
                verified = self._verified(entry, last)
            except GranuleRejected as error:
                reason = error
            else:
                self._keep(entry, last, verified)
                break
        else:
            assert reason is not None
            self._set_aside(entry, last, reason)
        fetched.path.unlink(missing_ok=True)
        last.path.unlink(missing_ok=True)

    def _verified(self, entry: Listed, fetched: Fetched) -> Verified:
        if entry.contradicts(fetched.size):
            raise GranuleRejected(
                f"{fetched.size} bytes came where {entry.size} were listed", advice="Fetch it again", file=entry.name
            )
        return self._verifier.verify(fetched.path, entry.role, entry.name)

    def _keep(self, entry: Listed, fetched: Fetched, verified: Verified) -> None:
        """Keep the bytes first, then register them: what is in the catalogue is in the store."""
        month = None if verified.month is None else str(verified.month)
        hold = self._hold(entry, fetched, month)
        self._put(fetched)
        granule, outcome = self._catalogue.register_granule(
            **self._facts(entry, fetched),
            month=month,
            begin=None if verified.span is None else verified.span.begin,
            end=None if verified.span is None else verified.span.end,
            policy=self._policy(entry.role),
            hold=hold,
        )
        getattr(self._report, outcome).append(entry.name)
        if outcome not in ("new", "replaced"):
            return
        if verified.month is not None and verified.field is not None:
            self._neighbours.add(verified.month, granule.sha256, verified.field)
        self._emit(GranuleArrived(entry.role, entry.name, granule.sha256, month))

    def _set_aside(self, entry: Listed, fetched: Fetched, error: GranuleRejected) -> None:
        month = self._verifier.month_told(fetched.path, entry.role, entry.name)
        self._put(fetched)
        told = None if month is None else str(month)
        self._catalogue.quarantine(**self._facts(entry, fetched), month=told, reason=str(error))
        self._report.quarantined.append(entry.name)

    def _put(self, fetched: Fetched) -> None:
        digest = self._store.put_file(fetched.path)
        if digest != fetched.sha256:
            raise StoreUnavailable(
                f"{fetched.path} has changed on the local disk since it came", advice="Check the disk"
            )

    def _facts(self, entry: Listed, fetched: Fetched) -> dict[str, Any]:
        return {
            "role": entry.role, "name": entry.name, "series": series_of(entry.role, self._settings),
            "sha256": fetched.sha256, "size": fetched.size, "origin": fetched.url, "etag": fetched.etag,
            "last_modified": fetched.last_modified, "now": self._now,
        }  # fmt: skip

    def _policy(self, role: str) -> Policy:
        return self._settings.policy if role == "level-2" else "replace"

    def _hold(self, entry: Listed, fetched: Fetched, month: str | None) -> str:
        """Why a sound file waits for a person all the same; empty if it does not."""
        series = series_of(entry.role, self._settings)
        if month is not None:
            rivals = self._catalogue.granules(entry.role, series, month=month)
            both = [each.name for each in rivals if each.name != entry.name and each.name in self.listed]
            return f"{both[0]} is listed for {month} too" if both else ""
        former = self._catalogue.current(entry.role, series)
        if entry.role not in DECIDED or not former or former[-1].sha256 == fetched.sha256:
            return ""
        return why_not(entry.name, former[-1].name, lambda: self._changes(entry, fetched, former[-1]))

    def _changes(self, entry: Listed, fetched: Fetched, former: Granule) -> str:
        if entry.role in TABLES:
            return self._changed_rows(entry, fetched, former)
        return f"a model has other bytes than {former.name}, which is in use"

    def _changed_rows(self, entry: Listed, fetched: Fetched, former: Granule) -> str:
        try:
            before = read_coefficients(self._store.get(former.sha256), entry.role, former.name)
        except (GranuleRejected, StoreDamaged) as error:
            return f"the table before it cannot be compared ({error.found})"
        return changed_rows(before, read_coefficients(fetched.path, entry.role, entry.name))


def _tries(entry: Listed, fetched: Fetched, again: Again | None) -> Iterator[Fetched]:
    """A file as it came; if that will not do, as it comes once more, unless it is the same."""
    yield fetched
    if again is None:
        return
    try:
        second = again(entry)
    except (Unreachable, GranuleRejected):
        return
    if second is not None and second.sha256 != fetched.sha256:
        yield second


def _members(catalogue: Catalogue, store: Store, series: str) -> dict[Month, Member]:
    """The accepted months of a series."""
    granules = [each for each in catalogue.granules("level-2", series) if each.month is not None]
    return {
        Month.parse(str(each.month)): Member(Month.parse(str(each.month)), each.sha256, partial(_field, store, each))
        for each in granules
    }


def _field(store: Store, granule: Granule) -> GravityField:
    return read_gfc(store.get(granule.sha256), name=granule.name)


def _month_table(catalogue: Catalogue, store: Store) -> MonthTable:
    """The table of months in use, else the built-in one."""
    tables = catalogue.current("month-table")
    if not tables:
        return MonthTable.default()
    return read_month_table(store.get(tables[-1].sha256), name=tables[-1].name)


def local_copy(store: Store, granule: Granule, folder: Path) -> Fetched:
    """A registered file as if it had just come."""
    path = store.fetch(granule.sha256, folder / granule.name)
    return Fetched(path, granule.sha256, granule.size, granule.origin, granule.etag, granule.last_modified)
