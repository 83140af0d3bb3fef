"""The product as file: what a user reads is what was computed, and the conventions are kept."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from time import sleep

import netCDF4
import numpy as np
import pytest
import xarray

from services.publish.conventions import not_allowed, run_checkers
from shared.errors import GranuleRejected
from shared.formats.netcdf import CHUNK, read_level3, write_level3
from shared.models.coefficients import FilterSource
from shared.models.epoch import moment_of_mjd
from tests.product_builders import ABOUT, make_maps


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("product") / "twsa.nc"
    write_level3(path, make_maps(4, without=("2002-06",)), ABOUT)
    return path


@pytest.fixture
def maps() -> object:
    return make_maps(4, without=("2002-06",))


def test_conventions_are_kept_but_for_what_is_allowed(product: Path, tmp_path: Path) -> None:
    assert not not_allowed(run_checkers(product, tmp_path / "report.json"))


def test_the_checker_sees_a_broken_convention(product: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.nc"
    broken.write_bytes(product.read_bytes())
    with netCDF4.Dataset(broken, "a") as file:
        file["twsa"].units = "millimeters of nothing"
    found = not_allowed(run_checkers(broken, tmp_path / "report.json"))
    assert any("twsa" in text and "units" in text for text in found)


def test_land_cells_hold_millimetres_and_ocean_cells_nothing(product: Path) -> None:
    maps = make_maps(4, without=("2002-06",))
    with xarray.open_dataset(product) as file:
        twsa, uncertainty = file.twsa.values, file.twsa_uncertainty.values
        assert file.twsa.units == file.twsa_uncertainty.units == "mm"
    expected = np.where(maps.land, maps.twsa.astype(float) * 1000.0, np.nan)
    np.testing.assert_allclose(twsa, expected, rtol=2e-7)  # float32
    sigma = maps.sigma[:, None, None] * maps.scale[None, :, None] * 1000.0
    np.testing.assert_allclose(uncertainty, np.where(maps.land, sigma, np.nan), rtol=2e-7)


def test_time_is_the_mid_epoch_and_its_bounds_are_the_data(product: Path) -> None:
    maps = make_maps(4, without=("2002-06",))
    with xarray.open_dataset(product) as file:
        times, bounds = file.time.values, file.time_bnds.values
    for at, span in enumerate(maps.spans):
        assert times[at] == np.datetime64(moment_of_mjd(span.mid))
        assert list(bounds[at]) == [np.datetime64(moment_of_mjd(mjd)) for mjd in (span.begin, span.end)]
    assert bounds[1, 1] == np.datetime64("2002-05-18")  # the last day of 2002-05 with data is the 17th


def test_cells_join_and_cover_the_globe(product: Path) -> None:
    with xarray.open_dataset(product) as file:
        for name, edge in (("lat", 90.0), ("lon", 180.0)):
            bounds = file[f"{name}_bnds"].values
            assert bounds[0, 0] == -edge
            assert bounds[-1, 1] == edge
            np.testing.assert_array_equal(bounds[1:, 0], bounds[:-1, 1])


def test_each_month_says_its_noise_filter_and_normals(product: Path) -> None:
    with netCDF4.Dataset(product) as file:
        assert list(file["flag_filter"][:]) == [3, 2, 3, 3]
        assert list(file["flag_filter"].flag_values) == [2, 3]
        assert len(file["flag_filter"].flag_meanings.split()) == 2
        assert list(file["filter_source"][:]) == [3, 2, 2, 2]
        assert file["filter_source"].flag_meanings.split()[1] == "error_scaled"
        np.testing.assert_allclose(file["noise_open_ocean"][1], 50.0)
        np.testing.assert_allclose(file["noise_open_ocean"].threshold, 36.0)


def test_header_says_steps_sources_parameters_gaps_and_fallback(product: Path) -> None:
    maps = make_maps(4, without=("2002-06",))
    with netCDF4.Dataset(product) as file:
        words = {name: file.getncattr(name) for name in file.ncattrs()}
        sources = list(zip(file["source_role"][:], file["source_name"][:], file["source_sha256"][:], strict=True))
    lines = words["history"].splitlines()
    assert [line.partition(": ")[2] for line in lines] == list(maps.history)
    assert all(line.startswith("2026-11-20T12:30:00Z gravstream 0.1.0") for line in lines)
    assert sources == [(source.role, source.name, source.sha256) for source in maps.sources]
    assert words["parameter_gia_reference_epoch"] == maps.parameters["gia_reference_epoch"]
    assert words["gaps"] == "2002-06"
    assert words["fallback_months"] == "2002-05"
    assert words["filter_source_summary"] == "normals: 0, error-scaled: 3, ddk: 1"
    assert words["reference_period"] == "2003-01..2022-12"
    assert words["time_coverage_start"] == "2002-04-05T00:00:00Z"
    assert words["time_coverage_end"] == "2002-09-01T00:00:00Z"
    assert words["baseline_sha256"] == ABOUT.baseline_digest


def test_what_is_written_is_read_back(product: Path) -> None:
    maps = make_maps(4, without=("2002-06",))
    found = read_level3(product)
    assert (found.months, found.filter_sources, found.sources) == (maps.months, maps.filter_sources, maps.sources)
    assert found.filter_sources[0] is FilterSource.DDK
    np.testing.assert_array_equal(found.land, maps.land)
    np.testing.assert_array_equal(found.mid, maps.mid)
    np.testing.assert_array_equal(found.strength, maps.strength)
    assert [str(month) for month in found.fallback] == ["2002-05"]
    stacked = np.concatenate([values for _, values in found.slabs("twsa")])
    np.testing.assert_array_equal(found.map("twsa", -1), stacked[-1])
    assert np.isnan(stacked[:, ~maps.land]).all()
    np.testing.assert_array_equal(stacked[:, maps.land], maps.twsa[:, maps.land] * np.float32(1000.0))


def test_more_months_than_a_slab_stay_in_their_order(tmp_path: Path) -> None:
    maps = make_maps(2 * CHUNK[0] + 3, step=15.0)
    write_level3(tmp_path / "long.nc", maps, ABOUT)
    found = np.concatenate([values for _, values in read_level3(tmp_path / "long.nc").slabs("twsa")])
    np.testing.assert_array_equal(found[:, maps.land], maps.twsa[:, maps.land] * np.float32(1000.0))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("first.nc", "second.nc")]
    for path in paths:
        write_level3(path, make_maps(), ABOUT)
        sleep(1.1)  # HDF5 can note the second in which an object was made
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_empty_texts_are_left_out(tmp_path: Path) -> None:
    write_level3(tmp_path / "a.nc", make_maps(), replace(ABOUT, project="", creator_email=""))
    words = read_level3(tmp_path / "a.nc").attributes
    assert not {"project", "creator_email", "publisher_email"} & set(words)


def value_on_land_lost(maps):
    twsa = np.array(maps.twsa)
    twsa[1, *np.argwhere(maps.land)[0]] = np.nan
    return replace(maps, twsa=twsa)


@pytest.mark.parametrize(
    "edit",
    [
        value_on_land_lost,
        lambda maps: replace(maps, land=None),
        lambda maps: replace(maps, sigma=None),
        lambda maps: replace(maps, covariance=None),
        lambda maps: replace(maps, sigma=0.0 * maps.sigma),
    ],
)
def test_what_is_no_product_leaves_the_old_file_and_nothing_else(edit, tmp_path: Path) -> None:
    path = tmp_path / "twsa.nc"
    path.write_bytes(b"the product of yesterday")
    with pytest.raises(ValueError, match=r"uncertainty|finite"):
        write_level3(path, edit(make_maps()), ABOUT)
    assert path.read_bytes() == b"the product of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_an_ocean_cell_without_value_is_no_error(tmp_path: Path) -> None:
    maps = make_maps()
    twsa = np.array(maps.twsa)
    twsa[:, ~maps.land] = np.nan
    write_level3(tmp_path / "a.nc", replace(maps, twsa=twsa), ABOUT)


def variable_removed(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("flag_filter", "flag")


def month_of_nonsense(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file["nominal_month"][0] = 200213


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (variable_removed, "lacks flag_filter"),
        (month_of_nonsense, "2002-13"),
        (lambda path: path.write_bytes(path.read_bytes()[:-5000]), "no readable NetCDF|damaged"),
        (lambda path: path.write_text("<html>"), "no readable NetCDF"),
    ],
)
def test_a_broken_product_is_rejected_by_name(edit, found: str, product: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.nc"
    path.write_bytes(product.read_bytes())
    edit(path)
    with pytest.raises(GranuleRejected, match=found) as caught:
        read_level3(path)
    assert caught.value.file == "broken.nc"
    assert caught.value.advice


def test_every_field_of_the_metadata_reaches_the_file(product: Path) -> None:
    words = " ".join(read_level3(product).attributes.values())
    for field in fields(ABOUT):
        value = getattr(ABOUT, field.name)
        texts = [ABOUT.issued_text] if field.name == "issued" else value if isinstance(value, tuple) else [value]
        assert all(str(text) in words for text in texts), field.name
