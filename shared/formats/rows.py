"""Rows of coefficients, `key n m C S [sigma C, sigma S] ...`, and the field that they make.

The rows are parsed all at once; a table that does not go through is read again line by line, slowly, to
say what is wrong and where. pandas parses numbers exactly, at a quarter of the time of numpy's own parser.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shared.formats.text import Document
from shared.geodesy import ordering
from shared.models.coefficients import Vector

# No coefficient of the Earth above degree 0 is larger than C20 = 4.84e-4, and no standard deviation of a
# field that is of any use comes near it.
LARGEST_COEFFICIENT = 1e-3
LARGEST_SIGMA = 1e-3
# C00 is the field's own GM over the GM in its header: one, or zero where the file is an anomaly.
LARGEST_C00_OFFSET = 1e-3

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True)
class Rows:
    """Rows as they stand in the file: degree, order [rows]; numbers [rows, 2 | 4 | 6]."""

    document: Document
    start: int  # byte at which the rows begin
    degree: NDArray[np.int64]
    order: NDArray[np.int64]
    numbers: NDArray[np.float64]
    lines: tuple[int, ...] | None = None  # the line of each row, where other lines stand between them

    def line(self, row: int) -> int:
        """Line of the file, counted from one, that a row stands in."""
        if self.lines is not None:
            return self.lines[row]
        lines = self.document.content[self.start :].split(b"\n")
        filled = [number for number, text in enumerate(lines) if text.strip()]
        return self.document.content.count(b"\n", 0, self.start) + 1 + filled[row]


def read_rows(document: Document, start: int, key: bytes, columns: tuple[int, ...]) -> Rows:
    """Parse all rows from byte `start` to the end of the file.

    Parameters
    ----------
    document : the file
    start : byte behind the header
    key : the word that every row begins with
    columns : how many numbers (degree and order included) a row may have; further columns of the first
        row beyond the largest of these are not read

    Raises GranuleRejected, with the line, for a row that is not such a row.
    """
    body = document.content[start:]
    words = body.lstrip().split(b"\n", 1)[0].split()
    if not words:
        raise document.rejected("the file ends behind its header; it has no coefficients")
    behind_key = len(words) - 1
    count = max((c for c in columns if c <= behind_key), default=0)
    usual = count == behind_key or count == max(columns)
    table = _all_at_once(body, key, None if count == behind_key else range(count)) if usual else None
    if table is None:
        table = _line_by_line(document, start, key, columns)
    pair = table[:, :2].astype(np.int64)
    rows = Rows(document, start, pair[:, 0], pair[:, 1], table[:, 2:])
    wrong = np.flatnonzero(np.any(pair != table[:, :2], axis=1) | (pair[:, 1] < 0) | (pair[:, 1] > pair[:, 0]))
    if wrong.size:
        found = f"degree {table[wrong[0], 0]:g} and order {table[wrong[0], 1]:g}, which no coefficient has"
        raise document.rejected(found, line=rows.line(wrong[0]))
    return rows


def _all_at_once(body: bytes, key: bytes, columns: range | None) -> NDArray[np.float64] | None:
    """The numbers [rows, columns], or None if anything at all is unusual."""
    lines = body.count(key)
    # The key goes first: GRDOTA holds a letter that would pass for a Fortran exponent.
    numbers = body.replace(key, b"")
    if b"D" in numbers or b"d" in numbers:
        numbers = numbers.replace(b"D", b"E").replace(b"d", b"E")
    try:
        table = pd.read_csv(
            io.BytesIO(numbers), sep=r"\s+", header=None, dtype=np.float64, usecols=columns, quoting=3
        ).to_numpy()
    except ValueError:  # every complaint of the parser is one
        return None
    return table if len(table) == lines and np.all(np.isfinite(table)) else None


def _line_by_line(document: Document, start: int, key: bytes, columns: tuple[int, ...]) -> NDArray[np.float64]:
    """The same, slowly, with an error that names the line."""
    first = document.content.count(b"\n", 0, start) + 1
    table: list[list[float]] = []
    for number, text in enumerate(document.content[start:].split(b"\n"), start=first):
        words = text.split()
        if not words:
            continue
        if words[0] != key:
            found = f"{_shown(text)} where a row that begins with {key.decode()} is expected"
            raise document.rejected(found, line=number)
        wanted = len(table[0]) if table else max((c for c in columns if c <= len(words) - 1), default=columns[0])
        if len(words) - 1 < wanted or (len(words) - 1 > wanted and wanted != max(columns)):
            found = f"{len(words) - 1} numbers in a row that has {wanted} elsewhere: {_shown(text)}"
            raise document.rejected(found, "The file is cut off or damaged; fetch it again", line=number)
        table.append([_number(document, word, number) for word in words[1 : wanted + 1]])
    return np.array(table)


def _number(document: Document, word: bytes, line: int) -> float:
    if not _NUMBER.fullmatch(word):
        raise document.rejected(f"{_shown(word)} where a number is expected", line=line)
    value = float(word.upper().replace(b"D", b"E") if b"N" not in word.upper() else word)
    if not np.isfinite(value):
        raise document.rejected(f"{_shown(word)}, which is not a finite number", line=line)
    return value


def _shown(text: bytes) -> str:
    return repr(text.strip()[:70].decode("latin-1"))


def maximum_degree(rows: Rows, stated: int | None) -> int:
    """Maximum degree of the rows; GranuleRejected if the header states another."""
    highest = int(rows.degree.max())
    if stated is None or highest == stated:
        return highest
    if highest > stated:
        row = int(np.argmax(rows.degree > stated))
        found = f"degree {rows.degree[row]}, but the header says max_degree {stated}"
        raise rows.document.rejected(found, "Header and body belong together; fetch it again", rows.line(row))
    found = f"the coefficients end at degree {highest}, but the header says {stated}"
    raise rows.document.rejected(found, "The file is cut off; fetch it again")


def field_vector(rows: Rows, nmax: int, cosine: int, sine: int) -> Vector:
    """The vector [(nmax + 1)^2] of two columns; degrees 0 and 1 may be missing (zero).

    Raises GranuleRejected if a coefficient stands twice, or one above degree 1 is missing.
    """
    places, count = _places(nmax), ordering.size(nmax)
    key = rows.degree * (nmax + 1) + rows.order
    _check_each_once(rows, nmax, key)
    vector = np.zeros(count)
    vector[places[0][key]] = rows.numbers[:, cosine]
    with_sine = rows.order > 0
    vector[places[1][key[with_sine]]] = rows.numbers[with_sine, sine]
    return vector


def _check_each_once(rows: Rows, nmax: int, key: NDArray[np.int64]) -> None:
    times = np.bincount(key, minlength=(nmax + 1) ** 2).reshape(nmax + 1, nmax + 1)
    if times.max() > 1:
        degree, order = (int(part[0]) for part in np.nonzero(times > 1))
        second = int(np.flatnonzero((rows.degree == degree) & (rows.order == order))[1])
        raise rows.document.rejected(f"degree {degree} and order {order} for the second time", line=rows.line(second))
    missing = np.tril(times == 0)
    missing[:2] = False
    if missing.any():
        degree, order = (int(part[0]) for part in np.nonzero(missing))
        found = f"{int(missing.sum())} of the coefficients to degree {nmax} are missing, first ({degree},{order})"
        raise rows.document.rejected(found, "The file is cut off or damaged; fetch it again")


@lru_cache(maxsize=8)
def _places(nmax: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Place in the vector of C and of S for each degree * (nmax + 1) + order."""
    at = ordering.index(nmax)
    key = at.degree * (nmax + 1) + at.order
    cosine, sine = (np.full((nmax + 1) ** 2, -1, np.int64) for _ in range(2))
    cosine[key[~at.sine]] = np.flatnonzero(~at.sine)
    sine[key[at.sine]] = np.flatnonzero(at.sine)
    return cosine, sine


