"""Monthly gravity fields (Level-2) in gfc, the format of ICGEM.

A header of `keyword value` lines between prose and `end_of_head`, then rows `gfc n m C S [sigma C, sigma S]`.
Read as COST-G, ITSG and the NASA centres (converted by ICGEM) write it, packed by gzip or not.
Format: Barthelmes and Foerste (2011), The ICGEM-format; Ince et al. (2019), doi 10.5194/essd-11-647-2019.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from shared.errors import GranuleRejected
from shared.formats import rows as coefficient_rows
from shared.formats.icgem_writer import COMMENT, level2_name, model_name, write_level2
from shared.formats.text import Document, decoded, doi_of, open_document
from shared.models.coefficients import ErrorKind, GravityField, TideSystem
from shared.models.epoch import Span

__all__ = ["Header", "day", "level2_name", "read_gfc", "read_header", "write_level2"]

_END_OF_HEAD = re.compile(rb"(?m)^[ \t]*end_of_head[^\n]*(\n|\Z)")
_BEGIN_OF_HEAD = re.compile(r"(?m)^[ \t]*begin_of_head[^\n]*$")
_STATIC = re.compile(rb"(?m)^[ \t]*(gfct|trnd|dot|acos|asin)\b")
_PERIOD = re.compile(r"\b(\d{8}|\d{7})(?:\.\d+)?\s*-\s*(\d{8}|\d{7})\b")

# The keywords that are understood, and what each is called here.
_KEYWORDS = {
    "modelname": "name",
    "model_name": "name",
    "product_name": "name",
    "product_type": "product_type",
    "earth_gravity_constant": "gm",
    "gravity_constant": "gm",
    "radius": "radius",
    "max_degree": "max_degree",
    "max_degree_1": "max_degree",
    "norm": "norm",
    "tide_system": "tide_system",
    "errors": "errors",
    "unit": "unit",
    "units": "unit",
    "time_period": "period",
    "time_period_of_data": "period",
}
_UNITS = {
    "gm": ("m3/s2", "m^3/s^2", "m**3/s**2", "m^3s^-2", "m3s-2"),
    "radius": ("m", "meter", "meters", "metre", "metres"),
}
# Wide enough for every published value, far too narrow for kilometres.
_PLAUSIBLE = {"gm": (3.98e14, 3.99e14), "radius": (6.35e6, 6.40e6)}
_TIDE_SYSTEMS = {system.value: system for system in TideSystem} | {"free_tide": TideSystem.TIDE_FREE}
# Series that do not cite themselves in their files (the series' pages at ICGEM).
_CITATIONS = {
    re.compile(r"COSTG_\w*_0100"): "COST-G, doi 10.5880/ICGEM.COST-G.001",
    re.compile(r"COSTG_\w*_02\d\d"): "COST-G, doi 10.5880/COST-G.ICGEM_02_L2",
}


@dataclass(frozen=True)
class Header:
    """What the header of a gfc file says: values by name, lines, comments."""

    document: Document
    values: Mapping[str, str]
    lines: Mapping[str, int]
    comments: tuple[str, ...]
    prose: str
    end: int  # byte at which the rows begin

    def rejected(self, name: str, found: str, advice: str) -> GranuleRejected:
        """The error that names the header's line."""
        return self.document.rejected(found, advice, self.lines.get(name))


def read_gfc(source: Path | bytes, *, name: str | None = None, role: str = "level-2") -> GravityField:
    """Read one gravity field; its `month` stays open: the header does not say it.

    Parameters
    ----------
    source : path of the file, or its bytes; packed by gzip or not
    name : the name of the file where only its bytes are given
    role : what the file is to the product, for its provenance

    Returns the absolute field, fully normalised, in the tide system that its header says. Degrees 0 and 1
    are zero where the file leaves them out; standard deviations are None where it has none.

    Raises GranuleRejected for a file that is damaged, cut off, contradictory, or no field of one epoch.
    """
    document = open_document(source, name)
    header = read_header(document)
    try:
        rows = coefficient_rows.read_rows(document, header.end, b"gfc", (4, 6, 8))
    except GranuleRejected as error:
        raise _static(document, header.end) or error from None
    nmax = coefficient_rows.maximum_degree(rows, _max_degree(header))
    coefficient_rows.check_values(rows)
    kind = _error_kind(header, with_sigmas=rows.numbers.shape[1] >= 4)
    sigmas = None
    if kind is not ErrorKind.NONE:
        coefficient_rows.check_sigmas(rows)
        sigmas = coefficient_rows.field_vector(rows, nmax, 2, 3)
    _check_norm_and_unit(header)
    return GravityField(
        name=header.values.get("name") or model_name(document.name),
        values=coefficient_rows.field_vector(rows, nmax, 0, 1),
        sigmas=sigmas,
        gm=_quantity(header, "gm", "earth_gravity_constant"),
        radius=_quantity(header, "radius", "radius"),
        tide_system=_tide_system(header),
        errors=kind,
        span=span_of(header),
        comments=header.comments,
        sources=(document.source(role, _citation(header)),),
    )


