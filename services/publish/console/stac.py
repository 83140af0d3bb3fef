"""The releases as a STAC catalogue: what each release says of itself, with addresses at which it is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse

from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from services.publish.console.files import directory_of, files_address
from services.publish.console.parameters import NAME, ReleaseId, product_of, release_of
from services.publish.shown_release import words_of
from services.publish.stac import COLLECTION, ITEM, VERSION

_JSON, _ITEM = "application/json", "application/geo+json"
_RELATIVE = "../"  # of the files, as seen from the folder of the item

Product = Annotated[str, InPath(pattern=NAME, description="Name of a product.")]
Words = dict[str, Any]


class GeoJson(JSONResponse):
    """An item: GeoJSON with what STAC adds to it."""

    media_type = _ITEM


def stac_routes(context: Context) -> APIRouter:
    """The routes of the catalogue, its collections and their items."""
    routes = APIRouter(prefix="/stac", tags=["stac"])
    catalogue = context.catalogue

    def base(request: Request) -> str:
        return (context.settings.url or str(request.base_url)).rstrip("/")

    @routes.get("")
    def root(request: Request) -> Words:
        """The catalogue: a collection for each product that is released."""
        here = f"{base(request)}/stac"
        products = [name for name in context.products if catalogue.latest(name) is not None]
        return {
            "type": "Catalog",
            "stac_version": VERSION,
            "id": "gravstream",
            "title": "gravstream",
            "description": "Releases of products from GRACE and GRACE-FO",
            "links": [
                *_ways(here, here, here),
                *(_link("child", f"{here}/{name}", title=context.titles[name]) for name in products),
            ],
        }

    @routes.get("/{product}")
    def collection(request: Request, product: Product) -> Words:
        """The releases of a product, as the newest one describes them."""
        here = f"{base(request)}/stac"
        latest = catalogue.latest(product_of(context, product))
        if latest is None:
            raise Refusal(404, f"nothing of {product} is released yet", "See /stac for what there is.")
        words: Words = words_of(Path(latest.directory), COLLECTION)
        items = [each.id for each in catalogue.releases(product, "released")]
        links = [_link("item", f"{here}/{product}/{id}", _ITEM) for id in items]
        return words | {"links": [*_ways(here, f"{here}/{product}", here), *links]}

    @routes.get("/{product}/{id}", response_class=GeoJson)
    def item(request: Request, product: Product, id: ReleaseId) -> Words:
        """A release with its files, each with digest and size."""
        release = release_of(context, id)
        if release.product != product:
            raise Refusal(404, f"{id} is no release of {product}", f"See /stac/{product} for those that are.")
        here, files = f"{base(request)}/stac", f"{base(request)}{files_address(id)}"
        words: Words = words_of(directory_of(release), ITEM)
        mine = f"{here}/{product}"
        links = [*_ways(here, f"{mine}/{id}", mine, _ITEM), _link("collection", mine)]
        return words | {"assets": dict(_served(words["assets"], files)), "links": links}

    return routes


def _ways(root: str, here: str, parent: str, kind: str = _JSON) -> list[dict[str, str]]:
    """The links that every part has; the root has no parent."""
    up = [_link("parent", parent)] if here != root else []
    return [_link("self", here, kind), _link("root", root), *up]


def _served(assets: Words, files: str) -> Iterator[tuple[str, Words]]:
    """Assets with the addresses at which their files are served."""
    for key, asset in assets.items():
        yield key, asset | {"href": f"{files}/{asset['href'].removeprefix(_RELATIVE)}"}


def _link(relation: str, target: str, kind: str = _JSON, **more: str) -> dict[str, str]:
    return {"rel": relation, "href": target, "type": kind, **more}
