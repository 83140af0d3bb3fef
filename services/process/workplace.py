"""A unit of work done: fetched from the store, computed as by hand, and kept.

The inputs of a unit are laid into a folder under their own names, and the same functions work there that
`gravstream produce` calls. So what a service makes is what a person makes, to the bit.
"""

from __future__ import annotations

import os
import socket
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from services.process.crew import crew
from services.process.gathering import Auxiliaries, gather_auxiliaries
from services.process.hall import Hall
from services.process.monthly import Workshop, complete_month, months_from_nothing, naming_rows, require_some
from services.process.production import evaluate_series
from services.process.products import Product
from services.process.proposals import BASELINE
from services.process.writing import write_maps, write_month
from shared.broker import policy_of
from shared.errors import GranuleRejected, GravstreamError
from shared.formats.baseline import read_baseline, write_baseline
from shared.formats.files import working_folder
from shared.formats.level2b_cache import read_cached_month, write_cached
from shared.models.baseline import Baseline
from shared.models.epoch import Month
from shared.models.series import Level2BSeries
from shared.settings import publisher
from shared.storage.keeping import extended, insisted
from shared.storage.places import disk_trouble
from shared.storage.records import Granule, Unit

EVER = (Month(1900, 1), Month(2200, 12))
LEVEL2B = "level2b"


def work(hall: Hall, key: str, owner: str | None = None) -> Unit | None:
    """Claim a unit, do it, and enter what came of it; None if it was not to be had.

    An error is entered with what happens next, by the table in `shared.broker`; only faults of ours are raised
    as well, after they have been entered.
    """
    owner = owner or f"{socket.gethostname()}:{os.getpid()}"
    unit = hall.catalogue.claim(key, owner, hall.lease)
    if unit is None:
        return None
    began = time.monotonic()
    try:
        with threadpool_limits(1), extended(lambda: hall.catalogue.extend(key, owner, hall.lease), hall.lease):
            outputs = DOORS[unit.kind](hall, unit)
    except GravstreamError as error:
        return _enter_error(hall, unit, owner, error)
    except Exception as error:
        if (trouble := disk_trouble(error)) is not None:
            return _enter_error(hall, unit, owner, trouble)
        hall.catalogue.fail(key, owner, traceback.format_exc(limit=8), "fault", park=True)
        raise
    seconds = time.monotonic() - began
    return insisted(lambda: hall.catalogue.finish(key, owner, outputs, seconds), hall.lease)


def _enter_error(hall: Hall, unit: Unit, owner: str, error: GravstreamError) -> Unit | None:
    policy, kind = policy_of(error), type(error).__name__
    if policy.action == "wait":
        enter = partial(hall.catalogue.wait, unit.key, str(error), owner=owner)
    elif policy.action == "park":
        enter = partial(hall.catalogue.fail, unit.key, owner, str(error), kind, park=True)
    else:
        again = {"retry_in": policy.pause, "counts": policy.counts}
        enter = partial(hall.catalogue.fail, unit.key, owner, str(error), kind, **again)  # type: ignore[arg-type]
    return insisted(enter, hall.lease)


def make_baseline(hall: Hall, unit: Unit) -> dict[str, str]:
    """Estimate a product's baseline; whether it is used is not decided here."""
    product = _product(hall, unit)
    with working_folder(hall.scratch) as folder:
        for digest in unit.inputs["level-2"].values():
            _lay(hall, digest, folder / "level2")
        shop = replace(_workshop(hall, product, unit.inputs["auxiliaries"]), kept=folder / "months")
        files = sorted((folder / "level2").iterdir())
        with crew(1, shop) as alone:
            baseline, months, rejected = months_from_nothing(shop, alone, files, lambda *_: None)
        require_some(months, rejected)
        write_baseline(folder / BASELINE, baseline)
        return {BASELINE: hall.store.put_file(folder / BASELINE)}


