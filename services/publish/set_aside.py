"""Files that wait for a person."""

from __future__ import annotations

from shared.storage.catalogue import Catalogue, Granule


def set_aside(known: Catalogue) -> list[Granule]:
    """Held files, and refused ones that no newer version of their name has made good."""
    files: dict[tuple[str, str, str], list[Granule]] = {}
    for granule in known.granules(state=None):
        files.setdefault((granule.role, granule.series, granule.name), []).append(granule)
    held = [each for versions in files.values() for each in versions if each.state == "held"]
    newest = [versions[-1] for versions in files.values() if versions[-1].state == "quarantined"]
    return sorted([*held, *newest], key=lambda each: each.id)
