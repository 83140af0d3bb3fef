"""Releases: the list of all, one with everything about it, and what changed between two."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Query

from services.publish.comparison import compare_releases
from services.publish.console.answers import ReleaseList
from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from services.publish.console.files import directory_of, files_address
from services.publish.console.parameters import NAME, ReleaseId, product_of, release_of
from services.publish.shown_changes import ChangesView, changes_view
from services.publish.shown_release import ReleaseView, line_of, view_of

_COMPARING = threading.Lock()  # it reads two whole files: one after the other
_compared = lru_cache(maxsize=32)(compare_releases)  # directories that never change

Product = Annotated[str | None, Query(pattern=NAME, description="Only of this product.")]


def release_routes(context: Context) -> APIRouter:
    """The routes of releases."""
    routes = APIRouter(prefix="/api/v1/releases", tags=["releases"])
    catalogue = context.catalogue

    @routes.get("")
    def releases(product: Product = None) -> ReleaseList:
        """All releases, the newest first, also those that are held, rejected or retracted."""
        wanted = None if product is None else product_of(context, product)
        latest = {name: catalogue.latest(name) for name in context.products}
        found = catalogue.releases(wanted)
        return ReleaseList([line_of(each, latest.get(each.product)) for each in reversed(found)])

    @routes.get("/{id}")
    def release(id: ReleaseId) -> ReleaseView:
        """A release: what it was made of, what changed, its files with their digests, how to cite it."""
        found = release_of(context, id)
        return view_of(found, catalogue.latest(found.product), files_address(found.id))

    @routes.get("/{a}/changes/{b}")
    def changes(a: ReleaseId, b: ReleaseId) -> ChangesView:
        """What b changes for somebody who has a: months, millimetres and flags."""
        before, after = release_of(context, a), release_of(context, b)
        if before.product != after.product:
            raise Refusal(400, f"{a} and {b} are of two products", "Name two releases of one product.")
        folders = directory_of(after), directory_of(before)
        with _COMPARING:
            return changes_view(_compared(*folders), a)

    return routes
