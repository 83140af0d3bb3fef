"""What belongs together for its reader: the story of a month, the runs of work, what waits for a person."""

from __future__ import annotations

import threading

from services.publish.chronicle import Chronicle
from services.publish.console.answers import (
    BaselineView,
    Decisions,
    EventView,
    GranuleView,
    HeldRelease,
    MonthOfProduct,
    MonthStory,
    Runs,
    RunView,
    Stages,
    UnitView,
)
from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from services.publish.month_states import MonthView, ProductMonths, month_of_file, product_months
from services.publish.set_aside import set_aside
from services.publish.shown_release import line_of, recorded_changes
from services.publish.stages import stages
from shared.storage.catalogue import Catalogue
from shared.storage.records import Event, Unit

# How a run ends, as the log names it
_ENDS = {"unit-done": "done", "unit-failed": "failed", "unit-parked": "parked"}


class MonthStories:
    """Tells the stories of months; what has happened is read once, then only what is new."""

    def __init__(self, context: Context) -> None:
        self._context, self._chronicle = context, Chronicle(context.catalogue)
        self._one_at_a_time = threading.Lock()

    def tell(self, month: str) -> MonthStory:
        """All that is known of a month; it ends the request if that is nothing."""
        catalogue = self._context.catalogue
        files = [file for file in catalogue.granules("level-2", state=None) if month_of_file(file) == month]
        events = catalogue.log(month)
        units = catalogue.units(month=month)
        if not (files or events or units):
            raise Refusal(404, f"nothing is known of {month}", "See /api/v1/months for the months.")
        times = self._stages()
        products = [product_months(catalogue, product) for product in self._context.products]
        return MonthStory(
            month=month,
            products=[_of_product(each, month, times.get((each.product, month), Stages())) for each in products],
            files=[GranuleView.of(file) for file in files],
            units=[UnitView.of(unit) for unit in units],
            events=[EventView.of(event) for event in events],
        )

    def _stages(self) -> dict[tuple[str, str], Stages]:
        with self._one_at_a_time:
            self._chronicle.follow()
            found = stages(self._context.catalogue, self._chronicle, self._context.products)
        names = Stages.__dataclass_fields__.keys()
        return {of: Stages(**{name: at for name, at in times.items() if name in names}) for of, times in found.items()}


def _of_product(months: ProductMonths, month: str, times: Stages) -> MonthOfProduct:
    known = (each for each in months.months if each.month == month)
    view = next(known, MonthView(month, "missing", "no file of it has come", None, False, None))
    return MonthOfProduct(**vars(view), product=months.product, threshold_mm=months.threshold_mm, stages=times)


def runs_of(catalogue: Catalogue, limit: int, offset: int) -> Runs:
    """Runs of work, the newest first, without so many of those that have ended."""
    running = [_running(unit) for unit in catalogue.units("running")] if offset == 0 else []
    ended = catalogue.log(kind=tuple(_ENDS), limit=offset + limit + 1, newest=True)[::-1][offset:]
    more = offset + limit if len(ended) > limit else None
    return Runs([*running[::-1], *(_ended(event) for event in ended[:limit])], more)


def _running(unit: Unit) -> RunView:
    text = f"{unit.product} of {unit.month or unit.kind} is under way"
    return RunView(
        unit.key, unit.kind, unit.product, unit.month, "running", unit.updated_at, None, unit.owner or "", text
    )


def _ended(event: Event) -> RunView:
    told = event.details
    month = event.subject if told["kind"] == "month" else None
    return RunView(
        told["key"], told["kind"], told["product"], month, _ENDS[event.kind], event.time, told.get("seconds"),
        event.who, event.text,
    )  # fmt: skip


def decisions_of(catalogue: Catalogue) -> Decisions:
    """All that waits for a person."""
    held = catalogue.releases(state="held")
    return Decisions(
        releases=[HeldRelease(**vars(line_of(each, None)), changes=recorded_changes(each)) for each in held],
        files=[GranuleView.of(file) for file in set_aside(catalogue)],
        baselines=[BaselineView.of(each) for each in catalogue.baselines(state="proposed")],
        units=[UnitView.of(unit) for unit in catalogue.units("parked")],
    )
