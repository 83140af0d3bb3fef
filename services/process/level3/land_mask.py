"""Only land is published: over the ocean the anomaly is not terrestrial water storage."""

from __future__ import annotations

from dataclasses import replace

from services.process.geometry import Geometry
from shared.models.grid import GridSeries


def mask_ocean(maps: GridSeries, *, geometry: Geometry) -> GridSeries:
    """Mark the cells that hold any land; all others are left out where the maps are written."""
    return replace(maps, land=geometry.mask.land)
