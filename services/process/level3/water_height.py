"""From coefficients to maps of water (Wahr et al. 1998, doi 10.1029/98JB02844)."""

from __future__ import annotations

import numpy as np

from services.process.geometry import Geometry
from shared.geodesy.harmonics import Synthesis
from shared.models.coefficients import Vector
from shared.models.grid import GridSeries
from shared.models.series import CombinedSeries

# Maps that are held at a time where only a number of each is wanted
_CHUNK = 32


def synthesise_water_height(series: CombinedSeries, *, geometry: Geometry, surface: str) -> GridSeries:
    """Maps of terrestrial water storage anomaly [time, lat, lon] in metres of water.

    Parameters
    ----------
    series : the combined fields [time, (nmax + 1)^2], fully normalised
    surface : `ellipsoid`, `gfz-r45` or `sphere`; see `Geometry.synthesis`
    """
    synthesis = geometry.synthesis(series.nmax, series.gm, series.radius, surface)
    # float32 resolves 1e-5 mm here; the sums themselves are made in float64
    maps = np.empty((len(series.months), *geometry.grid.shape), np.float32)
    synthesis(series.values, maps)
    return GridSeries(
        grid=geometry.grid,
        months=series.months,
        spans=series.spans,
        twsa=maps,
        noise=series.noise,
        threshold=series.threshold,
        strength=series.strength,
        filter_sources=series.filter_sources,
        evaluation=series.evaluation,
        parameters={"synthesis_surface": surface},
    )


def ocean_rms(fields: Vector, geometry: Geometry, synthesis: Synthesis) -> Vector:
    """Area-weighted rms over open ocean [time], m of water, of fields [time, (nmax + 1)^2]."""
    squares = np.empty(fields.shape[0])
    for start in range(0, fields.shape[0], _CHUNK):
        part = slice(start, min(start + _CHUNK, fields.shape[0]))
        squares[part] = geometry.ocean_mean(synthesis(fields[part])[:, geometry.open_ocean] ** 2)
    return np.sqrt(squares)
