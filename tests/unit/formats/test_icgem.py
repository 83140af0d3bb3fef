"""Level-2 files: every variant is read, and every damage is named with its line."""

import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats.icgem import read_gfc, write_level2
from shared.geodesy import ordering
from shared.models.coefficients import ErrorKind, GravityField, TideSystem
from shared.models.epoch import Month, Span
from tests.builders import GM, RADIUS, make_field, make_gfc

GOOD = make_gfc()


def line_of(content: bytes, start: str) -> int:
    return next(i for i, line in enumerate(content.decode().split("\n"), start=1) if line.startswith(start))


def edited(old: str, new: str, content: bytes = GOOD) -> bytes:
    """The file with one line replaced, the one that starts with `old`."""
    text, count = re.subn(rf"(?m)^{old}.*$", new, content.decode())
    assert count == 1, (old, count)
    return text.encode()


def row(degree: int, order: int) -> str:
    return rf"gfc +{degree} +{order} "


def columns_kept(count: int) -> bytes:
    """The file with only the first columns of its rows."""
    lines = GOOD.decode().split("\n")
    return "\n".join(" ".join(x.split()[: count + 1]) if x.startswith("gfc ") else x for x in lines).encode()


# --- what is read ---


def test_what_is_written_is_read_bit_by_bit() -> None:
    field = make_field(12)
    back = read_gfc(write_level2(field, digits=16), name="x.gfc")
    assert np.array_equal(back.values, field.values)
    assert np.array_equal(back.sigmas, field.sigmas)
    assert (back.gm, back.radius, back.tide_system, back.errors) == (GM, RADIUS, field.tide_system, field.errors)
    assert (back.name, back.span, back.comments, back.month) == (field.name, field.span, field.comments, None)


def test_numbers_are_parsed_exactly() -> None:
    """Every number is the float64 nearest to its digits, as Python itself reads them."""
    random = np.random.default_rng(7)
    numbers = 10.0 ** random.uniform(-20, -4, ordering.size(40)) * random.choice([-1, 1], ordering.size(40))
    field = make_field(40)
    values = np.where(ordering.index(40).degree < 2, field.values, numbers)
    for digits in (8, 11, 16):
        content = write_level2(
            GravityField("x", values, None, GM, RADIUS, TideSystem.TIDE_FREE, span=field.span), digits=digits
        )
        printed = np.array([float(f"{value:+.{digits}E}") for value in values])
        assert np.array_equal(read_gfc(content).values, printed)


def test_the_digest_is_that_of_the_file_on_disk(tmp_path: Path) -> None:
    packed = gzip.compress(GOOD)
    (tmp_path / "GSM-2_x.gfc.gz").write_bytes(packed)
    field = read_gfc(tmp_path / "GSM-2_x.gfc.gz")
    (source,) = field.sources
    assert (source.role, source.name) == ("level-2", "GSM-2_x.gfc.gz")
    assert source.sha256 == hashlib.sha256(packed).hexdigest()
    assert "10.5880/COST-G.ICGEM_02_L2" in source.citation


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.gfc").write_bytes(gzip.compress(GOOD[:100]) + gzip.compress(GOOD[100:]))
    assert np.array_equal(read_gfc(tmp_path / "a.gfc").values, read_gfc(GOOD).values)


def fortran_exponents(good: bytes) -> bytes:
    head, body = good.split(b"end_of_head")
    return head + b"end_of_head" + re.sub(rb"(\d)E([+-])", rb"\1D\2", body)


def itsg_header(good: bytes) -> bytes:
    body = good[good.index(b"key ") :]
    return (
        "Unconstrained solution computed at TU Graz, Mayer-Gürr et al.\nmax_degree in prose is no header\n"
        "units of prose are none either\n"
        "http://doi.org/10.5880/ICGEM.2018.003\n\nbegin_of_head =====\n\nmodelname   ITSG-Grace2018_n96_2008-04\n"
        "earth_gravity_constant 3.9860044150e+14\nradius 6.3781363000e+06\nmax_degree 6\n"
        "norm fully_normalized\ntide_system zero_tide\nerrors formal\n"
    ).encode() + body


