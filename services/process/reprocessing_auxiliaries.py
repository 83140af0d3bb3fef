"""Whether a file can take the place of an auxiliary: tried as a month would be made with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from services.process.gathering import gather_auxiliaries
from services.process.hall import Hall
from services.process.plans import NEEDED, OPTIONAL
from shared.errors import RequestRefused
from shared.formats.files import sha256_of
from shared.storage.records import Granule

Verify = Callable[[str, Path], None]  # of a file for a role; raises GranuleRejected


def usable(hall: Hall, auxiliaries: Mapping[str, Granule], files: Mapping[str, Path], verify: Verify) -> dict[str, str]:
    """Digests by role of files that a month can be made with, tried as it would be."""
    digests = {}
    for role, path in files.items():
        if role not in (*NEEDED, *OPTIONAL):
            raise RequestRefused(f"{role} is no auxiliary", advice=f"Take {', '.join((*NEEDED, *OPTIONAL))}.")
        if not path.is_file():
            raise RequestRefused(f"there is no file {path}", advice="Check its name.")
        verify(role, path)
        digests[role] = sha256_of(path)
        if role in auxiliaries and auxiliaries[role].sha256 == digests[role]:
            raise RequestRefused(f"{path.name} is the {role} that is in use", advice="Name another file.")
    _try(hall, auxiliaries, files, digests)
    return digests


def _try(hall: Hall, auxiliaries: Mapping[str, Granule], files: Mapping[str, Path], digests: Mapping[str, str]) -> None:
    """Read the auxiliaries as they would be; RequestRefused if a file is not found by its name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for role, granule in auxiliaries.items():
            if role not in files:
                hall.store.fetch(granule.sha256, folder / granule.name)
        for path in files.values():
            shutil.copyfile(path, folder / path.name)
        advice = "Name it as the data centre names its file of that kind."
        try:
            found = gather_auxiliaries(folder, hall.cache)
        except RequestRefused as error:
            names = ", ".join(path.name for path in files.values())
            raise RequestRefused(f"{names} cannot take its place: {error.found}", advice=advice) from error
    read = {found.low_degrees.source.sha256, found.gia.source.sha256, found.geometry.mask.source.sha256}
    for role, path in files.items():
        known = path.match("months*.csv") if role == "month-table" else digests[role] in read
        if not known:
            raise RequestRefused(f"{path.name} is not known as a {role} by its name", advice=advice)
