"""Tables of low-degree coefficients: GravIS low degrees and geocenter, NASA TN-13 and TN-14.

GravIS and TN-14 say in their headers what each column is, in which unit, and the mean that one of the
columns is taken from; that is read, not assumed. Every row is checked against itself: value minus mean,
and the year against the day. Sources: GFZ, doi 10.5880/COST-G.GRAVIS_02_L2B; TN-14: Loomis et al. (2020),
doi 10.1029/2019GL085488.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from shared.formats.rows import LARGEST_COEFFICIENT
from shared.formats.text import Document, open_document
from shared.formats.tn13 import GEOCENTER, is_tn13, read_tn13
from shared.models.auxiliaries import CoefficientTable
from shared.models.coefficients import Vector
from shared.models.epoch import mjd_of_day, moment_of_mjd

LOW_DEGREES = "low-degrees"

_COLUMN = re.compile(r"(?m)^\s*Column\s+(\d+):\s*(.+?)\s*$")
_COEFFICIENT = re.compile(r"\b([CS])\(?(\d),?(\d)\)?")
_UNIT = re.compile(r"\((1\.0*E[-+]?\d+)\)")
_MEAN = re.compile(r"(?m)^\s*Mean\s+([CS])\(?(\d),?(\d)\)?\s*:\s*(\S+)")
_PRODUCT = re.compile(r"(?mi)^[ \t]*PRODUCT:[ \t]*$")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?|NaN", re.IGNORECASE)

_DAMAGED = "The row is damaged; fetch the file again"
# Value and mean have 12 digits, the difference four decimals of 1e-10: they agree to one unit of its last place.
_ROUNDING = 1.0e-14
# The years have four decimals; tables count them by 365 or 365.25 days a year, which is a day at most.
_YEAR_TOLERANCE = 1.5 / 365.0
# From 2000 to 2100: a begin outside is a damaged number.
_FIRST_MJD, _LAST_MJD = 51544.0, 88069.0

_CITATIONS = {
    "GravIS": "GFZ, doi 10.5880/COST-G.GRAVIS_02_L2B",
    "TN-14": "Loomis et al. 2020, doi 10.1029/2019GL085488",
}


@dataclass(frozen=True)
class Column:
    """What a column holds: value, difference (value - mean) or sigma of a coefficient."""

    coefficient: str
    kind: str
    unit: float


def read_table(source: Path | bytes, *, name: str | None = None) -> CoefficientTable:
    """Read any of the tables, recognised by its header.

    Parameters
    ----------
    source : path of the file, or its bytes; packed by gzip or not
    name : the name of the file where only its bytes are given

    Returns absolute values and standard deviations, fully normalised, one row a month, NaN where the table
    has none. Raises GranuleRejected, with the line, for a row that is damaged or out of order, and for a
    file that is no such table.
    """
    document = open_document(source, name)
    if is_tn13(document):
        return read_tn13(document)
    if _PRODUCT.search(document.text) and _COLUMN.search(document.text):
        return _read_described(document)
    raise document.rejected(
        "no table of low-degree coefficients that is known", "Known are GravIS low degrees and geocenter, TN-13, TN-14"
    )


def read_low_degrees(source: Path | bytes, *, name: str | None = None) -> CoefficientTable:
    """Read a table that has C20 (GravIS low degrees, TN-14); GranuleRejected if it has none."""
    return _with(read_table(source, name=name), "C20")


def read_geocenter(source: Path | bytes, *, name: str | None = None) -> CoefficientTable:
    """Read a table of degree 1 (GravIS geocenter, TN-13); GranuleRejected if it has none."""
    return _with(read_table(source, name=name), "C10")


def _with(table: CoefficientTable, coefficient: str) -> CoefficientTable:
    if coefficient not in table.values:
        document = Document(table.name, b"", table.source.sha256)
        raise document.rejected(
            f"a table of {', '.join(table.values)} without {coefficient}", "Is this the right table?"
        )
    return table


def _read_described(document: Document) -> CoefficientTable:
    text = document.text
    marker = _PRODUCT.search(text)
    assert marker is not None
    header = text[: marker.start()]
    columns = _columns(document, header)
    means = _means(document, header)
    width = max(int(number) for number, _ in _COLUMN.findall(header))
    begin, table = _rows(document, text.count("\n", 0, marker.end()) + 1, width)
    picked: dict[str, dict[str, Vector]] = {"value": {}, "difference": {}, "sigma": {}}
    for place, column in columns.items():
        picked[column.kind][column.coefficient] = table.numbers[:, place] * column.unit
    _check_against_means(table, picked, means)
    role = GEOCENTER if "C10" in picked["value"] else LOW_DEGREES
    source = document.source(role, _CITATIONS["TN-14" if "GSFC" in header else "GravIS"])
    return CoefficientTable(document.name, np.array(begin), picked["value"], picked["sigma"], source)


def _columns(document: Document, header: str) -> dict[int, Column]:
    """What the columns behind begin and year hold, by place counted from zero."""
    columns: dict[int, Column] = {}
    for number, description in _COLUMN.findall(header):
        found = _COEFFICIENT.search(description)
        if found is None:
            continue
        lower = description.lower()
        kind = "difference" if "- mean" in lower else "value"
        if any(word in lower for word in ("deviation", "sigma", "uncertainty")):
            kind = "sigma"
        unit = _UNIT.search(description)
        columns[int(number) - 1] = Column("".join(found.groups()), kind, float(unit[1]) if unit else 1.0)
    names = [column.coefficient for column in columns.values() if column.kind == "value"]
    for kind in ("difference", "sigma"):
        if not names or [c.coefficient for c in columns.values() if c.kind == kind] != names:
            raise document.rejected("a header that does not describe value, difference and sigma of each coefficient")
    return columns


def _means(document: Document, header: str) -> dict[str, float]:
    means = {}
    for *name, text in _MEAN.findall(header):
        if not _NUMBER.fullmatch(text):
            raise document.rejected(f"{text!r} as mean of {''.join(name)}", "The header is damaged; fetch it again")
        means["".join(name)] = _number(text)
    return means


@dataclass(frozen=True)
class _Table:
    document: Document
    lines: list[int]
    numbers: Vector  # [rows, columns]


def _rows(document: Document, first: int, width: int) -> tuple[list[float], _Table]:
    """The rows from line `first` (counted from zero) on, each checked by itself."""
    table: list[list[float]] = []
    lines: list[int] = []
    length = 0
    for number, line in enumerate(document.text.split("\n")[first:], start=first + 1):
        text = line.rstrip()
        if not text:
            continue
        words = text.split()
        # The rows are written by one Fortran format: a shorter one has lost digits, even if it has all columns.
        length = length or len(text)
        if len(words) != width or len(text) != length:
            found = f"{len(words)} columns and {len(text)} characters in a row that has {width} and {length}"
            raise document.rejected(found, "The table is cut off or damaged; fetch it again", number)
        if not all(_NUMBER.fullmatch(word) for word in words):
            raise document.rejected(f"a row with something else than numbers: {text[:70]!r}", _DAMAGED, number)
        table.append([_number(word) for word in words])
        lines.append(number)
        _check_begin(document, table, number)
    if not table:
        raise document.rejected("a table without rows", "The table is cut off; fetch it again")
    return [row[0] for row in table], _Table(document, lines, np.array(table))


def _check_begin(document: Document, table: list[list[float]], line: int) -> None:
    """The begin of a row must fit its year and follow the row before."""
    begin, year = table[-1][:2]
    if not _FIRST_MJD <= begin <= _LAST_MJD or abs(calendar_year(begin) - year) > _YEAR_TOLERANCE:
        raise document.rejected(
            f"a begin of MJD {begin:g} in the year {year:g}, which is not the same day", _DAMAGED, line
        )
    if len(table) > 1 and begin <= table[-2][0]:
        raise document.rejected(f"MJD {begin:g} behind MJD {table[-2][0]:g}: rows out of order", _DAMAGED, line)


def calendar_year(mjd: float) -> float:
    """Year and fraction of the calendar year."""
    year = moment_of_mjd(mjd).year
    first, following = (mjd_of_day(date(y, 1, 1)) for y in (year, year + 1))
    return year + (mjd - first) / (following - first)


def _number(text: str) -> float:
    return float("nan") if text.lower() == "nan" else float(re.sub("[dD]", "E", text))


def _check_against_means(table: _Table, picked: Mapping[str, Mapping[str, Vector]], means: Mapping[str, float]) -> None:
    """Each value minus its mean must be the difference that the row says; NaN only in all three."""
    for name, values in picked["value"].items():
        if name not in means:
            raise table.document.rejected(f"no mean of {name} in the header", "The header is damaged; fetch it again")
        difference, sigma = picked["difference"][name], picked["sigma"][name]
        holes = np.isnan(np.stack([values, difference, sigma]))
        wrong = np.abs(values - means[name] - difference) > _ROUNDING
        wrong |= holes.any(axis=0) != holes.all(axis=0)
        wrong |= (np.abs(values) > LARGEST_COEFFICIENT) | (sigma < 0.0)
        if wrong.any():
            row = int(np.argmax(wrong))
            found = f"{name} {values[row]:.12e} minus its mean {means[name]:.12e} is not {difference[row]:.4e}"
            if abs(values[row]) > LARGEST_COEFFICIENT or sigma[row] < 0.0:
                found = f"{name} {values[row]:g} with a standard deviation of {sigma[row]:g}"
            raise table.document.rejected(found, _DAMAGED, table.lines[row])
