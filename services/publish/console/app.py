"""The web page, the API and the metrics as one application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from services.publish.console.acting import acting_routes
from services.publish.console.context import Context
from services.publish.console.data import data_routes
from services.publish.console.errors import describe_problems, explain_errors
from services.publish.console.files import file_routes
from services.publish.console.pages import page_routes
from services.publish.console.protection import Protection
from services.publish.console.reading import reading_routes
from services.publish.console.releases import release_routes
from services.publish.console.security import Guard
from services.publish.console.stac import stac_routes

STATIC = Path(__file__).with_name("static")

_ABOUT = (
    "How far every month is, the releases and their values, and what people decide. Times are UTC, months YYYY-MM, "
    "heights millimetres of water. Acts need a token in the header `Authorization: Bearer`. What cannot be done is "
    'answered with {"error", "advice"}.'
)
# Nothing about requests leaves this process but the lines of its log
_UNWATCHED = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False}


class _Console(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            describe_problems(super().openapi())
        return super().openapi()


def create_app(context: Context) -> FastAPI:
    """The console of a system."""
    guard = Guard(context)
    app = _Console(
        title="The API of gravstream",
        version="1",
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # an address with one too many is wrong, not elsewhere
        telemetry=_UNWATCHED,  # type: ignore[arg-type]
    )
    explain_errors(app)
    reader = guard.reader()
    for routes in (reading_routes, release_routes, data_routes, file_routes, stac_routes):
        app.include_router(routes(context), dependencies=[Depends(reader)])
    app.include_router(acting_routes(context, guard))
    app.include_router(page_routes(context, reader))
    # Whatever is no route is a file of the page: its last part, not a route that would hide a wrong method.
    app.router.default = StaticFiles(directory=STATIC, html=True, check_dir=False)
    app.add_middleware(
        Protection,
        rates=guard.rates,
        secure=context.settings.url.startswith("https://"),
        is_open=context.settings.reading == "open",
    )
    return app
