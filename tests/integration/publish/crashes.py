"""Kill what publishes at every single touch of the disk, and look at what a reader sees afterwards.

Run as a program: it forks a child for each place, counts what the child does to the file system by the events of
the interpreter's audit, and kills it -9 before the n-th of them. Prints how often it was killed, and what it found.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from services.publish.changes import Changes
from services.publish.directories import PARTIAL, remove
from services.publish.release import STEPS, build, latest, switch_latest
from services.publish.sums import verify
from services.publish.targets.archive import LocalArchive
from services.publish.tombstone import is_retracted, retract
from tests.unit.publish.releases import (
    calm_maps,
    manifest_of,
    release_level2b,
    release_maps,
    write_months,
    write_product,
)

TOUCHES = {
    "open", "os.mkdir", "os.rename", "os.link", "os.symlink", "os.chmod", "os.remove", "os.rmdir", "os.listdir",
    "os.scandir", "shutil.copyfile", "shutil.rmtree", "os.truncate",
}  # fmt: skip
DECIDED = {"who": "a person", "when": "2026-02-03T04:05:06Z"}

Act = Callable[[], object]


def killed(act: Act, folder: Path, place: int) -> bool:
    """Whether a child that does this was killed before its n-th touch; False if it came to its end before."""
    child = os.fork()
    if child == 0:
        left = place

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in TOUCHES and str(arguments[0]).startswith(str(folder)):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return False


def everywhere(prepare: Callable[[], Act], seen: Callable[[], None], done: Callable[[], None], folder: Path) -> int:
    """Kill it at every place, look, do it again and look again; the number of places."""
    place = 0
    while True:
        place += 1
        act = prepare()
        if not killed(act, folder, place):
            done()
            return place - 1
        seen()
        act()
        done()


def anew(folder: Path) -> Path:
    remove(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def no_rests(folder: Path) -> None:
    assert not list(folder.rglob(f".*{PARTIAL}")), "a rest stayed"


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def builds(root: Path) -> int:
    files = write_months(root / "files", ["2008-04"], nmax=4)
    more = files | write_months(root / "files", ["2008-05"], nmax=4)
    into = root / "l2b"

    def prepare() -> Act:
        first = release_level2b(anew(into), files)
        switch_latest(into, first.name)
        return lambda: release_level2b(into, more, first)

    def seen() -> None:
        assert visible(into) <= {"l2b-0001-001", "l2b-0001-002", "latest"}
        assert latest(into) == "l2b-0001-001"
        assert verify(into / "l2b-0001-001") == []
        assert "l2b-0001-002" not in visible(into) or verify(into / "l2b-0001-002") == []

    def done() -> None:
        assert verify(into / "l2b-0001-002") == []
        no_rests(into)

    return everywhere(prepare, seen, done, root / "l2b")


def switches(root: Path) -> int:
    files = write_months(root / "files", ["2008-04"], nmax=4)
    into = anew(root / "l2b")
    first = release_level2b(into, files)
    second = release_level2b(into, files | write_months(root / "files", ["2008-05"], nmax=4), first)

    def prepare() -> Act:
        switch_latest(into, first.name)
        return lambda: switch_latest(into, second.name)

    def seen() -> None:
        assert latest(into) in (first.name, second.name)
        assert (into / "latest" / "manifest.json").is_file()

    def done() -> None:
        assert latest(into) == second.name

    count = everywhere(prepare, seen, done, into)
    with_rest = into / ".latest.partial"
    assert not with_rest.is_symlink()
    return count


def retractions(root: Path) -> int:
    files = write_months(root / "files", ["2008-04"], nmax=4)
    into = root / "l2b"
    release = into / "l2b-0001-001"

    def prepare() -> Act:
        release_level2b(anew(into), files)
        switch_latest(into, release.name)
        return lambda: retract(release, "wrong", **DECIDED)

    def seen() -> None:
        """Either all is there and nothing is said, or it says that it is withdrawn."""
        assert release.is_dir()
        if not is_retracted(release):
            assert {problem.kind for problem in verify(release)} <= {"extra"}  # the page for readers comes first

    def done() -> None:
        assert {path.name for path in release.iterdir()} == {"tombstone.json", "RETRACTED.md"}
        assert verify(release) == []
        assert latest(into) is None

    return everywhere(prepare, seen, done, into)


def deliveries(root: Path) -> int:
    release = release_level2b(anew(root / "l2b"), write_months(root / "files", ["2008-04"], nmax=4))
    switch_latest(root / "l2b", release.name)
    archive = root / "archive"

    def prepare() -> Act:
        anew(archive)
        return lambda: LocalArchive(archive).deliver(release)

    def seen() -> None:
        for name in visible(archive / "l2b") if (archive / "l2b").is_dir() else ():
            assert verify(archive / "l2b" / name) == []

    def done() -> None:
        assert verify(archive / "l2b" / release.name) == []
        assert latest(archive / "l2b") == release.name
        no_rests(archive)

    return everywhere(prepare, seen, done, archive)


def steps(root: Path) -> int:
    """Maps, with their picture: killed before each step by its name, and before nothing."""
    product = write_product(anew(root / "files"), calm_maps(3))
    files, into = {product.name: product}, root / "twsa"
    release_maps(root / "warm", product)  # what is loaded once is there in every child
    for name in STEPS:
        anew(into)
        child = os.fork()
        if child == 0:
            manifest = manifest_of(files)
            build(files, manifest, Changes(), into, progress=lambda step, last=name: _die(step == last))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), name
        assert visible(into) == set(), name
        assert verify(release_maps(into, product)) == []
        no_rests(into)
    return len(STEPS)


def _die(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


CASES = {case.__name__: case for case in (builds, switches, retractions, deliveries, steps)}

if __name__ == "__main__":
    sys.stdout.write(json.dumps({"places": CASES[sys.argv[1]](Path(sys.argv[2]))}))
