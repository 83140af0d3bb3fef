"""The solid Earth: the static field, its rebound from the ice age, and its great earthquakes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shared.constants import DAYS_PER_YEAR, GM_EARTH, RADIUS_LEVEL2
from shared.geodesy import ordering
from shared.models.auxiliaries import GiaModel
from shared.models.coefficients import frozen
from shared.models.epoch import Span, mjd_of_moment
from shared.models.provenance import Source
from shared.simulation.earth import Earth
from shared.simulation.patches import Patch, bell
from shared.simulation.seeds import Part, generator, normal_field

Array = NDArray[np.float64]

# When the rebound is zero [yr]; only the mean of a series shows it.
GIA_EPOCH = 2010.0
# The model of the rebound has its own radius [m], that of GravIS' files, and reaches beyond the months.
GIA_RADIUS = 6378136.46
GIA_NMAX = 128

# Kaula's rule: standard deviation of a coefficient of degree n is 1e-5 / n^2
_KAULA = 1e-5
# The largest coefficients, as every model of the Earth has them (rounded, tide-free)
_KNOWN = {
    (2, 0, False): -4.8416945e-4, (2, 1, False): -2.4e-10, (2, 1, True): 1.4e-9,
    (2, 2, False): 2.4393e-6, (2, 2, True): -1.4003e-6, (3, 0, False): 9.5716e-7,
}  # fmt: skip

# Uplift, seen as water [m/yr], with half axes [m], and the forebulges around it
_REBOUND = (
    (Patch(60.0, -88.0, 900e3, 700e3, 150.0), 0.062),
    (Patch(52.0, -92.0, 2100e3, 1700e3, 90.0), -0.012),
    (Patch(64.0, 20.0, 600e3, 450e3, 25.0), 0.028),
    (Patch(60.0, 18.0, 1500e3, 1300e3, 90.0), -0.004),
    (Patch(-80.0, -75.0, 700e3, 500e3, 0.0), 0.040),
    (Patch(-80.0, -165.0, 600e3, 500e3, 0.0), 0.030),
    (Patch(-70.0, -100.0, 2200e3, 2000e3, 0.0), -0.005),
)

_RELAXATION_LASTS = 2.0  # yr
_LOBES_APART = 260e3  # m, from the epicentre to the centre of each lobe
_LOBE = (300e3, 220e3)  # half axes of a lobe [m], the first along the trench


@dataclass(frozen=True)
class Rupture:
    """An earthquake as the simulation has it.

    moment: UTC; latitude, longitude: of the epicentre [deg]; azimuth: from the subsiding lobe to the rising one
    [deg]; step, relaxation: height of the lobes [m of water]; tau: relaxation time [yr].
    """

    name: str
    moment: datetime
    latitude: float
    longitude: float
    azimuth: float
    step: float
    relaxation: float
    tau: float


# Moments and epicentres: USGS. Shapes and sizes are made up after what GRACE saw.
RUPTURES = (
    Rupture("Sumatra-Andaman", datetime(2004, 12, 26, 0, 58, 53), 3.295, 95.982, 240.0, 0.22, 0.14, 0.55),
    Rupture("Maule", datetime(2010, 2, 27, 6, 34, 11), -36.122, -72.898, 280.0, 0.14, 0.06, 0.30),
    Rupture("Tohoku-oki", datetime(2011, 3, 11, 5, 46, 24), 38.297, 142.373, 110.0, 0.20, 0.12, 0.40),
    Rupture("Kamchatka", datetime(2025, 7, 29, 23, 24, 52), 52.498, 160.264, 130.0, 0.16, 0.06, 0.30),
)


@dataclass(frozen=True)
class Deformation:
    """A rupture with the coefficients [(nmax + 1)^2] of its step and of its full relaxation."""

    rupture: Rupture
    step: Array
    relaxation: Array

    def field(self, span: Span) -> Array:
        """Coefficients [(nmax + 1)^2], averaged over the days of a span."""
        step, relaxation = rupture_terms(self.rupture, span)
        field: Array = step * self.step + relaxation * self.relaxation
        return field


def static_field(nmax: int) -> Array:
    """An Earth-like static field [(nmax + 1)^2]: C00 one, degree 1 zero, the same for every seed."""
    degree = ordering.index(nmax).degree
    field = normal_field(generator(0, Part.STATIC), nmax) * _KAULA / np.maximum(degree, 1) ** 2
    field[degree < 2] = 0.0
    field[ordering.position(nmax, 0, 0)] = 1.0
    for (n, m, sine), value in _KNOWN.items():
        if n <= nmax:
            field[ordering.position(nmax, n, m, sine)] = value
    return field


@lru_cache(maxsize=4)
def gia_model(earth: Earth) -> GiaModel:
    """Rates of a plausible rebound, degrees 2 to 128, for the radius of GravIS."""
    uplift = np.sum([height * bell(patch, earth.grid) for patch, height in _REBOUND], axis=0)
    rates = earth.coefficients(uplift[None], GIA_NMAX)[0]
    degree = ordering.index(GIA_NMAX).degree
    rates *= np.where(degree < 2, 0.0, (RADIUS_LEVEL2 / GIA_RADIUS) ** degree)
    digest = hashlib.sha256(rates.tobytes()).hexdigest()
    source = Source("gia", "SIMULATED rebound", digest)
    return GiaModel("SIMULATED rates of glacial isostatic adjustment", rates, GM_EARTH, GIA_RADIUS, source)


def gia_rates(model: GiaModel, nmax: int) -> Array:
    """Rates [(nmax + 1)^2] per year relative to GM and radius of Level-2."""
    rates = ordering.truncate(model.rates, nmax)
    scaled: Array = rates * (model.radius / RADIUS_LEVEL2) ** ordering.index(nmax).degree
    return scaled


@lru_cache(maxsize=32)
def deform(earth: Earth, rupture: Rupture, nmax: int) -> Deformation:
    """The deformation of a rupture: two lobes that subside and rise; degrees 0 and 1 zero."""
    lobes = [bell(_lobe(rupture, side), earth.grid) for side in (-1.0, 1.0)]
    # The coast subsides more than the sea floor rises, and then recovers; so it is not a pure dipole.
    maps = np.stack([rupture.step * (0.6 * lobes[1] - lobes[0]), rupture.relaxation * (lobes[0] + 0.4 * lobes[1])])
    fields = earth.coefficients(maps, nmax) * (ordering.index(nmax).degree >= 2)
    return Deformation(rupture, frozen(fields[0]), frozen(fields[1]))


def _lobe(rupture: Rupture, side: float) -> Patch:
    """The lobe in front of (1) or behind (-1) the epicentre, its long axis along the trench."""
    azimuth = np.deg2rad(rupture.azimuth)
    shift = side * _LOBES_APART / RADIUS_LEVEL2
    latitude = rupture.latitude + np.rad2deg(shift * np.cos(azimuth))
    longitude = rupture.longitude + np.rad2deg(shift * np.sin(azimuth)) / np.cos(np.deg2rad(rupture.latitude))
    return Patch(float(latitude), float(longitude), *_LOBE, rupture.azimuth + 90.0)


def rupture_terms(rupture: Rupture, span: Span) -> tuple[float, float]:
    """Step and relaxation of a rupture, exact means over the days of a span.

    The relaxation is 1 - exp(-t / tau) of the years t after the event, constant from two years on.
    """
    origin = mjd_of_moment(rupture.moment)
    begin, end = ((day - origin) / DAYS_PER_YEAR for day in (span.begin, span.end))
    step = np.clip(end / (end - begin), 0.0, 1.0)
    relaxed = _integral(end, rupture.tau) - _integral(begin, rupture.tau)
    return float(step), float(relaxed / (end - begin))


def _integral(t: float, tau: float) -> float:
    """Integral of the relaxation from the event to `t` years after it, in years."""
    within = min(max(t, 0.0), _RELAXATION_LASTS)
    beyond = max(t - _RELAXATION_LASTS, 0.0)
    decayed = -np.expm1(-within / tau)
    return float(within - tau * decayed + beyond * -np.expm1(-_RELAXATION_LASTS / tau))
