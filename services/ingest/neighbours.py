"""Whether a month looks like its neighbours: the same kind of field, and no part of it absurdly different.

What water, ice, quakes and the noise of a bad month do to a field is known. Per degree, the amplitude of the
difference to the median of the nearest months, as height of the geoid, was at most 3.8 mm up to degree 20 and
10.2 mm above in all 214 months of ITSG-Grace2018 to degree 96, and at most 30 times that of the neighbours
(2015-02, with few days of data). The limits are five times that: a field that breaks them is damaged, scaled or
of something else, not a month of extremes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import GranuleRejected
from shared.geodesy import ordering
from shared.models.coefficients import GravityField
from shared.models.epoch import Month

NEAREST = 12  # months around it: a year, so that the season is among them
FEWEST = 3  # a median of fewer months would follow a wrong one

SIGNAL_DEGREE = 20  # to here the differences are signal of the Earth, above noise of the method
LARGEST_SIGNAL = 0.020  # m of geoid per degree
LARGEST_NOISE = 0.050  # m of geoid per degree
LARGEST_RATIO = 150.0  # of the neighbours' own median amplitude
SMALLEST_AMPLITUDE = 5.0e-5  # m; below the least median of any degree: series without noise are not judged by ratio

# Kaula's rule: the rms coefficient of degree n is 1e-5 / n^2 (Kaula 1966, Theory of Satellite Geodesy). Between the
# degrees 3 and 100 the Earth keeps within a factor of 3 of it.
_KAULA = 1.0e-5
_KAULA_FACTOR = 10.0
# C20 of the Earth by any model and tide system
_C20 = (-4.8418e-4, -4.8415e-4)

_ADVICE = "If it is right, accept it by hand"

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """An accepted month, and how to come by its field."""

    month: Month
    sha256: str
    read: Callable[[], GravityField]


class Neighbours:
    """The accepted months of one series; fields are read once, when they are needed."""

    def __init__(self, members: Mapping[Month, Member]) -> None:
        self._members = dict(members)
        self._fields: dict[str, GravityField] = {}

    def add(self, month: Month, sha256: str, field: GravityField) -> None:
        """Count a month that was just accepted."""
        self._members[month] = Member(month, sha256, lambda: field)
        self._fields[sha256] = field

    def check(self, month: Month, field: GravityField) -> None:
        """Judge the field of a month; GranuleRejected if it is none of this Earth or series."""
        _check_earth(field)
        near = sorted(self._members.values(), key=lambda each: (abs(each.month.ordinal - month.ordinal), each.month))
        near = [each for each in near if each.month != month][:NEAREST]
        if len(near) >= FEWEST:
            _check_series(field, [self._field(each) for each in near])

    def _field(self, member: Member) -> GravityField:
        if member.sha256 not in self._fields:
            self._fields[member.sha256] = member.read()
        return self._fields[member.sha256]


def amplitudes(values: Vector, radius: float) -> Vector:
    """Amplitude of each degree as height of the geoid [nmax + 1], m; values: [(nmax + 1)^2]."""
    degree = ordering.index(ordering.maximum_degree(values.size)).degree
    heights: Vector = radius * np.sqrt(np.bincount(degree, values**2))
    return heights


def _check_earth(field: GravityField) -> None:
    """The field must be that of the Earth: C00, C20, and the power of each degree by Kaula's rule."""
    c00, c20 = field.values[0], field.values[ordering.position(field.nmax, 2, 0)]
    if min(abs(c00), abs(c00 - 1.0)) > 1.0e-6 or not _C20[0] <= c20 <= _C20[1]:
        raise _rejected(field, f"C00 {c00:g} and C20 {c20:g}, which are not the Earth's")
    degrees = np.arange(3, field.nmax + 1)
    rms = amplitudes(field.values, 1.0)[3:] / np.sqrt(2.0 * degrees + 1.0)
    ratio = rms * degrees**2 / _KAULA
    wrong = (ratio > _KAULA_FACTOR) | (ratio < 1.0 / _KAULA_FACTOR)
    if wrong.any():
        degree = int(degrees[np.argmax(wrong)])
        times = f"{ratio[wrong][0]:.2g} times"
        raise _rejected(field, f"coefficients of degree {degree} that are {times} those of the Earth")


def _check_series(field: GravityField, near: list[GravityField]) -> None:
    reference = near[0]
    for name in ("nmax", "tide_system", "gm", "radius"):
        said = [getattr(each, name) for each in near]
        if getattr(field, name) not in said:
            raise _rejected(field, f"{name} {getattr(field, name)} where the months around it have {said[0]}")
    nmax = min(each.nmax for each in (field, *near))
    like = [each.truncated(nmax).rescaled(reference.gm, reference.radius).values for each in near]
    values = field.truncated(nmax).rescaled(reference.gm, reference.radius).values
    median = np.median(like, axis=0)
    found = amplitudes(values - median, reference.radius)
    usual = np.median([amplitudes(each - median, reference.radius) for each in like], axis=0)
    degree = np.arange(nmax + 1)
    largest = np.where(degree <= SIGNAL_DEGREE, LARGEST_SIGNAL, LARGEST_NOISE)
    limit = np.minimum(largest, LARGEST_RATIO * np.maximum(usual, SMALLEST_AMPLITUDE))
    wrong = (found > limit) & (degree >= 2)
    if wrong.any():
        worst = int(np.argmax(np.where(wrong, found / limit, 0.0)))
        raise _rejected(
            field,
            f"degree {worst} differs by {1e3 * found[worst]:.3g} mm of geoid from the {len(near)} months around it, "
            f"which among themselves differ by {1e3 * usual[worst]:.3g} mm; the limit is {1e3 * limit[worst]:.3g} mm",
        )


def _rejected(field: GravityField, found: str) -> GranuleRejected:
    return GranuleRejected(found, advice=_ADVICE, file=field.sources[0].name if field.sources else field.name)
