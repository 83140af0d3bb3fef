"""The archive mirrors releases and their withdrawal, whole or not at all, as often as it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.publish.release import latest, switch_latest
from services.publish.sums import verify
from services.publish.targets.archive import LocalArchive
from services.publish.tombstone import is_retracted, retract
from shared.errors import ProductHeld, RequestRefused, Unreachable
from tests.unit.publish.releases import contents, release_level2b, write_months

DECIDED = {"who": "a person", "when": "2026-02-03T04:05:06Z"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    return tmp_path / "archive"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    release = release_level2b(tmp_path / "l2b", write_months(tmp_path / "files", ["2008-04"]))
    switch_latest(release.parent, release.name)
    return release


def next_release(release: Path, tmp_path: Path) -> Path:
    files = write_months(tmp_path / "files", ["2008-04", "2008-05"])
    second = release_level2b(release.parent, files, release)
    switch_latest(release.parent, second.name)
    return second


def test_a_release_is_copied_whole_and_sealed(release: Path, archive: Path) -> None:
    LocalArchive(archive).deliver(release)
    copy = archive / "l2b" / release.name
    assert contents(copy) == contents(release)
    assert verify(copy) == []
    assert latest(archive / "l2b") == release.name
    assert all(path.stat().st_mode & 0o222 == 0 for path in (copy, *copy.rglob("*")))


def test_delivering_again_changes_nothing(release: Path, archive: Path) -> None:
    LocalArchive(archive).deliver(release)
    inode = (archive / "l2b" / release.name).stat().st_ino
    assert "there already" in LocalArchive(archive).deliver(release)
    assert (archive / "l2b" / release.name).stat().st_ino == inode


def test_a_late_delivery_of_an_older_release_does_not_turn_latest_back(
    release: Path, archive: Path, tmp_path: Path
) -> None:
    second = next_release(release, tmp_path)
    LocalArchive(archive).deliver(second)
    LocalArchive(archive).deliver(release)
    assert latest(archive / "l2b") == second.name


def test_an_archive_that_is_not_mounted_is_unreachable_and_not_made(release: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="is not there"):
        LocalArchive(tmp_path / "missing").deliver(release)
    assert not (tmp_path / "missing").exists()


def test_an_archive_that_cannot_be_written_to_is_unreachable(release: Path, archive: Path) -> None:
    (archive / "l2b").write_text("a file where a folder should be")
    with pytest.raises(Unreachable, match="cannot be written to"):
        LocalArchive(archive).deliver(release)


def test_a_damaged_release_is_not_copied(release: Path, archive: Path) -> None:
    release.chmod(0o755)
    (release / "manifest.json").unlink()
    with pytest.raises(ProductHeld, match=r"manifest\.json is missing"):
        LocalArchive(archive).deliver(release)
    assert list(archive.iterdir()) == []


def test_another_release_of_the_name_is_left_and_told(release: Path, archive: Path, tmp_path: Path) -> None:
    other = release_level2b(tmp_path / "other" / "l2b", write_months(tmp_path / "more", ["2008-06"]))
    LocalArchive(archive).deliver(other)
    before = contents(archive / "l2b" / other.name)
    with pytest.raises(ProductHeld, match="of other files"):
        LocalArchive(archive).deliver(release)
    assert contents(archive / "l2b" / other.name) == before


def test_a_withdrawal_takes_the_files_out_of_the_archive(release: Path, archive: Path, tmp_path: Path) -> None:
    LocalArchive(archive).deliver(release)
    second = next_release(release, tmp_path)
    LocalArchive(archive).deliver(second)
    retract(second, "wrong", **DECIDED, successor=release.name)
    for _ in range(2):
        LocalArchive(archive).deliver(second)
        copy = archive / "l2b" / second.name
        assert set(contents(copy)) == {"tombstone.json", "RETRACTED.md"}
        assert latest(archive / "l2b") == release.name
    with pytest.raises(RequestRefused, match="retracted in the archive"):
        LocalArchive(archive).deliver(next_of_the_same_name(second, tmp_path))


def next_of_the_same_name(release: Path, tmp_path: Path) -> Path:
    files = write_months(tmp_path / "again", ["2008-04", "2008-05"])
    first = release_level2b(tmp_path / "again" / "l2b", files)
    return release_level2b(tmp_path / "again" / "l2b", files, first)


def test_a_release_that_was_withdrawn_before_it_came_leaves_its_tombstone(release: Path, archive: Path) -> None:
    retract(release, "wrong", **DECIDED)
    LocalArchive(archive).deliver(release)
    assert is_retracted(archive / "l2b" / release.name)
    assert latest(archive / "l2b") is None
