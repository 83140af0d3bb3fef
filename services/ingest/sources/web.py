"""A source on the web: a page that lists files, and the files behind its links, asked for politely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from services.ingest.sources.archive import members_of
from services.ingest.sources.http import PoliteClient
from services.ingest.sources.source import ARCHIVE, Fetched, Listed, Listing, Missed, one_by_one
from shared.errors import GranuleRejected, Unreachable
from shared.settings import IngestSettings

Read = Callable[[str, str], Listing]  # of the text of a page and its address


class WebSource:
    """Files that a page lists; many of them come as one ZIP where there is one."""

    def __init__(
        self, name: str, settings: IngestSettings, page: str, read: Read, *, archive: str | None = None
    ) -> None:
        """Say where the files are.

        Parameters
        ----------
        name : how the source is called in the catalogue
        page, read : address of the page, and what finds the files on it
        archive : address of all the files as one ZIP, if there is one
        """
        self.name = name
        self._settings, self._client = settings, PoliteClient(settings)
        self._page, self._read, self._archive = page, read, archive

    def list(self) -> Listing:
        """The files that the page links; one request."""
        page = self._client.page(self._page)
        return self._read(page.text, page.url)

    @property
    def status(self) -> int | None:
        """The first troubled answer since it was opened, else the last answer."""
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
        """Bring many files from the ZIP, and one by one what it lacks."""
        left = {entry.name: entry for entry in entries}
        if self._archive is not None and len(left) >= self._settings.backfill_from:
            try:
                for name, found in self._from_archive(self._archive, set(left), into):
                    yield left.pop(name), found
            except (Unreachable, GranuleRejected) as error:
                yield Listed(ARCHIVE, "series.zip", self._archive), Missed(error)
        yield from one_by_one(tuple(left.values()), lambda entry: self.fetch(entry, into), self._settings.max_misses)

    def _from_archive(self, url: str, names: set[str], into: Path) -> Iterator[tuple[str, Fetched]]:
        path = into / "series.zip"
        try:
            archive = self._client.download(url, path, limit=self._settings.max_archive_bytes)
            assert archive is not None, "nothing was asked under a condition"
            yield from members_of(archive, names, into, self._settings)
        finally:
            path.unlink(missing_ok=True)
