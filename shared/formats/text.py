"""A file of text as it lies on disk: its digest, and its content without compression.

Every reader of text starts here, so that a broken download is told the same way for each of them.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shared.errors import GranuleRejected
from shared.models.provenance import Source

GZIP_MAGIC = b"\x1f\x8b"
FETCH_AGAIN = "Fetch the file again"

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"'>,;)]+")


@dataclass(frozen=True)
class Document:
    """The content of a text file, unpacked, and its SHA-256 as it lies on disk."""

    name: str
    content: bytes
    sha256: str

    @cached_property
    def text(self) -> str:
        """The content as text; prose in Latin-1 is as common in old headers as UTF-8."""
        return decoded(self.content)

    def source(self, role: str, citation: str = "") -> Source:
        """This file as something that numbers come from."""
        return Source(role=role, name=self.name, sha256=self.sha256, citation=citation)

    def rejected(self, found: str, advice: str = FETCH_AGAIN, line: int | None = None) -> GranuleRejected:
        """The error that sets this file aside."""
        return GranuleRejected(found, advice=advice, file=self.name, line=line)


def open_document(source: Path | bytes, name: str | None = None) -> Document:
    """Read a file of text, packed by gzip or not, whatever its name says.

    Parameters
    ----------
    source : the path of a file, or its bytes
    name : how the file is called in messages and provenance; default the name in its path

    Raises GranuleRejected for an empty file, a damaged gzip stream, and a web page.
    """
    raw = source if isinstance(source, bytes) else Path(source).read_bytes()
    if name is None:
        name = "unnamed" if isinstance(source, bytes) else Path(source).name
    content = _unpacked(raw, name) if raw.startswith(GZIP_MAGIC) else raw
    document = Document(name, content, hashlib.sha256(raw).hexdigest())
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise document.rejected("the file is empty")
    if start.startswith(b"<"):
        # Servers answer errors as a page with status 200.
        found = decoded(start).splitlines()[0][:60]
        raise document.rejected(f"a web page instead of data: it starts with {found!r}")
    return document


def decoded(content: bytes) -> str:
    """Bytes as text: UTF-8, or Latin-1 where they are no UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def doi_of(text: str) -> str:
    """The first DOI in a text, without the full stop behind it; empty if there is none."""
    match = _DOI.search(text)
    return match[0].rstrip(".") if match else ""


def _unpacked(raw: bytes, name: str) -> bytes:
    """The content of a gzip file of one or several members."""
    parts, rest = [], raw
    while rest.startswith(GZIP_MAGIC):
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(rest))
        except zlib.error as error:
            raise GranuleRejected(f"a damaged gzip stream ({error})", advice=FETCH_AGAIN, file=name) from error
        if not member.eof:
            raise GranuleRejected(
                "the gzip stream ends too early; the file is truncated", advice=FETCH_AGAIN, file=name
            )
        rest = member.unused_data
    return b"".join(parts)