def nasa_header(good: bytes) -> bytes:
    body = good[good.index(b"key ") :]
    return (
        b"\"header:\n  dimensions:\n    degree: 60\n    unused_days: [2002-04-10]\n  errors: 'formal'\n\"\n"
        b"begin_of_head ====\nproduct_type gravity_field\nmodelname GSM-2_2002095-2002120_GRAC_UTCSR_BA01_0600\n"
        b"earth_gravity_constant 0.3986004415D+15\nradius 0.63781363D+07\nmax_degree 6\nerrors formal\n"
        b"norm fully_normalized\ntide_system zero-tide\n"
        b"time_period_of_data 20020405 - 20020430 (mid: 20020418)\n"
    ) + body


SAME_FIELD: dict[str, Callable[[bytes], bytes]] = {
    "fortran exponents": fortran_exponents,
    "small d exponents": lambda good: fortran_exponents(good).replace(b"D", b"d"),
    "no max_degree": lambda good: edited("max_degree", "", good),
    "no norm": lambda good: edited("norm", "", good),
    "blank last lines": lambda good: good + b"\n  \n",
    "no line break at the end": lambda good: good.rstrip(),
    "line ends of Windows": lambda good: good.replace(b"\n", b"\r\n"),
    "prose before begin_of_head": itsg_header,
    "quoted YAML before the header": nasa_header,
    "no rows of degree 1": lambda good: edited(row(1, 0), "", edited(row(1, 1), "", good)),
    "orders first": lambda good: b"\n".join(
        sorted(good.split(b"\n"), key=lambda x: (int(x.split()[2]), int(x.split()[1])) if x[:4] == b"gfc " else (-1, 0))
    ),
}


@pytest.mark.parametrize("variant", SAME_FIELD)
def test_a_variant_of_the_format_holds_the_same_field(variant: str) -> None:
    field, good = read_gfc(SAME_FIELD[variant](GOOD)), read_gfc(GOOD)
    assert np.array_equal(field.values, good.values)
    assert np.array_equal(field.sigmas, good.sigmas)
    assert (field.gm, field.radius) == (GM, RADIUS)


def test_the_period_of_a_nasa_header_is_days() -> None:
    field = read_gfc(nasa_header(GOOD))
    assert field.span == Span.of_days(
        Month(2002, 4).calendar.first_day.replace(day=5), Month(2002, 4).calendar.last_day
    )
    assert field.tide_system is TideSystem.ZERO_TIDE


def test_the_citation_is_found_in_the_prose() -> None:
    assert read_gfc(itsg_header(GOOD)).sources[0].citation == "doi 10.5880/ICGEM.2018.003"


def test_a_file_without_sigmas_has_none() -> None:
    field = read_gfc(columns_kept(4))
    assert field.sigmas is None
    assert field.errors is ErrorKind.NONE
    assert np.array_equal(field.values, read_gfc(GOOD).values)


def test_errors_no_means_that_the_columns_are_no_sigmas() -> None:
    assert read_gfc(edited("errors", "errors no")).sigmas is None


def test_a_missing_tide_system_is_unknown() -> None:
    assert read_gfc(edited("tide_system", "")).tide_system is TideSystem.UNKNOWN


def test_a_month_is_never_guessed_from_a_header() -> None:
    assert read_gfc(edited("time_period", "")).span is None


# --- what is rejected ---

