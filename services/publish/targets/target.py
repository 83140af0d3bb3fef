"""What a target of a release is: a place, or somebody who is told.

A target is one file in this folder. It mirrors the directory that it is given, a release or its tombstone; giving it
the same directory again changes nothing, so a delivery that was cut off is simply made again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from services.publish.directories import LATEST, pointed_at
from services.publish.sums import verify
from shared.errors import ProductHeld


class Target(Protocol):
    """Where releases go; one that fails is tried again alone."""

    @property
    def name(self) -> str:
        """How the target is called in settings, catalogue and messages."""
        ...

    def deliver(self, release: Path) -> str:
        """Bring a release, or its tombstone, to the target; says in a sentence what was done.

        Parameters
        ----------
        release : its directory, beside those of the other releases of the product and `latest`

        Raises
        ------
        Unreachable : if the target does not answer, is full or not mounted; it is tried again
        RequestRefused : if the target says that the request is wrong; trying again does not help
        ProductHeld : if the directory is not what was released, or the target has other files of that name
        """
        ...


def require_sound(release: Path) -> None:
    """ProductHeld if a directory is not, file by file, what was released."""
    problems = verify(release)
    if problems:
        raise ProductHeld(
            f"{release.name} is not as it was released: {', '.join(map(str, problems[:3]))}",
            advice="Restore it from an archive, or retract it.",
        )


def latest_beside(release: Path) -> str | None:
    """The release that `latest` points to where this one stands."""
    return pointed_at(release.parent / LATEST)
