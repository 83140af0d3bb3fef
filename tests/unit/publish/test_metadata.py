"""What catalogues and registries get: DataCite and STAC say what is true, in the form that they ask for."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from services.publish.changes import Changes
from services.publish.datacite import NAMESPACE, NOT_YET, datacite_xml
from services.publish.manifest import Manifest, read_manifest
from services.publish.stac import collection_json, item_json
from shared.formats.files import sha256_of
from tests.unit.publish.releases import calm_maps, manifest_of, release_maps, write_months, write_product

# Mandatory properties of the DataCite schema 4 and the attributes that it asks for with them
MANDATORY = {
    "identifier": "identifierType",
    "creators/creator/creatorName": None,
    "titles/title": None,
    "publisher": None,
    "publicationYear": None,
    "resourceType": "resourceTypeGeneral",
}
# Values that its lists allow, of those that we use
LISTS = {
    "resourceTypeGeneral": {"Dataset"},
    "dateType": {"Issued", "Collected"},
    "relatedIdentifierType": {"DOI"},
    "relationType": {"References", "IsDerivedFrom"},
    "descriptionType": {"Abstract", "Methods", "Other"},
    "nameType": {"Organizational"},
}
# Children of the root, which may stand in any order but only once
KNOWN = {
    "identifier", "creators", "titles", "publisher", "publicationYear", "resourceType", "subjects", "contributors",
    "dates", "language", "alternateIdentifiers", "relatedIdentifiers", "sizes", "formats", "version", "rightsList",
    "descriptions", "geoLocations", "fundingReferences", "relatedItems",
}  # fmt: skip

DATE_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"
LINKS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["rel", "href"],
        "properties": {"rel": {"type": "string"}, "href": {"type": "string", "minLength": 1}},
    },
}
PROVIDERS = {
    "type": "array",
    "items": {
        "required": ["name"],
        "properties": {"roles": {"items": {"enum": ["licensor", "producer", "processor", "host"]}}},
    },
}
ITEM = {
    "type": "object",
    "required": ["type", "stac_version", "id", "geometry", "bbox", "properties", "links", "assets", "collection"],
    "properties": {
        "type": {"const": "Feature"},
        "stac_version": {"const": "1.0.0"},
        "stac_extensions": {"type": "array", "uniqueItems": True, "items": {"pattern": "^https://.*schema.json$"}},
        "id": {"type": "string", "minLength": 1},
        "bbox": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
        "geometry": {
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"const": "Polygon"},
                "coordinates": {"items": {"minItems": 4, "items": {"minItems": 2, "items": {"type": "number"}}}},
            },
        },
        "properties": {
            "required": ["datetime", "start_datetime", "end_datetime"],
            "properties": {
                "datetime": {"type": "null"},
                "start_datetime": {"pattern": DATE_TIME},
                "end_datetime": {"pattern": DATE_TIME},
                "created": {"pattern": DATE_TIME},
                "license": {"pattern": r"^[\w\-\.\+]+$"},
                "providers": PROVIDERS,
            },
        },
        "links": LINKS,
        "assets": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "required": ["href", "type", "roles", "file:checksum", "file:size"],
                "properties": {"file:checksum": {"pattern": "^1220[0-9a-f]{64}$"}, "file:size": {"type": "integer"}},
            },
        },
    },
}
COLLECTION = {
    "type": "object",
    "required": ["type", "stac_version", "id", "description", "license", "extent", "links"],
    "properties": {
        "type": {"const": "Collection"},
        "stac_version": {"const": "1.0.0"},
        "id": {"type": "string", "minLength": 1},
        "description": {"type": "string", "minLength": 1},
        "license": {"pattern": r"^[\w\-\.\+]+$"},
        "providers": PROVIDERS,
        "links": LINKS,
        "extent": {
            "required": ["spatial", "temporal"],
            "properties": {
                "spatial": {"required": ["bbox"], "properties": {"bbox": {"minItems": 1, "items": {"minItems": 4}}}},
                "temporal": {
                    "required": ["interval"],
                    "properties": {"interval": {"minItems": 1, "items": {"items": {"pattern": DATE_TIME}}}},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metadata")
    return release_maps(folder / "twsa", write_product(folder, calm_maps()))


@pytest.fixture(scope="module")
def manifest(release: Path) -> Manifest:
    return read_manifest(release)


def found(root: ET.Element, path: str) -> list[ET.Element]:
    return root.findall("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))


def test_the_record_has_every_mandatory_property(release: Path) -> None:
    root = ET.fromstring((release / "datacite.xml").read_bytes())
    assert root.tag == f"{{{NAMESPACE}}}resource"
    for path, attribute in MANDATORY.items():
        elements = found(root, path)
        assert elements, path
        assert all((element.text or "").strip() for element in elements), path
        assert attribute is None or all(element.get(attribute) for element in elements), path


def test_the_record_uses_only_properties_and_words_of_the_schema(release: Path) -> None:
    root = ET.fromstring((release / "datacite.xml").read_bytes())
    names = [child.tag.rpartition("}")[2] for child in root]
    assert set(names) <= KNOWN
    assert len(names) == len(set(names))
    for element in root.iter():
        for attribute, value in element.attrib.items():
            assert value in LISTS.get(attribute, {value}), (element.tag, attribute)


def test_the_record_says_what_the_release_is(manifest: Manifest) -> None:
    changes = Changes(months_added=manifest.months)
    root = ET.fromstring(datacite_xml(manifest, changes))
    text = {path: found(root, path)[0].text for path in ("identifier", "publicationYear", "version", "publisher")}
    assert text == {
        "identifier": NOT_YET,
        "publicationYear": "2026",
        "version": "v1.0.001",
        "publisher": "Institute of Examples",
    }
    dates = {date.get("dateType"): date.text for date in found(root, "dates/date")}
    assert dates == {"Issued": "2026-01-02T03:04:05Z", "Collected": "2002-04-05/2002-09-30"}
    assert found(root, "rightsList/rights")[0].get("rightsIdentifier") == "CC-BY-4.0"


def test_a_doi_is_said_where_there_is_one_and_others_are_related(manifest: Manifest) -> None:
    with_doi = replace(manifest, publication={**manifest.publication, "doi": "10.5072/example"})
    root = ET.fromstring(datacite_xml(with_doi, Changes()))
    assert found(root, "identifier")[0].text == "10.5072/example"
    related = {each.text: each.get("relationType") for each in found(root, "relatedIdentifiers/relatedIdentifier")}
    assert related == {"10.5194/essd-17-611-2025": "References", "10.1002/2016JB013844": "IsDerivedFrom"}


def test_a_text_of_any_characters_leaves_the_record_well_formed(manifest: Manifest) -> None:
    nasty = replace(manifest, title="Water < land &\x00\x0b ]]> ocean", why='a "reason"')
    root = ET.fromstring(datacite_xml(nasty, Changes()))
    assert (found(root, "titles/title")[0].text or "").startswith("Water < land & ]]> ocean")


def test_item_and_collection_are_as_stac_asks(release: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="a package of the tests")
    for name, schema in (("item", ITEM), ("collection", COLLECTION)):
        words = json.loads((release / "stac" / f"{name}.json").read_text())
        jsonschema.validate(words, schema)
        broken = {key: value for key, value in words.items() if key != "links"}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_every_address_leads_to_a_file_of_the_release(release: Path) -> None:
    for name in ("item", "collection"):
        words = json.loads((release / "stac" / f"{name}.json").read_text())
        for link in words["links"]:
            assert (release / "stac" / link["href"]).is_file(), link
    assets = json.loads((release / "stac" / "item.json").read_text())["assets"]
    assert set(assets) == {"data", "thumbnail"}
    for asset in assets.values():
        path = release / "stac" / asset["href"]
        assert asset["file:checksum"] == "1220" + sha256_of(path)
        assert asset["file:size"] == path.stat().st_size


def test_extent_and_period_are_those_of_the_data(manifest: Manifest) -> None:
    item, collection = json.loads(item_json(manifest)), json.loads(collection_json(manifest))
    assert item["properties"]["start_datetime"] == "2002-04-05T00:00:00Z"
    assert item["properties"]["end_datetime"] == "2002-09-30T23:59:59Z"
    assert collection["extent"]["temporal"]["interval"] == [["2002-04-05T00:00:00Z", "2002-09-30T23:59:59Z"]]
    assert collection["extent"]["spatial"]["bbox"] == [[-180.0, -90.0, 180.0, 90.0]]
    assert item["properties"]["license"] == collection["license"] == "CC-BY-4.0"


def test_each_file_of_level2b_is_an_asset_by_filter_and_span(tmp_path: Path) -> None:
    assets = json.loads(item_json(manifest_of(write_months(tmp_path, ["2008-04"]))))["assets"]
    assert len(assets) == 9
    assert assets["VDK3/2008092-2008121"]["type"] == "application/gzip"
