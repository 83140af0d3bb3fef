"""Every kind of file is known by its content, and damage is told as a problem, not as a crash."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from services.ingest.inspection import inspect
from shared.errors import GranuleRejected, RequestRefused
from shared.formats.baseline import write_baseline
from shared.formats.files import sha256_of
from shared.formats.level2b import level2b_bytes
from shared.formats.netcdf import write_level3
from shared.formats.shm import gia_bytes
from shared.models.grid import Grid
from tests.builders import make_anomalies, make_gfc, make_gia
from tests.product_builders import ABOUT, continents, make_baseline, make_maps, write_mask

MONTHS = b"nominal_month,begin_yyyyddd,end_yyyyddd\n2002-04,2002095,2002120\n2019-02,2019026,2019066\n"
SINEX = b"""%=SNX 2.02 TUG 18:300:38958 TUG 08:092:00000 08:122:00000 C 00003 2            2
+SOLUTION/ESTIMATE
*INDEX _TYPE_ CODE PT SOLN _REF_EPOCH__ UNIT S ___ESTIMATED_VALUE___ __STD_DEV__
     1 CN        2 --    0 08:107:00000 ---- 2 -4.84169356322812e-04 1.13782e-11
     2 CN        2 --    1 08:107:00000 ---- 2 -3.31545958782375e-10 3.08000e-12
     3 SN        2 --    1 08:107:00000 ---- 2  1.31545958782375e-09 3.08000e-12
-SOLUTION/ESTIMATE
+SOLUTION/NORMAL_EQUATION_MATRIX U
     1     1  4.00000000000000e+00  1.00000000000000e+00  0.00000000000000e+00
     2     2  3.00000000000000e+00  0.00000000000000e+00
     3     3  2.00000000000000e+00
