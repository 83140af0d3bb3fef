"""SHM files and GIA rates: never zero, never cut, never taken for something else."""

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats.shm import gia_bytes, read_field, read_gia
from shared.geodesy import ordering
from shared.models.coefficients import TideSystem
from shared.models.epoch import Span
from tests.builders import make_gia

GOOD = gia_bytes(make_gia())


def edited(old: str, new: str, content: bytes = GOOD) -> bytes:
    text, count = re.subn(rf"(?m)^{old}.*$", new, content.decode())
    assert count == 1, (old, count)
    return text.encode()


def as_field(content: bytes = GOOD) -> bytes:
    """The rates as a field of one month: another key, and two standard deviations, dates and flags behind."""
    text = re.sub(r"(?m)^GRDOTA(.*)$", r"GRCOF2\1 0.1E-12 0.2E-12 20080401.0000 20080501.0000 yynn", content.decode())
    period = "    time_coverage_start : 2008-04-01T00:00:00.00\n    time_coverage_end : 2008-05-01T00:00:00.00\n"
    text = text.replace("    title", "    permanent_tide_flag : exclusive permanent tide\n" + period + "    title")
    return re.sub(r"(?m)^(GRCOF2 +\d+ +0 .*) 0.2E-12", r"\1 0.0000E+00", text).encode()


def test_rates_come_back_as_they_were_written() -> None:
    model = make_gia(12)
    back = read_gia(gia_bytes(model), name="gia.gz")
    assert np.array_equal(back.rates, model.rates)
    assert (back.gm, back.radius, back.name) == (model.gm, model.radius, "gia.gz")
    assert (back.source.role, back.source.citation) == ("gia", model.source.citation)


def test_exponents_without_a_leading_zero_are_numbers() -> None:
    """Fortran writes -.25E-11: a reader that needs a digit before the point finds no coefficient."""
    plain = read_gia(edited("GRDOTA +2 +1 ", "GRDOTA    2    1 -0.251920132000E-11 0.118534912000E-10")).rates
    bare = read_gia(edited("GRDOTA +2 +1 ", "GRDOTA    2    1 -.251920132000E-11 0.118534912000D-10")).rates
    assert np.array_equal(bare, plain)
    assert bare[ordering.position(6, 2, 1)] == -0.251920132000e-11


def test_a_field_is_read_with_its_sigmas_period_and_tide_system() -> None:
    field = read_field(gzip.compress(as_field()), name="GSM.gz")
    assert np.array_equal(field.values, make_gia().rates)
    assert field.sigmas[ordering.position(6, 3, 2, sine=True)] == 0.2e-12
    assert field.span == Span(54557.0, 54587.0)
    assert field.tide_system is TideSystem.TIDE_FREE


