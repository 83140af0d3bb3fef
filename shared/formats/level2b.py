"""Level-2B: one gfc file for each month and filter set, as GravIS publishes them.

The header holds all that the numbers came from: the steps, the files with their SHA-256, the period. Names
and content follow GravIS Level-2B (doi 10.5880/COST-G.GRAVIS_02_L2B); the prefix of the name is our own.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from shared.formats.icgem import read_gfc
from shared.formats.icgem_writer import COMMENT, header_lines, model_name, one_line, row_bytes
from shared.formats.text import open_document
from shared.models.coefficients import ErrorKind, FilteredAnomalies, GravityField, TideSystem
from shared.models.epoch import Month, Span
from shared.models.provenance import Source

NOT_FILTERED = "NFIL"

# 17 significant digits keep every bit of a float64.
_DIGITS = 16
# Digits hardly compress: the highest level of gzip takes four times the time to save a tenth.
_COMPRESSION = 1
_BAR = " | "


def level2b_name(
    span: Span,
    filter_set: str,
    release: str = "COSTG_0200",
    version: str = "0001",
    prefix: str = "GRAVSTREAM-2B",
) -> str:
    """Name of a Level-2B file: <prefix>_YYYYDDD-YYYYDDD_COSTG_0200_<filter>_0001.gz."""
    return f"{prefix}_{span.label}_{release}_{filter_set}_{version}.gz"


def level2b_bytes(
    month: FilteredAnomalies,
    filter_set: str,
    *,
    product_version: str,
    header: Mapping[str, str] | None = None,
    name: str | None = None,
    errors: ErrorKind = ErrorKind.FORMAL,
) -> bytes:
    """The packed Level-2B file of a month in one filter set, the same bytes each time.

    Parameters
    ----------
    month : the anomalies; standard deviations are written with the set NFIL, which they belong to
    filter_set : NFIL or VDK1..VDK8, one of the month's sets
    product_version : version of the product
    header : what else the header shall say, as lines `key: value`
    name : name of the file; default by `level2b_name`
    errors : what the standard deviations of NFIL are
    """
    values = month.sets[filter_set]
    sigmas = month.sigmas if filter_set == NOT_FILTERED else None
    # Comments stand before the keywords: readers that search for keywords anywhere take the last they find.
    lines = [
        *(f"{COMMENT} {comment}" for comment in _comments(month, filter_set, product_version, header or {})),
        "",
        f"begin_of_head {'=' * 78}",
        *header_lines(
            product_type="gravity_field",
            modelname=model_name(name or level2b_name(month.span, filter_set)),
            time_period=month.span.label,
            earth_gravity_constant=repr(month.gm),
            radius=repr(month.radius),
            max_degree=str(month.nmax),
            norm="fully_normalized",
            # An anomaly is a difference of fields of one tide system: no permanent tide is left in it.
            tide_system=TideSystem.UNKNOWN.value,
            errors=(ErrorKind.NONE if sigmas is None else errors).value,
        ),
    ]
    plain = "\n".join(lines).encode() + b"\n" + row_bytes(values, sigmas, _DIGITS)
    packer = zlib.compressobj(_COMPRESSION, wbits=31)  # a gzip stream without a time in its header
    return packer.compress(plain) + packer.flush()


def _comments(month: FilteredAnomalies, filter_set: str, product_version: str, header: Mapping[str, str]) -> list[str]:
    facts = {
        "title": f"Anomaly of the gravity field, Level-2B, {month.month}, filter set {filter_set}",
        **header,
        "filter_set": filter_set,
        "nominal_month": str(month.month),
        "filter_source": month.filter_source.value,
        "product_version": product_version,
    }
    lines = [f"{key}: {value}" for key, value in facts.items()]
    lines += [f"history: {step}" for step in month.history]
    lines += [f"source: {_BAR.join((s.role, s.name, s.sha256, s.citation))}" for s in month.sources]
    lines += [f"note: {comment}" for comment in month.comments]
    return [one_line(line) for line in lines]


def read_level2b(source: Path | bytes, *, name: str | None = None) -> tuple[str, GravityField]:
    """Read a Level-2B file: its filter set and the anomaly.

    Parameters
    ----------
    source : path of the file, or its bytes; packed by gzip or not
    name : the name of the file where only its bytes are given

    The field's `comments` are those of the months behind it; other lines of the header stay before them.
    Raises GranuleRejected like `read_gfc`, and for a gfc file that is no Level-2B of ours.
    """
    document = open_document(source, name)
    field = read_gfc(document.content, name=document.name)
    facts: dict[str, str] = {}
    several: dict[str, list[str]] = {"history": [], "source": [], "note": []}
    for comment in field.comments:
        key, _, value = comment.partition(":")
        if key in several:
            several[key].append(value.strip())
        else:
            facts[key] = value.strip()
    try:
        filter_set, month = facts["filter_set"], Month.parse(facts["nominal_month"])
        sources = tuple(_source(text) for text in several["source"])
    except (KeyError, ValueError) as error:
        found = f"no Level-2B file of gravstream: its header lacks {error}"
        raise document.rejected(found, "Read it as Level-2, or make it again") from None
    others = tuple(f"{key}: {value}" for key, value in facts.items() if key not in ("filter_set", "nominal_month"))
    return filter_set, replace(
        field,
        month=month,
        history=tuple(several["history"]),
        sources=sources,
        comments=(*others, *several["note"]),
    )


def _source(text: str) -> Source:
    parts = [part.strip() for part in text.split(_BAR.strip(), 3)]
    if len(parts) != 4:
        raise ValueError(f"a complete source in {text!r}")
    return Source(*parts)
