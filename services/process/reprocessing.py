"""What would be computed again if a person asked for it, and why anything is.

What is due follows from keys. With another auxiliary all keys are others, and the work comes by itself. A unit whose
key is the same is done again under that key: the same bits are expected, and it is told if they are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.process.hall import Hall
from services.process.plans import NEEDED, InUse, in_use, plan_months, plan_series
from services.process.products import Product
from services.process.reprocessing_auxiliaries import Verify, usable
from shared.errors import RequestRefused
from shared.models.epoch import Month, months_between
from shared.storage.catalogue import Catalogue
from shared.storage.records import BaselineRecord, Planned, Unit

ENDED = ("done", "parked", "dropped")


@dataclass(frozen=True)
class Wish:
    """What is to be computed again, and why; without months all, without a step everything.

    months: YYYY-MM; first_step: nothing before it has to be done again; auxiliaries: other files by role.
    """

    who: str
    reason: str
    months: tuple[str, ...] = ()
    first_step: str | None = None
    auxiliaries: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Again:
    """A unit that would be computed, and why; key: empty if it follows from others that are computed first."""

    key: str
    kind: str
    product: str
    month: str | None
    why: str


def months_of(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """The months that a text such as `2015-02,2016-11..2017-06` names.

    A range may have gaps.

    Raises
    ------
    RequestRefused : if the text names no month, or one by itself that is not there
    """
    there, found = set(known), set[str]()
    for part in (part.strip() for part in text.split(",")):
        first, dots, last = part.partition("..")
        try:
            begin, end = Month.parse(first), Month.parse(last if dots else first)
        except ValueError as error:
            raise RequestRefused(str(error), advice="Write months as 2015-02,2016-11..2017-06.") from error
        named = {str(month) for month in months_between(begin, end)} & there
        if not named:
            raise RequestRefused(f"there is no month of data in {part}", advice="See the months with `gravstream log`.")
        found |= named
    return tuple(sorted(found))


def propose(hall: Hall, wish: Wish, verify: Verify = lambda *_: None) -> list[Again]:
    """What would be computed and why; nothing is changed.

    verify : looks at a file before it is used as an auxiliary

    Raises
    ------
    RequestRefused : if the wish cannot be followed as it is
    GranuleRejected : if a file is not sound
    """
    files = in_use(hall.catalogue)
    if files is None:
        found = f"nothing is computed yet: {' or '.join(NEEDED)} has not arrived"
        raise RequestRefused(found, advice="See with `gravstream status` what is there.")
    if not wish.auxiliaries:
        return list(_under_the_same_keys(hall, wish, files))
    if wish.months or wish.first_step:
        found = "another auxiliary changes all months from the first step on"
        raise RequestRefused(found, advice="Leave --months and --steps out.")
    return list(_with_others(hall, files, usable(hall, files.auxiliaries, wish.auxiliaries, verify)))


def reason_of(catalogue: Catalogue, unit: Unit) -> str:
    """Why a unit is to be made, in words."""
    if unit.state == "running":
        return f"{unit.owner} did not come back"
    if unit.error:
        return f"tried again after: {unit.error.splitlines()[-1].strip()}"
    if unit.outputs:
        return "asked for again"
    done = [each for each in catalogue.units("done", unit.kind, unit.product, unit.month) if each.key != unit.key]
    if not done:
        return "it is not there yet"
    former = max(done, key=lambda each: each.updated_at)
    return "; ".join(_differences(unit.inputs, former.inputs)) or "another recipe or version of the code"


def _differences(new: Mapping[str, object], old: Mapping[str, object]) -> Iterator[str]:
    """Which inputs are others, by their names."""
    for name, value in new.items():
        before = old.get(name)
        if value == before:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            changed = sorted(key for key in {*value, *before} if value.get(key) != before.get(key))
            few = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
            yield f"other {name}: {few}"
        else:
            yield f"another {name} file"


def in_work(hall: Hall) -> Iterator[tuple[Product, BaselineRecord]]:
    """The products that have a baseline: before it, there is nothing to do again."""
    for product in hall.products:
        baseline = hall.catalogue.baseline(product.name)
        if baseline is not None:
            yield product, baseline


def series_in_use(hall: Hall, product: Product, baseline: BaselineRecord, files: InUse) -> Planned | None:
    """The series of the inputs in use; None while months are under way."""
    units = [hall.catalogue.unit(plan.key) for plan in plan_months(hall.catalogue, product, files, baseline)]
    if not units or any(unit is None or unit.state not in (*ENDED, "waiting") for unit in units):
        return None
    return plan_series(product, [unit for unit in units if unit is not None and unit.state == "done"], baseline)


def _under_the_same_keys(hall: Hall, wish: Wish, files: InUse) -> Iterator[Again]:
    monthly, products = _scope(hall, wish)
    for product, baseline in in_work(hall):
        if product not in products:
            continue
        plans: list[Planned | None] = [series_in_use(hall, product, baseline, files)]
        if monthly:
            every = plan_months(hall.catalogue, product, files, baseline)
            plans = [plan for plan in every if not wish.months or plan.month in wish.months]
        for plan in plans:
            unit = None if plan is None else hall.catalogue.unit(plan.key)
            if unit is not None and unit.state != "running":
                why = "asked for; same inputs and code" if unit.state == "done" else f"asked for; it is {unit.state}"
                yield Again(unit.key, unit.kind, product.name, unit.month, why)


def _scope(hall: Hall, wish: Wish) -> tuple[bool, list[Product]]:
    """Whether months are to be done again, or only series; and of which products."""
    if wish.first_step is None:
        return True, list(hall.products)
    steps = {product.name: [step.name for step in product.monthly] for product in hall.products}
    later = {product.name: [step.name for step in product.series or ()] for product in hall.products}
    monthly = [product for product in hall.products if wish.first_step in steps[product.name]]
    if monthly:
        return True, monthly
    products = [product for product in hall.products if wish.first_step in later[product.name]]
    if not products:
        names = dict.fromkeys(name for table in (steps, later) for found in table.values() for name in found)
        raise RequestRefused(f"there is no step {wish.first_step}", advice=f"Steps are {', '.join(names)}.")
    if wish.months:
        raise RequestRefused(f"{wish.first_step} looks at all months together", advice="Leave --months out.")
    return False, products


def _with_others(hall: Hall, files: InUse, others: Mapping[str, str]) -> Iterator[Again]:
    """What follows from auxiliaries of other digests."""
    some = next(iter(files.auxiliaries.values()))
    changed = {role: replace(some, sha256=digest) for role, digest in others.items()}
    after = replace(files, auxiliaries={**files.auxiliaries, **changed})
    why = f"another {' and another '.join(sorted(others))}"
    for product, baseline in in_work(hall):
        plans = plan_months(hall.catalogue, product, after, baseline)
        units = {plan.key: hall.catalogue.unit(plan.key) for plan in plans}
        missing = [plan for plan in plans if (unit := units[plan.key]) is None or unit.state != "done"]
        yield from (Again(plan.key, "month", product.name, plan.month, why) for plan in missing)
        if missing:
            yield Again("", "series", product.name, None, "its months are others")
