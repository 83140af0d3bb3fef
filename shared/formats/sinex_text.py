"""The text of a SINEX file as a stream of whole lines, packed by gzip or not."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import cycle
from pathlib import Path
from typing import NoReturn

from shared.errors import GranuleRejected
from shared.formats.text import FETCH_AGAIN, GZIP_MAGIC

MATRIX = b"SOLUTION/NORMAL_EQUATION_MATRIX"

_BLOCK = 1 << 18  # bytes read at a time where lines are few
_PIECE = 4 << 20  # bytes of the matrix: small enough for the cache of a processor, worth a thread's while


class SinexText(AbstractContextManager["SinexText"]):
    """The text of a file, read bit by bit.

    `pending` was read but not yet taken; it begins at the byte `offset` of the unpacked text.
    """

    def __init__(self, path: Path, *, digest: bool) -> None:
        self.path = path
        self.pending = b""
        self.offset = 0
        self._file = path.open("rb", buffering=0)
        self._hash = hashlib.sha256() if digest else None
        packed = self._file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        self._file.seek(0)
        self._unpacked = gzip.GzipFile(fileobj=self) if packed else None  # type: ignore[call-overload]

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Bytes as they lie on disk; this is what the unpacking reads from."""
        block = bytearray(size)
        return bytes(block[: self._fill_raw(memoryview(block))])

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes on disk, once all are read."""
        return "" if self._hash is None else self._hash.hexdigest()

    def more(self) -> bool:
        """Read on a little; False at the end of the file."""
        block = bytearray(_BLOCK)
        count = self._fill(memoryview(block))
        self.pending += block[:count]
        return count > 0

    def take(self, count: int) -> bytes:
        """The first so many bytes of the pending text."""
        taken, self.pending = self.pending[:count], self.pending[count:]
        self.offset += count
        return taken

    def rows(self, ahead: int) -> Iterator[tuple[int, memoryview]]:
        """Offset and text of pieces of whole lines, up to the line that ends the matrix.

        ahead: how many pieces are in use at a time. The memory of a piece is used again for the one that
        comes so many later: fresh memory for every piece would take longer than its numbers.
        """
        for buffer in cycle([bytearray(_PIECE) for _ in range(ahead)]):
            kept = len(self.pending)
            buffer[:kept] = self.pending
            count = self._fill(memoryview(buffer)[kept:])
            filled = kept + count
            end = 0 if buffer.startswith(b"-" + MATRIX) else buffer.find(b"\n-" + MATRIX, 0, filled) + 1 or None
            whole = buffer.rfind(b"\n", 0, filled) + 1 if end is None else end
            start, self.offset = self.offset, self.offset + whole
            self.pending = bytes(memoryview(buffer)[whole:filled])
            yield start, memoryview(buffer)[:whole]
            if end is not None:
                return
            if not count:
                self.reject("the file is truncated: it ends inside its normal matrix", line=self.line_at(self.offset))

    def line_at(self, offset: int) -> int:
        """The line that a byte stands in; only who found an error there counts lines."""
        with SinexText(self.path, digest=False) as again:
            line = 1
            while again.offset < offset and again.more():
                line += again.take(min(len(again.pending), offset - again.offset)).count(b"\n")
        return line

    def reject(self, found: str, advice: str = FETCH_AGAIN, line: int | None = None) -> NoReturn:
        """Set this file aside."""
        raise GranuleRejected(found, advice=advice, file=self.path, line=line)

    def _fill(self, view: memoryview) -> int:
        """Fill memory with text; return how much there was, zero at the end of the file."""
        if self._unpacked is None:
            return self._fill_raw(view)
        try:
            return self._unpacked.readinto(view)
        except EOFError:
            self.reject("the file is truncated: its gzip stream ends too early")
        except (zlib.error, gzip.BadGzipFile) as error:
            self.reject(f"a damaged gzip stream ({error})")

    def _fill_raw(self, view: memoryview) -> int:
        count = self._file.readinto(view) or 0
        if self._hash is not None:
            self._hash.update(view[:count])
        return count
