"""Normal matrices as they lie in memory: a cache of what was read from text once.

A line of JSON, padded to one page, says what the matrix is; its rows follow, little-endian float64. A file of
degree 96 has 708 MB, but the lower triangle is never written: on disk and in memory only half of it exists.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import GranuleRejected
from shared.geodesy import normals as equations
from shared.models.auxiliaries import NormalMatrix
from shared.models.epoch import Month, Span
from shared.models.provenance import Source

_FORMAT = "gravstream dense normals 1"
_HEADER = 4096  # bytes: a page, so that the matrix can be mapped
_AGAIN = "Delete this file; it is made again from the SINEX file"


def write_dense(path: Path, normals: NormalMatrix, *, threads: int = 2) -> None:
    """Write a normal matrix for fast reading; the file appears complete or not at all.

    normals: [P, P], of which the upper triangle is kept. It is made sure here, once, that the matrix is positive
    definite (`threads` cores may work on that); ValueError if it is not.
    """
    if not normals.verified:
        equations.verify_spd(normals.matrix, threads=threads)
    header = json.dumps(
        {
            "format": _FORMAT,
            "nmax": normals.nmax,
            "month": None if normals.month is None else str(normals.month),
            "span": None if normals.span is None else [normals.span.begin, normals.span.end],
            "source": [normals.source.role, normals.source.name, normals.source.sha256, normals.source.citation],
        }
    )
    if len(header) >= _HEADER:
        raise ValueError(f"a header of {len(header)} characters does not fit into one page")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(header.ljust(_HEADER - 1).encode("ascii") + b"\n")
            count = normals.matrix.shape[0]
            for row in range(count):
                file.seek(_HEADER + 8 * (row * count + row))
                file.write(np.asarray(normals.matrix[row, row:], "<f8").tobytes())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_dense(path: Path) -> NormalMatrix:
    """Read a cached normal matrix, as a read-only memory map.

    Returns
    -------
    normals : [P, P], upper triangle, zero below; 1 / variance of the coefficients; source is the SINEX file

    Raises
    ------
    GranuleRejected : it is no such file, of another version, or truncated
    """
    header = _read_header(path)
    try:
        nmax, month, span = int(header["nmax"]), header["month"], header["span"]
        source = Source(*header["source"])
        count = equations.size(nmax)
        known = None if month is None else Month.parse(month)
        reach = None if span is None else Span(*span)
    except (KeyError, TypeError, ValueError) as error:
        raise GranuleRejected(f"a damaged header of normals ({error!r})", advice=_AGAIN, file=path, line=1) from error
    if path.stat().st_size != _HEADER + 8 * count * count:
        found = f"{path.stat().st_size} bytes where normals of degree {nmax} have {_HEADER + 8 * count * count}"
        raise GranuleRejected(found, advice=_AGAIN, file=path)
    matrix = np.asarray(np.memmap(path, "<f8", "r", _HEADER, (count, count)))
    return NormalMatrix(matrix, nmax, known, reach, source, verified=True)


def _read_header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        page = file.read(_HEADER)
    try:
        header = json.loads(page)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise GranuleRejected(f"it is not a file of {_FORMAT!r}", advice=_AGAIN, file=path)
    return header
