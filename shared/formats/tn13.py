"""NASA Technical Note 13: degree 1 (geocenter) of each month, by one centre.

Rows `GRCOF2 1 m C S sigma C, sigma S begin end`, two for each month, behind a line `end of header`.
Source: Sun et al. (2016), doi 10.1002/2016JB013073.
"""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np

from shared.formats.rows import LARGEST_COEFFICIENT
from shared.formats.text import Document
from shared.models.auxiliaries import CoefficientTable
from shared.models.epoch import mjd_of_moment, moment_of_mjd

GEOCENTER = "geocenter"

_END = re.compile(r"(?m)^end of header.*$")
_CITATION = "Sun et al. 2016, doi 10.1002/2016JB013073"
_DAMAGED = "The row is damaged; fetch the file again"


def is_tn13(document: Document) -> bool:
    """Whether the file has the header and the rows of Technical Note 13."""
    return _END.search(document.text) is not None and "GRCOF2" in document.text


def read_tn13(document: Document) -> CoefficientTable:
    """Read the table; GranuleRejected, with the line, for a damaged row."""
    end = _END.search(document.text)
    assert end is not None
    first = document.text.count("\n", 0, end.end()) + 1
    months: dict[float, dict[int, list[float]]] = {}
    last = first
    for number, line in enumerate(document.text.split("\n")[first:], start=first + 1):
        words = line.split()
        if not words:
            continue
        last = number
        begin, order, numbers = _tn13_row(document, words, number)
        if order in months.get(begin, {}) or (months and begin < next(reversed(months))):
            raise document.rejected(f"order {order} of {words[-2]} twice or out of order", _DAMAGED, number)
        months.setdefault(begin, {})[order] = numbers
    for begin, pair in months.items():
        if len(pair) != 2:
            found = f"only one of the two rows of {moment_of_mjd(begin):%Y-%m-%d}"
            raise document.rejected(found, "The table is cut off; fetch it again", last)
    if not months:
        raise document.rejected("a table without rows", "The table is cut off; fetch it again")
    zonal, tesseral = (np.array([pair[order] for pair in months.values()]) for order in (0, 1))
    values = {"C10": zonal[:, 0], "C11": tesseral[:, 0], "S11": tesseral[:, 1]}
    sigmas = {"C10": zonal[:, 2], "C11": tesseral[:, 2], "S11": tesseral[:, 3]}
    source = document.source(GEOCENTER, _CITATION)
    return CoefficientTable(document.name, np.array(list(months)), values, sigmas, source)


def _tn13_row(document: Document, words: list[str], line: int) -> tuple[float, int, list[float]]:
    """Begin [MJD], order, and C, S, sigma C, sigma S of a row."""
    complete = len(words) == 9 and words[:2] == ["GRCOF2", "1"] and words[2] in "01"
    if not complete or not all(re.fullmatch(r"[+-]?\d+\.\d+e[+-]\d{2}", word) for word in words[3:7]):
        raise document.rejected(f"{' '.join(words)[:70]!r}, which is no row of degree 1", _DAMAGED, line)
    numbers = [float(word) for word in words[3:7]]
    try:
        if not all(re.fullmatch(r"\d{8}\.\d{4}", word) for word in words[7:]):
            raise ValueError("a date is cut off")
        begin, end = (mjd_of_moment(datetime.strptime(word, "%Y%m%d.%H%M")) for word in words[7:])
    except ValueError as error:
        raise document.rejected(f"begin {words[7]} and end {words[8]} ({error})", _DAMAGED, line) from None
    if begin >= end or max(map(abs, numbers)) > LARGEST_COEFFICIENT or min(numbers[2:]) < 0.0:
        raise document.rejected(f"{' '.join(words)[:90]!r}: no values of a month", _DAMAGED, line)
    return begin, int(words[2]), numbers
