"""The way of a product: checked, versioned, released, delivered, announced.

What is to be released is read off the catalogue: the series of each product that is wanted, if what is open to
users is another, and releases that were begun or approved and are not complete. Done twice it is done once.

If files are taken back that were replaced, the series that is wanted is one that was made before, and perhaps
released. It is released again with the next serial number, by the same way and through the same gate.
"""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from services.publish.absences import reasons_of_absence
from services.publish.draft import Draft, prepare
from services.publish.file_names import maps_name
from services.publish.release import build, switch_latest
from services.publish.targets.target import Target
from shared.broker import policy_of
from shared.errors import GravstreamError, ProductHeld
from shared.formats.files import working_folder
from shared.settings import Publisher
from shared.storage.catalogue import Catalogue, now
from shared.storage.keeping import extended
from shared.storage.records import ReleaseRecord, Unit
from shared.storage.store import Store

LEVEL2B = "level2b"  # the working file of a month, which is nobody's product
LEASE = timedelta(minutes=2)  # without a sign of life
RETRY_DELIVERY = timedelta(minutes=5)
REFUSED_DELIVERY = timedelta(hours=6)  # trying again does not help until a person has mended something


@dataclass(frozen=True)
class Desk:
    """Where the publish service works; titles: of each product by its name."""

    catalogue: Catalogue
    store: Store
    releases: Path
    scratch: Path
    titles: Mapping[str, str]
    publisher: Publisher
    targets: Sequence[Target] = ()
    lease: timedelta = LEASE


def look(desk: Desk) -> list[str]:
    """Keys of the series that wait for their release."""
    wanted = [release.key for release in desk.catalogue.releases(state="building")]
    for product in desk.titles:
        series = desk.catalogue.wanted_series(product)
        if series is not None and series.state == "done" and not desk.catalogue.release_of(product, series.key):
            wanted.append(series.key)
    return list(dict.fromkeys(wanted))


def release_due(desk: Desk) -> int:
    """Release what is due, and say how much that was; what stops one product is told once, and stops no other."""
    due = look(desk)
    for key in due:
        try:
            issue(desk, key)
        except Exception as error:
            _tell_failure(desk, key, error)
    return len(due)


def _tell_failure(desk: Desk, key: str, error: Exception) -> None:
    unit = desk.catalogue.unit(key)
    subject = unit.product if unit else "system"
    text = f"The release of {subject} failed, and is tried again at the next look: {type(error).__name__}: {error}"
    before = desk.catalogue.log(subject, kind="release-failed", limit=1, newest=True)
    if not before or before[0].details.get("error") != str(error):
        trace = "" if isinstance(error, GravstreamError) else "".join(traceback.format_exception(error, limit=-8))
        details = {"key": key, "error": str(error), "trace": trace}
        desk.catalogue.append(subject, "release-failed", text, details=details)


def issue(desk: Desk, key: str, owner: str | None = None) -> ReleaseRecord | None:
    """Release a series, or hold it with its reasons; None while somebody else is at this product.

    Raises
    ------
    GranuleRejected : if a file of the product cannot be read
    """
    unit = desk.catalogue.unit(key)
    owner = owner or f"{socket.gethostname()}:{os.getpid()}"
    if unit is None:
        return None
    name = f"release {unit.product}"
    if not desk.catalogue.lock(name, owner, desk.lease):
        return None
    try:
        with (
            extended(lambda: desk.catalogue.lock(name, owner, desk.lease), desk.lease),
            working_folder(desk.scratch) as folder,
        ):
            return _issue(desk, unit, _files(desk, unit, folder))
    finally:
        desk.catalogue.unlock(name, owner)


