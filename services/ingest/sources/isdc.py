"""ISDC: GravIS' auxiliaries in a folder that the server lists as Apache does.

A listing has times by the minute and rounded sizes. So a table is asked for at each poll, under the condition that
it has changed: 304 costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from services.ingest.sources.http import PoliteClient
from services.ingest.sources.links import read_page, size_in
from services.ingest.sources.source import Fetched, Listed, Listing, Missed, each_once, one_by_one
from shared.settings import IngestSettings

# What the names of GravIS' files say
ROLES = (
    ("low-degrees", re.compile(r"GRAVIS-2B_\w+?_[\w+-]*LOW_DEGREES[\w.+-]*\.dat")),
    ("geocenter", re.compile(r"GRAVIS-2B_\w+?_GEOCENTER[\w.+-]*\.dat")),
    ("gia", re.compile(r"GRAVIS-2B_\w+?_GIA[\w.+-]*")),
)
# Published Level-2B, to compare with
REFERENCE = (("reference", re.compile(r"GRAVIS-2B_\d{7}-\d{7}_\w+\.(gz|gfc)")),)

_MODIFIED = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{2}-\w{3}-\d{4})\s+\d{2}:\d{2}(:\d{2})?")


class Isdc:
    """A folder of ISDC: the auxiliaries, or with `reference` published Level-2B."""

    def __init__(
        self, settings: IngestSettings, client: PoliteClient | None = None, *, reference: str | None = None
    ) -> None:
        self.name = "isdc" if reference is None else "isdc-reference"
        self._settings = settings
        self._client = client or PoliteClient(settings)
        self._folder = (settings.isdc_path if reference is None else reference).strip("/")
        self._roles = ROLES if reference is None else REFERENCE

    def list(self) -> Listing:
        """The files of the folder whose names are known; one request."""
        page = self._client.page(f"{self._settings.isdc_url.rstrip('/')}/{quote(self._folder)}/")
        return read_listing(page.text, page.url, self._roles)

    @property
    def status(self) -> int | None:
        """How the other side answered: the first trouble since it was opened, else the last answer."""
        return self._client.status

    def close(self) -> None:
        """Close the connection until it is needed again."""
        self._client.close()

    def fetch(
        self, entry: Listed, into: Path, *, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched | None:
        """Bring one file if it has changed."""
        return self._client.download(entry.url, into / entry.name, etag=etag, last_modified=last_modified)

    def fetch_many(self, entries: Sequence[Listed], into: Path) -> Iterator[tuple[Listed, Fetched | Missed]]:
        """Bring some files, one by one."""
        yield from one_by_one(entries, lambda entry: self.fetch(entry, into), self._settings.max_misses)


def read_listing(text: str, url: str, roles: Sequence[tuple[str, re.Pattern[str]]] = ROLES) -> Listing:
    """The files of a folder whose names say one of some roles."""
    page = read_page(text)
    entries = []
    for link in page.links:
        split = urlsplit(urljoin(url, link.address))
        folder, _, name = unquote(split.path).rpartition("/")
        if split.query or split.netloc != urlsplit(url).netloc or folder != unquote(urlsplit(url).path).rstrip("/"):
            continue  # the links that sort, the parent, and other folders
        role = next((role for role, pattern in roles if pattern.fullmatch(name)), None)
        if role is None:
            continue
        modified = _MODIFIED.search(link.after)
        size, tolerance = size_in(link.after[modified.end() :]) if modified else (None, 0)
        address = f"{split.scheme}://{split.netloc}{quote(unquote(split.path))}"
        entries.append(Listed(role, name, address, size, tolerance, modified[0] if modified else None))
    single, doubles = each_once(entries)
    if not entries:
        return Listing((), "layout-changed", f"no file of a known name is linked on {url}")
    return Listing(single, "listed", "", doubles=doubles)
