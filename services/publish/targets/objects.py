"""An object store through fsspec: S3 and whatever else it knows.

Objects appear one by one, so the sums come last: a release is there when its SHA256SUMS is. `latest.json` names the
newest one, for there are no links.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from services.publish.directories import files_in
from services.publish.sums import SUMS
from services.publish.targets.target import latest_beside, require_sound
from services.publish.tombstone import PAGE, TOMBSTONE, is_retracted
from shared.errors import ProductHeld, RequestRefused, Unreachable

POINTER = "latest.json"

T = TypeVar("T")


@dataclass(frozen=True)
class ObjectStore:
    """Copies releases to <url>/<product>/<release>/.

    url: such as s3://bucket/prefix; options: of the fsspec file system, such as key, secret and endpoint_url.
    """

    url: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)  # they hold secrets
    name: str = "objects"

    def deliver(self, release: Path) -> str:
        """Copy what is not there yet, the sums last; a tombstone takes the place of the files."""
        require_sound(release)
        system, root = self._connected()
        place = f"{root}/{release.parent.name}/{release.name}"
        bury = is_retracted(release)
        done = self._asked(lambda: (_bury if bury else _copy)(system, release, place))
        self._asked(lambda: _point(system, release, f"{root}/{release.parent.name}"))
        return done

    def _connected(self) -> tuple[Any, str]:
        import fsspec

        # What another process wrote must be seen: no listing is kept.
        options = {"use_listings_cache": False, "skip_instance_cache": True} | dict(self.options)
        system, root = self._asked(lambda: fsspec.core.url_to_fs(self.url, **options))
        return system, str(root).rstrip("/")

    def _asked(self, act: Callable[[], T]) -> T:
        """Do something with the store; what the store says in its own words is said in ours."""
        try:
            return act()
        except PermissionError as error:
            advice = "Renew the keys, or let them write there."
            raise RequestRefused(f"{self.url} refuses: {error}", advice=advice) from error
        except (OSError, TimeoutError) as error:
            raise Unreachable(f"{self.url} does not answer as it should: {error}", advice="Tried again.") from error
        except Exception as error:
            # Clients of object stores have families of errors of their own; those of the connection are not OSErrors.
            if type(error).__module__.startswith(("botocore", "aiohttp", "s3fs", "fsspec")):
                raise Unreachable(f"{self.url} does not answer: {error}", advice="Tried again.") from error
            raise


def _copy(system: Any, release: Path, place: str) -> str:
    there = _found(system, place)
    sums = (release / SUMS).read_bytes()
    if TOMBSTONE in there:
        raise RequestRefused(f"{release.name} was retracted in the store", advice="Look at its tombstone.")
    if SUMS in there:
        if system.cat_file(f"{place}/{SUMS}") != sums:
            raise ProductHeld(f"the store has another {release.name}", advice="Look at both; a release never changes.")
        return f"{release.name} is there already"
    missing = [name for name in files_in(release) if name != SUMS and not _same(release / name, there.get(name))]
    for name in missing:
        _put(system, release / name, f"{place}/{name}")
    now = _found(system, place)
    wrong = [name for name in files_in(release) if name != SUMS and not _as_long(release / name, now.get(name))]
    if wrong:
        raise OSError(f"{len(wrong)} objects did not arrive whole, such as {wrong[0]}")
    _put(system, release / SUMS, f"{place}/{SUMS}")
    return f"copied {release.name}, {len(missing) + 1} objects"


def _put(system: Any, path: Path, target: str) -> None:
    system.makedirs(target.rpartition("/")[0], exist_ok=True)
    system.put_file(str(path), target)


def _bury(system: Any, release: Path, place: str) -> str:
    """The tombstone first, then nothing but it."""
    for name in (PAGE, TOMBSTONE):
        system.makedirs(place, exist_ok=True)
        system.pipe_file(f"{place}/{name}", (release / name).read_bytes())
    others = [f"{place}/{name}" for name in _found(system, place) if name not in (PAGE, TOMBSTONE)]
    # The sums first: without them it is no release.
    for name in sorted(others, key=lambda each: not each.endswith(SUMS)):
        system.rm_file(name)
    return f"retracted {release.name}, {len(others)} objects removed"


def _point(system: Any, release: Path, product: str) -> None:
    """Name the newest release as it is at home, once it is here; none if there is none any more."""
    newest, pointer = latest_beside(release), f"{product}/{POINTER}"
    if newest and system.exists(f"{product}/{newest}/{SUMS}"):
        system.pipe_file(pointer, (json.dumps({"release": newest}) + "\n").encode())
    elif newest is None and system.exists(pointer):
        system.rm_file(pointer)


def _found(system: Any, place: str) -> dict[str, Mapping[str, Any]]:
    """What the store has below a place, by its name there."""
    found = system.find(place, detail=True)
    start = len(str(system._strip_protocol(place)).rstrip("/")) + 1
    return {str(path)[start:]: facts for path, facts in found.items()}


def _as_long(path: Path, facts: Mapping[str, Any] | None) -> bool:
    return facts is not None and int(facts.get("size", -1)) == path.stat().st_size


def _same(path: Path, facts: Mapping[str, Any] | None) -> bool:
    """Whether an object is the file: its ETag is the MD5 where it came in one part, else it is copied again."""
    if facts is None or not _as_long(path, facts):
        return False
    tag = str(facts.get("ETag", "")).strip('"')
    with path.open("rb") as stream:
        return tag == hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
