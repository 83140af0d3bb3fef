"""A file for which there is no room: whatever the library says, it is told as trouble of the disk."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from shared.formats.files import appearing
from shared.storage.places import disk_trouble


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let the kernel refuse bytes beyond a size, with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 100_000])
def test_netcdf_without_room_is_trouble_of_the_disk_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    with (
        files_up_to(size),
        pytest.raises(OSError) as caught,
        appearing(tmp_path / "maps.nc") as temporary,
        netCDF4.Dataset(temporary, "w", format="NETCDF4") as file,
    ):
        file.createDimension("cell", 100_000)
        file.createVariable("twsa", "f8", ("cell",))[:] = np.arange(100_000.0)
    assert disk_trouble(caught.value) is not None
    assert list(tmp_path.iterdir()) == []


def test_bytes_without_room_are_trouble_of_the_disk(tmp_path: Path) -> None:
    with files_up_to(10), pytest.raises(OSError) as caught:
        (tmp_path / "month").write_bytes(bytes(1000))
    assert caught.value.errno == errno.EFBIG
    assert disk_trouble(caught.value) is not None


def test_a_file_that_is_missing_or_a_mistake_of_ours_is_no_trouble_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "month").read_bytes()
    assert disk_trouble(caught.value) is None
    assert disk_trouble(RuntimeError("something else")) is None
    with pytest.raises(RuntimeError, match="something else"), appearing(tmp_path / "maps.nc"):
        raise RuntimeError("something else")
