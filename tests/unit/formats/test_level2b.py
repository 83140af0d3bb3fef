"""Level-2B files: what is written comes back bit by bit, for us and for pyshtools."""

import gzip
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyshtools
import pytest

from shared.errors import GranuleRejected
from shared.formats.icgem import read_gfc
from shared.formats.level2b import level2b_bytes, level2b_name, read_level2b
from shared.geodesy import ordering
from shared.models.coefficients import ErrorKind
from shared.models.epoch import Month
from shared.models.provenance import Source
from tests.builders import GM, RADIUS, make_anomalies, make_gfc


@pytest.mark.parametrize("filter_set", ["NFIL", "VDK3"])
def test_a_month_comes_back_bit_by_bit_with_all_that_it_came_from(filter_set: str, tmp_path: Path) -> None:
    month = make_anomalies(12)
    path = tmp_path / level2b_name(month.span, filter_set)
    path.write_bytes(level2b_bytes(month, filter_set, product_version="0001", header={"reference_period": "2003-2022"}))
    found, field = read_level2b(path)
    assert found == filter_set
    assert np.array_equal(field.values, month.sets[filter_set])
    assert (field.month, field.span, field.gm, field.radius) == (month.month, month.span, GM, RADIUS)
    assert (field.history, field.sources) == (month.history, month.sources)
    assert {"reference_period: 2003-2022", "filter_source: error-scaled", "a note of the month"} <= set(field.comments)


def test_standard_deviations_stand_with_the_set_they_belong_to() -> None:
    month = make_anomalies()
    _, unfiltered = read_level2b(level2b_bytes(month, "NFIL", product_version="1", errors=ErrorKind.EMPIRICAL))
    _, filtered = read_level2b(level2b_bytes(month, "VDK3", product_version="1"))
    assert np.array_equal(unfiltered.sigmas, month.sigmas)
    assert unfiltered.errors is ErrorKind.EMPIRICAL
    assert filtered.sigmas is None
    assert filtered.errors is ErrorKind.NONE


def test_a_citation_with_bars_and_breaks_stays_whole() -> None:
    source = Source("gia", "gia.gz", "3" * 64, "Peltier | Argus |\n Drummond")
    month = replace(make_anomalies(), sources=(source,))
    _, field = read_level2b(level2b_bytes(month, "NFIL", product_version="1"))
    assert field.sources == (replace(source, citation="Peltier | Argus | Drummond"),)


@pytest.mark.parametrize("filter_set", ["NFIL", "VDK3"])
def test_pyshtools_reads_the_same_numbers(filter_set: str, tmp_path: Path) -> None:
    """Comments full of keywords must not be taken for the header by a reader that searches anywhere."""
    month = make_anomalies(12)
    header = {"remark": "radius 1.0 max_degree 3 errors norm earth_gravity_constant 2.0 product_type format icgem2.0"}
    path = tmp_path / "level2b.gz"
    path.write_bytes(level2b_bytes(month, filter_set, product_version="1", header=header))
    read = pyshtools.shio.read_icgem_gfc(str(path), errors="formal" if filter_set == "NFIL" else None)
    assert np.array_equal(ordering.pack(read[0]), month.sets[filter_set])
    assert read[1:3] == (GM, RADIUS)
    if filter_set == "NFIL":
        assert np.array_equal(ordering.pack(read[3]), month.sigmas)


def test_pyshtools_makes_coefficients_of_it(tmp_path: Path) -> None:
    month = make_anomalies(12)
    path = tmp_path / "level2b.gz"
    path.write_bytes(level2b_bytes(month, "VDK3", product_version="1"))
    coefficients = pyshtools.SHGravCoeffs.from_file(str(path), format="icgem")
    assert (coefficients.lmax, coefficients.gm, coefficients.r0) == (12, GM, RADIUS)


def test_the_same_month_gives_the_same_bytes() -> None:
    first, second = (level2b_bytes(make_anomalies(), "VDK3", product_version="1") for _ in range(2))
    assert first == second
    assert first[4:8] == b"\0\0\0\0"  # no time in the header of gzip (RFC 1952, MTIME)


def test_the_name_is_that_of_gravis_but_for_the_prefix() -> None:
    span = Month(2008, 4).calendar
    assert level2b_name(span, "VDK3") == "GRAVSTREAM-2B_2008092-2008121_COSTG_0200_VDK3_0001.gz"
    assert level2b_name(span, "NFIL", prefix="GRAVIS-2B") == "GRAVIS-2B_2008092-2008121_COSTG_0200_NFIL_0001.gz"


def test_the_header_says_what_the_coefficients_are() -> None:
    text = gzip.decompress(level2b_bytes(make_anomalies(), "VDK3", product_version="0001")).decode()
    for line in ("norm +fully_normalized", "max_degree +6", "time_period +2008092-2008121", "radius +6378136.3"):
        assert re.search(rf"(?m)^{line}$", text), line
    assert "CMMNT history: decorrelated: VDK3\n" in text
    assert f"CMMNT source: level-2 | a.gfc | {'0' * 64} | COST-G" in text


def test_a_level2_file_is_no_level2b() -> None:
    read_gfc(make_gfc())
    with pytest.raises(GranuleRejected, match="no Level-2B file") as caught:
        read_level2b(make_gfc(), name="GSM-2_x.gfc")
    assert caught.value.file == "GSM-2_x.gfc"


def test_a_line_of_source_that_lost_its_digest_is_rejected() -> None:
    plain = gzip.decompress(level2b_bytes(make_anomalies(), "NFIL", product_version="1"))
    with pytest.raises(GranuleRejected, match="complete source"):
        read_level2b(re.sub(rb"CMMNT source: .*", b"CMMNT source: level-2 | a.gfc", plain))
