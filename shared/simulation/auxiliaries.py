"""The tables that come with the months: low degrees from laser ranging, and the motion of the geocenter."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shared.geodesy import ordering
from shared.models.auxiliaries import CoefficientTable
from shared.models.epoch import Month, Span
from shared.models.provenance import Source
from shared.simulation.seeds import Part, generator

Array = NDArray[np.float64]

# Standard deviations of what the tables say: of the size of what laser ranging and the method achieve, and below
# 1e-11, which is where the columns of GravIS end
LOW_DEGREE_SIGMAS = {"C20": 8.0e-12, "C30": 8.0e-12, "C21": 5.0e-12, "S21": 5.0e-12}
GEOCENTER_SIGMAS = {"C10": 2.0e-11, "C11": 2.0e-11, "S11": 2.0e-11}
PLACES = {
    "C20": (2, 0, False), "C30": (3, 0, False), "C21": (2, 1, False), "S21": (2, 1, True),
    "C10": (1, 0, False), "C11": (1, 1, False), "S11": (1, 1, True),
}  # fmt: skip

# Standard deviation by which Level-2 is wrong: C20 always, C30 with one accelerometer
LOW_DEGREE_ERROR = 2.0e-10
_ONE_ACCELEROMETER = (Month(2016, 11), Month(2017, 6))


def coefficient_table(
    role: str, sigmas: Mapping[str, float], months: Sequence[Month], spans: Sequence[Span], fields: Array,
    seed: int, noise: float,
) -> CoefficientTable:  # fmt: skip
    """A table of coefficients picked from true absolute fields, with its small errors.

    Parameters
    ----------
    role : low-degrees or geocenter
    sigmas : name and standard deviation of each coefficient
    months, spans, fields : [time], [time], [time, (nmax + 1)^2]
    noise : factor of the errors drawn; the standard deviations stay
    """
    nmax = ordering.maximum_degree(fields.shape[1])
    draws = [generator(seed, Part.TABLES, month.ordinal).standard_normal(len(PLACES)) for month in months]
    errors = dict(zip(PLACES, noise * np.array(draws).T, strict=True))
    values = {
        name: fields[:, ordering.position(nmax, *PLACES[name])] + sigma * errors[name] for name, sigma in sigmas.items()
    }
    digest = hashlib.sha256(b"".join(column.tobytes() for column in values.values())).hexdigest()
    name = f"SIMULATED {role} of COST-G RL02"
    begin = np.array([span.begin for span in spans])
    stated = {key: np.full(begin.shape, sigma) for key, sigma in sigmas.items()}
    return CoefficientTable(name, begin, values, stated, Source(role, name, digest))


def low_degree_errors(month: Month, nmax: int, seed: int) -> Array:
    """What is wrong with C20 and C30 of Level-2 beyond its noise [(nmax + 1)^2]."""
    c20, c30 = LOW_DEGREE_ERROR * generator(seed, Part.LOW_DEGREES, month.ordinal).standard_normal(2)
    errors = np.zeros(ordering.size(nmax))
    errors[ordering.position(nmax, 2, 0)] = c20
    if _ONE_ACCELEROMETER[0] <= month <= _ONE_ACCELEROMETER[1]:
        errors[ordering.position(nmax, 3, 0)] = c30
    return errors
