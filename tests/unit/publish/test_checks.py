"""The gate lets a good product through and holds each broken one, for the right reason."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from services.publish import conventions
from services.publish.checks import check, copy_without_maps
from services.publish.gate import GateLimits, below
from shared.models.grid import GridSeries
from tests.unit.publish.releases import calm_maps, edited, write_product

CONTINENT = (22, 48)  # a land cell of the grid of 5 degrees


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_product(tmp_path_factory.mktemp("product"), calm_maps())


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_product(tmp_path_factory.mktemp("previous"), calm_maps_of(5))


def calm_maps_of(count: int) -> GridSeries:
    """The first months of the same record."""
    maps = calm_maps()
    return replace(
        maps,
        months=maps.months[:count],
        spans=maps.spans[:count],
        twsa=maps.twsa[:count],
        noise=maps.noise[:count],
        sigma=maps.noise[:count],
        strength=maps.strength[:count],
        filter_sources=maps.filter_sources[:count],
        sources=maps.sources[: count + 1],
    )


def test_a_good_product_passes_and_says_what_was_measured(product: Path, previous: Path) -> None:
    report = check(product, previous)
    assert report.passed, report.reasons
    assert report.reasons == ()
    assert all(result.text and np.isfinite([result.measured, result.limit]).all() for result in report.results)
    names = {result.name for result in report.results}
    assert {"completeness", "range", "closure", "step", "noise", "mask", "metadata", "conventions"} <= names


def test_what_is_measured_is_what_stands_in_the_file(product: Path) -> None:
    report, maps = check(product), calm_maps()
    heights = np.where(maps.land, np.abs(maps.twsa), 0.0) * 1000.0
    assert report["range"].measured == pytest.approx(heights.max(), rel=1e-6)  # float32
    weights = np.where(maps.land, np.cos(np.deg2rad(maps.grid.latitudes))[:, None], 0.0)
    means = (maps.twsa * weights).sum(axis=(1, 2)) / weights.sum() * 1000.0
    # The mean is summed in float32 over 600 cells of at most 60 mm.
    assert report["closure"].measured == pytest.approx(np.abs(np.diff(means)).max(), abs=1e-3)
    assert report["mask"].measured == pytest.approx(
        weights.sum() / (72 * np.cos(np.deg2rad(maps.grid.latitudes)).sum())
    )


def a_hole(file: netCDF4.Dataset) -> None:
    file["twsa"].set_auto_mask(False)
    file["twsa"][3, *CONTINENT] = file["twsa"]._FillValue


def a_value_in_the_ocean(file: netCDF4.Dataset) -> None:
    file["twsa"][2, 0:1, :] = 1.0
    file["land_mask"][0, :] = 0


def metres_instead_of_millimetres(file: netCDF4.Dataset) -> None:
    file["twsa"][3, *CONTINENT] = 20000.0


def a_wrong_degree_zero(file: netCDF4.Dataset) -> None:
    file["twsa"][3] = file["twsa"][3] + 100.0


def a_sigma_of_nothing(file: netCDF4.Dataset) -> None:
    file["twsa_uncertainty"][3, *CONTINENT] = 0.0


def a_sigma_out_of_range(file: netCDF4.Dataset) -> None:
    file["twsa_uncertainty"][3, *CONTINENT] = 250.0


def a_month_twice(file: netCDF4.Dataset) -> None:
    file["nominal_month"][3] = int(file["nominal_month"][2])


def another_noise(file: netCDF4.Dataset) -> None:
    file["noise_open_ocean"][5] = 200.0


def no_licence(file: netCDF4.Dataset) -> None:
    file.delncattr("license")


def a_digest_lost(file: netCDF4.Dataset) -> None:
    file["source_sha256"][0] = "unknown"


def another_end(file: netCDF4.Dataset) -> None:
    file.time_coverage_end = "2030-01-01T00:00:00Z"


def gaps_hidden(file: netCDF4.Dataset) -> None:
    file.gaps = "2002-05"


def correlation_lost(file: netCDF4.Dataset) -> None:
    file.renameVariable("error_correlation", "correlation")


def units_of_nothing(file: netCDF4.Dataset) -> None:
    file["twsa"].units = "millimeters of nothing"


def flags_turned_round(file: netCDF4.Dataset) -> None:
    file["noise_open_ocean"][4] = 60.0


@pytest.mark.parametrize(
    ("edit", "name", "said"),
    [
        (a_hole, "completeness", "twsa of 2002-07 lacks 1 land cell"),
        (a_value_in_the_ocean, "completeness", "twsa of 2002-06 has values in 72 ocean cells"),
        (metres_instead_of_millimetres, "range", "20000 mm, in 2002-07"),
        (a_wrong_degree_zero, "closure", "2002-06 to 2002-07|2002-07 to 2002-08"),
        (a_sigma_of_nothing, "uncertainty above zero", "0 mm"),
        (a_sigma_out_of_range, "uncertainty", "250 mm, in 2002-07"),
        (a_month_twice, "completeness", "2002-06 stands behind 2002-06"),
        (another_noise, "noise", "200.0 mm in 2002-09"),
        (no_licence, "metadata", "does not say license"),
        (a_digest_lost, "metadata", "without role, name or digest: gia.gz"),
        (another_end, "metadata", "time_coverage_end is 2030"),
        (gaps_hidden, "metadata", "gaps is 2002-05, the data say none"),
        (correlation_lost, "metadata", "does not say how the errors of two cells correlate"),
        (units_of_nothing, "conventions", "units"),
        (flags_turned_round, "metadata", "no stronger filter"),
    ],
)
def test_a_broken_product_is_held_for_its_fault(
    product: Path, tmp_path: Path, edit: object, name: str, said: str
) -> None:
    report = check(edited(product, tmp_path, edit))  # type: ignore[arg-type]
    assert not report.passed
    assert not report[name].passed
    assert re.search(said, report[name].text), report[name].text
    assert any(reason.startswith(name) for reason in report.reasons)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda maps: replace(maps, twsa=maps.twsa + np.float32(0.02)), "step"),
        (lambda maps: replace(maps, twsa=with_a_peak(maps)), "step of a cell"),
        (lambda maps: replace(maps, land=np.roll(maps.land, 1, axis=1)), "mask kept"),
    ],
)
def test_a_past_month_that_moved_too_far_is_held(change, name: str, product: Path, tmp_path: Path) -> None:
    """20 mm everywhere; 120 mm in one cell, which is large on this grid; a mask turned by a cell."""
    before = write_product(tmp_path, change(calm_maps_of(5)))
    report = check(product, before, replace(GateLimits(), past_rms=10.0))
    assert [result.name for result in report.results if not result.passed] == [name]


def with_a_peak(maps: GridSeries) -> np.ndarray:
    twsa = np.array(maps.twsa)
    twsa[1, *CONTINENT] += 0.12
    return twsa


def test_a_lost_month_is_held(product: Path, previous: Path) -> None:
    report = check(previous, product)
    assert not report["months kept"].passed
    assert "2002-09" in report["months kept"].text


def test_only_months_that_are_new_are_measured_for_their_noise(product: Path, tmp_path: Path) -> None:
    noisy = edited(product, tmp_path, another_noise)
    assert not check(noisy)["noise"].passed
    assert check(noisy, noisy)["noise"].passed


def test_a_file_that_cannot_be_read_is_held_by_name(product: Path, tmp_path: Path) -> None:
    path = tmp_path / product.name
    content = bytearray(product.read_bytes())
    content[len(content) // 2 :: 97] = b"\xff" * len(content[len(content) // 2 :: 97])
    path.write_bytes(content)
    report = check(path)
    assert not report.passed
    (tmp_path / "none.nc").write_text("<html>")
    assert check(tmp_path / "none.nc")["readable"].text.startswith("none.nc")


def test_the_name_is_that_of_the_release_not_of_the_working_file(product: Path, tmp_path: Path) -> None:
    working = tmp_path / "0123abcd"
    working.write_bytes(product.read_bytes())
    assert not check(working)["metadata"].passed
    assert check(working, name=product.name)["metadata"].passed
    wrong = product.name.replace("200209", "200210")
    assert "the name says 200210, the file 200209" in check(working, name=wrong)["metadata"].text


def test_a_limit_is_kept_by_what_is_below_it_and_by_no_nan() -> None:
    assert below("x", 1.0, 1.0, "").passed
    assert not below("x", np.nextafter(1.0, 2.0), 1.0, "").passed
    assert not below("x", np.nan, 1.0, "").passed


def test_limits_are_settings(product: Path) -> None:
    report = check(product, limits=replace(GateLimits(), largest_anomaly=1.0))
    assert [result.name for result in report.results if not result.passed] == ["range"]


def test_the_checkers_say_the_same_of_a_copy_without_maps(product: Path, tmp_path: Path) -> None:
    """A good file and two broken ones: structure, words and coordinates are all that they look at."""
    files = [product]
    for edit in (units_of_nothing, no_licence):
        files.append(edited(product, tmp_path / edit.__name__, edit))
    said = []
    for at, path in enumerate(files):
        thin = tmp_path / f"{at}.nc"
        copy_without_maps(path, thin)
        said.append([conventions.run_checkers(each, tmp_path / "report.json") for each in (path, thin)])
    assert all(whole == thin for whole, thin in said)
    assert said[0][0] != said[1][0] != said[2][0]


def test_the_copy_without_maps_holds_no_maps(product: Path, tmp_path: Path) -> None:
    copy_without_maps(product, tmp_path / "thin.nc")
    with netCDF4.Dataset(tmp_path / "thin.nc") as thin, netCDF4.Dataset(product) as whole:
        assert thin["twsa"].shape == whole["twsa"].shape
        assert np.ma.getmaskarray(thin["twsa"][:]).all()
        np.testing.assert_array_equal(thin["time_bnds"][:], whole["time_bnds"][:])
        assert list(thin["source_name"][:]) == list(whole["source_name"][:])


def test_checkers_that_cannot_run_hold_the_product(product: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    report = check(product)
    assert not report["conventions"].passed
    assert "could not be checked" in report["conventions"].text
