"""Bytes by their digest: what is in the store never changes, and is checked whenever it is read."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from shared.errors import StoreDamaged, StoreUnavailable
from shared.storage.clock import moment
from shared.storage.places import CHUNK, Bucket, Folder, Place, told

_IN_MEMORY = 64 << 20  # bytes of an object that is checked before it is handed out as a stream
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{62})")


class Store:
    """A content-addressed store in a folder or an object store: objects/ab/cdef...

    Every reading method raises StoreDamaged if an object is missing or not what was put in; every method
    raises StoreUnavailable if the place cannot be reached or written, and ValueError for what is no digest.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    @classmethod
    def at(cls, url: str | Path, **options: Any) -> Self:
        """The store at a path, file:// or an address such as s3://bucket/prefix.

        options: for fsspec: key, secret, endpoint_url, client_kwargs ...
        """
        text = str(url)
        if "://" in text and not text.startswith("file://"):
            return cls(Bucket(text, options))
        return cls(Folder(Path(text.removeprefix("file://")).absolute()))

    def put(self, content: bytes) -> str:
        """Keep bytes; their digest."""
        return self._keep(lambda: io.BytesIO(content))

    def put_file(self, path: Path) -> str:
        """Keep the bytes of a file, however large; their digest."""
        return self._keep(lambda: path.open("rb"))

    def get(self, digest: str) -> bytes:
        """The bytes of a digest."""
        with self._reading(digest) as stream, stream:
            content = stream.read()
        _check(hashlib.sha256(content).hexdigest(), digest)
        return content

    def open(self, digest: str) -> BinaryIO:
        """A stream of the bytes of a digest, checked before it is handed out."""
        with self._reading(digest) as stream:
            if self.place.path(_name(digest)) is not None:
                _check(_hash(stream), digest)
                stream.seek(0)
                return stream
            copy = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  closed by the reader
            try:
                with stream:
                    _check(_hash(stream, copy), digest)
            except BaseException:
                copy.close()
                raise
            copy.seek(0)
            return cast(BinaryIO, copy)

    def has(self, digest: str) -> bool:
        """Whether there is an object of this digest; its content is not checked."""
        with told(self.place, "look"):
            return self.place.size(_name(digest)) is not None

    def size(self, digest: str) -> int:
        """Bytes of an object."""
        with told(self.place, "look"):
            size = self.place.size(_name(digest))
            if size is None:
                raise self._missing(digest)
        return size

    def fetch(self, digest: str, path: Path) -> Path:
        """Copy an object to a local file, which appears whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as target, self._reading(digest) as stream, stream:
                _check(_hash(stream, target), digest)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return path

    def local(self, digest: str) -> Path | None:
        """The object's own file, to be read only; None if the store is no folder."""
        path = self.place.path(_name(digest))
        if path is not None:
            self.open(digest).close()
        return path

    def digests(self) -> Iterator[str]:
        """Every object; what lies there under other names is not ours."""
        with told(self.place, "list"):
            for name in self.place.names():
                if found := _NAME.fullmatch(name):
                    yield found[1] + found[2]

    def damaged(self) -> Iterator[str]:
        """Every object whose bytes are not what was put in."""
        for digest in list(self.digests()):
            try:
                self.open(digest).close()
            except StoreDamaged:
                yield digest

    def delete(self, digest: str) -> None:
        """Remove an object, if it is there."""
        with told(self.place, "delete"):
            self.place.delete(_name(digest))

    def collect_garbage(
        self, wanted: set[str], *, older_than: timedelta, dry_run: bool, now: datetime | None = None
    ) -> list[str]:
        """Delete what nobody wants and was last put before a while; the digests, also of a dry run.

        older_than: longer than anything takes from putting an object to naming it in the catalogue.
        """
        before = moment(now) - older_than
        garbage = []
        for digest in [digest for digest in self.digests() if digest not in wanted]:
            with told(self.place, "look"):
                try:
                    old = self.place.modified(_name(digest)) < before
                except FileNotFoundError:
                    continue  # somebody else was quicker
            if old:
                garbage.append(digest)
                if not dry_run:
                    self.delete(digest)
        if isinstance(self.place, Folder) and not dry_run:
            self._sweep(self.place, before)
        return garbage

    def _sweep(self, folder: Folder, before: datetime) -> None:
        with told(folder, "delete"):
            for name in folder.leftovers():
                if folder.modified(name) < before:
                    folder.delete(name)

    def _keep(self, source: Callable[[], BinaryIO]) -> str:
        with source() as stream:
            digest = _hash(stream)
        name = _name(digest)
        with told(self.place, "write"):
            if self._is_sound(digest) and self.place.refresh(name):
                return digest
            with source() as stream, self.place.write(name) as target:
                if _hash(stream, target) != digest:
                    raise OSError("the file was changed while it was read")
        return digest

    def _is_sound(self, digest: str) -> bool:
        """Whether an object need not be written again; reading it from afar costs as much as writing it."""
        name = _name(digest)
        if self.place.path(name) is None or self.place.size(name) is None:
            return False
        try:
            self.open(digest).close()
        except StoreDamaged:
            return False
        return True

    @contextmanager
    def _reading(self, digest: str) -> Iterator[BinaryIO]:
        """An opened object, which is closed if something goes wrong with it."""
        name = _name(digest)
        with told(self.place, "read"):
            try:
                stream = self.place.read(name)
            except FileNotFoundError as error:
                raise self._missing(digest) from error
            try:
                yield stream
            except BaseException:
                stream.close()
                raise

    def _missing(self, digest: str) -> StoreDamaged | StoreUnavailable:
        if not self.place.is_there():
            advice = "Check its address, and that its disk is mounted; work goes on by itself then."
            return StoreUnavailable(f"there is no store at {self.place}", advice=advice)
        advice = "Fetch or compute it again, or restore it from a copy."
        return StoreDamaged(f"object {digest} is not in the store", advice=advice)


def _hash(stream: BinaryIO, copy: Any = None) -> str:
    hasher = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        hasher.update(chunk)
        if copy is not None:
            copy.write(chunk)
    return hasher.hexdigest()


def _name(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no SHA-256 in hexadecimal")
    return f"objects/{digest[:2]}/{digest[2:]}"


def _check(found: str, digest: str) -> None:
    if found != digest:
        raise StoreDamaged(
            f"object {digest} has other bytes than were put in (they give {found[:12]})",
            advice="Fetch or compute it again, or restore it from a copy.",
        )
