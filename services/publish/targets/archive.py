"""A local archive: another folder, on another disk if one is wise, that holds a copy of every release."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from services.publish.directories import LATEST, appearing_directory, locked, pointed_at, switch
from services.publish.sums import SUMS, verify
from services.publish.targets.target import latest_beside, require_sound
from services.publish.tombstone import is_retracted, read_tombstone, retract
from shared.errors import ProductHeld, RequestRefused, Unreachable


@dataclass(frozen=True)
class LocalArchive:
    """Copies releases to <folder>/<product>/<release>; the folder itself must be there: it may be a mount."""

    folder: Path
    name: str = "archive"

    def deliver(self, release: Path) -> str:
        """Copy a release, whole or not at all; a tombstone takes the place of the copy."""
        require_sound(release)
        if not self.folder.is_dir():
            raise Unreachable(f"the archive {self.folder} is not there", advice="Is it mounted? It is tried again.")
        product = self.folder / release.parent.name
        try:
            done = self._bury(release, product) if is_retracted(release) else self._copy(release, product)
            self._follow(release, product)
        except OSError as error:
            found = f"the archive {self.folder} cannot be written to ({error.strerror or error})"
            raise Unreachable(found, advice="Make room, or let it be written to; it is tried again.") from error
        return done

    def _copy(self, release: Path, product: Path) -> str:
        final = product / release.name
        with locked(product):
            if is_retracted(final):
                raise RequestRefused(f"{release.name} was retracted in the archive", advice="Look at its tombstone.")
            if final.is_dir():
                return self._compare(release, final)
            with appearing_directory(final) as folder:
                shutil.copytree(release, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
                folder.chmod(0o755)
                if problems := verify(folder):
                    raise OSError(f"the copy differs: {problems[0]}")
        return f"copied {release.name} to {product}"

    @staticmethod
    def _compare(release: Path, final: Path) -> str:
        problems = [str(problem) for problem in verify(final)]
        if not problems and (final / SUMS).read_bytes() != (release / SUMS).read_bytes():
            problems = ["it is of other files"]
        if problems:
            raise ProductHeld(
                f"the archive has another {release.name}: {', '.join(problems[:3])}",
                advice="Look at both; remove the damaged one, and it is copied anew.",
                file=final,
            )
        return f"{release.name} is there already"

    @staticmethod
    def _bury(release: Path, product: Path) -> str:
        final = product / release.name
        with locked(product):
            if not final.exists():
                with appearing_directory(final) as folder:
                    shutil.copytree(release, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
                    folder.chmod(0o755)
                return f"{release.name} was never there; its tombstone is now"
        stone = read_tombstone(release)
        assert stone is not None
        successor = stone.successor if (product / stone.successor / SUMS).is_file() else ""
        retract(final, stone.reason, who=stone.who, when=stone.when, successor=successor)
        return f"retracted {release.name}"

    @staticmethod
    def _follow(release: Path, product: Path) -> None:
        """Let `latest` point where it points at home, once that release is here."""
        newest = latest_beside(release)
        with locked(product):
            if newest and (product / newest / SUMS).is_file() and pointed_at(product / LATEST) != newest:
                switch(product / LATEST, newest)