def make_month(hall: Hall, unit: Unit) -> dict[str, str]:
    """Level-2B of one month, as working file and, for coefficients, as gfc files."""
    product = _product(hall, unit)
    baseline = _baseline(hall, unit.inputs["baseline"])
    shop = _workshop(hall, product, unit.inputs["auxiliaries"])
    with working_folder(hall.scratch) as folder:
        path = _lay(hall, unit.inputs["level-2"], folder / "level2")
        if normals := unit.inputs.get("normals"):
            shop = replace(shop, normals={Month.parse(str(unit.month)): _lay(hall, normals, folder / "normals")})
        month = complete_month(shop, path, baseline)
        write_cached(folder / LEVEL2B, month)
        outputs = {LEVEL2B: hall.store.put_file(folder / LEVEL2B)}
        if product.series is None:
            files = write_month(shop, (naming_rows(shop, month, baseline), folder / "gfc"))
            outputs |= {f"{file.parent.name}/{file.name}": hall.store.put_file(file) for file in files}
    return outputs


def make_series(hall: Hall, unit: Unit) -> dict[str, str]:
    """Level-3 of all months; the auxiliaries for a product that is the months themselves."""
    product = _product(hall, unit)
    units = [hall.catalogue.unit(key) for key in unit.inputs["months"].values()]
    # The auxiliaries of the series are those of its newest month: the catalogue has one set in use.
    auxiliaries = next(each.inputs["auxiliaries"] for each in reversed(units) if each is not None)
    if product.series is None:
        return {f"auxiliaries/{_known(hall, digest).name}": digest for digest in auxiliaries.values()}
    baseline = _baseline(hall, unit.inputs["baseline"])
    with working_folder(hall.scratch) as folder:
        digests = [each.outputs[LEVEL2B] for each in units if each is not None]
        kept = [
            read_cached_month(hall.store.local(digest) or hall.store.fetch(digest, folder / digest))
            for digest in digests
        ]
        series = Level2BSeries.of([month for month in kept if month is not None])
        shop = _workshop(hall, product, auxiliaries)
        maps = evaluate_series(shop, baseline, series, "re-evaluate")
        path = write_maps(folder, maps, product, baseline, "re-evaluate", unit.created_at, publisher())
        return {path.name: hall.store.put_file(path)}


DOORS = {"baseline": make_baseline, "month": make_month, "series": make_series}


def _product(hall: Hall, unit: Unit) -> Product:
    return next(product for product in hall.products if product.name == unit.product)


def _lay(hall: Hall, digest: str, folder: Path) -> Path:
    """A file of the store in a folder under its own name."""
    folder.mkdir(parents=True, exist_ok=True)
    return hall.store.fetch(digest, folder / _known(hall, digest).name)


def _known(hall: Hall, digest: str) -> Granule:
    granule = hall.catalogue.granule(digest)
    if granule is None:
        raise GranuleRejected(
            f"the catalogue does not know the file {digest}", advice="Let ingest fetch it again, then retry the unit."
        )
    return granule


_SHOPS: dict[tuple[str, str], Workshop] = {}


def _workshop(hall: Hall, product: Product, digests: Mapping[str, str]) -> Workshop:
    """The auxiliaries of a unit, read; the last set is kept, since months follow one another."""
    name = (product.name, repr(sorted(digests.items())))
    if name not in _SHOPS:
        with working_folder(hall.scratch) as folder:
            for digest in digests.values():
                _lay(hall, digest, folder)
            auxiliaries: Auxiliaries = gather_auxiliaries(folder, hall.cache)
        _SHOPS.clear()
        _SHOPS[name] = Workshop(product, auxiliaries, {}, hall.scratch / ".level2b", *EVER)
    return _SHOPS[name]


def _baseline(hall: Hall, digest: str) -> Baseline:
    return _read_baseline(digest, hall.store.local(digest) or hall.store.fetch(digest, hall.scratch / digest))


@lru_cache(maxsize=2)
def _read_baseline(digest: str, path: Path) -> Baseline:
    """A baseline by the digest of its file."""
    return read_baseline(path)
