"""SINEX 2.02 files of normal equations, written row by row: what the simulation hands out."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import normals as equations
from shared.models.auxiliaries import NormalMatrix
from shared.models.coefficients import Vector
from shared.models.epoch import Span, moment_of_mjd

_PER_LINE = 3  # values of a row that stand in one line of the file


def write_normals(
    path: Path, normals: NormalMatrix, estimate: Vector, *, sigmas: Vector | None = None, agency: str = "GRV"
) -> None:
    """Write the normal matrix of a month; the file appears complete or not at all.

    Parameters
    ----------
    path : the file; packed by gzip if its name ends in .gz
    normals : [P, P], upper triangle; lines of three zeros are left out
    estimate : coefficients [P] in the order of the matrix, fully normalised, no unit
    sigmas : their standard deviations [P], zero if not given
    agency : three letters that stand for who made it
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as raw:
            # No name and no time in the packed file: the same normals make the same bytes.
            packed = gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.suffix == ".gz" else None
            for text in _texts(normals, estimate, np.zeros_like(estimate) if sigmas is None else sigmas, agency):
                (packed or raw).write(text)
            if packed:
                packed.close()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sinex_bytes(normals: NormalMatrix, estimate: Vector, *, sigmas: Vector | None = None, agency: str = "GRV") -> bytes:
    """The same as bytes, for small matrices."""
    content = io.BytesIO()
    content.writelines(_texts(normals, estimate, np.zeros_like(estimate) if sigmas is None else sigmas, agency))
    return content.getvalue()


def _texts(normals: NormalMatrix, estimate: Vector, sigmas: Vector, agency: str) -> Iterator[bytes]:
    """The file in pieces; parameters in the order of such files: c20 c21 s21 c22 s22 c30 ..."""
    at = equations.parameters(normals.nmax)
    rows = np.lexsort((at.sine, at.order, at.degree))
    yield _header(normals.span, rows.size, agency)
    yield b"+SOLUTION/ESTIMATE\n*INDEX _TYPE_ CODE PT SOLN _REF_EPOCH__ UNIT S ___ESTIMATED_VALUE___ __STD_DEV__\n"
    mid = "00:000:00000" if normals.span is None else _epoch(normals.span.mid)
    for number, row in enumerate(rows, start=1):
        kind = "SN" if at.sine[row] else "CN"
        place = f"{number:6d} {kind}     {at.degree[row]:4d} -- {at.order[row]:4d} {mid} ---- 2"
        yield f"{place} {estimate[row]:21.14e} {sigmas[row]:.5e}\n".encode()
    yield b"-SOLUTION/ESTIMATE\n+SOLUTION/NORMAL_EQUATION_MATRIX U\n"
    yield b"*PARA1 PARA2 _______PARA2+0_______ _______PARA2+1_______ _______PARA2+2_______\n"
    for number in range(rows.size):
        yield _row(normals.matrix, rows, number)
    yield b"-SOLUTION/NORMAL_EQUATION_MATRIX U\n%ENDSNX\n"


def _row(matrix: NDArray[np.float64], rows: NDArray[np.intp], number: int) -> bytes:
    """A row of the file's upper triangle, in one go: formatting value by value would take minutes."""
    one, others = rows[number], rows[number:]
    values = matrix[np.minimum(one, others), np.maximum(one, others)]
    whole = values.size // _PER_LINE
    triples = values[: whole * _PER_LINE].reshape(whole, _PER_LINE)
    starts = number + 1 + _PER_LINE * np.arange(whole)
    kept = np.any(triples != 0.0, axis=1)
    table = np.column_stack([starts[kept], triples[kept]])
    text = (f"{number + 1}  %d  %.14e  %.14e  %.14e\n" * len(table)) % tuple(table.ravel().tolist())
    rest = values[whole * _PER_LINE :]
    if np.any(rest != 0.0):
        text += f"{number + 1}  {number + 1 + whole * _PER_LINE}  " + "  ".join(f"{v:.14e}" for v in rest) + "\n"
    return text.encode()


def _header(span: Span | None, count: int, agency: str) -> bytes:
    begin, end = ("00:000:00000",) * 2 if span is None else (_epoch(span.begin), _epoch(span.end))
    return f"%=SNX 2.02 {agency} {end} {agency} {begin} {end} C {count:05d} 2            2\n".encode()


def _epoch(mjd: float) -> str:
    """YY:DDD:SSSSS of a modified Julian date."""
    moment = moment_of_mjd(mjd)
    seconds = 3600 * moment.hour + 60 * moment.minute + moment.second
    return f"{moment:%y:%j}:{seconds:05d}"