def check_values(rows: Rows, largest: float = LARGEST_COEFFICIENT, *, rates: bool = False) -> None:
    """Reject coefficients (columns 0 and 1) that no field of the Earth has, naming the line.

    largest: magnitude of any coefficient above degree 0 (per year, if they are rates).
    """
    cosine, sine = rows.numbers[:, 0], rows.numbers[:, 1]
    nearest = np.zeros_like(cosine) if rates else np.where(rows.degree == 0, np.round(cosine).clip(0.0, 1.0), 0.0)
    limit = np.where((rows.degree == 0) & (not rates), LARGEST_C00_OFFSET, largest)
    _reject_first(rows, np.abs(cosine - nearest) > limit, "C", cosine, "no coefficient of the Earth's field")
    _reject_first(rows, np.abs(sine) > largest, "S", sine, "no coefficient of the Earth's field")
    _reject_first(rows, (rows.order == 0) & (sine != 0.0), "S", sine, "a sine coefficient of order 0 must be zero")


def check_sigmas(rows: Rows) -> None:
    """Reject standard deviations (columns 2 and 3) that are negative or absurd, naming the line."""
    for name, sigma in (("sigma C", rows.numbers[:, 2]), ("sigma S", rows.numbers[:, 3])):
        _reject_first(rows, (sigma < 0.0) | (sigma > LARGEST_SIGMA), name, sigma, "no standard deviation")


def _reject_first(rows: Rows, wrong: NDArray[np.bool_], name: str, values: Vector, reason: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        found = f"{name}({rows.degree[row]},{rows.order[row]}) is {values[row]:g}: {reason}"
        raise rows.document.rejected(found, line=rows.line(row))
