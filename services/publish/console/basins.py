"""The named regions of the settings: read once, when they are asked for first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from services.publish.console.data_answers import BasinView
from services.publish.console.errors import Refusal
from shared.formats.regions import feature_collection, name_of, read_regions
from shared.models.grid import Grid
from shared.models.region import Region, cell_areas

_KM2 = 1e6  # square metres


class NamedRegions:
    """Regions by their names; a file that cannot be read is told to who asks for them."""

    def __init__(self, path: Path | None) -> None:
        """Remember where the regions are; None: there are none."""
        self._path = path

    def __bool__(self) -> bool:
        return self._path is not None

    @cached_property
    def _regions(self) -> Mapping[str, Region]:
        return {} if self._path is None else {region.name: region for region in read_regions(self._path)}

    @cached_property
    def views(self) -> list[BasinView]:
        """The regions with their areas, in the order of their titles."""
        grid = Grid()
        return [
            BasinView(name=name, title=region.title, area_km2=round(cell_areas(region.cells(grid), grid).sum() / _KM2))
            for name, region in self._regions.items()
        ]

    @cached_property
    def outlines(self) -> Mapping[str, Any]:
        """The regions as GeoJSON."""
        return feature_collection(self._regions.values())

    def named(self, name: str) -> Region:
        """The region of a name or title; it ends the request if there is none."""
        region = self._regions.get(name_of(name))
        if region is None:
            advice = "See /api/v1/basins for their names." if self else "No regions are set: GRAVSTREAM_BASINS."
            raise Refusal(404, f"there is no basin {name}", advice)
        return region
