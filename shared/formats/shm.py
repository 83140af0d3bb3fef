"""Gravity fields and rates of GIA in SHM, the format of SDS and GravIS.

A header in YAML to the line `# End of YAML header`, then rows `GRCOF2 n m C S sigma sigma begin end flags`
of a field or `GRDOTA n m C S` of rates per year. Peltier's own table of rates is read too.
Format: NASA/GFZ, GRACE-FO Level-2 User Handbook (2019), and the files of GravIS.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np

from shared.constants import GM_EARTH
from shared.formats import rows as coefficient_rows
from shared.formats.text import Document, doi_of, open_document
from shared.geodesy import ordering
from shared.models.auxiliaries import GiaModel
from shared.models.coefficients import ErrorKind, GravityField, TideSystem
from shared.models.epoch import Span, mjd_of_moment

# Reference radius [m] of the rates of ICE-6G_D, as GFZ's copy of them says (the original has no header).
RADIUS_ICE6G_D = 6378136.46
# The largest rate of ICE-6G_D is that of C20, 1.4e-11 per year.
LARGEST_RATE = 1e-9

_END_OF_HEADER = re.compile(rb"(?m)^[ \t]*(# *End of YAML header|end of header)[^\n]*(\n|\Z)", re.IGNORECASE)
_PLAUSIBLE = {"earth_gravity_param": (3.98e14, 3.99e14), "mean_equator_radius": (6.35e6, 6.40e6)}
_UNITS = {"earth_gravity_param": ("m3/s2", "m^3/s^2"), "mean_equator_radius": ("m", "meters", "meter")}
_PERMANENT_TIDE = {"exclusive": TideSystem.TIDE_FREE, "inclusive": TideSystem.ZERO_TIDE}
_PELTIER_ROW = re.compile(r"\s*(\d+)\s+(\d+)\s+([-+\d.]+(?:[EeDd][-+]?\d+)?)\s+([-+\d.]+(?:[EeDd][-+]?\d+)?)\s*")
_PELTIER_CITATION = "Peltier et al. 2018, doi 10.1002/2016JB013844"


def read_field(source: Path | bytes, *, name: str | None = None, role: str = "level-2") -> GravityField:
    """Read one gravity field (rows GRCOF2); degrees 0 and 1 are zero if left out.

    Parameters
    ----------
    source : path of the file, or its bytes; packed by gzip or not
    name : the name of the file where only its bytes are given
    role : what the file is to the product, for its provenance

    Raises GranuleRejected for a file that is damaged, cut off or contradictory.
    """
    document = open_document(source, name)
    header, start = _header(document)
    _check_normalisation(document, header)
    rows = coefficient_rows.read_rows(document, start, b"GRCOF2", (4, 6))
    nmax = coefficient_rows.maximum_degree(rows, _degree(document, header))
    coefficient_rows.check_values(rows)
    sigmas = None
    if rows.numbers.shape[1] >= 4:
        coefficient_rows.check_sigmas(rows)
        sigmas = coefficient_rows.field_vector(rows, nmax, 2, 3)
    return GravityField(
        name=document.name.removesuffix(".gz"),
        values=coefficient_rows.field_vector(rows, nmax, 0, 1),
        sigmas=sigmas,
        gm=_quantity(document, header, "earth_gravity_param"),
        radius=_quantity(document, header, "mean_equator_radius"),
        tide_system=_tide_system(header),
        errors=ErrorKind.NONE if sigmas is None else ErrorKind.FORMAL,
        span=_span(document, header),
        sources=(document.source(role, _citation(header)),),
    )


def read_gia(source: Path | bytes, *, name: str | None = None) -> GiaModel:
    """Read rates of glacial isostatic adjustment, [(nmax + 1)^2] per year, fully normalised.

    Takes SHM (rows GRDOTA) and Peltier's own table, told apart by the header.
    Raises GranuleRejected for a file that is damaged, cut off, contradictory, or zero everywhere.
    """
    document = open_document(source, name)
    if _END_OF_HEADER.search(document.content) is None and b"GRDOTA" not in document.content:
        return _read_peltier(document)
    header, start = _header(document)
    _check_normalisation(document, header)
    rows = coefficient_rows.read_rows(document, start, b"GRDOTA", (4,))
    gm, radius = (_quantity(document, header, key) for key in ("earth_gravity_param", "mean_equator_radius"))
    return _model(rows, _degree(document, header), gm, radius, _citation(header))


def _model(rows: coefficient_rows.Rows, stated: int | None, gm: float, radius: float, citation: str) -> GiaModel:
    nmax = coefficient_rows.maximum_degree(rows, stated)
    coefficient_rows.check_values(rows, LARGEST_RATE, rates=True)
    rates = coefficient_rows.field_vector(rows, nmax, 0, 1)
    if not np.any(rates[ordering.index(nmax).degree >= 2]):
        raise rows.document.rejected("every rate is zero, so it is no model of glacial isostatic adjustment")
    return GiaModel(rows.document.name, rates, gm, radius, rows.document.source("gia", citation))


def _read_peltier(document: Document) -> GiaModel:
    """Read the supporting table of Peltier et al. (2018), Data_S3 ("ICE-6G_D STOKES").

    Assumed, for want of a sample with a licence: prose, then titled blocks of `n m C S`. Degrees 0 to 2
    come twice, for absolute sea level and, titled "GRACE Approximation", without the rotation that
    satellites do not feel; the latter replace the former wherever they stand. All are fully normalised,
    relative to the constants that GFZ's copy of the same rates names.
    """
    plain: dict[tuple[int, int], tuple[int, list[float]]] = {}
    for_satellites: dict[tuple[int, int], tuple[int, list[float]]] = {}
    block = plain
    for number, line in enumerate(document.text.split("\n"), start=1):
        row = _PELTIER_ROW.fullmatch(line)
        if row:
            values = [float(re.sub("[dD]", "E", text)) for text in row.group(3, 4)]
            if (int(row[1]), int(row[2])) in block:
                raise document.rejected(f"degree {row[1]} and order {row[2]} for the second time", line=number)
            block[int(row[1]), int(row[2])] = number, values
        elif "grace approximation" in line.lower():
            block = for_satellites
        elif "degrees" in line.lower():
            block = plain
        elif plain and re.match(r"\s*\d+\s+\d+\s", line):
            raise document.rejected(f"{line.strip()[:60]!r} where a row n m C S is expected", line=number)
    chosen = plain | for_satellites
    if not chosen:
        raise document.rejected("neither rows GRDOTA nor a table of rates", "Is this the file of a GIA model?")
    pairs = np.array(list(chosen), np.int64)
    lines, numbers = zip(*chosen.values(), strict=True)
    rows = coefficient_rows.Rows(document, 0, pairs[:, 0], pairs[:, 1], np.array(numbers), lines)
    return _model(rows, None, GM_EARTH, RADIUS_ICE6G_D, _PELTIER_CITATION)


def _header(document: Document) -> tuple[str, int]:
    """The header, and the byte at which the rows begin."""
    end = _END_OF_HEADER.search(document.content)
    if end is None:
        raise document.rejected("no line '# End of YAML header', so it is no SHM file", "Is this the right file?")
    return document.content[: end.start()].decode("utf-8", "replace"), end.end()


def _entry(header: str, key: str) -> str:
    """The value of a key anywhere in the header; empty if it has none."""
    # The headers are YAML in form only: titles hold colons, keys come twice. So they are searched, not parsed.
    found = re.search(rf"(?m)^[ \t]*{key}[ \t]*:[ \t]*(.*?)[ \t]*$", header)
    return found[1] if found else ""


def _below(header: str, key: str) -> str:
    """The lines of the header that are indented more than `key` and follow it."""
    found = re.search(rf"(?m)^([ \t]*){key}[ \t]*:[^\n]*\n((?:\1[ \t]+[^\n]*(?:\n|\Z))*)", header)
    return found[2] if found else ""


def _degree(document: Document, header: str) -> int | None:
    text = _entry(header, "degree")
    if text and not text.isdigit():
        raise document.rejected(f"degree {text!r} in the header, which is none")
    return int(text) if text else None


def _quantity(document: Document, header: str, key: str) -> float:
    """GM [m^3 s^-2] or the radius [m] of the header."""
    block, (low, high) = _below(header, key), _PLAUSIBLE[key]
    text, unit = _entry(block, "value"), _entry(block, "units")
    advice = f"Without {key} in SI units the coefficients mean nothing; fetch the file again"
    if unit and unit.lower() not in _UNITS[key]:
        raise document.rejected(f"{key} in the unit {unit!r}", advice)
    try:
        value = float(text)
    except ValueError:
        raise document.rejected(f"{key} {text!r} in the header, which is no number", advice) from None
    if not low <= value <= high:
        raise document.rejected(f"{key} {value:g}, which is not between {low:g} and {high:g}", advice)
    return value


def _check_normalisation(document: Document, header: str) -> None:
    text = _entry(header, "normalization") or "fully normalized"
    if text.lower().replace("_", " ") != "fully normalized":
        advice = "Only fully normalised coefficients are taken; convert the file, or remove it"
        raise document.rejected(f"normalization {text!r}", advice)


def _tide_system(header: str) -> TideSystem:
    words = _entry(header, "permanent_tide_flag").lower().split()
    return _PERMANENT_TIDE.get(words[0], TideSystem.UNKNOWN) if words else TideSystem.UNKNOWN


def _span(document: Document, header: str) -> Span | None:
    begin, end = (_entry(header, f"time_coverage_{which}") for which in ("start", "end"))
    if not begin or not end:
        return None
    try:
        return Span(*(mjd_of_moment(datetime.fromisoformat(text.split(".")[0])) for text in (begin, end)))
    except ValueError:
        raise document.rejected(f"the period {begin!r} to {end!r}, which is none") from None


def _citation(header: str) -> str:
    doi = doi_of(_entry(_below(header, "global_attributes"), "id"))
    return f"doi {doi}" if doi else ""


def gia_bytes(model: GiaModel, *, title: str = "Rates of glacial isostatic adjustment") -> bytes:
    """The rates as SHM (rows GRDOTA), not packed; 12 digits, as GravIS publishes them."""
    nmax = ordering.maximum_degree(model.rates.size)
    citation = doi_of(model.source.citation)
    header = f"""header:
  dimensions:
    degree                : {nmax}
    order                 : {nmax}

  non-standard_attributes:
    format_id             :
      short_name          : SHM
      long_name           : Earth Gravity Spherical Harmonic Model Format
    normalization         : fully normalized
    earth_gravity_param   :
      long_name           : gravitational constant times mass of Earth
      units               : m3/s2
      value               : {model.gm!r}
    mean_equator_radius   :
      long_name           : mean equator radius
      units               : meters
      value               : {model.radius!r}

  global_attributes:
    title                 : {title}
    id                    : {citation}
    summary               : The keyword GRDOTA denotes rates of the coefficients per year.

# End of YAML header
"""
    degree, order = np.tril_indices(nmax + 1)
    cosine, sine = ordering.unpack(model.rates)
    numbers = zip(
        degree.tolist(), order.tolist(), cosine[degree, order].tolist(), sine[degree, order].tolist(), strict=True
    )
    flat = tuple(item for row in numbers for item in row)
    return header.encode() + (("GRDOTA %4d %4d %18.11E %18.11E\n" * degree.size) % flat).encode("ascii")
