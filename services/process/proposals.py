"""When a baseline is estimated, and that a person decides whether a later one is used.

The first is used as soon as it is there. It is never changed silently: a later one is another baseline with its own
number, which is proposed. Until a person accepts it, all stays as it is; one that was refused is not proposed again.

A baseline is out of date once a month that it was estimated from was issued again with other bytes, or once many
months of its period have come that it does not know. One late month is no reason to ask: it moves a mean of many
years by less than its own error. Auxiliaries are none either: with them all months are made anew as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.process.plans import InUse, plan_baseline, withdraw_others
from services.process.products import Product
from shared.formats.level3_attributes import month_ranges
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue
from shared.storage.records import BaselineRecord, Granule, Planned

BASELINE = "baseline.nc"  # the name of what a unit of this kind gives

# Late months that make a baseline out of date: at least a year of them, and a tenth of those that it has
_LATE_MONTHS = 12
_LATE_SHARE = 0.1


def first_baseline(catalogue: Catalogue, product: Product, files: InUse, enough: int) -> BaselineRecord | None:
    """The baseline in use; while there is none, it is planned once enough reference months have come."""
    used = catalogue.baseline(product.name)
    months = _of_reference(product, files.months)
    if used is not None or len(months) < enough or not _intake_is_over(catalogue, files.months):
        return used
    first, last = product.reference
    reason = f"estimated from {len(months)} months of {first} to {last}"
    proposed = _proposed(catalogue, product, plan_baseline(product, months, files), reason)
    if proposed is None:
        return None
    return catalogue.accept_baseline(proposed.id, who="system", reason="the product had none")


def renew_baseline(
    catalogue: Catalogue, product: Product, used: BaselineRecord, files: InUse, done: Sequence[Granule]
) -> None:
    """Have a baseline estimated and proposed if that in use is out of date.

    done: the Level-2 files that months could be made of; others are no reason, and do no harm here
    """
    months = _of_reference(product, done)
    asked = [each for each in catalogue.baselines(product.name) if each.state in ("proposed", "refused")]
    why = _out_of_date(used, months)
    if why and all(_out_of_date(each, months) for each in asked):
        if _intake_is_over(catalogue, files.months):
            _proposed(catalogue, product, plan_baseline(product, months, files), why)
    else:
        withdraw_others(catalogue, product, "baseline", ())


def _of_reference(product: Product, months: Sequence[Granule]) -> list[Granule]:
    first, last = product.reference
    return [each for each in months if each.month and first <= Month.parse(each.month) <= last]


def _out_of_date(baseline: BaselineRecord, months: Sequence[Granule]) -> str:
    """Why a baseline is not of these months; empty if it is, or if nobody knows what it is of."""
    known: Mapping[str, str] = baseline.inputs.get("level-2", {})
    if not known:
        return ""
    now = {str(granule.month): granule.sha256 for granule in months}
    again = [month for month in known if now.get(month, known[month]) != known[month]]
    if again:
        return f"issued again since baseline {baseline.number}: {_ranges(again)}"
    late = now.keys() - known.keys()
    if len(late) >= max(_LATE_MONTHS, _LATE_SHARE * len(known)):
        return f"{len(late)} reference months came after baseline {baseline.number}: {_ranges(late)}"
    return ""


def _ranges(months: Sequence[str] | set[str]) -> str:
    return month_ranges({Month.parse(month) for month in months})


def _proposed(catalogue: Catalogue, product: Product, plan: Planned, reason: str) -> BaselineRecord | None:
    """The baseline of a plan as it was proposed, or None before it is estimated."""
    (unit,) = catalogue.ensure_units([plan])
    withdraw_others(catalogue, product, "baseline", (plan.key,))
    if unit.state != "done":
        return None
    return catalogue.propose_baseline(product.name, unit.outputs[BASELINE], reason=reason, inputs=unit.inputs)


def _intake_is_over(catalogue: Catalogue, months: Sequence[Granule]) -> bool:
    """Whether a look at a source has ended since the newest file came: no more of the same are on their way."""
    last = catalogue.polls(limit=1)
    return not last or last[0].time >= max(granule.arrived_at for granule in months)
