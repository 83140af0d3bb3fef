"""Whether a file is what it should be: read by the reader of its format, and compared with what is there."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from services.ingest.neighbours import Neighbours
from services.ingest.sinex_inspection import inspect_sinex
from shared.errors import GranuleRejected
from shared.formats.dense_normals import read_dense
from shared.formats.icgem import read_gfc, read_header, span_of
from shared.formats.low_degrees import read_geocenter, read_low_degrees
from shared.formats.masks import read_land_mask
from shared.formats.months import MonthTable, read_month_table
from shared.formats.shm import read_field, read_gia
from shared.formats.sinex import read_span
from shared.formats.text import GZIP_MAGIC, open_document
from shared.models.auxiliaries import CoefficientTable
from shared.models.coefficients import GravityField
from shared.models.epoch import Month, Span, moment_of_mjd
from shared.models.grid import Grid
from shared.settings import IngestSettings

TABLES = ("low-degrees", "geocenter")
OF_A_SERIES = ("level-2", "normals", "reference")

_CHUNK = 1 << 16
_HEAD = 4  # chunks: a header, its prose included, is shorter
_END = 200  # bytes
_FOOTER = b"%ENDSNX"
_BINARY = (".nc", ".normals")
_SHOWN = 5  # rows that a message names


@dataclass(frozen=True)
class Verified:
    """What a sound file is: its month and span, if it is of one."""

    month: Month | None = None
    span: Span | None = None
    field: GravityField | None = None


class Verifier:
    """Looks at files one after another; knows the months that are there."""

    def __init__(self, settings: IngestSettings, months: MonthTable, neighbours: Neighbours) -> None:
        self._settings = settings
        self._months = months
        self._neighbours = neighbours

    def verify(self, path: Path, role: str, name: str) -> Verified:
        """What the file is; GranuleRejected if it is not sound, or not what its name says."""
        if path.suffix not in _BINARY:
            limit = self._settings.max_archive_bytes if role == "normals" else self._settings.max_member_bytes
            end = check_text(path, name, largest=limit, longest_line=self._settings.max_line)
            if role == "normals" and not end.rpartition(b"\n")[2].startswith(_FOOTER):
                raise GranuleRejected("the file is truncated: %ENDSNX is missing", advice="Fetch it again", file=name)
        try:
            return self._read(path, role, name)
        except GranuleRejected:
            raise
        except (ValueError, OverflowError, MemoryError, IndexError, KeyError) as error:
            # A reader that stumbles is at fault too; the file waits, the others go on.
            found = f"it cannot be read ({type(error).__name__}: {error})"
            raise GranuleRejected(found, advice="Fetch it again, or report it", file=name) from error

    def _read(self, path: Path, role: str, name: str) -> Verified:
        if role == "level-2":
            field = read_gfc(path, name=name)
            month, span = self._months.identify(name, field.span, field.name)
            self._neighbours.check(month, field)
            return Verified(month, span, field)
        if role == "normals":
            return self._normals(path, name)
        if role == "reference":
            return Verified(*self._months.identify(name, read_field(path, name=name).span))
        if role in TABLES:
            return Verified(None, covered(read_coefficients(path, role, name)))
        if role == "gia":
            read_gia(path, name=name)
        elif role == "land-mask":
            read_land_mask(path, Grid())
        elif role == "month-table":
            read_month_table(path, name=name)
        else:
            raise GranuleRejected("its name says nothing that is known", advice="See the names that are", file=name)
        return Verified()

    def _normals(self, path: Path, name: str) -> Verified:
        """Normal equations by their head and end: the matrix, of a gigabyte, is read where it is used."""
        if path.suffix == ".normals":
            dense = read_dense(path)  # mapped, not read
            return Verified(*self._months.identify(name, dense.span, str(dense.month or "")))
        if problems := inspect_sinex(path, deep=False).problems:
            raise GranuleRejected(problems[0], advice="Fetch it again", file=name)
        return Verified(*self._months.identify(name, read_span(path)))

    def month_told(self, path: Path, role: str, name: str) -> Month | None:
        """The month that the name of a refused file tells, or else its header; None if neither does."""
        if role not in OF_A_SERIES:
            return None
        with suppress(GranuleRejected):
            return self._months.identify(name)[0]
        with suppress(GranuleRejected, ValueError, OSError, EOFError, zlib.error):
            return self._month_of_head(path, role)
        return None

    def _month_of_head(self, path: Path, role: str) -> Month:
        if role == "normals":
            return self._months.identify("", read_span(path))[0]
        # What is wrong with it may be its size: no more of it is unpacked than a header has.
        head = read_header(open_document(b"".join(islice(_unpacked(path, path.name), _HEAD)), path.name))
        return self._months.identify("", span_of(head), head.values.get("name", ""))[0]


def covered(table: CoefficientTable) -> Span | None:
    """From the first row of a table to the day of the last one without a gap; None if all have one."""
    used = [column for column in table.values.values() if np.isfinite(column).any()]
    whole = table.begin[np.isfinite(used).all(axis=0)] if used else table.begin[:0]
    return Span(float(table.begin[0]), float(whole[-1]) + 1.0) if whole.size else None


def read_coefficients(source: Path | bytes, role: str, name: str) -> CoefficientTable:
    """A table of low degrees or of the geocenter; GranuleRejected if it is the other one."""
    return read_low_degrees(source, name=name) if role == "low-degrees" else read_geocenter(source, name=name)


def check_text(path: Path, name: str, *, largest: int, longest_line: int) -> bytes:
    """Look for too much text, once unpacked, and for endless lines; GranuleRejected for both.

    It is looked at in pieces: a few bytes of gzip may hold gigabytes, which no reader may see. Returns the last
    bytes without the white space behind them.
    """
    size, line, end = 0, 0, b""
    for chunk in _unpacked(path, name):
        size += len(chunk)
        end = (end + chunk)[-_END:] if len(chunk) < _END else chunk[-_END:]
        if size > largest:
            raise GranuleRejected(f"more than {largest} bytes when unpacked", advice="Look at it by hand", file=name)
        first, _, rest = chunk.partition(b"\n")
        line += len(first)
        longest = max([line, *(len(each) for each in rest.split(b"\n"))]) if b"\n" in chunk else line
        line = len(chunk) - chunk.rfind(b"\n") - 1 if b"\n" in chunk else line
        if longest > longest_line:
            raise GranuleRejected(
                f"a line of more than {longest_line} characters", advice="It is no table of numbers", file=name
            )
    return end.rstrip()


def _unpacked(path: Path, name: str) -> Iterator[bytes]:
    """The content in pieces; what is behind a damaged piece of gzip is left to the readers, which say it well."""
    with path.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        member = zlib.decompressobj(wbits=31)
        while raw := file.read(_CHUNK):
            while packed and raw:
                try:
                    chunk = member.decompress(raw, _CHUNK)
                except zlib.error:
                    return
                if chunk:
                    yield chunk
                raw = member.unconsumed_tail
                if member.eof:
                    raw, member = member.unused_data, zlib.decompressobj(wbits=31)
            if not packed:
                yield raw


def changed_rows(former: CoefficientTable, table: CoefficientTable) -> str:
    """What is different in rows that were there before; empty if the table only grew.

    As long as a table's version is the same, its producer promises, all previous records are too.
    """
    rows = {begin: row for row, begin in enumerate(table.begin)}
    different = []
    for row, begin in enumerate(former.begin):
        day = f"{moment_of_mjd(float(begin)):%Y-%m-%d}"
        if begin not in rows:
            different.append(f"{day} is gone")
            continue
        for columns, others in ((former.values, table.values), (former.sigmas, table.sigmas)):
            for name, column in columns.items():
                now = others[name][rows[begin]] if name in others else np.nan
                if not (now == column[row] or (np.isnan(now) and np.isnan(column[row]))):
                    different.append(f"{day} {name} {column[row]:.12e} is now {now:.12e}")
    if not different:
        return ""
    more = f" and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
    return f"past rows have changed: {'; '.join(different[:_SHOWN])}{more}"
