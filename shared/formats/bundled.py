"""Data that come inside installed packages: filter normals, Love numbers, a land mask.

The packages are only carriers: their files are read, none of their code is run (importing `global_land_mask`
alone would load an array of 0.9 GB). What is slow to read is converted once and kept in a cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.constants import K1_CENTRE_OF_FIGURE
from shared.errors import GranuleRejected
from shared.formats.files import read_cached
from shared.models.auxiliaries import BlockNormals, LandMask, LoveNumbers
from shared.models.grid import Grid
from shared.models.provenance import Source

# The object arrays of this file can only be read with pickle, which runs code: so only these very bytes are.
_NORMALS_SHA256 = "99da6cb96898c98a29225245eec478315f58205b5b5c67fef8c8fc6c37497aee"
_NORMALS_NMAX = 120
_NORMALS_CITATION = "Kusche et al. (2009), doi:10.1007/s00190-009-0308-3; file of l3py 0.2"
_LOVE_CITATION = "Gegout (2005), PREM; file of l3py 0.2"
_MASK_CITATION = "global-land-mask 1.0.0, from the GLOBE elevation model of NOAA"


def _carried(package: str, name: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent
    if folder is None or not (folder / name).is_file():
        raise GranuleRejected(
            f"the package {package} is not installed, or lacks {name}",
            advice="Run `make install`: it installs the pinned requirements.",
        )
    return folder / name


def ddk_normals(cache: Path) -> BlockNormals:
    """Synthetic normals of Kusche et al. (2009): blocks C0, C1, S1, ...

    Each block has the degrees m..120 of its order m.

    Raises
    ------
    GranuleRejected : if the carried file is not the one that was verified
    """
    path = _carried("l3py", "data/ddk_normals.npz")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != _NORMALS_SHA256:
        raise GranuleRejected(
            f"its SHA-256 is {digest}, not {_NORMALS_SHA256}",
            advice="Install l3py 0.2 as the requirement files name it.",
            file=path,
        )
    numbers = read_cached(cache / f"ddk-normals-{digest[:16]}.npy", lambda: _flat_normals(path))
    blocks, start = [], 0
    for order in range(_NORMALS_NMAX + 1):
        rows = _NORMALS_NMAX + 1 - order
        for _ in range(1 if order == 0 else 2):
            blocks.append(numbers[start : start + rows**2].reshape(rows, rows))
            start += rows**2
    return BlockNormals(tuple(blocks), _NORMALS_NMAX, 0, Source("filter", path.name, digest, _NORMALS_CITATION))


def _flat_normals(path: Path) -> NDArray[np.float64]:
    """All blocks one after the other; the two blocks of an order have the same size."""
    with np.load(path, allow_pickle=True) as archive:
        return np.concatenate([np.asarray(block, float).ravel() for block in archive["arr_0"]])


def love_numbers() -> LoveNumbers:
    """Load Love numbers of Gegout (2005) for PREM up to degree 1024.

    k_1 is that of the frame of the centre of figure; the file's own is that of the centre of mass, zero.
    """
    path = _carried("l3py", "data/loadLoveNumbers_Gegout97.txt")
    k = np.loadtxt(path)
    k[1] = K1_CENTRE_OF_FIGURE
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return LoveNumbers("Gegout (2005), PREM", k, Source("love-numbers", path.name, digest, _LOVE_CITATION))


def default_land_mask(cache: Path, grid: Grid) -> LandMask:
    """Land mask [lat, lon] from a 1 km map: a cell is land if it holds any land."""
    path = _carried("global_land_mask", "globe_combined_mask_compressed.npz")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"land-{digest[:16]}-{grid.shape[0]}x{grid.shape[1]}.npy"
    land = read_cached(cache / name, lambda: _any_land(path, grid))
    return LandMask("any land of global-land-mask", land, Source("land-mask", path.name, digest, _MASK_CITATION))


def _any_land(path: Path, grid: Grid) -> NDArray[np.bool_]:
    """The 1 km map reduced to a grid, a row of cells at a time: as a whole it would take 0.9 GB."""
    rows, columns = grid.shape
    land = np.empty(grid.shape, bool)
    with zipfile.ZipFile(path) as archive, archive.open("mask.npy") as stream:
        version = np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        if version != (1, 0) or fortran or dtype is not np.dtype(bool) or shape[0] % rows or shape[1] % columns:
            raise GranuleRejected(
                f"a map of {shape} cannot be reduced to {grid.shape}",
                advice="Install global-land-mask 1.0.0.",
                file=path,
            )
        height, width = shape[0] // rows, shape[1] // columns
        for row in range(rows):
            ocean = np.frombuffer(stream.read(height * shape[1]), bool).reshape(height, columns, width)
            land[rows - 1 - row] = ~ocean.all(axis=(0, 2))  # the file runs from north to south, and is true at sea
    return land