C44 = "gfc    4    4 +1.0E-08 +1.0E-08 +1.0E-12 +1.0E-12"
BROKEN: dict[str, tuple[Callable[[], bytes], str, str | None]] = {
    # name: edit, what the message says, start of the line that it names
    "empty": (lambda: b"", "empty", None),
    "web page": (lambda: b"<!DOCTYPE html>\n<html>429 Too Many Requests</html>", "web page", None),
    "no end of head": (lambda: edited("end_of_head", ""), "no line end_of_head", None),
    "cut in the header": (lambda: GOOD[:300], "no line end_of_head", None),
    "cut behind the header": (lambda: GOOD[: GOOD.index(b"gfc ")], "no coefficients", None),
    "cut at a line end": (lambda: GOOD[: GOOD.index(b"gfc    6    3")], "missing", None),
    "cut at a degree": (lambda: GOOD[: GOOD.index(b"gfc    6    0")], "end at degree 5", None),
    "cut in a column": (lambda: GOOD[:-40], "5 numbers in a row that has 6", "gfc    6    6"),
    "cut in an exponent": (lambda: GOOD[:-2], "sigma S(6,6)", "gfc    6    6"),
    "cut before an exponent": (lambda: GOOD[:-5], "sigma S(6,6)", "gfc    6    6"),
    "cut behind the E": (lambda: GOOD[:-4], "a number is expected", "gfc    6    6"),
    "missing row of degree 2": (lambda: edited(row(2, 1), ""), "first (2,1)", None),
    "missing row": (lambda: edited(row(4, 2), ""), "first (4,2)", None),
    "row twice": (lambda: edited(row(5, 0), C44.replace("    4", " 4")), "second time", "gfc 4 4"),
    "order above degree": (lambda: edited(row(4, 4), C44.replace("  4    4", "  4    5")), "order 5", "gfc    4    5"),
    "degree above header": (lambda: edited("max_degree", "max_degree 5"), "degree 6, but the header", "gfc    6    0"),
    "degree below header": (lambda: edited("max_degree", "max_degree 7"), "the header says 7", None),
    "max_degree a word": (lambda: edited("max_degree", "max_degree many"), "'many'", "max_degree"),
    "NaN": (lambda: edited(row(4, 4), C44.replace("1.0E-08", "NaN", 1)), "not a finite", "gfc    4    4"),
    "Inf": (lambda: edited(row(4, 4), C44.replace("+1.0E-12", "-inf")), "not a finite", "gfc    4    4"),
    "overflow": (lambda: edited(row(4, 4), C44.replace("E-08", "E+999")), "not a finite", "gfc    4    4"),
    "stars of Fortran": (lambda: edited(row(4, 4), C44.replace("+1.0E-08", "*******")), "a number", "gfc    4    4"),
    "absurd coefficient": (lambda: edited(row(4, 4), C44.replace("E-08", "E-02", 1)), "C(4,4) is", "gfc    4    4"),
    "absurd sine": (lambda: edited(row(4, 4), C44.replace("+1.0E-08 +1.0E-12", "-1.0E+01 +1.0E-12")), "S(4,4)",
                    "gfc    4    4"),
    "sine of order 0": (lambda: edited(row(4, 0), C44.replace("  4    4", "  4    0")), "order 0", "gfc    4    0"),
    "C00 of two": (lambda: edited(row(0, 0), "gfc 0 0 2.0 0.0 0.0 0.0"), "C(0,0) is 2", "gfc 0 0"),
    "negative sigma": (lambda: edited(row(4, 4), C44.replace("+1.0E-12", "-1.0E-12")), "sigma C(4,4)", "gfc    4    4"),
    "absurd sigma": (lambda: edited(row(4, 4), C44.replace("E-12", "E-02")), "sigma C(4,4)", "gfc    4    4"),
    "fraction of a degree": (lambda: edited(row(4, 4), C44.replace("  4    4", "4.5    4")), "4.5", "gfc  4.5"),
    "column missing": (lambda: edited(row(4, 4), C44[:-8]), "5 numbers in a row that has 6", "gfc    4    4"),
    "column too many": (lambda: edited(row(4, 4), C44 + " 1.0"), "7 numbers in a row that has 6", "gfc    4    4"),
    "two rows in one line": (lambda: edited(row(4, 4), C44 + " " + C44), "numbers in a row", "gfc    4    4"),
    "row without key": (lambda: edited(row(4, 4), C44[3:]), "where a row that begins with gfc", "    4    4"),
    "semi-normalised": (lambda: edited("norm", "norm unnormalized"), "'unnormalized'", "norm"),
    "in metres": (lambda: edited("norm", "units m"), "unit 'm'", "units"),
    "GM in km": (lambda: edited("earth", "earth_gravity_constant 398600.4415"), "398600", "earth"),
    "unit of GM": (lambda: edited("earth", "earth_gravity_constant 3.98e14 km3/s2"), "km3/s2", "earth"),
    "GM missing": (lambda: edited("earth", ""), "no earth_gravity_constant", None),
    "GM a word": (lambda: edited("earth", "earth_gravity_constant unknown"), "'unknown'", "earth"),
    "radius in km": (lambda: edited("radius", "radius 6378.1363"), "6378.14", "radius"),
    "radius missing": (lambda: edited("radius", ""), "no radius", None),
    "unknown tide system": (lambda: edited("tide_system", "tide_system half_tide"), "'half_tide'", "tide_system"),
    "unknown errors": (lambda: edited("errors", "errors guessed"), "'guessed'", "errors"),
    "day 400": (lambda: edited("time_period", "time_period 2008400-2008430"), "none", "time_period"),
    "period backwards": (lambda: edited("time_period", "time_period 2008121-2008092"), "none", "time_period"),
    "packed and cut": (lambda: gzip.compress(GOOD)[:-200], "gzip stream ends too early", None),
    "packed and damaged": (lambda: gzip.compress(GOOD)[:200] + b"\0\0\0" + gzip.compress(GOOD)[203:], "gzip", None),
}  # fmt: skip


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_file_is_rejected_by_name_and_line(damage: str) -> None:
    edit, found, start = BROKEN[damage]
    with pytest.raises(GranuleRejected) as caught:
        read_gfc(edit(), name="GSM-2_broken.gfc")
    assert found in caught.value.found
    assert caught.value.file == "GSM-2_broken.gfc"
    assert caught.value.advice
    assert caught.value.line == (None if start is None else line_of(edit(), start))


