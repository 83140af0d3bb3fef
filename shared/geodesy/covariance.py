"""How the errors of two points of a map belong together, and what is left of them in the mean over an area.

The error of a mean is not the mean of the errors. The filter leaves waves from west to east that are long
from south to north, so neighbours err together and points half a wave apart against each other. The form
follows Boergens et al. (2020), doi 10.1007/s13137-020-00160-0: the separation is split into one along and one
across the parallels, a Bessel function of the first kind makes the waves, and its length varies with latitude
by even Legendre polynomials; to it comes a part that decays alike in all directions.

The waves are J0(|p - p'|) exp(-(y - y')^2 / 2) with p = u (cos lon, sin lon), u = R cos(lat) / length(lat) and
y = R lat / north; the rest is exp(-chord / distance). Each is positive definite where its points lie, in
a plane, on a line and in space, and so are product and sum: no choice of the parameters makes a variance
negative. At a pole all longitudes are one point, and 180 degrees east is 180 degrees west.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre as polynomial
from numpy.typing import NDArray

from shared.constants import RADIUS_MEAN

Array = NDArray[np.float64]

# The form, as files name it
FORM = "bessel-waves-and-exponential"

# Shorter lengths [m] are far below the resolution of a map, and would need an endless table of J0
_SHORTEST = 10e3

# Fourier coefficients that are held at a time, 16 bytes each
_HELD = 2**20

# Longitudes [deg] that differ by less are the same column; steps below are no grid
_SAME, _FINEST = 1e-4, 0.01

# Two maps are in proportion if they differ by less: the rounding of a file in single precision
_ROUNDING = 1e-6

# Step of the table of J0; between its points a straight line is right to 1e-5
_STEP = 0.01


@dataclass(frozen=True)
class ErrorCovariance:
    """Correlation of the errors of two points of a map.

    east: [k] parameters p_k of the length of the waves along the parallels, sum p_k P_2k(sin latitude), m;
    north: their length along the meridians, m; share: of the variance in the part that is alike in all
    directions; distance: at which that has decayed to 1/e, m. ValueError if these make no correlation.
    """

    east: tuple[float, ...]
    north: float
    share: float
    distance: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "east", tuple(map(float, self.east)))
        if not self.east or not np.all(np.isfinite((*self.east, self.north, self.share, self.distance))):
            raise ValueError("a parameter of the error correlation is missing or no number")
        shortest = min(self.north, self.distance, self.length(np.linspace(0.0, 90.0, 181)).min())
        if shortest < _SHORTEST:
            raise ValueError(f"a length of {shortest:g} m of the error correlation; {_SHORTEST:g} m is the least")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"a share of {self.share:g} of the variance; it must lie between 0 and 1")

    def length(self, latitudes: Array) -> Array:
        """Length of the waves along the parallels [points], m; latitudes in degrees."""
        series = np.zeros(2 * len(self.east) - 1)
        series[::2] = self.east
        return np.asarray(polynomial.legval(np.sin(np.deg2rad(latitudes)), series), float)

    def correlation(self, one: tuple[Array, Array], other: tuple[Array, Array]) -> Array:
        """Correlation of points (latitudes, longitudes) [deg] with others, broadcast against each other."""
        return _correlation(self, _placed(self, *one), _placed(self, *other))


def area_mean_uncertainty(
    covariance: ErrorCovariance, latitudes: Array, longitudes: Array, weights: Array, uncertainty: NDArray[np.floating]
) -> Array:
    """Standard deviation [time] of the weighted mean over the cells of an area.

    Parameters
    ----------
    latitudes, longitudes : [cell] centres of cells of a regular grid, degrees; longitudes of any turn
    weights : [cell] such as the areas of the cells; only their ratios count
    uncertainty : [time, cell] standard deviation of each cell, in any unit, which is that of the result

    Raises
    ------
    ValueError : if there is no cell, shapes do not fit, a weight is negative, or the grid is not regular
    """
    latitudes, longitudes, weights = (np.asarray(each, float) for each in (latitudes, longitudes, weights))
    if weights.ndim != 1 or not weights.size or weights.min() < 0.0 or not weights.sum() > 0.0:
        raise ValueError("the mean over an area needs cells, with weights that are not negative and not all zero")
    if not latitudes.shape == longitudes.shape == np.shape(uncertainty)[1:] == weights.shape:
        raise ValueError(f"latitudes, longitudes and uncertainties are not those of {weights.size} cells")
    swelling, patterns = _factors(np.asarray(uncertainty, float))
    share = weights / weights.sum()
    parallels, rows = np.unique(latitudes, return_inverse=True)
    columns, step = _columns(longitudes)
    lags = step * np.arange(columns.max() + 1)
    variances = np.empty(len(patterns))
    held = max(1, _HELD // (parallels.size * lags.size))
    for start in range(0, len(patterns), held):
        part = slice(start, start + held)
        cells = np.zeros((parallels.size * lags.size, len(patterns[part])))
        np.add.at(cells, rows * lags.size + columns, (patterns[part] * share).T)
        field = cells.T.reshape(-1, parallels.size, lags.size)
        variances[part] = _variances(covariance, parallels, lags, field)
    return swelling * np.sqrt(variances)


def _factors(uncertainty: Array) -> tuple[Array, Array]:
    """Uncertainties as factors [time] of patterns [1 or time, cell]: one, where the map only swells with time.

    So the product is made, sigma of the month times scale of the parallel, and one product with the matrix
    does for all months.
    """
    pattern = uncertainty[int(np.argmax(uncertainty.sum(axis=1)))]
    swelling = uncertainty.sum(axis=1) / (pattern.sum() or 1.0)
    together = zip(uncertainty, swelling, strict=True)
    if all(np.all(np.abs(month - factor * pattern) <= _ROUNDING * month) for month, factor in together):
        return swelling, pattern[None]
    return np.ones(len(uncertainty)), uncertainty


def _columns(longitudes: Array) -> tuple[NDArray[np.intp], float]:
    """Column [cell] of each longitude from the westernmost one on, and the step between columns [deg]."""
    turns = np.unique(np.remainder(longitudes, 360.0))
    start = turns[(np.argmax(np.diff(turns, append=turns[0] + 360.0)) + 1) % turns.size]  # behind the widest gap
    east = np.remainder(longitudes - start + _SAME, 360.0) - _SAME
    step = 360.0
    while True:  # the greatest common divisor, as Euclid has it
        rest = np.abs(east - step * np.round(east / step))
        if not np.any(rest > _SAME):
            return np.round(east / step).astype(np.intp), step
        step = float(rest[rest > _SAME].min())
        if step < _FINEST:
            raise ValueError("the longitudes of the cells are not those of a regular grid")


def _variances(covariance: ErrorCovariance, parallels: Array, lags: Array, field: Array) -> Array:
    """v' C v [n] of fields v [n, parallel, column].

    The correlation of two cells depends on their parallels and on how far apart in longitude they are, so that
    the product with C is a convolution along the parallels: made with Fourier coefficients, it costs a
    hundredth of the matrix and needs no room for it.
    """
    width = lags.size
    size = 2 * width  # the columns again, empty, lest the convolution reach around
    spectra = np.fft.rfft(field, size)
    twice = np.full(width + 1, 2.0)
    twice[[0, -1]] = 1.0  # each wave but the first and the last stands for two
    placed = _placed(covariance, *np.meshgrid(parallels, lags, indexing="ij"))
    total = np.zeros(len(field))
    for row in range(parallels.size):
        near = _correlation(covariance, placed[row, 0], placed[row:])
        even = np.concatenate([near, np.zeros((len(near), 1)), near[:, :0:-1]], axis=1)
        transfer = np.fft.rfft(even).real
        transfer[1:] *= 2.0  # C is symmetric: what lies north of the parallel also stands for what lies south
        product = np.einsum("nsm,sm->nm", spectra[:, row:], transfer)
        total += np.einsum("nm,nm,m->n", np.conj(spectra[:, row]), product, twice).real
    return np.maximum(total / size, 0.0)  # exactly cancelled, a sum may round to less


def _placed(covariance: ErrorCovariance, latitudes: Array, longitudes: Array) -> Array:
    """Points [..., 6]: p (2) and y of the waves, and the place in space in units of the distance (3)."""
    latitudes, longitudes = np.broadcast_arrays(np.asarray(latitudes, float), np.asarray(longitudes, float))
    lat, lon = np.deg2rad(latitudes), np.deg2rad(longitudes)
    on_axis = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon)])
    waves = on_axis * (RADIUS_MEAN / covariance.length(latitudes))
    space = np.stack([*on_axis, np.sin(lat)]) * (RADIUS_MEAN / covariance.distance)
    return np.stack([*waves, lat * (RADIUS_MEAN / covariance.north), *space], axis=-1)


def _correlation(covariance: ErrorCovariance, one: Array, other: Array) -> Array:
    """Correlation of placed points [..., 6], broadcast against each other."""
    squares = [(one[..., axis] - other[..., axis]) ** 2 for axis in range(6)]
    waves = _bessel(np.sqrt(squares[0] + squares[1])) * np.exp(-0.5 * squares[2])
    decay = np.exp(-np.sqrt(squares[3] + squares[4] + squares[5]))
    return (1.0 - covariance.share) * waves + covariance.share * decay


def _bessel(x: Array) -> Array:
    """J0 of values of zero or more, from a table."""
    table = _table(int(np.ceil(x.max())) + 1)
    scaled = x * (1.0 / _STEP)
    below = scaled.astype(np.int32)
    start = table[below]
    return start + (scaled - below) * (table[below + 1] - start)


@lru_cache(maxsize=32)
def _table(end: int) -> Array:
    """J0 from 0 to `end`: the mean of cos(x sin a), which a rule of equal steps gives to the last digit."""
    angles = np.pi * np.arange(end // 2 + 40) / (end // 2 + 40)
    x = np.arange(0.0, end + 2 * _STEP, _STEP)
    return np.concatenate([np.cos(np.outer(part, np.sin(angles))).mean(axis=1) for part in np.array_split(x, end)])
