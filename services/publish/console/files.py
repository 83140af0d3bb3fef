"""The files of releases as they are: whole or in parts, each under the digest that it was released with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, RedirectResponse, Response

from services.publish.console.context import Context
from services.publish.console.errors import PROBLEM, Refusal
from services.publish.console.parameters import ReleaseId, product_of, release_of
from services.publish.file_names import maps_in
from services.publish.shown_release import digests_of
from services.publish.sums import SUMS
from services.publish.tombstone import read_tombstone
from shared.formats.files import sha256_of
from shared.storage.records import ReleaseRecord

_TYPES = {
    ".nc": "application/netcdf", ".gz": "application/gzip", ".png": "image/png", ".xml": "application/xml",
    ".json": "application/json", ".md": "text/markdown; charset=utf-8",
}  # fmt: skip
_TEXT, _BYTES = "text/plain; charset=utf-8", "application/octet-stream"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_YEAR = 31536000  # s

# Whatever the file is; a part of it; not again; no such part
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.partition(";")[0]: {} for kind in (*_TYPES.values(), _TEXT, _BYTES)}},
    206: {"description": "A part of the file"},
    304: {"description": "Not modified"},
    416: {"description": "Range not satisfiable", "content": {"application/json": {"schema": PROBLEM}}},
}

FileName = Annotated[str, InPath(max_length=300, description="A file of the release.", examples=["manifest.json"])]


def files_address(release: str) -> str:
    """Where the files of a release are served."""
    return f"/api/v1/releases/{release}/files"


def file_routes(context: Context) -> APIRouter:
    """The routes of files."""
    routes = APIRouter(tags=["files"])
    scope = "public" if context.settings.reading == "open" else "private"

    def file(request: Request, id: ReleaseId, path: FileName) -> Response:
        """A file of a release; a range is answered with that part, its ETag is the SHA-256 of the whole."""
        folder = directory_of(release_of(context, id))
        return _answer(request, folder, path, f"{scope}, max-age={_YEAR}, immutable")

    address = files_address("{id}") + "/{path:path}"
    routes.get(address, response_class=FileResponse, responses=_ANSWERS)(file)
    routes.head(address, include_in_schema=False)(file)

    @routes.get(
        "/latest/{product}", response_class=RedirectResponse, status_code=307, responses={307: {"description": "Where"}}
    )
    def latest(product: Annotated[str, InPath(max_length=64)]) -> RedirectResponse:
        """To the file of maps of the newest release."""
        release = context.catalogue.latest(product_of(context, product))
        if release is None:
            raise Refusal(404, f"nothing of {product} is released yet", "See /api/v1/releases.")
        maps = maps_in(Path(release.directory))
        if maps is None:
            raise Refusal(404, f"{product} has no single file", f"See /api/v1/releases/{release.id} for its files.")
        return RedirectResponse(f"{files_address(release.id)}/{maps.name}", headers={"Cache-Control": "no-cache"})

    return routes


def directory_of(release: ReleaseRecord) -> Path:
    """Where the files of a release lie; it ends the request if they are not to be had."""
    if release.state == "retracted":
        stone = read_tombstone(Path(release.directory)) if release.directory else None
        instead = f"Use {stone.successor} instead." if stone and stone.successor else "No release is in its place."
        raise Refusal(410, f"{release.id} was retracted: {release.decision.removeprefix('retracted: ')}", instead)
    if release.state != "released":
        raise Refusal(404, f"{release.id} is {release.state} and has no files", "See /api/v1/releases for others.")
    return Path(release.directory)


def _answer(request: Request, folder: Path, name: str, caching: str) -> Response:
    # Only names that the release itself lists are opened: no path leads out of it.
    digest = sha256_of(folder / SUMS) if name == SUMS else digests_of(folder).get(name)
    path = folder / name
    if digest is None or not path.is_file():
        raise Refusal(404, f"{folder.name} has no such file", f"See /api/v1/releases/{folder.name} for its files.")
    headers = {"ETag": f'"{digest}"', "Cache-Control": caching}
    if _is_known(request.headers.get("if-none-match", ""), digest):
        return Response(status_code=304, headers=headers)
    _check_range(request.headers.get("range", ""), path.stat().st_size)
    kind = _TYPES.get(path.suffix, _TEXT if name == SUMS else _BYTES)
    return FileResponse(path, headers=headers, media_type=kind, stat_result=path.stat())


def _is_known(condition: str, digest: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in condition.split(",")]
    return "*" in tags or f'"{digest}"' in tags


def _check_range(text: str, size: int) -> None:
    """End the request if a single range lies behind the end; other forms are left to the library."""
    match = _RANGE.fullmatch(text.strip())
    if match and ((match[1] and int(match[1]) >= size) or match[0] == "bytes=-0"):
        advice = f"The file has {size} bytes."
        raise Refusal(416, "no part of the file is in this range", advice, {"Content-Range": f"bytes */{size}"})
