"""A release as STAC 1.0: an item with its files, and the collection that the releases of a product form.

Every address is relative, so the catalogue holds wherever a release is copied to. Digests are multihashes (the
extension `file`): 0x12 for SHA-256, 0x20 for 32 bytes.
"""

from __future__ import annotations

import json
from typing import Any

from services.publish.file_names import LEVEL2B_NAME
from services.publish.manifest import Manifest, Output

ITEM, COLLECTION = "stac/item.json", "stac/collection.json"
VERSION = "1.0.0"
FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"

_BOX = [-180.0, -90.0, 180.0, 90.0]
_GLOBE = {
    "type": "Polygon",
    "coordinates": [[[-180.0, -90.0], [180.0, -90.0], [180.0, 90.0], [-180.0, 90.0], [-180.0, -90.0]]],
}
_SHA256 = "1220"
_KINDS = {".nc": "application/netcdf", ".gz": "application/gzip", ".png": "image/png", ".xml": "application/xml"}


def item_json(manifest: Manifest, extras: tuple[Output, ...] = ()) -> str:
    """The item of a release; `extras` are files beside those of data, such as a picture."""
    files = (*manifest.outputs, *extras)
    begin, end = _interval(manifest)
    return _text(
        {
            "type": "Feature",
            "stac_version": VERSION,
            "stac_extensions": [FILE_EXTENSION],
            "id": manifest.release,
            "collection": manifest.product,
            "geometry": _GLOBE,
            "bbox": _BOX,
            "properties": {
                "title": f"{manifest.title}, {manifest.version}, release {manifest.serial:03d}",
                "datetime": None,
                "start_datetime": begin,
                "end_datetime": end,
                "created": manifest.issued,
                "license": _license(manifest),
                "providers": _providers(manifest),
                "mission": "GRACE, GRACE-FO",
                "gravstream:version": manifest.version,
                "gravstream:serial": manifest.serial,
                "gravstream:kind": manifest.kind,
                "gravstream:months": len(manifest.months),
            },
            "links": [
                _link("root", "./collection.json"),
                _link("parent", "./collection.json"),
                _link("collection", "./collection.json"),
            ],
            "assets": {_asset_key(output): _asset(output) for output in files},
        }
    )


def collection_json(manifest: Manifest) -> str:
    """The collection, as it is with this release."""
    return _text(
        {
            "type": "Collection",
            "stac_version": VERSION,
            "stac_extensions": [],
            "id": manifest.product,
            "title": manifest.title,
            "description": manifest.publication.get("summary", "") or manifest.title,
            "keywords": ["GRACE", "GRACE-FO", "gravity field", "terrestrial water storage"],
            "license": _license(manifest),
            "providers": _providers(manifest),
            "extent": {"spatial": {"bbox": [_BOX]}, "temporal": {"interval": [list(_interval(manifest))]}},
            "links": [
                _link("root", "./collection.json"),
                _link("item", "./item.json", "application/geo+json"),
            ],
        }
    )


def _text(words: dict[str, Any]) -> str:
    return json.dumps(words, indent=1, ensure_ascii=False) + "\n"


def _interval(manifest: Manifest) -> tuple[str, str]:
    return f"{manifest.begin}T00:00:00Z", f"{manifest.end}T23:59:59Z"


def _link(relation: str, target: str, kind: str = "application/json") -> dict[str, str]:
    return {"rel": relation, "href": target, "type": kind}


def _license(manifest: Manifest) -> str:
    """The SPDX name of the licence; `proprietary` is STAC's word for any other."""
    return "CC-BY-4.0" if "CC BY 4.0" in manifest.publication.get("license", "") else "proprietary"


def _providers(manifest: Manifest) -> list[dict[str, Any]]:
    words = manifest.publication
    address = {"url": words["creator_url"]} if words.get("creator_url") else {}
    name = words.get("institution", "") or words.get("creator_name", "") or "gravstream"
    return [{"name": name, "roles": ["producer", "processor", "host"], **address}]


def _asset_key(output: Output) -> str:
    """`data`, `VDK3/2002095-2002120`, or the name of the file."""
    if match := LEVEL2B_NAME.fullmatch(output.name):
        return f"{match['set']}/{match['span']}"
    is_maps = output.name.endswith(".nc") and "/" not in output.name
    return "data" if is_maps else "thumbnail" if output.name.endswith(".png") else output.name


def _asset(output: Output) -> dict[str, Any]:
    suffix = "." + output.name.rpartition(".")[2]
    role = "overview" if suffix == ".png" else "metadata" if suffix == ".xml" else "data"
    return {
        "href": f"../{output.name}",
        "type": _KINDS.get(suffix, "text/plain"),
        "roles": [role],
        "file:checksum": _SHA256 + output.sha256,
        "file:size": output.size,
    }