def _issue(desk: Desk, unit: Unit, files: Mapping[str, Path]) -> ReleaseRecord:
    before = desk.catalogue.latest(unit.product)
    previous = Path(before.directory) if before else None
    draft = prepare(
        files,
        previous,
        issued=_written(unit.updated_at),
        code_version=version("gravstream"),
        title=desk.titles[unit.product],
        publisher=desk.publisher,
        key=unit.key,
    )
    manifest = draft.manifest
    record = desk.catalogue.create_release(
        product=unit.product,
        version=manifest.version,
        kind=manifest.kind,  # type: ignore[arg-type]
        key=unit.key,
        first=str(manifest.first),
        last=str(manifest.last),
        changes=draft.changes.to_dict(),
    )
    if record.state != "building":
        return record
    measured = {"release": record.id, "product": record.product, "results": draft.report.to_dict()}
    text = f"{record.id} {'passes' if draft.report.passed else 'does not pass'} the gate"
    desk.catalogue.append(record.product, "gate-measured", text, details=measured)
    if not draft.report.passed and not record.is_approved:
        absent = reasons_of_absence(desk.catalogue, unit.product, draft.changes.months_removed)
        return desk.catalogue.hold_release(record.id, (*draft.report.reasons, *absent))
    return _release(desk, draft, record, previous)


def _release(desk: Desk, draft: Draft, record: ReleaseRecord, previous: Path | None) -> ReleaseRecord:
    """Build the directory, make it the latest, enter it, and plan where it goes."""
    into = desk.releases / record.product
    into.mkdir(parents=True, exist_ok=True)
    # The catalogue counts also what was held or retracted, and the same series twice: number and time are its own.
    manifest = replace(draft.manifest, serial=record.serial, release=record.id, issued=_written(record.created_at))
    directory = build(draft.files, manifest, draft.changes, into, previous=previous)
    switch_latest(into, directory.name)
    issued = desk.catalogue.issue_release(record.id, directory=str(directory), changes=draft.changes.to_dict())
    desk.catalogue.plan_deliveries(record.id, [target.name for target in desk.targets])
    return issued


def _written(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def deliver(desk: Desk) -> None:
    """Bring releases to their targets; one that fails is tried again alone and holds no other."""
    by_name = {target.name: target for target in desk.targets}
    _plan_what_was_missed(desk, set(by_name))
    for delivery in desk.catalogue.due_deliveries():
        release = desk.catalogue.find_release(delivery.release)
        target = by_name.get(delivery.target)
        if release is None or target is None:
            continue
        try:
            target.deliver(Path(release.directory))
        # A target is a library and a server of somebody else: whatever it raises holds no other target.
        except Exception as error:
            again = RETRY_DELIVERY if policy_of(error).action == "retry" else REFUSED_DELIVERY
            desk.catalogue.record_delivery(
                delivery.release, delivery.target, "failed", error=_said(error), retry_at=now() + again
            )
        else:
            desk.catalogue.record_delivery(delivery.release, delivery.target, "done")


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, GravstreamError) else f"{type(error).__name__}: {error}"


def _plan_what_was_missed(desk: Desk, targets: set[str]) -> None:
    """Deliveries of a release that was issued by a process that ended before it could plan them."""
    planned = {delivery.release for delivery in desk.catalogue.deliveries()}
    for release in desk.catalogue.releases(state="released") if targets else ():
        if release.id not in planned:
            desk.catalogue.plan_deliveries(release.id, targets)


def _files(desk: Desk, unit: Unit, folder: Path) -> dict[str, Path]:
    """The files of a product by their names in the release: of the series and, without maps, of its months."""
    outputs = dict(unit.outputs)
    if maps_name(outputs) is None:
        for key in unit.inputs["months"].values():
            month = desk.catalogue.unit(key)
            if month is None or month.state != "done":
                raise ProductHeld(f"a month of {unit.product} is not there any more", advice="Look again.")
            outputs |= {name: digest for name, digest in month.outputs.items() if name != LEVEL2B}
    return {name: _under_its_name(desk, digest, folder / name) for name, digest in outputs.items()}


def _under_its_name(desk: Desk, digest: str, path: Path) -> Path:
    """A file of the store under its own name, which is part of what is checked."""
    local = desk.store.local(digest)
    if local is None:
        return desk.store.fetch(digest, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(local)
    return path
