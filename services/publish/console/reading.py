"""How things are: what the API tells everybody."""

from __future__ import annotations

from fastapi import APIRouter

from services.publish.console.context import Context
from services.publish.overview import Limits, Overview, ProductMonths, overview, product_months


def reading_routes(context: Context) -> APIRouter:
    """The routes that tell how the system is."""
    routes = APIRouter(prefix="/api/v1")
    limits = Limits(poll_interval=context.queue.poll_interval)

    @routes.get("/status")
    def status() -> Overview:
        """How the whole system is, and what needs a person."""
        return overview(context.catalogue, context.titles, context.queue_lengths, limits)

    @routes.get("/months")
    def months(product: str = "twsa") -> ProductMonths:
        """How far every month of a product is."""
        return product_months(context.catalogue, product)

    return routes
