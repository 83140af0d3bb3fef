"""A baseline comes back from its file to the last bit, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from shared.errors import GranuleRejected
from shared.formats.baseline import read_baseline, write_baseline
from shared.models.baseline import Baseline, EarthquakeFit, Evaluation
from tests.product_builders import make_baseline, without_evaluation


def same(first: object, second: object) -> bool:
    """Whether two containers hold the same, field by field and bit by bit."""
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.shape == second.shape and first.dtype == second.dtype and first.tobytes() == second.tobytes()
    if is_dataclass(first):
        return all(same(getattr(first, each.name), getattr(second, each.name)) for each in fields(first))
    if isinstance(first, Mapping):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_baseline(tmp_path / "baseline.nc", make_baseline())
    return tmp_path / "baseline.nc"


def test_everything_comes_back_to_the_last_bit(file: Path) -> None:
    assert same(read_baseline(file), make_baseline())


@pytest.mark.parametrize(
    "edit",
    [
        without_evaluation,
        lambda baseline: replace(baseline, evaluation=replace(baseline.evaluation, earthquakes=())),
        lambda baseline: replace(baseline, evaluation=replace(baseline.evaluation, latitude=None, ocean=None)),
        lambda baseline: replace(baseline, evaluation=replace(baseline.evaluation, deterministic={})),
        lambda baseline: replace(baseline, checksums=()),
    ],
)
def test_what_is_not_there_comes_back_as_not_there(edit, tmp_path: Path) -> None:
    baseline = edit(make_baseline())
    write_baseline(tmp_path / "a.nc", baseline)
    assert same(read_baseline(tmp_path / "a.nc"), baseline)


def test_not_a_number_comes_back(tmp_path: Path) -> None:
    baseline = make_baseline()
    baseline = replace(baseline, evaluation=replace(baseline.evaluation, mean_noise=float("nan")))
    write_baseline(tmp_path / "a.nc", baseline)
    assert np.isnan(read_baseline(tmp_path / "a.nc").evaluation.mean_noise)


def test_the_sample_fills_every_field_of_the_models() -> None:
    """A new field of a model must be added to the sample, and then to the file."""
    baseline = make_baseline()
    for container in (baseline, baseline.evaluation, *baseline.evaluation.earthquakes):
        assert isinstance(container, Baseline | Evaluation | EarthquakeFit)
        for each in fields(container):
            value = getattr(container, each.name)
            filled = value.size if isinstance(value, np.ndarray) else value
            assert filled or isinstance(filled, Evaluation), each.name


def test_the_same_baseline_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    write_baseline(tmp_path / "again.nc", make_baseline())
    assert (tmp_path / "again.nc").read_bytes() == file.read_bytes()


def changed(path: Path, group: str, name: str) -> None:
    with netCDF4.Dataset(path, "a") as dataset:
        variable = dataset[group][name] if group else dataset[name]
        values = variable[...]
        values.flat[1] = np.nextafter(values.flat[1], 1.0)
        variable[...] = values


def byte_flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.find(make_baseline().mean.tobytes())
    content[place + 9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (lambda path: changed(path, "", "mean"), "the baseline is not what its digest says"),
        (lambda path: changed(path, "alias", "VDK5"), "the baseline is not what its digest says"),
        (lambda path: changed(path, "evaluation/deterministic", "VDK5"), "its evaluation is not what"),
        (lambda path: changed(path, "evaluation/earthquakes/earthquake_01", "decay"), "its evaluation is not what"),
        (lambda path: changed(path, "evaluation", "ocean"), "its evaluation is not what"),
        (byte_flipped, "damaged|digest"),
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "damaged"),
        (lambda path: path.write_text("mean 1 2 3"), "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
    ],
)
def test_a_changed_or_cut_off_file_is_rejected(edit, found: str, file: Path) -> None:
    edit(file)
    with pytest.raises(GranuleRejected, match=found) as caught:
        read_baseline(file)
    assert caught.value.advice


def test_another_netcdf_file_is_no_baseline(tmp_path: Path) -> None:
    netCDF4.Dataset(tmp_path / "other.nc", "w").close()
    with pytest.raises(GranuleRejected, match="no file of the format"):
        read_baseline(tmp_path / "other.nc")
