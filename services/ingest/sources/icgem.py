"""ICGEM: the monthly fields of one series, listed on a page, one by one or all in one ZIP.

The series is a setting and never inferred, since releases overlap in months. A listing has names and rounded
sizes, no dates and no checksums: whether a file was replaced is told from its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from services.ingest.sources.archive import members_of
from services.ingest.sources.http import PoliteClient
from services.ingest.sources.links import folders_of, read_page, size_in
from services.ingest.sources.source import ARCHIVE, Fetched, Listed, Listing, Missed, each_once, one_by_one
from shared.errors import GranuleRejected, Unreachable
from shared.settings import IngestSettings

ROLE = "level-2"

_FILE = re.compile(r"/getseries/.+\.(gfc|gfc\.gz|gz)")
_NAME = re.compile(r"\w[\w.+,()=@ -]*")


class Icgem:
    """One series of ICGEM."""

    name = "icgem"

    def __init__(self, settings: IngestSettings, client: PoliteClient | None = None) -> None:
        self._settings = settings
        self._client = client or PoliteClient(settings)
        self._base = settings.icgem_url.rstrip("/")
        self._series = settings.series_path.strip("/")
        self._archive = f"{self._base}/getseries/{quote(self._series)}"

    def list(self) -> Listing:
        """The files that the page of the series links; one request."""
        page = self._client.page(f"{self._base}/sp/{quote(self._series)}")
        return read_listing(page.text, page.url, self._series)

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
        """Bring one month."""
        return self._client.download(entry.url, into / entry.name, etag=etag, last_modified=last_modified)

    def fetch_many(self, entries: Sequence[Listed], into: Path) -> Iterator[tuple[Listed, Fetched | Missed]]:
        """Bring many months from the ZIP of the series, and one by one what it lacks."""
        left = {entry.name: entry for entry in entries}
        if len(left) >= self._settings.backfill_from:
            try:
                for name, found in self._from_archive(set(left), into):
                    yield left.pop(name), found
            except (Unreachable, GranuleRejected) as error:
                yield Listed(ARCHIVE, "series.zip", self._archive), Missed(error)
        yield from one_by_one(tuple(left.values()), lambda entry: self.fetch(entry, into), self._settings.max_misses)

    def _from_archive(self, names: set[str], into: Path) -> Iterator[tuple[str, Fetched]]:
        path = into / "series.zip"
        try:
            archive = self._client.download(self._archive, path, limit=self._settings.max_archive_bytes)
            assert archive is not None, "nothing was asked under a condition"
            yield from members_of(archive, names, into, self._settings)
        finally:
            path.unlink(missing_ok=True)


def read_listing(text: str, url: str, series: str) -> Listing:
    """The files of a series on its page.

    Parameters
    ----------
    text, url : the page and its address
    series : path of the series; files of other series and of its subsets are not taken
    """
    page = read_page(text)
    host, wanted = urlsplit(url).netloc, f"/getseries/{unquote(series).strip('/')}"
    entries, elsewhere = [], []
    for link in page.links:
        # Raw spaces stand in addresses, and breadcrumbs carry a double slash.
        split = urlsplit(urljoin(url, link.address))
        path = re.sub(r"/{2,}", "/", unquote(split.path))
        if split.netloc != host or not _FILE.fullmatch(path):
            continue
        folder, _, name = path.rpartition("/")
        if folder != wanted or not _NAME.fullmatch(name):
            elsewhere.append(path)
            continue
        size, tolerance = size_in(link.after)
        address = f"{split.scheme}://{split.netloc}{quote(path)}"
        entries.append(Listed(ROLE, name, address, size, tolerance))
    single, doubles = each_once(entries)
    if not entries:
        remark = f"no file of the series {series} is linked on {url}"
        if elsewhere:
            remark += f"; files of {', '.join(folders_of(elsewhere))} are"
        return Listing((), "layout-changed", remark)
    return Listing(single, "listed", "", page.behind("Licence"), page.behind("Citation"), doubles)
