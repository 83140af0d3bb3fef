"""What a source of files is: it lists what there is, and brings one file at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from shared.errors import GranuleRejected, GravstreamError, Unreachable

# `listed`: files were found; `empty`: there is nothing; `layout-changed`: a page came, but no file is linked on it
Status = Literal["listed", "empty", "layout-changed"]

ARCHIVE = "archive"  # role of what stands for the whole series in one file


@dataclass(frozen=True)
class Listed:
    """A file as a listing shows it.

    size: bytes, as precisely as `tolerance` [bytes] says, since pages round; last_modified: as the listing writes it.
    """

    role: str
    name: str
    url: str
    size: int | None = None
    tolerance: int = 0
    last_modified: str | None = None

    def contradicts(self, size: int) -> bool:
        """Whether a file of this many bytes cannot be the one that was listed."""
        return self.size is not None and abs(size - self.size) > self.tolerance


@dataclass(frozen=True)
class Listing:
    """All files of a source, each name once.

    remark: what is wrong with the page, if anything; doubles: names that were listed for different files, which
    are in no entry; permanent: a file that is gone from it is worth an alarm.
    """

    entries: tuple[Listed, ...]
    status: Status = "listed"
    remark: str = ""
    licence: str = ""
    citation: str = ""
    doubles: tuple[str, ...] = ()
    permanent: bool = True


@dataclass(frozen=True)
class Fetched:
    """A file as it came, on the local disk, not yet looked at."""

    path: Path
    sha256: str
    size: int
    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Missed:
    """A file that did not come, and why."""

    error: GravstreamError


class Source(Protocol):
    """Where files come from."""

    @property
    def name(self) -> str:
        """How the source is called in the catalogue."""
        ...

    @property
    def status(self) -> int | None:
        """HTTP status of the answers: the first trouble, else the last; None without HTTP."""
        ...

    def list(self) -> Listing:
        """What there is now; Unreachable if it cannot be told."""
        ...

    def fetch(
        self, entry: Listed, into: Path, *, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched | None:
        """Bring a file into a folder; None if it has not changed since; Unreachable if it does not come."""
        ...

    def fetch_many(self, entries: Sequence[Listed], into: Path) -> Iterator[tuple[Listed, Fetched | Missed]]:
        """Bring many new files, as gently as the source allows; those left out did not come this way."""
        ...

    def close(self) -> None:
        """Give back what is open; the source can be used again."""
        ...


def each_once(entries: Sequence[Listed]) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
    """The entries of one file each, and the names that stand for several."""
    by_name: dict[str, set[Listed]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, set()).add(entry)
    doubles = tuple(name for name, found in by_name.items() if len(found) > 1)
    return tuple(next(iter(found)) for found in by_name.values() if len(found) == 1), doubles


def one_by_one(
    entries: Sequence[Listed], fetch: Callable[[Listed], Fetched | None], most_misses: int
) -> Iterator[tuple[Listed, Fetched | Missed]]:
    """Each file by itself; after so many in a row that cannot be reached the rest is left for later."""
    misses = 0
    for entry in entries:
        try:
            fetched = fetch(entry)
        except (Unreachable, GranuleRejected) as error:
            misses += isinstance(error, Unreachable)
            yield entry, Missed(error)
            if misses >= most_misses:
                return
        else:
            misses = 0
            if fetched is not None:
                yield entry, fetched
