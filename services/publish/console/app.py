"""The web page and the API as one application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from services.publish.console.context import Context
from services.publish.console.data import data_routes
from services.publish.console.errors import explain_errors
from services.publish.console.reading import reading_routes

STATIC = Path(__file__).with_name("static")


def create_app(context: Context) -> FastAPI:
    """The console of a system."""
    app = FastAPI(title="gravstream", openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None)
    explain_errors(app)
    app.include_router(reading_routes(context))
    app.include_router(data_routes(context))
    app.mount("/", StaticFiles(directory=STATIC, html=True, check_dir=False))
    return app
