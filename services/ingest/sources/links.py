"""The links of a web page in order, each with the text that follows it.

Links are told by their address, never by class or place: layouts change, and clients that trusted them broke.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "head"})
_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(?<![\d.])(\d+(?:\.(\d+))?)\s*([KMGT]?)(?:i?B)?(?![\w.-])", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A link: its address as written (entities resolved), the text in it, and that behind it."""

    address: str
    label: str
    after: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[tuple[str, list[str], list[str]]] = []
        self.texts: list[str] = []
        self._inside = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.links.append((address, [], []))
            self._inside = True
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._inside = False
        if tag in _SILENT and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text or self._silent:
            return
        self.texts.append(text)
        if self.links:
            _, label, after = self.links[-1]
            (label if self._inside else after).append(text)


@dataclass(frozen=True)
class PageContent:
    """What a page says: its links, and its pieces of text in order."""

    links: tuple[Link, ...]
    texts: tuple[str, ...]

    def behind(self, label: str) -> str:
        """The piece of text that follows a label such as `Licence:`; empty if there is none."""
        following = zip(self.texts, self.texts[1:], strict=False)
        return next((text for before, text in following if before.rstrip(": ").lower() == label.lower()), "")


@lru_cache(maxsize=8)
def read_page(text: str) -> PageContent:
    """The links and texts of a page, however well it is written."""
    # The same page comes poll after poll: it is read once.
    reader = _Reader()
    reader.feed(text)
    reader.close()
    links = (Link(address.strip(), " ".join(label), " ".join(after)) for address, label, after in reader.links)
    return PageContent(tuple(links), tuple(reader.texts))


def size_in(text: str) -> tuple[int | None, int]:
    """A size in bytes and how far off it may be by rounding; None if the text has none.

    `(441.9 KiB)` of ICGEM and `123K` of Apache; a number without unit is bytes.
    """
    found = _SIZE.search(text)
    if found is None:
        return None, 0
    unit = _UNITS[found[3].upper()]
    if unit == 1:
        return int(float(found[1])), 0
    # Servers round up, down or to the nearest: one unit of the last digit, and a unit in 1000 where K means that.
    return round(float(found[1]) * unit), round(unit * 10.0 ** -len(found[2] or "")) + 1


def folders_of(addresses: Sequence[str]) -> tuple[str, ...]:
    """The folders that addresses of files lie in, each once."""
    return tuple(sorted({address.rpartition("/")[0] for address in addresses}))
