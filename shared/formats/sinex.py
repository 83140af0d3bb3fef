"""SINEX 2.02 files of normal equations of gravity field coefficients, as a stream.

At degree 96 the matrix has 44 million numbers in 1.2 GB of text: it is read in pieces of whole lines, each
turned into numbers by machine code on one of several threads, straight into its place in the matrix.
Format: IERS, https://www.iers.org/IERS/EN/Organization/AnalysisCoordinator/SinexFormat/sinex.html
"""

from __future__ import annotations

import re
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.formats.sinex_text import MATRIX, SinexText
from shared.formats.text import FETCH_AGAIN
from shared.geodesy import normals as equations
from shared.models.auxiliaries import NormalMatrix
from shared.models.epoch import Month, Span, mjd_of_day
from shared.models.provenance import Source

_LONGEST_HEAD = 64 << 20  # bytes before the matrix: ten times what degree 180 needs
_LONGEST_LINE = 1 << 10  # bytes of the first line; it has 80 characters
_FOOTER = b"%ENDSNX"
_OTHER = "Ask its producer, or leave this month's normals out: the filter then uses its errors"


class _Parameter(NamedTuple):
    degree: int
    order: int
    sine: bool

    def __str__(self) -> str:
        return f"{'SN' if self.sine else 'CN'} {self.degree} {self.order}"


def read_normals(path: Path, *, nmax: int | None = None, threads: int = 2, sha256: str | None = None) -> NormalMatrix:
    """Read the normal matrix of a month.

    Parameters
    ----------
    path : the file, gzip or not; upper (U) or lower (L) triangle, parameters in any order
    nmax : maximum degree of the result, the file's own if it is None. Rows and columns above, and of degrees
        0 and 1, are cut: those coefficients are held fixed
    threads : how many cores may turn text into numbers; the result does not depend on it
    sha256 : digest of the file where it is known; it is computed otherwise

    Returns
    -------
    normals : [P, P], upper triangle, 1 / variance of the fully normalised coefficients (no unit). The month is
        that in the file's name (YYYY-MM) if there is one, the span that of the header

    Raises
    ------
    GranuleRejected : the file is truncated, damaged or incomplete, or it ends below `nmax`
    """
    with SinexText(path, digest=sha256 is None) as text:
        head = _read_head(text)
        upper = _is_upper(text)
        found = _read_parameters(text, head)
        _verify_count(text, head[0], len(found))
        degree = _result_degree(text, found, nmax)
        places = _places(text, found, degree)
        matrix = np.zeros((equations.size(degree),) * 2)
        values = _fill(text, places, upper, matrix, threads)
        _verify_filled(text, values, matrix, found, places)
        _verify_footer(text)
        source = Source("normals", path.name, sha256 or text.sha256)
    return NormalMatrix(matrix, degree, _month(path), _span(text, head[0]), source)


def read_span(path: Path) -> Span | None:
    """The span of the data by the first line of a file; None where that leaves it open."""
    with SinexText(path, digest=False) as text:
        while b"\n" not in text.pending[:_LONGEST_LINE] and len(text.pending) < _LONGEST_LINE and text.more():
            pass
        header = text.pending.partition(b"\n")[0].decode("latin-1")
        return _span(text, header) if len(header.split()) > 6 else None


def _read_head(text: SinexText) -> list[str]:
    """The lines before the matrix; the text goes on with the line that begins it."""
    while (at := text.pending.find(b"\n+" + MATRIX)) < 0:
        if len(text.pending) > _LONGEST_HEAD or not text.more():
            break
    start = text.pending[:512].lstrip()
    if start.startswith(b"<"):
        text.reject("a web page instead of data")
    if not start.startswith(b"%=SNX"):
        text.reject(f"it begins with {start[:20]!r} instead of %=SNX" if start else "the file is empty", line=1)
    if at < 0:
        complete = _FOOTER in text.pending[-200:]
        text.reject("it has no block SOLUTION/NORMAL_EQUATION_MATRIX", _OTHER if complete else FETCH_AGAIN)
    return text.take(at + 1).decode("latin-1").split("\n")


def _is_upper(text: SinexText) -> bool:
    """Whether the matrix is the upper triangle; its first line is taken."""
    while (end := text.pending.find(b"\n") + 1) == 0:
        if not text.more():
            text.reject("the file is truncated: it ends where its normal matrix begins")
    at = text.offset
    kind = text.take(end)[len(MATRIX) + 1 :].decode("latin-1").strip()
    if kind not in ("U", "L"):
        text.reject(f"a normal matrix of kind {kind!r} where U or L is expected", _OTHER, text.line_at(at))
    return kind == "U"


def _read_parameters(text: SinexText, head: list[str]) -> list[_Parameter]:
    """The parameters in the order of their index, from the block of the estimates or of the a-priori values."""
    names = [line.rstrip() for line in head]
    block = next((name for name in ("SOLUTION/ESTIMATE", "SOLUTION/APRIORI") if f"+{name}" in names), None)
    if block is None or f"-{block}" not in names:
        text.reject("it has no complete block SOLUTION/ESTIMATE or SOLUTION/APRIORI, which lists the parameters")
    found: dict[int, _Parameter] = {}
    lines: dict[_Parameter, int] = {}
    for line in range(names.index(f"+{block}") + 1, names.index(f"-{block}")):
        if head[line].startswith("*") or not head[line].strip():
            continue
        number, parameter = _parameter(text, head[line], line + 1)
        if parameter in lines or number in found:
            text.reject(f"parameter {number} ({parameter}) for the second time", line=line + 1)
        found[number], lines[parameter] = parameter, line + 1
    if sorted(found) != list(range(1, len(found) + 1)):
        text.reject(f"its {len(found)} parameters are not numbered from 1 to {len(found)}")
    return [found[number] for number in sorted(found)]


