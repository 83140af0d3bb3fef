"""Pages and measures that are no part of the API: its reference, the playbooks, whether all is well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from markdown_it import MarkdownIt

from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from services.publish.console.reference import page, reference
from services.publish.exporter import exposition

PLAYBOOKS = Path(__file__).parents[3] / "docs" / "playbooks"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"

Name = Annotated[str, InPath(pattern=r"^[a-z][a-z0-9-]{0,63}$", examples=["release-held"])]


def page_routes(context: Context, reader: Callable[..., None]) -> APIRouter:
    """The routes of pages and measures."""
    routes = APIRouter(tags=["pages"])

    @routes.get("/health", response_class=PlainTextResponse)
    def health() -> str:
        """Whether the console and the catalogue answer."""
        context.catalogue.last_event()
        return "ok\n"

    @routes.get("/metrics", response_class=PlainTextResponse, dependencies=[Depends(reader)])
    def metrics() -> Response:
        """Measures of the system, as Prometheus reads them."""
        return Response(exposition(context), media_type=_METRICS)

    @routes.get("/playbooks/{name}", response_class=HTMLResponse)
    def playbook(name: Name) -> str:
        """What to do about an alert."""
        path = PLAYBOOKS / f"{name}.md"
        if not path.is_file():
            raise Refusal(404, f"there is no playbook {name}", "See docs/playbooks for those that there are.")
        text = path.read_text(encoding="utf-8")
        body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        return page(text.partition("\n")[0].lstrip("# "), body)

    @routes.get("/api/v1/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs(request: Request) -> str:
        """The operations of the API, written from its description."""
        description: dict[str, Any] = request.app.openapi()
        return reference(description)

    return routes