-SOLUTION/NORMAL_EQUATION_MATRIX
%ENDSNX
"""
NAME = "GSM-2_2008092-2008121_GRAC_COSTG_BF01_0200.gfc"


def product(path: Path, **edits: object) -> None:
    write_level3(path, make_maps(4, without=("2002-06",), **edits), ABOUT)


def mask(path: Path) -> None:
    grid = Grid()
    write_mask(path, continents(grid), grid.latitudes, grid.longitudes)


MAKERS = {
    "Level-2 gravity field (gfc)": lambda path: path.write_bytes(make_gfc()),
    "Level-2B coefficients": lambda path: path.write_bytes(
        level2b_bytes(make_anomalies(), "VDK3", product_version="0001")
    ),
    "model of glacial isostatic adjustment": lambda path: path.write_bytes(gzip.compress(gia_bytes(make_gia()))),
    "table of months": lambda path: path.write_bytes(MONTHS),
    "normal equations (SINEX)": lambda path: path.write_bytes(SINEX),
    "Level-3 product": product,
    "baseline": lambda path: write_baseline(path, make_baseline()),
    "land mask": mask,
}


def facts(path: Path, **how: bool) -> dict[str, str]:
    return dict(inspect(path, **how).facts)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_is_known_by_content_and_sound(kind: str, tmp_path: Path) -> None:
    path = tmp_path / NAME  # a name that fits only one of them
    MAKERS[kind](path)
    found = inspect(path)
    assert (found.kind, found.problems) == (kind, ())
    assert found.is_sound
    assert dict(found.facts)["SHA-256"] == sha256_of(path)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_that_was_cut_off_is_known_and_not_sound(kind: str, tmp_path: Path) -> None:
    path = tmp_path / NAME
    MAKERS[kind](path)
    content = path.read_bytes()
    path.write_bytes(content[: -min(len(content) // 3, 40_000)])
    found = inspect(path)
    assert found.problems
    assert found.kind == kind or found.kind.startswith("NetCDF file that cannot")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "the file is empty"),
        (b"  <!DOCTYPE html><html>", "a web page instead of data"),
        (b"1.5 2.5\n", "none of the files that are known"),
        (b"\x1f\x8bnonsense", "none of the files that are known"),
    ],
)
def test_what_is_not_known_is_refused_with_what_would_be(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "month.gfc"
    path.write_bytes(content)
    with pytest.raises(GranuleRejected, match=found) as caught:
        inspect(path)
    assert "Level-2B" in caught.value.advice


def test_a_netcdf_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createVariable("pressure", "f8", ())
    with pytest.raises(GranuleRejected, match=r"no known kind \(pressure\)"):
        inspect(tmp_path / "a.nc")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestRefused, match="there is no file"):
        inspect(tmp_path / "none.gfc")


def test_a_month_is_told_by_name_and_header(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(make_gfc())
    assert facts(path)["month"] == "2008-04, data 2008-04-01 to 2008-04-30"
    assert facts(path)["maximum degree"] == "6"


def test_a_month_under_the_name_of_another_is_not_sound(tmp_path: Path) -> None:
    path = tmp_path / NAME.replace("2008092-2008121", "2009091-2009120")
    path.write_bytes(make_gfc())
    assert "different" in " ".join(inspect(path).problems)


def test_level2b_tells_filter_steps_and_sources(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    MAKERS["Level-2B coefficients"](path)
    found = facts(path)
    assert (found["filter set"], found["month"], found["made from"]) == ("VDK3", "2008-04", "1 files")
    assert found["steps"] == "mean subtracted; decorrelated: VDK3"


def test_normal_equations_are_told_without_their_matrix(tmp_path: Path) -> None:
    path = tmp_path / "a.snx"
    path.write_bytes(SINEX.replace(b"2.00000000000000e+00\n-", b"nonsense\n-"))
    found = facts(path)
    assert found["parameters"] == "3 listed, 3 announced"
    assert found["degrees"] == "2 to 2"
    assert found["matrix"] == "upper triangle"
    assert inspect(path).is_sound  # only a deep look sees the matrix


def test_a_deep_look_reads_the_matrix(tmp_path: Path) -> None:
    path = tmp_path / "a.snx"
    path.write_bytes(SINEX)
    assert any("missing" in problem for problem in inspect(path, deep=True).problems)  # C22 and S22 are


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        ((b"C 00003", b"C 00005"), "announces 5 parameters, the file lists 3"),
        ((b"MATRIX U", b"MATRIX X"), "of kind U or L"),
        ((b"%ENDSNX", b"%END"), "does not end with %ENDSNX"),
        ((b"SOLUTION/ESTIMATE", b"SOLUTION/OTHER"), "no block SOLUTION/ESTIMATE"),
    ],
)
def test_normal_equations_that_contradict_themselves_are_not_sound(edit, found: str, tmp_path: Path) -> None:
    path = tmp_path / "a.snx"
    path.write_bytes(SINEX.replace(*edit))
    assert any(found in problem for problem in inspect(path).problems)


def test_a_product_tells_its_months_gaps_and_fallback(tmp_path: Path) -> None:
    product(tmp_path / "a.nc")
    found = facts(tmp_path / "a.nc")
    assert found["months"] == "4, 2002-04 to 2002-08"
    assert (found["gaps"], found["fallback months"]) == ("2002-06", "2002-05")
    assert found["product version"] == "v1.0"


def test_the_mean_of_a_product_is_weighted_by_area(tmp_path: Path) -> None:
    maps = make_maps(3)
    product_of_one = replace(maps, twsa=np.where(maps.grid.latitudes[:, None] > 0, 0.2, 0.1) + 0.0 * maps.twsa)
    write_level3(tmp_path / "a.nc", product_of_one, ABOUT)
    # Independent: the area of a cell goes with the cosine of its latitude
    weights = np.cos(np.deg2rad(maps.grid.latitudes))[:, None] * maps.land
    expected = 1000.0 * np.sum(weights * product_of_one.twsa[0]) / weights.sum()
    assert f"mean over land and time {expected:.2f} mm" in facts(tmp_path / "a.nc")["twsa"]


def edited(name: str, change):
    def edit(path: Path) -> None:
        with netCDF4.Dataset(path, "a") as file:
            variable = file[name]
            variable.set_auto_maskandscale(False)
            values = variable[...]
            change(values)
            variable[...] = values

    return edit


def place(value: float, land: bool = True):
    def change(values: np.ndarray) -> None:
        row, column = np.argwhere(continents(Grid(5.0)) == land)[0]
        values[1, row, column] = value

    return change


def item(at: object, value: float):
    def change(values: np.ndarray) -> None:
        values[at] = value

    return change


def swap(values: np.ndarray) -> None:
    values[[0, 1]] = values[[1, 0]]


def attribute(name: str, value: str | None):
    def edit(path: Path) -> None:
        with netCDF4.Dataset(path, "a") as file:
            file.delncattr(name)
            if value is not None:
                file.setncattr(name, value)

    return edit


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (edited("twsa", place(np.nan)), "1 values of twsa are missing on land"),
        (edited("twsa", place(5.0, land=False)), "1 values of twsa stand on the ocean"),
        (edited("twsa", place(1e6)), "which nothing on Earth does"),
        (edited("twsa_uncertainty", place(-1.0)), "a value of twsa_uncertainty is not positive"),
        (edited("time", swap), "time does not increase"),
        (edited("time", item(0, 90.0)), "time is not the middle of time_bnds"),
        (edited("time_bnds", item((0, 1), 0.0)), "time_bnds end before they begin"),
        (edited("nominal_month", swap), "months are not in order"),
        (edited("flag_filter", item(1, 3)), "flag_filter does not fit"),
        (edited("noise_open_ocean", item(0, 0.0)), "has no noise"),
        (edited("lat", item(0, -90.0)), "not the centres of a regular global grid"),
        (edited("land_mask", item(slice(None), 0)), "0.0% of the globe are land"),
        (edited("source_sha256", item(0, "none")), "no SHA-256 for gia.gz"),
        (edited("source_role", item(1, "other")), "3 Level-2 files for 4 months"),
        (attribute("product_version", None), "attribute product_version is missing"),
        (attribute("Conventions", "COARDS"), "does not name CF"),
    ],
)
def test_a_product_that_cannot_be_is_not_sound(edit, found: str, tmp_path: Path) -> None:
    product(tmp_path / "a.nc")
    edit(tmp_path / "a.nc")
    assert any(found in problem for problem in inspect(tmp_path / "a.nc").problems)


def test_a_product_with_damaged_bytes_is_not_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    product(path)
    content = bytearray(path.read_bytes())
    amid = 4 * len(content) // 5  # the maps are written last
    content[amid : amid + 200] = bytes(200)
    path.write_bytes(content)
    assert any("damaged values of twsa" in problem for problem in inspect(path).problems)


def test_real_files_are_known_and_sound(real_data: Path) -> None:
    kinds = {
        "gravis/GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a_0001.gz": "model of glacial isostatic adjustment",
        "gravis/GRAVIS-2B_COSTG_0200_MEAN_2002095-2020091_NFIL_0001.gz": "gravity field (SHM)",
        "gravis/GRAVIS-2B_COSTG_0200_GEOCENTER_0001.dat": "table of low-degree coefficients",
        "gravis/GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0001.dat": "table of low-degree coefficients",
        "low-degree/TN-13_GEOC_CSR_RL06.3.txt": "table of low-degree coefficients",
        "low-degree/TN-14_C30_C20_SLR_GSFC.txt": "table of low-degree coefficients",
        "level2/cost-g/GSM-2_2002213-2002243_GRAC_COSTG_BF01_0100.gfc": "Level-2 gravity field (gfc)",
        "level2/itsg-grace-n96/ITSG-Grace2018_n96_2002-04.gfc.gz": "Level-2 gravity field (gfc)",
        "level2/cost-g/months_rl02.csv": "table of months",
        "masks/landsea_hd.nc": "land mask",
    }
    found = {name: inspect(real_data / name) for name in kinds}
    assert {name: inspection.kind for name, inspection in found.items()} == kinds
    assert not [problem for inspection in found.values() for problem in inspection.problems]


def test_the_real_sinex_head_says_that_it_was_cut(real_data: Path) -> None:
    (problem,) = inspect(real_data / "sinex" / "ITSG-Grace2018_n96_2008-04_head12.snx").problems
    assert problem == "the header announces 9405 parameters, the file lists 12"
