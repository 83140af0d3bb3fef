"""Regions as GeoJSON (RFC 7946), such as the river basins of GFZ's GravIS: read, and written for a map."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shared.errors import GranuleRejected
from shared.models.region import Region

_ADVICE = "Give a FeatureCollection of polygons, each with a property 'name'; GravIS basins are one"


def read_regions(path: Path) -> tuple[Region, ...]:
    """Read the named regions of a GeoJSON file, in the order of their titles.

    Raises
    ------
    GranuleRejected : if the file cannot be read or is no collection of named polygons; it names the region
    """
    try:
        return regions_of_json(path.read_bytes(), file=path)
    except OSError as error:
        found = f"the regions cannot be read ({error.strerror or error})"
        raise GranuleRejected(found, advice="Check GRAVSTREAM_BASINS, or leave it empty", file=path) from error


def regions_of_json(content: bytes, *, file: str | Path) -> tuple[Region, ...]:
    """The named regions of a GeoJSON text; GranuleRejected as for `read_regions`."""
    try:
        words = json.loads(content)
        features = words["features"] if words["type"] == "FeatureCollection" else None
    except (ValueError, KeyError, TypeError) as error:
        raise GranuleRejected("no GeoJSON", advice=_ADVICE, file=file) from error
    if not isinstance(features, list) or not features:
        raise GranuleRejected("no collection of features", advice=_ADVICE, file=file)
    regions = [_region(feature, number, file) for number, feature in enumerate(features, start=1)]
    names = [region.name for region in regions]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise GranuleRejected(
            f"several regions of the name {', '.join(doubled)}", advice="Give each region a name of its own", file=file
        )
    return tuple(sorted(regions, key=lambda region: region.title))


def _region(feature: Any, number: int, file: str | Path) -> Region:
    try:
        title, geometry = str(feature["properties"]["name"]).strip(), feature["geometry"]
        polygons = {"Polygon": lambda parts: [parts], "MultiPolygon": list}[geometry["type"]](geometry["coordinates"])
        rings = tuple(_ring(ring) for polygon in polygons for ring in polygon)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise GranuleRejected(f"feature {number} is no named polygon ({error})", advice=_ADVICE, file=file) from error
    try:
        return Region(name_of(title), title, rings)
    except ValueError as error:
        advice = f"Mend '{title}' (feature {number}), or take it out"
        raise GranuleRejected(f"{title}: {error}", advice=advice, file=file) from error


def _ring(positions: Any) -> tuple[tuple[float, float], ...]:
    """Corners without the last, which closes the ring; heights are left out."""
    corners = [(float(position[0]), float(position[1])) for position in positions]
    return tuple(corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners)


def name_of(title: str) -> str:
    """A title as a name for addresses: plain small letters and digits, with hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))


def feature_collection(regions: Iterable[Region]) -> Mapping[str, Any]:
    """Regions as GeoJSON; a map fills what lies inside an odd number of rings."""
    return {"type": "FeatureCollection", "features": [_feature(region) for region in regions]}


def _feature(region: Region) -> Mapping[str, Any]:
    rings = [[list(corner) for corner in (*ring, ring[0])] for ring in region.rings]
    return {
        "type": "Feature",
        "properties": {"name": region.name, "title": region.title},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }
