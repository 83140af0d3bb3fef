"""Which of the listed files are to be fetched: those that are new, and those that may have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.ingest.sources.source import Listed, Listing
from shared.settings import IngestSettings
from shared.storage.records import Granule

# Files that are replaced under their name as a matter of course: asked for at each poll, unless they have not changed.
GROWING = ("low-degrees", "geocenter", "gia")

Known = Mapping[tuple[str, str], Granule]


@dataclass(frozen=True)
class Due:
    """New files, and files to look at again."""

    new: Sequence[Listed]
    again: Sequence[tuple[Listed, Granule]]


def newest_by_name(granules: Iterable[Granule]) -> dict[tuple[str, str], Granule]:
    """The newest version of each name, by role and name."""
    found: dict[tuple[str, str], Granule] = {}
    for granule in sorted(granules, key=lambda each: each.version):
        found[granule.role, granule.name] = granule
    return found


def what_is_due(listing: Listing, known: Known, settings: IngestSettings, now: datetime) -> Due:
    """Tell the new files from those that may have changed; the others are left alone.

    A listing without dates does not say that a file was replaced. So the newest months are read again from time to
    time, and at once if the listed size does not fit.
    """
    recent = _newest_months(listing, known, settings.reread_newest)
    new = tuple(entry for entry in listing.entries if (entry.role, entry.name) not in known)
    again = []
    for entry in listing.entries:
        granule = known.get((entry.role, entry.name))
        if granule is not None and _may_have_changed(entry, granule, listing, entry.name in recent, settings, now):
            again.append((entry, granule))
    return Due(new, tuple(again))


def _newest_months(listing: Listing, known: Known, count: int) -> set[str]:
    months = {entry.name: known[entry.role, entry.name].month for entry in listing.entries
              if (entry.role, entry.name) in known}  # fmt: skip
    dated = sorted((month, name) for name, month in months.items() if month is not None)
    return {name for _, name in dated[-count:]} if count > 0 else set()


def _may_have_changed(
    entry: Listed, granule: Granule, listing: Listing, recent: bool, settings: IngestSettings, now: datetime
) -> bool:
    since = now - granule.checked_at
    if since < timedelta(0):  # the clock was put back
        return True
    if not listing.permanent or granule.vanished_at is not None:
        return True
    if granule.state == "quarantined":
        # Twice as long after each time, lest a file that stays bad is asked for without end.
        waited = max((granule.checked_at - granule.arrived_at).total_seconds(), settings.retry_refused)
        return since.total_seconds() >= min(waited, settings.reread_after)
    if entry.role in GROWING or entry.contradicts(granule.size):
        return True
    return recent and since.total_seconds() >= settings.reread_after