def read_header(document: Document) -> Header:
    """Read the header of a gfc file; GranuleRejected if it has no end."""
    end = _END_OF_HEAD.search(document.content)
    if end is None:
        raise document.rejected(
            "no line end_of_head, so it is no gravity field in ICGEM format", "Fetch the file again, or remove it"
        )
    text = decoded(document.content[: end.start()])
    begin = _BEGIN_OF_HEAD.search(text)
    first = 0 if begin is None else text.count("\n", 0, begin.end())
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    comments: list[str] = []
    for number, line in enumerate(text.split("\n")):
        keyword, _, value = line.strip().partition(" ")
        if keyword == COMMENT:
            comments.append(value.strip())
        elif number >= first and keyword in _KEYWORDS:
            # Without begin_of_head prose may come first: what stands last, next to the end, is the header.
            # Headers converted from YAML keep a colon before the value.
            values[_KEYWORDS[keyword]] = value.strip().removeprefix(":").strip(" \t'\"")
            lines[_KEYWORDS[keyword]] = number + 1
    return Header(document, values, lines, tuple(comments), text, end.end())


def _static(document: Document, start: int) -> GranuleRejected | None:
    """The error for a model of trends and waves, which is not the field of one month."""
    found = _STATIC.search(document.content, start)
    if found is None:
        return None
    line = document.content.count(b"\n", 0, found.start(1)) + 1
    return document.rejected(
        f"a static time-variable model: it has a row {found[1].decode()}, where the field of one month is expected",
        "Take a monthly series instead",
        line,
    )


def _max_degree(header: Header) -> int | None:
    text = header.values.get("max_degree")
    if text is None:
        return None
    if not text.isdigit():
        raise header.rejected("max_degree", f"max_degree {text!r}, which is no degree", "Fetch the file again")
    return int(text)


def _quantity(header: Header, name: str, keyword: str) -> float:
    """GM [m^3 s^-2] or the radius [m]."""
    words = header.values.get(name, "").split()
    advice = f"Without {keyword} in SI units the coefficients mean nothing; fetch the file again"
    if not words:
        raise header.rejected(name, f"no {keyword} in the header", advice)
    unit = "".join(words[1:]).strip("[]()")
    if unit and unit.lower() not in _UNITS[name]:
        raise header.rejected(name, f"{keyword} in the unit {unit!r}", advice)
    try:
        value = float(re.sub("[dD]", "e", words[0]))
    except ValueError:
        raise header.rejected(name, f"{keyword} {words[0]!r}, which is no number", advice) from None
    low, high = _PLAUSIBLE[name]
    if not low <= value <= high:
        raise header.rejected(name, f"{keyword} {value:g}, which is not between {low:g} and {high:g}", advice)
    return value


def _check_norm_and_unit(header: Header) -> None:
    norm = header.values.get("norm", "fully_normalized").lower().replace("-", "_").replace(" ", "_")
    if norm not in ("fully_normalized", "fully_normalised"):
        advice = "Only fully normalised coefficients are taken; convert the file, or remove it"
        raise header.rejected("norm", f"norm {norm!r}", advice)
    unit = header.values.get("unit", "").lower()
    if unit not in ("", "1", "none", "dimensionless"):
        advice = "Coefficients are taken without unit; convert the file, or remove it"
        raise header.rejected("unit", f"unit {unit!r}", advice)


def _tide_system(header: Header) -> TideSystem:
    text = header.values.get("tide_system", "unknown").lower().replace("-", "_")
    if text not in _TIDE_SYSTEMS:
        advice = "Known are tide_free, zero_tide, mean_tide and unknown; correct the header if you know better"
        raise header.rejected("tide_system", f"tide_system {text!r}", advice)
    return _TIDE_SYSTEMS[text]


def _error_kind(header: Header, *, with_sigmas: bool) -> ErrorKind:
    text = header.values.get("errors", "formal" if with_sigmas else "no").lower()
    try:
        kind = ErrorKind(text)
    except ValueError:
        known = ", ".join(kind.value for kind in ErrorKind)
        raise header.rejected("errors", f"errors {text!r}", f"Known are {known}; correct the header") from None
    return kind if with_sigmas else ErrorKind.NONE


def span_of(header: Header) -> Span | None:
    """First and last day of the data, if the header says them as YYYYDDD or YYYYMMDD."""
    period = _PERIOD.search(header.values.get("period", ""))
    if period is None:
        return None
    try:
        return Span.of_days(day(period[1]), day(period[2]))
    except ValueError:
        found = f"the period {period[0]!r}, which is none"
        raise header.rejected("period", found, "Fetch the file again") from None


def day(text: str) -> date:
    """The day written as YYYYDDD or YYYYMMDD; ValueError if there is none such."""
    if len(text) == 8:
        return datetime.strptime(text, "%Y%m%d").date()
    first = date(int(text[:4]), 1, 1)
    found = first + timedelta(days=int(text[4:]) - 1)
    if found.year != first.year:
        raise ValueError(f"{text} is not a day")
    return found


def _citation(header: Header) -> str:
    doi = doi_of(header.prose)
    if doi:
        return f"doi {doi}"
    name = header.values.get("name", "") + " " + header.document.name
    return next((citation for pattern, citation in _CITATIONS.items() if pattern.search(name)), "")
