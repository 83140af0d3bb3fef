"""What is due: derived from the catalogue, never from a message.

Each product has a baseline, once; Level-2B of each month, by itself; and a series of all months together. A
unit's key is the digest of its recipe and of all that goes in, so that other inputs are other units, and what
is done is never done again. Looking twice changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.process.monthly import CODE_VERSION
from services.process.products import Product
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue
from shared.storage.records import BaselineRecord, Granule, Planned, Unit, UnitState
from shared.storage.store import Store

NEEDED = ("low-degrees", "gia")
OPTIONAL = ("land-mask", "month-table")  # the installed packages have defaults
OPEN: tuple[UnitState, ...] = ("due", "running")


@dataclass(frozen=True)
class Hall:
    """Where the process service works, and the products that it makes.

    baseline_months: months of the reference period that must be there before a baseline is made; lease: extended while
    a worker lives.
    """

    catalogue: Catalogue
    store: Store
    scratch: Path
    cache: Path
    products: Sequence[Product]
    baseline_months: int
    lease: timedelta = timedelta(minutes=2)


def look(hall: Hall) -> list[Unit]:
    """Enter what should exist, withdraw what should not, return what is due."""
    auxiliaries = auxiliaries_in_use(hall.catalogue)
    if auxiliaries is not None:
        months = _one_a_month(hall.catalogue.granules("level-2"))
        for product in hall.products:
            _look_at(hall, product, months, auxiliaries)
    return [unit for unit in hall.catalogue.due() if unit.kind != "release"]


def _look_at(hall: Hall, product: Product, months: Sequence[Granule], auxiliaries: Mapping[str, Granule]) -> None:
    """Plan one product."""
    baseline = hall.catalogue.baseline(product.name)
    if baseline is None:
        _plan_baseline(hall, product, months, auxiliaries)
        return
    planned = [plan_month(product, granule, auxiliaries, baseline) for granule in months]
    units = hall.catalogue.ensure_units(planned)
    _withdraw_others(hall, product, "month", {plan.key for plan in planned})
    done = [unit for unit in units if unit.state == "done"]
    # Many new months make one series, not many: it is planned when no month is under way any more.
    if done and not any(unit.state in OPEN for unit in units):
        plan = plan_series(product, done, baseline)
        hall.catalogue.ensure_units([plan])
        _withdraw_others(hall, product, "series", {plan.key})


def is_settled(hall: Hall, product: str) -> bool:
    """Whether nothing of a product is under way: time to look what comes next."""
    return not hall.catalogue.units(OPEN, product=product, limit=1)


def _withdraw_others(hall: Hall, product: Product, kind: str, wanted: Collection[str]) -> None:
    """Units that wait to be done with inputs that are no longer in use."""
    open_units = hall.catalogue.units(("due", "waiting"), kind, product.name)  # type: ignore[arg-type]
    stale = [unit.key for unit in open_units if unit.key not in wanted]
    if stale:
        hall.catalogue.withdraw(stale, why="other inputs are in use now")


def _plan_baseline(hall: Hall, product: Product, months: Sequence[Granule], auxiliaries: Mapping[str, Granule]) -> None:
    """A baseline, once enough months of the reference period are there and no more are on their way."""
    first, last = product.reference
    reference = [each for each in months if each.month and first <= Month.parse(each.month) <= last]
    if len(reference) >= hall.baseline_months and _intake_is_over(hall.catalogue, months):
        plan = plan_baseline(product, reference, auxiliaries)
        hall.catalogue.ensure_units([plan])
        _withdraw_others(hall, product, "baseline", {plan.key})


def _intake_is_over(catalogue: Catalogue, months: Sequence[Granule]) -> bool:
    """Whether a look at a source has ended since the newest file came: no more of the same are on their way."""
    last = catalogue.polls(limit=1)
    return not last or last[0].time >= max(granule.arrived_at for granule in months)


def auxiliaries_in_use(catalogue: Catalogue) -> dict[str, Granule] | None:
    """The auxiliaries in use by role, or None while one that is needed is missing."""
    found = {role: catalogue.current(role) for role in (*NEEDED, *OPTIONAL)}
    if any(not found[role] for role in NEEDED):
        return None
    return {role: granules[-1] for role, granules in found.items() if granules}


def _one_a_month(granules: Iterable[Granule]) -> list[Granule]:
    """The accepted file of each month; the catalogue keeps only one in use."""
    by_month = {granule.month: granule for granule in granules if granule.month}
    return [by_month[month] for month in sorted(by_month)]


def plan_month(
    product: Product, granule: Granule, auxiliaries: Mapping[str, Granule], baseline: BaselineRecord
) -> Planned:
    """Level-2B of one month."""
    inputs = {"level-2": granule.sha256, "baseline": baseline.digest, "auxiliaries": _digests(auxiliaries)}
    return Planned(_key("month", product, product.monthly.digest, inputs), "month", product.name, granule.month, inputs)


def plan_series(product: Product, months: Iterable[Unit], baseline: BaselineRecord) -> Planned:
    """Level-3 of the months together."""
    inputs = {"months": {str(unit.month): unit.key for unit in months}, "baseline": baseline.digest}
    recipe = product.series.digest if product.series else product.monthly.digest
    return Planned(_key("series", product, recipe, inputs), "series", product.name, None, inputs)


def plan_baseline(product: Product, months: Iterable[Granule], auxiliaries: Mapping[str, Granule]) -> Planned:
    """The reference of a product's anomalies."""
    level2 = {str(granule.month): granule.sha256 for granule in months}
    inputs = {"level-2": level2, "auxiliaries": _digests(auxiliaries)}
    return Planned(_key("baseline", product, product.monthly.digest, inputs), "baseline", product.name, None, inputs)


def _digests(auxiliaries: Mapping[str, Granule]) -> dict[str, str]:
    return {role: auxiliaries[role].sha256 for role in sorted(auxiliaries)}


def _key(kind: str, product: Product, recipe: str, inputs: Mapping[str, object]) -> str:
    """SHA-256 of what is done, by which code, with what."""
    text = "\n".join([kind, product.name, product.version, recipe, CODE_VERSION, repr(sorted(inputs.items()))])
    return hashlib.sha256(text.encode()).hexdigest()
