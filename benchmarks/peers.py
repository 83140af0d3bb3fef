"""Synthesis beside its peers: an independent check of the numbers, and the time that others take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyshtools
from threadpoolctl import threadpool_limits

from benchmarks.tasks import timed
from services.process.geometry import Geometry
from shared.constants import GM_EARTH, RADIUS_LEVEL2
from shared.formats import bundled
from shared.geodesy import ordering
from shared.geodesy.ellipsoid import ellipsoid
from shared.geodesy.kernels import water_height
from shared.models.grid import Grid

NMAX = 96
MONTHS = 64  # a batch: 133 MB of maps
_CALLS = 2  # of each peer, with one thread and with all; the fastest counts
_POINTS = 200  # at which the sums are made again


def run_synthesis(cache: str, repeats: int) -> dict[str, Any]:
    """Maps of water on the ellipsoid, 0.5 degree; seconds for each month, and those of the peers."""
    grid = Grid()
    geometry = Geometry(grid, bundled.default_land_mask(Path(cache), grid), bundled.love_numbers())
    synthesis = geometry.synthesis(NMAX, GM_EARTH, RADIUS_LEVEL2)
    fields = anomalies(MONTHS)
    maps = synthesis(fields)

    def batch() -> float:
        return timed(lambda: synthesis(fields, maps)) / MONTHS

    with threadpool_limits(1):
        single = [batch() for _ in range(repeats)]
    found: dict[str, Any] = {
        "seconds": [batch() for _ in range(repeats)],
        "single": single,
        "prepare": timed(lambda: geometry.synthesis(NMAX, GM_EARTH, RADIUS_LEVEL2)),
        "error": largest_error(maps[0], fields[0], geometry),
    }
    for name, peer in (("pyshtools", _pyshtools), ("l3py", _l3py)):
        try:
            call = peer(fields[0])
        except ImportError as error:
            found[f"{name}_missing"] = str(error)
            continue
        found[name] = _fastest(call)
    return found


def _fastest(call: Callable[[], Any]) -> float:
    """Seconds of a peer at its best: the small products of some suffer from several threads."""
    with threadpool_limits(1):
        single = [timed(call) for _ in range(_CALLS)]
    return min(single + [timed(call) for _ in range(_CALLS)])


def anomalies(count: int) -> np.ndarray:
    """Fields [count, (nmax + 1)^2] of the size of a month's anomaly, from degree 1 on."""
    degree = ordering.index(NMAX).degree
    spread = np.where(degree > 0, 1e-10 / np.maximum(degree, 1), 0.0)
    return spread * np.random.default_rng(1).standard_normal((count, degree.size))


def largest_error(heights: np.ndarray, field: np.ndarray, geometry: Geometry) -> float:
    """Largest difference from sums that pyshtools makes point by point, relative to the largest height."""
    grid = geometry.grid
    surface, love = ellipsoid(grid.latitudes), geometry.love.k[: NMAX + 1]
    degree = np.arange(NMAX + 1)
    random = np.random.default_rng(2)
    errors = []
    for row, column in random.integers(0, grid.shape, (_POINTS, 2)):
        attenuation = (RADIUS_LEVEL2 / surface.radius[row]) ** (degree + 2)
        weight = water_height(love, GM_EARTH, RADIUS_LEVEL2) * attenuation
        triangles = ordering.unpack(field) * weight[:, None]
        point = pyshtools.expand.MakeGridPoint(
            triangles, np.rad2deg(surface.latitude[row]), grid.longitudes[column] % 360.0, norm=1, csphase=1
        )
        errors.append(abs(heights[row, column] - point))
    return float(max(errors) / np.abs(heights).max())


def _pyshtools(field: np.ndarray) -> Callable[[], Any]:
    """One map of 0.5 degree by pyshtools, on the sphere."""
    triangles = ordering.unpack(field)
    return lambda: pyshtools.expand.MakeGrid2D(triangles, 0.5, norm=1, csphase=1)


def _l3py(field: np.ndarray) -> Callable[[], Any]:
    """One map of water of 0.5 degree by l3py, on the ellipsoid; its import needs pkg_resources of setuptools."""
    import l3py

    own = l3py.gravityfield.PotentialCoefficients(GM_EARTH, RADIUS_LEVEL2)
    cosines, sines = ordering.unpack(field)
    # It keeps C_nm at [n, m] and S_nm at [m - 1, n].
    own.anm = cosines + np.vstack([sines.T[1:], np.zeros(NMAX + 1)])
    grid = l3py.grid.GeographicGrid(0.5, 0.5)
    return lambda: own.to_grid(grid, kernel="ewh")