C33 = "GRDOTA    3    3 0.1E-12 0.1E-12"
BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut at a line end": (lambda: GOOD[: GOOD.index(b"GRDOTA    6    4")], "missing"),
    "cut at a degree": (lambda: GOOD[: GOOD.index(b"GRDOTA    6    0")], "end at degree 5, but the header says 6"),
    "cut in a line": (lambda: GOOD[:-25], "numbers in a row"),
    "cut in an exponent": (lambda: GOOD[:-2], "S(6,6)"),
    "packed and cut": (lambda: gzip.compress(GOOD)[:-50], "gzip"),
    "only zeros": (lambda: re.sub(rb"(GRDOTA +\d+ +\d+).*", rb"\1 0.0E+00 0.0E+00", GOOD), "zero"),
    "header says more": (lambda: edited("    degree ", "    degree : 256"), "the header says 256"),
    "header says less": (lambda: edited("    degree ", "    degree : 5"), "the header says max_degree 5"),
    "row missing": (lambda: edited("GRDOTA +4 +2 ", ""), "first (4,2)"),
    "row twice": (lambda: edited("GRDOTA +4 +2 ", C33), "second time"),
    "NaN": (lambda: edited("GRDOTA +3 +3 ", C33.replace("0.1E-12", "NaN", 1)), "not a finite"),
    "rate of a whole field": (lambda: edited("GRDOTA +3 +3 ", C33.replace("E-12", "E-06")), "C(3,3)"),
    "C00 of one": (lambda: edited("GRDOTA +0 +0 ", "GRDOTA 0 0 1.0 0.0"), "C(0,0)"),
    "a field, not rates": (as_field, "GRDOTA is expected"),
    "other normalisation": (lambda: edited("    normalization", "    normalization : unnormalized"), "unnormalized"),
    "radius in km": (lambda: GOOD.replace(b"6378136.46", b"6378.13646"), "6378.14"),
    "unit of the radius": (lambda: GOOD.replace(b": meters", b": km"), "unit 'km'"),
    "no GM": (lambda: GOOD.replace(b"earth_gravity_param", b"something"), "earth_gravity_param"),
    "header without end": (lambda: edited("# End of YAML", ""), "no line '# End of YAML header'"),
    "something else": (lambda: b"Dear user,\nthe file has moved.\n", "neither rows GRDOTA"),
    "web page": (lambda: b"<html><body>404</body></html>", "web page"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_damaged_gia_model_is_rejected(damage: str) -> None:
    edit, found = BROKEN[damage]
    with pytest.raises(GranuleRejected) as caught:
        read_gia(edit(), name="gia.gz")
    assert found in caught.value.found
    assert caught.value.file == "gia.gz"


def test_the_line_of_a_damaged_rate_is_named() -> None:
    content = edited("GRDOTA +3 +3 ", C33.replace("E-12", "E-06"))
    with pytest.raises(GranuleRejected) as caught:
        read_gia(content)
    assert content.decode().split("\n")[(caught.value.line or 0) - 1].startswith("GRDOTA    3    3")


# --- Peltier's own table ---


def peltier(model_rates: np.ndarray, nmax: int = 6) -> str:
    """The layout of the supporting table: degrees 0 to 2 twice, then the rest, with prose and titles."""
    cosine, sine = ordering.unpack(model_rates)
    rows = {
        (n, m): f" {n:5d} {m:5d}  {cosine[n, m]:18.11E}  {sine[n, m]:18.11E}"
        for n in range(nmax + 1)
        for m in range(n + 1)
    }
    low = [rows[n, m] for n in range(3) for m in range(n + 1)]
    sea_level = [f" {n:5d} {m:5d}   9.0E-11   {9.0e-11 if m else 0.0:.1E}" for n in range(3) for m in range(n + 1)]
    high = [rows[n, m] for n in range(3, nmax + 1) for m in range(n + 1)]
    return "\n".join(
        ["ICE-6G_D (VM5a) Stokes coefficients, 2018", "see Peltier et al. for the GRACE approximation", "",
         "Absolute Sea-level Values for degrees 0 to 2", " n m C S", *sea_level, "",
         "GRACE Approximation for degrees 0 to 2", *low, "",
         "GRACE Approximation/Absolute Sea-level Values for degrees > 2", *high, ""]
    )  # fmt: skip


def test_the_grace_approximation_replaces_the_sea_level_values_of_degree_2() -> None:
    rates = make_gia().rates
    model = read_gia(peltier(rates).encode(), name="ICE-6G_D.txt")
    assert np.array_equal(model.rates, rates)
    assert model.source.citation.endswith("10.1002/2016JB013844")


def test_the_order_of_the_blocks_does_not_matter() -> None:
    text = peltier(make_gia().rates)
    prose, first, second, third = re.split(r"(?m)^(?=Absolute|GRACE)", text)
    assert np.array_equal(read_gia((prose + second + first + third).encode()).rates, make_gia().rates)


def test_a_plain_table_without_titles_is_read() -> None:
    text = peltier(make_gia().rates)
    plain = "prose\n" + text[text.index("GRACE Approximation for") :].replace("GRACE Approximation", "Values")
    assert np.array_equal(read_gia(plain.encode()).rates, make_gia().rates)


PELTIER_BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "cut": (lambda text: text[: text.rindex("     6     4")], "missing"),
    "cut in a line": (lambda text: text.rstrip()[:-25], "a row n m C S is expected"),
    "NaN": (lambda text: re.sub(r"(     4     4).*", r"\1   NaN  0.0", text), "a row n m C S is expected"),
    "row twice": (lambda text: re.sub(r"(     4     3)", r"     4     2", text), "second time"),
    "absurd": (lambda text: re.sub(r"(     4     4).*", r"\1  1.0E-03  0.0", text), "C(4,4)"),
}


@pytest.mark.parametrize("damage", PELTIER_BROKEN)
def test_a_damaged_table_of_peltier_is_rejected(damage: str) -> None:
    edit, found = PELTIER_BROKEN[damage]
    content = edit(peltier(make_gia().rates))
    with pytest.raises(GranuleRejected) as caught:
        read_gia(content.encode())
    assert found in caught.value.found
    if damage == "absurd":
        assert "1.0E-03" in content.split("\n")[(caught.value.line or 0) - 1]


def test_a_model_of_zeros_cannot_even_be_made() -> None:
    with pytest.raises(ValueError, match="zero"):
        replace(make_gia(), rates=np.zeros(49))


# --- the real files ---


@pytest.mark.real_data
def test_the_real_gia_model_is_not_zero(real_data: Path) -> None:
    """Rates of the file as a text search finds them; and a pole tide of C21 and S21 as the model is known for."""
    path = real_data / "gravis" / "GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a_0001.gz"
    model = read_gia(path)
    assert ordering.maximum_degree(model.rates.size) == 256
    for degree, order in ((2, 0), (2, 1), (97, 13), (256, 256)):
        found = re.search(
            rf"(?m)^GRDOTA +{degree} +{order} +(\S+?E...) *(\S+)$", gzip.decompress(path.read_bytes()).decode()
        )
        assert found
        assert model.rates[ordering.position(256, degree, order)] == float(found[1])
        if order:
            assert model.rates[ordering.position(256, degree, order, sine=True)] == float(found[2])
    assert np.count_nonzero(model.rates[ordering.index(256).degree >= 2]) > 66_000
    assert (model.gm, model.radius) == (3.986004415e14, 6378136.46)


@pytest.mark.real_data
def test_the_real_gia_model_is_written_as_it_was_read(real_data: Path) -> None:
    model = read_gia(real_data / "gravis" / "GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a_0001.gz")
    assert np.array_equal(read_gia(gia_bytes(model)).rates, model.rates)


@pytest.mark.real_data
def test_the_real_mean_field_is_read(real_data: Path) -> None:
    field = read_field(real_data / "gravis" / "GRAVIS-2B_COSTG_0200_MEAN_2002095-2020091_NFIL_0001.gz")
    assert (field.nmax, field.tide_system, field.radius) == (96, TideSystem.TIDE_FREE, 6378136.46)
    assert field.values[ordering.position(96, 2, 0)] == -0.484165126521e-03
    assert field.sigmas[ordering.position(96, 96, 96, sine=True)] == 0.8051e-12
    assert field.sources[0].citation == "doi 10.5880/COST-G.GRAVIS_02_L2B"