@pytest.mark.parametrize("key", ["gfct", "trnd", "dot", "acos", "asin"])
def test_a_static_time_variable_model_is_refused_by_name(key: str) -> None:
    content = GOOD + f"{key} 6 6 1e-12 0.0 1e-13 0.0 20100101\n".encode()
    with pytest.raises(GranuleRejected, match=f"static time-variable model: it has a row {key}") as caught:
        read_gfc(content)
    assert caught.value.line == GOOD.count(b"\n") + 1


def test_a_field_without_max_degree_still_cannot_be_cut_within_a_degree() -> None:
    content = edited("max_degree", "")
    with pytest.raises(GranuleRejected, match="missing"):
        read_gfc(content[: content.index(b"gfc    6    3")])


# --- what is written ---


def test_a_level2_file_has_the_header_of_cost_g() -> None:
    text = write_level2(make_field()).decode()
    assert text.startswith("CMMNT Weights are based on")
    assert "\nproduct_name                  GSM-2_2008092-2008121_GRAC_COSTG_BF01_0200\n" in text
    assert "\ntime_period                   2008092-2008121\n" in text
    assert "\nerrors                        empirical\n" in text
    assert re.search(r"\ngfc    2    0 -4\.84165000000E-04 \+0\.00000000000E\+00 \+\d\.\d{11}E-12", text)


# --- the real files ---


@pytest.mark.real_data
def test_every_real_month_is_complete(real_data: Path) -> None:
    paths = sorted((real_data / "level2" / "itsg-grace-n96").glob("*.gz"))
    assert len(paths) == 214
    for path in paths[::20]:
        field = read_gfc(path)
        assert (field.nmax, field.tide_system, field.errors) == (96, TideSystem.ZERO_TIDE, ErrorKind.FORMAL)
        assert abs(field.values[ordering.position(96, 2, 0)] + 4.8416945e-4) < 1e-9
        assert field.sources[0].citation == "doi 10.5880/ICGEM.2018.003"
        assert np.all(field.sigmas[ordering.index(96).degree >= 2] >= 0.0)


@pytest.mark.real_data
def test_a_real_cost_g_month_keeps_the_weights_of_its_centres(real_data: Path) -> None:
    path = real_data / "level2" / "cost-g" / "GSM-2_2002213-2002243_GRAC_COSTG_BF01_0100.gfc"
    field = read_gfc(path)
    assert (field.nmax, field.tide_system, field.errors) == (90, TideSystem.TIDE_FREE, ErrorKind.EMPIRICAL)
    assert field.span == Month(2002, 8).calendar
    assert "0.61*GSM-2_2002213-2002243_GRAC_UTCSR_BB01_0600" in field.comments
    last = path.read_text().rstrip().split("\n")[-1].split()
    assert field.values[ordering.position(90, 90, 90, sine=True)] == float(last[4])


@pytest.mark.real_data
def test_the_real_static_model_is_refused(real_data: Path) -> None:
    with pytest.raises(GranuleRejected, match="static time-variable"):
        read_gfc(real_data / "level2" / "test_variable.gfct")


@pytest.mark.real_data
def test_a_real_month_is_written_as_it_was_read(real_data: Path) -> None:
    """The rows of our writer are those of COST-G, but for the exponent of C00, which COST-G prints by 0.1."""
    path = real_data / "level2" / "cost-g" / "GSM-2_2002213-2002243_GRAC_COSTG_BF01_0100.gfc"
    rows = [line for line in path.read_text().split("\n") if line.startswith("gfc")]
    written = [line for line in write_level2(read_gfc(path)).decode().split("\n") if line.startswith("gfc")]
    assert written[1:] == rows[1:]
