"""Associated Legendre functions, fully normalised (4 pi), without Condon-Shortley phase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def legendre(nmax: int, latitude: Array) -> tuple[Array, ...]:
    """Fully normalised Legendre functions P_nm(sin latitude), one table per order.

    Forward column recursion (Holmes and Featherstone 2002, doi 10.1007/s00190-002-0216-2), stable without
    scaling far beyond degree 256 as long as the pole itself is exactly zero for m > 0.

    Parameters
    ----------
    nmax : maximum degree
    latitude : [points] geocentric latitude, radian

    Returns
    -------
    tables : for each order m = 0..nmax an array [nmax + 1 - m, points], row n - m holding degree n
    """
    sine, cosine = np.sin(latitude), np.cos(latitude)
    tables, sectoral = [], np.ones_like(sine)
    for m in range(nmax + 1):
        if m > 0:
            sectoral = sectoral * cosine * np.sqrt(3.0 if m == 1 else (2.0 * m + 1.0) / (2.0 * m))
        table = np.empty((nmax + 1 - m, sine.size))
        table[0] = sectoral
        for n in range(m + 1, nmax + 1):
            a = np.sqrt((2.0 * n - 1.0) * (2.0 * n + 1.0) / ((n - m) * (n + m)))
            table[n - m] = a * sine * table[n - m - 1]
            if n > m + 1:
                b = np.sqrt((2.0 * n + 1.0) * (n + m - 1.0) * (n - m - 1.0) / ((n - m) * (n + m) * (2.0 * n - 3.0)))
                table[n - m] -= b * table[n - m - 2]
        tables.append(table)
    return tuple(tables)
