"""Releases opened for their values, and answers that a reader need not fetch twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from fastapi import Request, Response
from pydantic import BaseModel

from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from services.publish.console.files import directory_of
from services.publish.console.parameters import release_of
from services.publish.file_names import maps_name
from services.publish.manifest import read_manifest
from shared.errors import RequestRefused
from shared.models.epoch import Month

CSV, NETCDF, PNG, JSON = "text/csv; charset=utf-8", "application/netcdf", "image/png", "application/json"
MEDIA = {"csv": CSV, "nc": NETCDF, "png": PNG, "json": JSON}

# A release never changes, but it may be retracted: that is seen after this time [s].
_FRESH = 3600


@dataclass(frozen=True)
class Maps:
    """The maps of a release: its name and product, the file and its digest."""

    release: str
    product: str
    path: Path
    digest: str


class Opener:
    """Opens the releases of a context."""

    def __init__(self, context: Context) -> None:
        """Remember the catalogue, and whether answers may be kept on their way to the reader."""
        self._context = context
        self._scope = "public" if context.settings.reading == "open" else "private"

    def maps(self, id: str) -> Maps:
        """The maps of a release that is open to readers; it ends the request if there are none."""
        release = release_of(self._context, id)
        found = _file_of(directory_of(release))
        if found is None:
            advice = f"Take a release of maps; the files of this one are listed at /api/v1/releases/{id}."
            raise Refusal(409, f"{id} holds coefficients, not maps", advice)
        return Maps(id, release.product, *found)

    def answer(
        self,
        request: Request,
        maps: tuple[Maps, ...],
        kind: str,
        name: str,
        make: Callable[[], bytes | str | BaseModel],
    ) -> Response:
        """What is made of files that never change; one who has it is only told that it is the same.

        Parameters
        ----------
        request : its address, and what the reader has
        maps : what the answer is made of
        kind : png, csv, nc or json
        name : under which a table is saved, without its ending
        make : makes the answer, and is called only if the reader does not have it
        """
        tag = _tag(request, maps)
        headers = {"ETag": tag, "Cache-Control": f"{self._scope}, max-age={_FRESH}"}
        known = request.headers.get("if-none-match", "").split(",")
        if tag in [each.strip().removeprefix("W/") for each in known]:
            return Response(status_code=304, headers=headers)
        if kind in ("csv", "nc"):
            headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
        with as_asked():
            made = make()
        body = made.model_dump_json() if isinstance(made, BaseModel) else made
        return Response(body, media_type=MEDIA[kind], headers=headers)


@lru_cache(maxsize=32)
def _file_of(folder: Path) -> tuple[Path, str] | None:
    """The file of maps in a release directory and its digest."""
    outputs = {output.name: output.sha256 for output in read_manifest(folder).outputs}
    name = maps_name(outputs)
    return None if name is None else (folder / name, outputs[name])


@contextmanager
def as_asked() -> Iterator[None]:
    """Answer what cannot be done as asked as a mistake of the request."""
    try:
        yield
    except RequestRefused as error:
        raise Refusal(422, error.found, error.advice) from error


def month_of(text: str | None) -> Month | None:
    """The month that an address names; it ends the request if it is none."""
    try:
        return None if text is None else Month.parse(text)
    except ValueError as error:
        raise Refusal(422, str(error), "Write a month as YYYY-MM, such as 2015-02.") from error


def _tag(request: Request, maps: tuple[Maps, ...]) -> str:
    """The same address of the same bytes, answered by the same version of the program, gives the same answer."""
    digests = (f"{each.release} {each.digest}" for each in maps)
    words = "\n".join((version("gravstream"), request.url.path, request.url.query, *digests))
    return f'"{hashlib.sha256(words.encode()).hexdigest()[:32]}"'
