"""The way of a file: discovered, fetched, verified, kept under its digest, registered, announced.

Each step leaves a state from which the next look goes on: a file on its way lies in a staging folder that is
emptied at the next start; bytes are kept before they are registered; and a message that was not sent is not
missed, since what is due is read off the catalogue. A file that is refused never holds up another.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from services.ingest import alarms
from services.ingest.admission import Admission, Emit, IntakeReport, local_copy, series_of
from services.ingest.due import newest_by_name, what_is_due
from services.ingest.editions import without_old_editions
from services.ingest.sources.source import ARCHIVE, Fetched, Listed, Listing, Missed, Source
from shared.errors import GranuleRejected, RequestRefused, StoreUnavailable, Unreachable
from shared.settings import IngestSettings
from shared.storage.catalogue import Catalogue, moment
from shared.storage.records import Granule, GranuleState
from shared.storage.store import Store

__all__ = ["BUSY", "Emit", "IntakeReport", "intake", "verify_again"]

BUSY = "another look at this source is going on"


def intake(
    source: Source,
    catalogue: Catalogue,
    store: Store,
    settings: IngestSettings,
    emit: Emit,
    *,
    now: datetime | None = None,
) -> IntakeReport:
    """Look at a source once, and take in what is new or has changed.

    Parameters
    ----------
    source, catalogue, store : where files come from, are registered, and are kept
    settings : where and how gently to ask; the limits
    emit : is told of every file that can be used from now on
    now : the current time, for tests

    Returns what became of each file; a source that cannot be reached is told there and in the catalogue, since
    the next poll tries again. Raises StoreUnavailable if nothing can be kept.
    """
    report = IntakeReport(source.name)
    try:
        with _staging(settings, source.name) as folder:
            if folder is None:
                report.outcome = BUSY
                return report
            at = moment(now)
            admission = Admission(catalogue, store, settings, emit, report, at)
            _Look(source, catalogue, settings, admission, folder, report, at).run()
    except OSError as error:
        raise StoreUnavailable(f"files on their way cannot be kept ({error})", advice="Is the disk full?") from error
    finally:
        source.close()
    return report


def verify_again(
    id: int, catalogue: Catalogue, store: Store, settings: IngestSettings, emit: Emit, *, now: datetime | None = None
) -> IntakeReport:
    """Verify a refused file again, from the store; after a reader was mended, say."""
    found = [each for each in catalogue.granules(state="quarantined") if each.id == id]
    if not found:
        raise RequestRefused(f"there is no refused file with number {id}", advice="Look up its number in the list.")
    granule, report = found[0], IntakeReport("store")
    admission = Admission(catalogue, store, settings, emit, report, moment(now))
    with tempfile.TemporaryDirectory() as folder:
        admission.take(Listed(granule.role, granule.name, granule.origin), local_copy(store, granule, Path(folder)))
    return report


@contextmanager
def _staging(settings: IngestSettings, name: str) -> Iterator[Path | None]:
    """An empty folder for files on their way, ours alone; None while another process has it.

    The lock dies with its process, so that a look that was killed does not keep the next one waiting.
    """
    top = (settings.staging or Path(tempfile.gettempdir()) / "gravstream-staging") / name
    top.mkdir(parents=True, exist_ok=True)
    with (top / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        shutil.rmtree(top / "files", ignore_errors=True)
        (top / "files" / "again").mkdir(parents=True)
        yield top / "files"
        shutil.rmtree(top / "files", ignore_errors=True)


class _Look:
    """One look at one source."""

    def __init__(
        self, source: Source, catalogue: Catalogue, settings: IngestSettings, admission: Admission, folder: Path,
        report: IntakeReport, now: datetime,
    ) -> None:  # fmt: skip
        self._source, self._catalogue, self._settings = source, catalogue, settings
        self._admission, self._folder, self._report, self._now = admission, folder, report, now

    def run(self) -> None:
        started = time.monotonic()
        try:
            listing = self._source.list()
        except (Unreachable, GranuleRejected) as error:
            self._report.outcome = error.found
        else:
            self._report.licence, self._report.citation = listing.licence, listing.citation
            self._report.listed = len(listing.entries)
            self._tell_of(listing)
            if listing.status == "layout-changed":
                self._report.outcome = listing.remark
            elif listing.entries:
                self._take_all(listing)
        seconds = time.monotonic() - started
        self._catalogue.record_poll(
            self._source.name,
            self._report.outcome,
            status=self._source.status,
            listed=self._report.listed,
            seconds=seconds,
            now=self._now,
        )

    def _alarm(self, kind: str, text: str, about: list[str]) -> None:
        alarms.raise_alarm(self._catalogue, self._source.name, kind, text, about)

    def _tell_of(self, listing: Listing) -> None:
        """Alarms about the listing itself."""
        name, changed = self._source.name, listing.status == "layout-changed"
        text = f"{name} answers, but {listing.remark}. Its layout or address may have changed."
        self._alarm(alarms.LAYOUT_CHANGED, text, [listing.remark] if changed else [])
        text = f"{name} lists different files under one name, which are left alone: {alarms.named(listing.doubles)}."
        self._alarm(alarms.NAMES_DOUBLED, text, list(listing.doubles))

    def _take_all(self, listing: Listing) -> None:
        self._admission.listed = frozenset(entry.name for entry in listing.entries) | set(listing.doubles)
        roles = sorted({entry.role for entry in listing.entries})
        granules = [granule for role in roles for granule in self._granules(role, None)]
        used = {granule.name for granule in granules if granule.state == "accepted"}
        listing = replace(listing, entries=tuple(without_old_editions(listing.entries, used)))
        due = what_is_due(listing, newest_by_name(granules), self._settings, self._now)
        self._take_new(due.new)
        for entry, granule in due.again:
            self._take_again(entry, granule)
            if len(self._report.missed) >= self._settings.max_misses:
                break
        missed = list(self._report.missed)
        reasons = " ".join(sorted(set(self._report.missed.values()))[:1])
        text = f"Listed by {self._source.name}, but did not come, and tried again: {alarms.named(missed)}. {reasons}"
        self._alarm(alarms.FILES_MISSED, text, missed)
        if listing.permanent:
            self._tell_what_vanished(roles)

    def _granules(self, role: str, state: GranuleState | None) -> list[Granule]:
        return self._catalogue.granules(role, series_of(role, self._settings), state)

    def _take_new(self, entries: Sequence[Listed]) -> None:
        refused = []
        for entry, found in self._source.fetch_many(entries, self._folder) if entries else ():
            if not isinstance(found, Missed):
                self._admission.take(entry, found, self._fetch_again)
            elif entry.role == ARCHIVE:
                refused.append(str(found.error))
            else:
                self._report.missed[entry.name] = str(found.error)
        if entries:
            text = f"The whole series in one file is of no use; its months are fetched singly. {' '.join(refused)}"
            self._alarm(alarms.ARCHIVE_REFUSED, text, refused)

    def _take_again(self, entry: Listed, granule: Granule) -> None:
        """Look whether a known file has changed."""
        # The condition of a refused file would say "unchanged" of what was only damaged on its way.
        refused = granule.state == "quarantined" and "://" in entry.url
        etag, modified = (None, None) if refused else (granule.etag, granule.last_modified)
        try:
            fetched = self._source.fetch(entry, self._folder, etag=etag, last_modified=modified)
        except (Unreachable, GranuleRejected) as error:
            self._report.missed[entry.name] = str(error)
            return
        if fetched is None or fetched.sha256 == granule.sha256:
            seen = {} if fetched is None else {"etag": fetched.etag, "last_modified": fetched.last_modified}
            self._catalogue.mark_checked(granule.id, **seen, now=self._now)
            self._report.same.append(entry.name)
            (self._folder / entry.name).unlink(missing_ok=True)
        else:
            self._admission.take(entry, fetched, self._fetch_again)

    def _fetch_again(self, entry: Listed) -> Fetched | None:
        return self._source.fetch(entry, self._folder / "again")

    def _tell_what_vanished(self, roles: list[str]) -> None:
        """Files that upstream lists no more stay in use; they are only told."""
        gone = []
        for role in roles:
            for granule in self._granules(role, "accepted"):
                if granule.name not in self._admission.listed and "://" in granule.origin:
                    gone.append(granule.name)
                    if self._catalogue.mark_vanished(granule.id, now=self._now):
                        self._report.vanished.append(granule.name)
        text = f"{self._source.name} no longer lists {alarms.named(gone)}. They stay in use; nothing is deleted."
        self._alarm(alarms.LISTING_SHRUNK, text, gone)
