"""What is wrong with a source, told when it begins, when it changes, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.storage.catalogue import Catalogue

LAYOUT_CHANGED = "layout-changed"
LISTING_SHRUNK = "listing-shrunk"
NAMES_DOUBLED = "names-doubled"
ARCHIVE_REFUSED = "archive-refused"
FILES_MISSED = "files-missed"

_SHOWN = 5


def raise_alarm(catalogue: Catalogue, source: str, kind: str, text: str, about: Sequence[str]) -> None:
    """Tell of a condition, unless it was told and is still the same; `about` empty: there is none, or no more.

    A poll that comes every minute must not fill the log with one and the same alarm.
    """
    over = f"{kind}-over"
    last = catalogue.log(source, kind=(kind, over), newest=True, limit=1)
    standing = bool(last) and last[0].kind == kind
    details: Mapping[str, Any] = {"about": sorted(about)}
    if about and not (standing and last[0].details.get("about") == details["about"]):
        catalogue.append(source, kind, text, details=details)
    elif not about and standing:
        catalogue.append(source, over, f"{source}: what was told as {kind} is over.")


def named(names: Sequence[str]) -> str:
    """Some names in words, the rest as a number."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(sorted(names)[:_SHOWN]) + more
