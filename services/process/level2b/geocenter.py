"""Degree 1, to which satellites that orbit the centre of mass are blind.

Swenson et al. (2008), doi 10.1029/2007JB005338; Sun et al. (2016), doi 10.1002/2016JB013073.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.process.geometry import Geometry
from shared.geodesy import ordering
from shared.models.coefficients import FilteredAnomalies

PLACES = ((1, 0, False), (1, 1, False), (1, 1, True))


def insert_degree_one(fields: FilteredAnomalies, *, geometry: Geometry) -> FilteredAnomalies:
    """Insert C10, C11, S11, estimated from each filter set by itself; the values are relative to AOD1B."""
    places = [ordering.position(fields.nmax, *place) for place in PLACES]
    sets = {}
    for label, values in fields.sets.items():
        complete = np.array(values)
        complete[places] = geometry.geocenter(values)
        sets[label] = complete
    return replace(fields, sets=sets)
