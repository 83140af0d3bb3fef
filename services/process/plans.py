"""Which units of work follow from what is in use: a unit's key is the digest of its recipe and of all that goes in."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.process.monthly import CODE_VERSION
from services.process.products import Product
from shared.storage.catalogue import Catalogue
from shared.storage.records import BaselineRecord, Granule, Planned, Unit, UnitKind

NEEDED = ("low-degrees", "gia")
OPTIONAL = ("land-mask", "month-table")  # the installed packages have defaults


@dataclass(frozen=True)
class InUse:
    """The files to work with now.

    months: one of Level-2 each; normals: normal equations by month; auxiliaries: by role
    """

    months: Sequence[Granule]
    normals: Mapping[str, Granule]
    auxiliaries: Mapping[str, Granule]

    @property
    def auxiliary_digests(self) -> dict[str, str]:
        """Digests of the auxiliaries by role."""
        return {role: self.auxiliaries[role].sha256 for role in sorted(self.auxiliaries)}

    def of_month(self, granule: Granule) -> dict[str, str]:
        """Digests of the files that are of a month alone."""
        normals = self.normals.get(str(granule.month))
        return {"level-2": granule.sha256} | ({} if normals is None else {"normals": normals.sha256})


def in_use(catalogue: Catalogue) -> InUse | None:
    """What the catalogue has in use; None while an auxiliary that is needed is missing."""
    found: dict[str, list[Granule]] = {}
    for granule in catalogue.granules():
        found.setdefault(granule.role, []).append(granule)
    if not all(role in found for role in NEEDED):
        return None
    return InUse(
        months=tuple(_by_month(found.get("level-2", ())).values()),
        normals=_by_month(found.get("normals", ())),
        auxiliaries={role: found[role][-1] for role in (*NEEDED, *OPTIONAL) if role in found},
    )


def _by_month(granules: Iterable[Granule]) -> dict[str, Granule]:
    """The file of each month; the catalogue keeps only one of a series in use."""
    return {granule.month: granule for granule in granules if granule.month}


def plan_months(catalogue: Catalogue, product: Product, files: InUse, baseline: BaselineRecord) -> list[Planned]:
    """Level-2B of every month, but of files that a person gave up.

    That was decided of the files: other auxiliaries give other keys, but nobody is asked again. Other bytes of the
    month, or of its normal equations, are tried.
    """
    dropped = [_own(unit.inputs) for unit in catalogue.units("dropped", "month", product.name)]
    return [
        plan_month(product, granule, files, baseline)
        for granule in files.months
        if files.of_month(granule) not in dropped
    ]


def _own(inputs: Mapping[str, object]) -> dict[str, object]:
    return {name: inputs[name] for name in ("level-2", "normals") if name in inputs}


def plan_month(product: Product, granule: Granule, files: InUse, baseline: BaselineRecord) -> Planned:
    """Level-2B of one month, with its normal equations if they have come."""
    inputs = {**files.of_month(granule), "baseline": baseline.digest, "auxiliaries": files.auxiliary_digests}
    return Planned(_key("month", product, product.monthly.digest, inputs), "month", product.name, granule.month, inputs)


def plan_series(product: Product, months: Iterable[Unit], baseline: BaselineRecord) -> Planned:
    """Level-3 of the months together."""
    inputs = {"months": {str(unit.month): unit.key for unit in months}, "baseline": baseline.digest}
    recipe = product.series.digest if product.series else product.monthly.digest
    return Planned(_key("series", product, recipe, inputs), "series", product.name, None, inputs)


def plan_baseline(product: Product, months: Iterable[Granule], files: InUse) -> Planned:
    """The reference of a product's anomalies.

    It is estimated without normal equations: they come month by month, are a gigabyte each, and the mean does not
    depend on them.
    """
    level2 = {str(granule.month): granule.sha256 for granule in months}
    inputs = {"level-2": level2, "auxiliaries": files.auxiliary_digests}
    return Planned(_key("baseline", product, product.monthly.digest, inputs), "baseline", product.name, None, inputs)


def _key(kind: str, product: Product, recipe: str, inputs: Mapping[str, object]) -> str:
    """SHA-256 of what is done, by which code, with what."""
    text = "\n".join([kind, product.name, product.version, recipe, CODE_VERSION, repr(sorted(inputs.items()))])
    return hashlib.sha256(text.encode()).hexdigest()


def withdraw_others(catalogue: Catalogue, left: Iterable[Unit], kind: UnitKind, wanted: Collection[str]) -> None:
    """Forget the units of a kind that are left, and whose inputs are no longer in use."""
    stale = [unit.key for unit in left if unit.kind == kind and unit.key not in wanted]
    if stale:
        catalogue.withdraw(stale, why="other inputs are in use now")
