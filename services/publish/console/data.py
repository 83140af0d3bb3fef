"""Values of releases, their pictures and files: what readers of the product ask for."""

from __future__ import annotations

from fastapi import APIRouter

from services.publish.console.context import Context


def data_routes(context: Context) -> APIRouter:
    """The routes of values and pictures."""
    return APIRouter()
