"""All values of a file of maps, looked at once: what the gate needs to know of every month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.formats.netcdf import Level3
from shared.models.coefficients import Vector


@dataclass(frozen=True)
class Scan:
    """What was found in each month.

    lowest, highest: [time] mm; missing: [time] land cells without a value; misplaced: [time] ocean cells with one;
    mean: [time] area-weighted mean over land, mm.
    """

    lowest: Vector
    highest: Vector
    missing: NDArray[np.int64]
    misplaced: NDArray[np.int64]
    mean: Vector

    @property
    def extreme(self) -> Vector:
        """Largest absolute value of each month, mm; infinite where a month has no value."""
        return np.maximum(np.abs(self.lowest), np.abs(self.highest))


def scan(series: Level3, name: str) -> Scan:
    """Look at all months of `twsa` or `twsa_uncertainty`, a slab of a few at a time."""
    cells = np.flatnonzero(series.land)
    weights = np.repeat(np.cos(np.deg2rad(series.latitudes)), series.longitudes.size)[cells]
    weights = (weights / weights.sum()).astype(np.float32)
    parts = [_of_slab(slab.reshape(len(slab), -1), cells, weights) for _, slab in series.slabs(name)]
    lowest, highest, missing, misplaced, mean = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Scan(lowest, highest, missing, misplaced, mean)


def _of_slab(slab: NDArray[np.float32], cells: NDArray[np.int64], weights: NDArray[np.float32]) -> tuple[Any, ...]:
    """The columns of a scan for a few months [months, cells]; a month with a gap has no mean."""
    on_land = slab[:, cells]
    known = np.isfinite(on_land).sum(axis=1)
    everywhere = np.isfinite(slab).sum(axis=1)
    lowest, highest = (reduce(on_land, axis=1).astype(np.float64) for reduce in (np.fmin.reduce, np.fmax.reduce))
    empty = known == 0
    return (
        np.where(empty, np.inf, lowest),
        np.where(empty, -np.inf, highest),
        cells.size - known,
        everywhere - known,
        (on_land @ weights).astype(np.float64),
    )
