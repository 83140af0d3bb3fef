"""Tables and models that come under several names: which of them is used.

One file of each role is in use. GravIS writes the number of an edition at the end of a name, as in
`..._LOW_DEGREES_0001.dat`, and promises of a table that its records of the past stay as they are as long as that
number does. So

- of names that differ in the number alone the highest is taken; an older one is followed only while it is in use;
- a higher number takes the place of the former by itself if no record of the past differs; else a person decides,
  and the former goes on in use;
- a name of another kind (another centre, another release, NASA's TN-14 beside GravIS) is another table with another
  mean, whatever its place in the alphabet: a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from services.ingest.sources.source import Listed

# Of these one is in use; another table of months is an operator's own, and the last that came counts.
DECIDED = ("low-degrees", "geocenter", "gia", "land-mask")

_NUMBER = re.compile(r"(.+)_(\d{4})(\.\w+)*")


class Edition(NamedTuple):
    """What the name of a file says: of what it is an edition, and which."""

    family: str
    number: int


def edition_of(name: str) -> Edition:
    """The edition that a name tells; of a name without a number the only one."""
    found = _NUMBER.fullmatch(name)
    return Edition(found[1], int(found[2])) if found else Edition(name, 0)


def without_old_editions(entries: Iterable[Listed], used: Collection[str]) -> list[Listed]:
    """The files of a listing but those of which a newer edition is listed too; `used`: names in use, which stay."""
    listed = list(entries)
    newest: dict[tuple[str, str], int] = {}
    for entry in listed:
        family, number = edition_of(entry.name)
        newest[entry.role, family] = max(number, newest.get((entry.role, family), 0))

    def is_taken(entry: Listed) -> bool:
        family, number = edition_of(entry.name)
        return entry.role not in DECIDED or entry.name in used or number == newest[entry.role, family]

    return [entry for entry in listed if is_taken(entry)]


def why_not(name: str, used: str, changes: Callable[[], str]) -> str:
    """Why a file does not take the place of the one in use by itself; empty if it does.

    Parameters
    ----------
    name, used : names of the file and of the one in use
    changes : says what differs in records of the past; empty if nothing does
    """
    mine, theirs = edition_of(name), edition_of(used)
    if mine.family != theirs.family:
        return f"{used} is in use, of which it is no edition"
    if mine.number < theirs.number:
        return f"{used} is in use, which is newer"
    return changes()
