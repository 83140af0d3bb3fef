"""What a file is, and whether it is sound: told from its content, whatever its name says."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import Path

from services.ingest.findings import Findings, Inspection, degree_and_constants
from services.ingest.product_inspection import inspect_baseline, inspect_land_mask, inspect_level3
from services.ingest.sinex_inspection import inspect_sinex
from shared.errors import GranuleRejected, RequestRefused
from shared.formats.baseline import FORMAT as BASELINE_TITLE
from shared.formats.files import sha256_of
from shared.formats.icgem import read_gfc
from shared.formats.level2b import read_level2b
from shared.formats.level3_reader import contents_of
from shared.formats.low_degrees import read_table
from shared.formats.months import MonthTable, read_month_table
from shared.formats.shm import read_field, read_gia
from shared.formats.text import GZIP_MAGIC
from shared.geodesy import ordering
from shared.models.coefficients import GravityField
from shared.models.epoch import moment_of_mjd

# Headers are shorter; the rest of a file need not be read to know what it is [bytes on disk]
_HEAD = 2**18

_NETCDF = (b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")
_ADVICE = (
    "Known are Level-2 and Level-2B (gfc, SHM), models of glacial isostatic adjustment, tables of low degrees and of "
    "months, normal equations (SINEX), Level-3 products, baselines and land masks"
)

Inspector = Callable[[Path], Findings]


def inspect(path: Path, *, deep: bool = False) -> Inspection:
    """Say what a file is, what is in it, and what is wrong with it.

    Parameters
    ----------
    path : any file that is read or written here
    deep : read the whole matrix of normal equations too, which has 1.2 GB at degree 96

    Raises
    ------
    RequestRefused : if there is no such file
    GranuleRejected : if it is none of the kinds that are known
    """
    if not path.is_file():
        raise RequestRefused(f"there is no file {path}", advice="Check its name")
    kind, inspector = _recognised(path, deep)
    findings = Findings()
    findings.add("file", path.name)
    findings.add("size", f"{path.stat().st_size:,} bytes")
    findings.add("SHA-256", sha256_of(path))
    try:
        found = inspector(path)
    except GranuleRejected as error:
        found = Findings(problems=[str(error)])
    return Inspection(kind, (*findings.facts, *found.facts), tuple(found.problems))


def _recognised(path: Path, deep: bool) -> tuple[str, Inspector]:
    """The kind of a file by its first bytes, and what looks at it."""
    with path.open("rb") as file:
        raw = file.read(_HEAD)
    if raw.startswith(_NETCDF):
        return _netcdf(path)
    head = _unpacked(raw)
    if head.startswith(b"%=SNX"):
        return "normal equations (SINEX)", lambda path: inspect_sinex(path, deep=deep)
    for kind, pattern, inspector in _TEXTS:
        if re.search(pattern, head):
            return kind, inspector
    found = "the file is empty" if not raw else "none of the files that are known here"
    if head.lstrip()[:1] == b"<":
        found = "a web page instead of data"
    raise GranuleRejected(found, advice=_ADVICE, file=path)


def _unpacked(raw: bytes) -> bytes:
    """The begin of a text, also of one that is packed and cut off or damaged further on."""
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return zlib.decompressobj(wbits=31).decompress(raw)
    except zlib.error:
        return b""


def _netcdf(path: Path) -> tuple[str, Inspector]:
    try:
        words, variables = contents_of(path)
    except GranuleRejected as error:
        problem = str(error)
        return "NetCDF file that cannot be opened", lambda _: Findings(problems=[problem])
    if words.get("title") == BASELINE_TITLE:
        return "baseline", inspect_baseline
    if "twsa" in variables:
        return "Level-3 product", inspect_level3
    if any(name.lower() in ("lat", "latitude", "y") for name in variables):
        return "land mask", inspect_land_mask
    listed = ", ".join(sorted(variables)) or "no variable"
    raise GranuleRejected(f"a NetCDF file of no known kind ({listed})", advice=_ADVICE, file=path)


def _level2(path: Path) -> Findings:
    field = read_gfc(path)
    findings = _field(field)
    try:
        month, span = MonthTable.default().identify(path.name, field.span, field.name)
    except GranuleRejected as error:
        findings.problems.append(str(error))
    else:
        findings.facts.insert(1, ("month", f"{month}, data {span.first_day} to {span.last_day}"))
    return findings


def _level2b(path: Path) -> Findings:
    filter_set, field = read_level2b(path)
    findings = _field(field)
    findings.add("month", str(field.month))
    findings.add("filter set", filter_set)
    findings.add("steps", "; ".join(field.history) or "none are named")
    findings.add("made from", f"{len(field.sources)} files")
    if not field.history:
        findings.problems.append("the header names no step that made it")
    return findings


def _shm(path: Path) -> Findings:
    field = read_field(path)
    findings = _field(field)
    if field.span is not None:
        findings.add("data", f"{field.span.first_day} to {field.span.last_day}")
    return findings


def _field(field: GravityField) -> Findings:
    """What every field of coefficients tells of itself."""
    findings = Findings()
    findings.add("name", field.name)
    degree_and_constants(findings, field.nmax, field.gm, field.radius)
    findings.add("tide system", field.tide_system.value)
    findings.add("standard deviations", field.errors.value)
    if field.nmax >= 2:
        findings.add("C20", f"{field.values[ordering.position(field.nmax, 2, 0)]:.11e}")
    findings.add("citation", "; ".join(source.citation for source in field.sources[:1]) or "none")
    return findings


def _gia(path: Path) -> Findings:
    model = read_gia(path)
    nmax = ordering.maximum_degree(model.rates.size)
    findings = Findings()
    findings.add("name", model.name)
    degree_and_constants(findings, nmax, model.gm, model.radius)
    findings.add("rate of C20", f"{model.rates[ordering.position(nmax, 2, 0)]:.6e} per year")
    findings.add("largest rate", f"{abs(model.rates).max():.3e} per year")
    findings.add("citation", model.source.citation or "none")
    return findings


def _table(path: Path) -> Findings:
    table = read_table(path)
    findings = Findings()
    first, last = (moment_of_mjd(float(table.begin[at])) for at in (0, -1))
    findings.add("rows", f"{table.begin.size}, beginning {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    for name, column in table.values.items():
        present = column[column == column]
        findings.add(name, f"{present.size} values, mean {present.mean():.11e}" if present.size else "no value")
        if not present.size:
            findings.problems.append(f"{name} has no value in any row")
    findings.add("citation", table.source.citation or "none")
    return findings


def _months(path: Path) -> Findings:
    table = read_month_table(path)
    findings = Findings()
    findings.add("months", f"{len(table.spans)}, {min(table.spans)} to {max(table.spans)}")
    longest = max(table.spans.items(), key=lambda item: item[1].end - item[1].begin)
    findings.add("longest", f"{longest[0]} with {longest[1].end - longest[1].begin:.0f} days")
    return findings


# Kinds of text, the first pattern that is found decides: what is written inside others comes later.
_TEXTS: tuple[tuple[str, bytes, Inspector], ...] = (
    ("table of months", rb"\A(\xef\xbb\xbf)?[^\n]*\bnominal_month\b", _months),
    ("Level-2B coefficients", rb"(?m)^CMMNT filter_set:(?s:.*)^[ \t]*end_of_head", _level2b),
    ("Level-2 gravity field (gfc)", rb"(?m)^[ \t]*end_of_head", _level2),
    ("table of low-degree coefficients", rb"GRACE Technical Note 1[34]|(?mi:^[ \t]*PRODUCT:[ \t]*\r?$)", _table),
    ("model of glacial isostatic adjustment", rb"(?m)^GRDOTA\b|(?i:GRACE Approximation|ICE-6G_D STOKES)", _gia),
    ("gravity field (SHM)", rb"(?mi)^[ \t]*# *End of YAML header|^GRCOF2\b", _shm),
    ("Level-2 gravity field (gfc), damaged", rb"(?m)^[ \t]*(begin_of_head|earth_gravity_constant|gfct?)\b", _level2),
)
