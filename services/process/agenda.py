"""What is due: derived from the catalogue, never from a message.

Each product has a baseline, once; Level-2B of each month, by itself; and a series of all months together. A
unit's key is the digest of its recipe and of all that goes in, so that other inputs are other units, and what
is done is never done again. Looking twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.process.hall import Hall
from services.process.plans import InUse, in_use, plan_months, plan_series, withdraw_others
from services.process.products import Product
from services.process.proposals import ProductBaselines
from services.process.reprocessing_course import follow
from shared.storage.records import Unit, UnitState

OPEN: tuple[UnitState, ...] = ("due", "running")
LEFT: tuple[UnitState, ...] = ("due", "waiting", "parked")


def look(hall: Hall) -> list[Unit]:
    """Enter what should exist, withdraw what should not, return what is due.

    What people asked to have computed again is begun and ended here too, and nowhere else.
    """
    follow(hall)
    files = in_use(hall.catalogue)
    if files is not None:
        for product in hall.products:
            _look_at(hall, product, files)
    return [unit for unit in hall.catalogue.due() if unit.kind != "release"]


def next_of(hall: Hall, due: Sequence[Unit]) -> list[Unit]:
    """What is handed out now: a product once no month of those before it is due.

    Handed out together, the first product's series would stand in the queue behind every month of the second.
    """
    chosen: list[Unit] = []
    for product in hall.products:
        mine = [unit for unit in due if unit.product == product.name]
        chosen += mine
        if any(unit.kind == "month" for unit in mine):
            break
    return chosen


def _look_at(hall: Hall, product: Product, files: InUse) -> None:
    """Plan one product."""
    catalogue = hall.catalogue
    left = catalogue.units(LEFT, product=product.name)
    baselines = ProductBaselines(catalogue, product, catalogue.baselines(product.name), left)
    baseline = baselines.used(files, hall.baseline_months)
    if baseline is None:
        return
    plans = plan_months(hall.catalogue, product, files, baseline)
    units = catalogue.ensure_units(plans)
    withdraw_others(catalogue, left, "month", {plan.key for plan in plans})
    done = [unit for unit in units if unit.state == "done"]
    # Many new months make one series, not many: it is planned when no month is under way any more.
    if not done or any(unit.state in OPEN for unit in units):
        return
    series = plan_series(product, done, baseline)
    catalogue.ensure_units([series])
    catalogue.want_series(product.name, series.key)
    withdraw_others(catalogue, left, "series", {series.key})
    made = {unit.inputs["level-2"] for unit in done}
    baselines.renew(baseline, files, [each for each in files.months if each.sha256 in made])


def is_settled(hall: Hall, product: str) -> bool:
    """Whether no month of a product is under way: time to look what comes next."""
    return not hall.catalogue.units(OPEN, "month", product, limit=1)
