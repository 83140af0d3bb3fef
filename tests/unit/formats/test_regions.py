"""Regions from GeoJSON: what GravIS gives is read, what is no region is said by name."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from shared.errors import GranuleRejected
from shared.formats.regions import feature_collection, name_of, read_regions, regions_of_json
from shared.models.grid import Grid

SQUARE = [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [0.0, 0.0]]
HOLE = [[3.0, 3.0], [7.0, 3.0], [7.0, 7.0], [3.0, 7.0], [3.0, 3.0]]
ISLAND = [[20.0, 0.0, 5.0], [24.0, 0.0, 5.0], [24.0, 4.0, 5.0], [20.0, 0.0, 5.0]]


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def feature(name: Any = "Óbidos (Amazonas)", kind: str = "Polygon", coordinates: Any = (SQUARE,)) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"name": name}, "geometry": {"type": kind, "coordinates": coordinates}}


def read(words: Any) -> Any:
    return regions_of_json(json.dumps(words).encode(), file="basins.json")


def test_a_polygon_with_a_hole_and_an_island_is_read() -> None:
    (region,) = read(collection(feature(kind="MultiPolygon", coordinates=[[SQUARE, HOLE], [ISLAND]])))
    assert (region.name, region.title) == ("obidos-amazonas", "Óbidos (Amazonas)")
    shape = shapely.MultiPolygon([(SQUARE, [HOLE]), ([corner[:2] for corner in ISLAND], [])])
    grid = Grid(1.0)
    found = region.cells(grid)
    assert found.sum() == 100 - 16 + 6
    assert all(
        shape.covers(shapely.Point(grid.longitudes[c], grid.latitudes[r]))
        for r, c in zip(*found.nonzero(), strict=True)
    )


def test_regions_come_in_the_order_of_their_titles() -> None:
    assert [each.title for each in read(collection(feature("Po"), feature("Elbe")))] == ["Elbe", "Po"]


def test_what_is_written_is_read_again() -> None:
    regions = read(collection(feature(coordinates=[SQUARE, HOLE]), feature("Po")))
    again = read(feature_collection(regions))
    assert {each.name: each.rings for each in again} == {each.name: each.rings for each in regions}


def test_all_basins_of_gravis_are_read(real_data: Path) -> None:
    regions = {each.name: each for each in read_regions(real_data / "gravis" / "basins_rivbas.json")}
    assert len(regions) == 100
    assert regions["colorado-river-pacific-ocean"].title == "Colorado River (Pacific Ocean)"
    assert regions["amazonas"].cells(Grid()).sum() == pytest.approx(1930, abs=30)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([1, 2], "no GeoJSON"),
        ({"type": "Feature"}, "no GeoJSON|no collection"),
        (collection(), "no collection of features"),
        (collection(feature(), {"type": "Feature", "geometry": None}), "feature 2 is no named polygon"),
        (collection(feature(kind="Point", coordinates=[1.0, 2.0])), "feature 1 is no named polygon"),
        (collection(feature(coordinates=[[[0.0, "north"]] * 4])), "feature 1 is no named polygon"),
        (collection(feature("Nile", coordinates=[[[0.0, 0.0], [1.0, 99.0], [2.0, 0.0]]])), "Nile: .*latitude 99"),
        (collection(feature("Nile", coordinates=[])), "Nile: a region without a ring"),
        (collection(feature("Nile"), feature("NILE")), "several regions of the name nile"),
    ],
)
def test_what_is_no_collection_of_named_polygons_is_said_with_the_feature(words: Any, said: str) -> None:
    with pytest.raises(GranuleRejected, match=said) as rejected:
        read(words)
    assert rejected.value.file == "basins.json"


def test_a_file_that_cannot_be_read_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(GranuleRejected, match="GRAVSTREAM_BASINS"):
        read_regions(tmp_path / "none.json")


@pytest.mark.parametrize(("title", "name"), [("St.Lawrence", "st-lawrence"), ("Hong(Red River)", "hong-red-river")])
def test_a_name_fits_into_an_address(title: str, name: str) -> None:
    assert name_of(title) == name == name_of(name)
