"""Normal equations by their head: what they solve for, without the gigabyte of the matrix."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from services.ingest.findings import Findings
from shared.errors import GranuleRejected
from shared.formats.sinex import read_normals
from shared.formats.text import GZIP_MAGIC

_MATRIX = "+SOLUTION/NORMAL_EQUATION_MATRIX"
_LISTS = ("SOLUTION/ESTIMATE", "SOLUTION/APRIORI")
# Lines before the matrix at degree 180: four for each parameter, and some of prose
_LONGEST_HEAD = 200_000


def inspect_sinex(path: Path, *, deep: bool) -> Findings:
    """Parameters, degree and triangle of normal equations.

    deep: read the whole matrix too, and verify it.
    Raises GranuleRejected if the file is damaged.
    """
    head = _head(path)
    words = head[0].split()
    announced = int(words[8]) if len(words) > 8 and words[8].isdigit() else None
    degrees = _degrees(head)
    findings = Findings()
    findings.require(head[0].startswith("%=SNX"), f"it begins with {head[0][:20]!r} instead of %=SNX")
    findings.add("data", f"{words[5]} to {words[6]}" if len(words) > 6 else "not stated")
    findings.add("parameters", f"{len(degrees)} listed, {announced} announced")
    findings.add("degrees", f"{min(degrees)} to {max(degrees)}" if degrees else "none")
    findings.require(bool(degrees), "no block SOLUTION/ESTIMATE or SOLUTION/APRIORI lists the parameters")
    findings.require(
        announced == len(degrees), f"the header announces {announced} parameters, the file lists {len(degrees)}"
    )
    kind = head[-1].removeprefix(_MATRIX).strip() if head[-1].startswith(_MATRIX) else None
    findings.add("matrix", {"U": "upper triangle", "L": "lower triangle"}.get(kind or "", "none"))
    findings.require(kind in ("U", "L"), "no block SOLUTION/NORMAL_EQUATION_MATRIX of kind U or L")
    findings.require(_ends(path), "the file is truncated: it does not end with %ENDSNX")
    if deep and not findings.problems:
        normals = read_normals(path)
        findings.add("whole matrix", f"read, {normals.matrix.shape[0]} parameters to degree {normals.nmax}")
    elif not findings.problems:
        findings.add("whole matrix", "not read: only a deep look reads it")
    return findings


def _head(path: Path) -> list[str]:
    """The lines to the one that begins the matrix, which is included."""
    head: list[str] = []
    try:
        with gzip.open(path, "rt", encoding="latin-1") if _is_packed(path) else path.open(encoding="latin-1") as text:
            for line in text:
                head.append(line.rstrip())
                if line.startswith(_MATRIX) or len(head) > _LONGEST_HEAD:
                    break
    except (OSError, EOFError, zlib.error) as error:
        raise GranuleRejected(f"a damaged gzip stream ({error})", advice="Fetch the file again", file=path) from error
    return head or [""]


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP_MAGIC)) == GZIP_MAGIC


def _degrees(head: list[str]) -> list[int]:
    """The degree of each parameter of the first block that lists them."""
    block = next((name for name in _LISTS if f"+{name}" in head and f"-{name}" in head), None)
    if block is None:
        return []
    rows = (line.split() for line in head[head.index(f"+{block}") + 1 : head.index(f"-{block}")])
    return [int(row[2]) for row in rows if len(row) > 4 and row[1] in ("CN", "SN") and row[2].isdigit()]


def _ends(path: Path) -> bool:
    """Whether the file has its footer; of a packed one only a deep look knows."""
    if _is_packed(path):
        return True
    with path.open("rb") as file:
        file.seek(-min(200, path.stat().st_size), 2)
        return file.read().rstrip().rpartition(b"\n")[2].startswith(b"%ENDSNX")
