"""How errors correlate comes back from a product, a baseline and a JSON file, or the file is named as no good."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats.baseline import digest_of_everything, read_baseline, write_baseline
from shared.formats.error_correlation import correlation_attributes, read_error_correlation
from shared.formats.netcdf import read_level3, write_level3
from tests.product_builders import ABOUT, COVARIANCE, make_baseline, make_maps

PARAMETERS = {
    "form": "bessel-waves-and-exponential",
    "east_length": [272e3, -94e3],
    "north_length": 775e3,
    "share": 0.358,
    "distance": 794e3,
}


@pytest.fixture
def product(tmp_path: Path) -> Path:
    write_level3(tmp_path / "twsa.nc", make_maps(), ABOUT)
    return tmp_path / "twsa.nc"


@pytest.fixture
def parameters(tmp_path: Path) -> Path:
    path = tmp_path / "error_correlation.json"
    path.write_text(json.dumps(PARAMETERS))
    return path


def without_the_variable(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("error_correlation", "something_else")


def test_a_product_gives_back_what_it_was_written_with(product: Path) -> None:
    assert read_level3(product).covariance == read_error_correlation(product) == COVARIANCE


def test_the_uncertainty_leads_to_the_correlation_and_its_unit(product: Path) -> None:
    with netCDF4.Dataset(product) as file:
        variable = file[file["twsa_uncertainty"].ancillary_variables]
        assert variable.shape == ()
        assert variable.unit_of_lengths == "m"
        assert "10.1007/s13137-020-00160-0" in variable.references
        np.testing.assert_array_equal(variable.east_length, COVARIANCE.east)


def test_a_product_of_before_is_read_and_says_that_it_does_not_know(product: Path) -> None:
    without_the_variable(product)
    assert read_level3(product).covariance is None
    with pytest.raises(GranuleRejected, match="no variable error_correlation"):
        read_error_correlation(product)


def test_a_json_file_has_the_names_of_the_product(parameters: Path) -> None:
    assert read_error_correlation(parameters) == COVARIANCE
    assert set(PARAMETERS) < set(correlation_attributes(COVARIANCE))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda known: known.pop("share"), "share"),
        (lambda known: known.update(form="exponential"), "form"),
        (lambda known: known.update(distance=-1.0), "length of -1 m"),
        (lambda known: known.update(north_length=None), "parameters"),
    ],
)
def test_a_json_file_without_sense_is_named(
    edit: Callable[[dict[str, object]], object], words: str, parameters: Path
) -> None:
    known = json.loads(parameters.read_text())
    edit(known)
    parameters.write_text(json.dumps(known))
    with pytest.raises(GranuleRejected, match=words) as caught:
        read_error_correlation(parameters)
    assert caught.value.file == parameters.name


def test_a_file_of_neither_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_text("<html>")
    with pytest.raises(GranuleRejected, match="no parameters of an error correlation"):
        read_error_correlation(tmp_path / "a.nc")


def test_a_baseline_of_before_keeps_its_digest_and_is_read(tmp_path: Path) -> None:
    """Digests of what has no correlation are those that versions before wrote."""
    baseline = make_baseline()
    assert baseline.evaluation is not None
    before = replace(baseline, evaluation=replace(baseline.evaluation, covariance=None))
    assert digest_of_everything(before) != digest_of_everything(baseline)
    write_baseline(tmp_path / "before.nc", before)
    found = read_baseline(tmp_path / "before.nc")
    assert found.evaluation is not None and found.evaluation.covariance is None
    # computed with the version before this one
    assert digest_of_everything(before).startswith("227afcdad52b3171")