def _parameter(text: SinexText, row: str, line: int) -> tuple[int, _Parameter]:
    """Index and parameter of a row: index, CN | SN, degree, --, order, epoch, unit, constraint, value, sigma."""
    words = row.split()
    if len(words) < 2 or words[1] not in ("CN", "SN"):
        text.reject(f"parameter {row.strip()[:40]!r} is neither CN nor SN", _OTHER, line)
    try:
        number, degree, order = int(words[0]), int(words[2]), int(words[4])
    except (ValueError, IndexError):
        text.reject(f"{row.strip()[:40]!r} where index, type, degree, -- and order are expected", line=line)
    if not (words[1] == "SN") <= order <= degree:
        text.reject(f"parameter {words[1]} of degree {degree} and order {order}, which no field has", line=line)
    return number, _Parameter(degree, order, words[1] == "SN")


def _verify_count(text: SinexText, header: str, count: int) -> None:
    words = header.split()
    if len(words) < 9 or not words[8].isdigit():
        text.reject(f"a header without the number of parameters: {header[:80]!r}", line=1)
    if int(words[8]) != count:
        text.reject(f"the header announces {int(words[8])} parameters, the file lists {count}", line=1)


def _result_degree(text: SinexText, found: list[_Parameter], nmax: int | None) -> int:
    highest = max(parameter.degree for parameter in found)
    if nmax is not None and highest < nmax:
        text.reject(f"its normal equations end at degree {highest}, degree {nmax} is needed", _OTHER)
    return highest if nmax is None else nmax


def _places(text: SinexText, found: list[_Parameter], nmax: int) -> NDArray[np.int64]:
    """Row of the result for each parameter of the file, -1 for those that are cut."""
    wanted = equations.parameters(nmax)
    rows = {_Parameter(*key): row for row, key in enumerate(zip(*(part.tolist() for part in wanted), strict=True))}
    if missing := rows.keys() - set(found):
        text.reject(f"{len(missing)} parameters to degree {nmax} are missing, first {min(missing)}", _OTHER)
    return np.array([rows.get(parameter, -1) for parameter in found], np.int64)


def _fill(text: SinexText, places: NDArray[np.int64], upper: bool, matrix: NDArray[np.float64], threads: int) -> int:
    """Turn the block into numbers in their places; return how many there were."""
    from shared.formats.sinex_numbers import read_lines  # loads the compiler: only for who needs it

    working: deque[tuple[int, Future[tuple[int, int, int]]]] = deque()
    values = 0
    with ThreadPoolExecutor(threads) as pool:
        for offset, piece in text.rows(ahead=threads + 2):
            working.append((offset, pool.submit(read_lines, piece, places, upper, matrix)))
            if len(working) == threads + 2:  # the memory of the oldest is needed for the next
                values += _settle(text, *working.popleft())
        values += sum(_settle(text, *piece) for piece in working)
    equations.fold(matrix, threads)
    return values


def _settle(text: SinexText, offset: int, piece: Future[tuple[int, int, int]]) -> int:
    """How many values a piece had, once it is done; GranuleRejected if a line of it was bad."""
    from shared.formats.sinex_numbers import PROBLEMS

    problem, at, values = piece.result()
    if problem:
        text.reject(f"a row of the normal matrix with {PROBLEMS[problem]}", line=text.line_at(offset + at))
    return values


def _verify_filled(
    text: SinexText, values: int, matrix: NDArray[np.float64], found: list[_Parameter], places: NDArray[np.int64]
) -> None:
    if values > len(found) * (len(found) + 1) // 2:
        text.reject(f"{values} values are more than a triangle of {len(found)} parameters has")
    diagonal = matrix.diagonal()
    lacking = [parameter for parameter, row in zip(found, places, strict=True) if row >= 0 and diagonal[row] == 0.0]
    if lacking:
        text.reject(f"no value on the diagonal for {len(lacking)} parameters, first {lacking[0]}", _OTHER)


def _verify_footer(text: SinexText) -> None:
    while text.more():
        text.take(max(0, len(text.pending) - 200))  # whatever follows the matrix; only the end matters
    if not text.pending.rstrip().rpartition(b"\n")[2].startswith(_FOOTER):
        text.reject(f"the file is truncated: its last line is not {_FOOTER.decode()}")


def _month(path: Path) -> Month | None:
    match = re.search(r"(?<!\d)(?:19|20)\d\d-(?:0[1-9]|1[0-2])(?!\d)", path.name)
    return Month.parse(match[0]) if match else None


def _span(text: SinexText, header: str) -> Span | None:
    """Begin and end of the data in the header; None where it leaves them open (day 000)."""
    begin, end = header.split()[5:7]
    if begin.split(":")[1:2] == ["000"] or end.split(":")[1:2] == ["000"]:
        return None
    try:
        return Span(_mjd(begin), _mjd(end))
    except ValueError:
        text.reject(f"data from {begin} to {end} where YY:DDD:SSSSS is expected", line=1)


def _mjd(epoch: str) -> float:
    """Modified Julian date of YY:DDD:SSSSS; years 51 to 99 are those of the last century (SINEX 2.02)."""
    year, day, second = (int(word) for word in epoch.split(":"))
    if year < 100:
        year += 2000 if year <= 50 else 1900
    return mjd_of_day(date(year, 1, 1)) + day - 1 + second / 86400.0
