"""How things are: what the API tells of months, work and decisions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from services.publish.console.answers import (
    Baselines,
    BaselineView,
    Decisions,
    EventView,
    Log,
    MonthStory,
    Parked,
    Runs,
    UnitView,
)
from services.publish.console.context import Context
from services.publish.console.parameters import PLAIN, Limit, MonthName, Offset, ProductName, product_of
from services.publish.console.stories import MonthStories, decisions_of, runs_of
from services.publish.overview import Limits, Overview, ProductMonths, overview, product_months

# What people decide, as the log names it
ACTS = (
    "release-approved", "release-rejected", "release-retracted", "unit-retried", "unit-dropped", "granule-accepted",
    "granule-refused", "baseline-accepted", "baseline-refused", "reprocessing-requested", "token-added",
    "token-revoked",
    # and what came of it
    "reprocessing-done", "reprocessing-refused",
)  # fmt: skip

Subject = Annotated[
    str | None, Query(max_length=200, pattern=PLAIN, description="A month, product, release, source, role or system.")
]


def reading_routes(context: Context) -> APIRouter:
    """The routes that tell how the system is."""
    routes = APIRouter(prefix="/api/v1", tags=["state"])
    limits = Limits(poll_interval=context.queue.poll_interval)
    catalogue, stories = context.catalogue, MonthStories(context)

    @routes.get("/status")
    def status() -> Overview:
        """How the whole system is, and what needs a person."""
        return overview(catalogue, context.titles, context.queue_lengths, limits, folders=context.folders)

    @routes.get("/months")
    def months(product: ProductName = "twsa") -> ProductMonths:
        """How far every month of a product is."""
        return product_months(catalogue, product_of(context, product))

    @routes.get("/months/{month}")
    def month(month: MonthName) -> MonthStory:
        """All that is known of a month: how far it is, its files, its work, and what happened to it."""
        return stories.tell(month)

    @routes.get("/log")
    def log(subject: Subject = None, limit: Limit = 100, acts: bool = False) -> Log:
        """What happened, the newest first; acts: only what people decided."""
        events = catalogue.log(subject, kind=ACTS if acts else None, limit=limit, newest=True)
        # A request to compute again stands in the log of each of its months, too: once is enough.
        told = {(event.time, event.text): event for event in events} if acts else dict(enumerate(events))
        return Log([EventView.of(event) for event in reversed(told.values())])

    @routes.get("/runs")
    def runs(limit: Limit = 50, offset: Offset = 0) -> Runs:
        """Work that is under way or has ended, the newest first."""
        return runs_of(catalogue, limit, offset)

    @routes.get("/baselines")
    def baselines() -> Baselines:
        """The reference of each product's anomalies: those in use, before, and proposed."""
        return Baselines([BaselineView.of(each) for each in catalogue.baselines()])

    @routes.get("/parked")
    def parked() -> Parked:
        """Work that failed and needs a person."""
        return Parked([UnitView.of(unit) for unit in catalogue.units("parked")])

    @routes.get("/decisions")
    def decisions() -> Decisions:
        """All that waits for a person: held releases and files, proposed baselines, parked work."""
        return decisions_of(catalogue)

    return routes
