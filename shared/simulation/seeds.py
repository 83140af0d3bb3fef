"""Random numbers that depend on a seed, on what they are for, and on the month: on nothing else."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import ordering

Array = NDArray[np.float64]


class Part(IntEnum):
    """What random numbers are for; the numbers are part of the archive's identity and never change."""

    STATIC = 1
    WANDER = 2
    WEATHER = 3
    ALIAS = 4
    LEVEL = 5
    NOISE = 6
    SCATTER = 7
    LOW_DEGREES = 8
    TABLES = 9
    COUPLING = 10


def generator(seed: int, part: Part, *key: int) -> np.random.Generator:
    """The generator of a part, and of one month of it if its ordinal is the key."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(part, *key)))


def normal_field(random: np.random.Generator, nmax: int) -> Array:
    """Standard normal numbers [(nmax + 1)^2], the same up to a degree for every larger `nmax`."""
    at = ordering.index(nmax)
    field = np.empty(at.degree.size)
    # Drawn degree by degree, so that a field of a lower degree is the beginning of one of a higher.
    field[np.lexsort((at.sine, at.order, at.degree))] = random.standard_normal(at.degree.size)
    return field
