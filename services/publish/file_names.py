"""The names of the files of a release, and what they tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

# <PRODUCT>_<series>_GLOBAL_MONTHLY_YYYYMM_YYYYMM_<version>.nc
MAPS_NAME = re.compile(r"[A-Z0-9]+_(?P<series>.+)_GLOBAL_MONTHLY_(?P<first>\d{6})_(?P<last>\d{6})_(?P<version>.+)\.nc")
# <filter set>/<prefix>_YYYYDDD-YYYYDDD_<series>_<filter set>_<version>.gz
LEVEL2B_NAME = re.compile(
    r"(?P<set>NFIL|VDK\d)/[\w-]+?_(?P<span>\d{7}-\d{7})_(?P<series>.+)_(?P=set)_(?P<version>[^_]+)\.gz"
)


def maps_name(files: Iterable[str]) -> str | None:
    """The name of the maps among the files of a release, None if it has none."""
    names = [name for name in files if "/" not in name and name.endswith(".nc")]
    return names[0] if len(names) == 1 else None


def maps_in(directory: Path) -> Path | None:
    """The file of maps in the directory of a release, None if it has none."""
    name = maps_name(path.name for path in directory.iterdir()) if directory.is_dir() else None
    return None if name is None else directory / name


def level2b_names(files: Iterable[str]) -> list[str]:
    """The names of the Level-2B files of a release, in the order of their months."""
    found = [(match["span"], name) for name in files if (match := LEVEL2B_NAME.fullmatch(name))]
    return [name for _, name in sorted(found)]
