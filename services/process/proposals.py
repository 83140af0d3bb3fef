"""When a baseline is estimated, and that a person decides whether a later one is used.

The first is used as soon as it is there. It is never changed silently: a later one is another baseline with its own
number, which is proposed. Until a person accepts it, all stays as it is; one that was refused, or gone back from, is
not proposed again.

A baseline is out of date once a month that it was estimated from was issued again with other bytes, or once many
months of its period have come that it does not know. One late month is no reason to ask: it moves a mean of many
years by less than its own error. Auxiliaries are none either: with them all months are made anew as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.process.plans import InUse, plan_baseline, withdraw_others
from services.process.products import Product
from shared.formats.level3_attributes import month_ranges
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue
from shared.storage.records import BaselineRecord, Granule, Unit

BASELINE = "baseline.nc"  # the name of what a unit of this kind gives

# Late months that make a baseline out of date: at least a year of them, and a tenth of those that it has
_LATE_MONTHS = 12
_LATE_SHARE = 0.1


@dataclass(frozen=True)
class ProductBaselines:
    """What is known of the baselines of a product; left: its units that were not done."""

    catalogue: Catalogue
    product: Product
    known: Sequence[BaselineRecord]
    left: Sequence[Unit]

    def used(self, files: InUse, enough: int) -> BaselineRecord | None:
        """The baseline in use; while there is none, it is planned once enough reference months have come."""
        used = next((each for each in self.known if each.state == "accepted"), None)
        if used is not None:
            return used
        months = _of_reference(self.product, files.months)
        if len(months) < enough or not _intake_is_over(self.catalogue, files.months):
            return None
        first, last = self.product.reference
        proposed = self._proposed(months, files, f"estimated from {len(months)} months of {first} to {last}")
        if proposed is None:
            return None
        return self.catalogue.accept_baseline(proposed.id, who="system", reason="the product had none")

    def renew(self, used: BaselineRecord, files: InUse, done: Sequence[Granule]) -> None:
        """Have a baseline estimated and proposed if that in use is out of date.

        done: the Level-2 files that months could be made of; others are no reason, and do no harm here
        """
        months = _of_reference(self.product, done)
        # One that a person went back from is like one refused.
        asked = [
            each
            for each in self.known
            if each.state in ("proposed", "refused") or (each.state == "replaced" and each.number > used.number)
        ]
        why = _out_of_date(used, months)
        if not why or not all(_out_of_date(each, months) for each in asked):
            withdraw_others(self.catalogue, self.left, "baseline", ())
        elif _intake_is_over(self.catalogue, files.months):
            self._proposed(months, files, why)

    def _proposed(self, months: Sequence[Granule], files: InUse, reason: str) -> BaselineRecord | None:
        """The baseline of these months as it was proposed, or None before it is estimated."""
        plan = plan_baseline(self.product, months, files)
        (unit,) = self.catalogue.ensure_units([plan])
        withdraw_others(self.catalogue, self.left, "baseline", (plan.key,))
        if unit.state != "done":
            return None
        digest = unit.outputs[BASELINE]
        return self.catalogue.propose_baseline(self.product.name, digest, reason=reason, inputs=unit.inputs)


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


def _intake_is_over(catalogue: Catalogue, months: Sequence[Granule]) -> bool:
    """Whether a look at a source has ended since the newest file came: no more of the same are on their way."""
    last = catalogue.polls(limit=1)
    return not last or last[0].time >= max(granule.arrived_at for granule in months)
