"""ISDC: GravIS' auxiliaries in a folder that the server lists as Apache does.

A listing has times by the minute and rounded sizes. So a table is asked for at each poll, under the condition that
it has changed: 304 costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from urllib.parse import quote, unquote, urljoin, urlsplit

from services.ingest.sources.links import read_page, size_in
from services.ingest.sources.source import Listed, Listing, each_once
from services.ingest.sources.web import WebSource
from shared.settings import IngestSettings

Roles = Sequence[tuple[str, re.Pattern[str]]]

# What the names of GravIS' files say
ROLES: Roles = (
    ("low-degrees", re.compile(r"GRAVIS-2B_\w+?_[\w+-]*LOW_DEGREES[\w.+-]*\.dat")),
    ("geocenter", re.compile(r"GRAVIS-2B_\w+?_GEOCENTER[\w.+-]*\.dat")),
    ("gia", re.compile(r"GRAVIS-2B_\w+?_GIA[\w.+-]*")),
)
# Published Level-2B, to compare with
REFERENCE: Roles = (("reference", re.compile(r"GRAVIS-2B_\d{7}-\d{7}_\w+\.(gz|gfc)")),)

_MODIFIED = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{2}-\w{3}-\d{4})\s+\d{2}:\d{2}(:\d{2})?")


def isdc(settings: IngestSettings, *, reference: str | None = None) -> WebSource:
    """A folder of ISDC: the auxiliaries, or with `reference` published Level-2B."""
    name, folder, roles = ("isdc", settings.isdc_path, ROLES)
    if reference is not None:
        name, folder, roles = ("isdc-reference", reference, REFERENCE)
    page = f"{settings.isdc_url.rstrip('/')}/{quote(folder.strip('/'))}/"
    return WebSource(name, settings, page, partial(read_listing, roles=roles))


def read_listing(text: str, url: str, roles: Roles = ROLES) -> Listing:
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
