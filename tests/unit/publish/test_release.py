"""A release appears whole or not at all, never changes, and can be verified and withdrawn."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from services.publish.changes import Changes, changes_of_dict
from services.publish.draft import prepare
from services.publish.manifest import read_manifest
from services.publish.release import QUICKLOOK, STEPS, build, latest, releases_in, switch_latest
from services.publish.sums import SUMS, verify
from services.publish.tombstone import PAGE, TOMBSTONE, is_retracted, read_tombstone, retract
from shared.errors import GranuleRejected, RequestRefused
from tests.unit.publish.releases import (
    ISSUED,
    PUBLISHER,
    calm_maps,
    contents,
    manifest_of,
    release_level2b,
    release_maps,
    write_months,
    write_product,
)

DECIDED = {"who": "a person", "when": "2026-02-03T04:05:06Z"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_product(tmp_path_factory.mktemp("product"), calm_maps())


@pytest.fixture(scope="module")
def level2b(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_months(tmp_path_factory.mktemp("level2b"), ["2008-04", "2008-05"])


@pytest.fixture
def release(level2b: dict[str, Path], tmp_path: Path) -> Path:
    return release_level2b(tmp_path / "l2b", level2b)


def writable(path: Path) -> Path:
    """A file of a release that somebody made writable."""
    path.parent.chmod(0o755)
    path.chmod(0o644)
    return path


def test_a_release_of_maps_holds_all_that_a_reader_needs(product: Path, tmp_path: Path) -> None:
    release = release_maps(tmp_path / "twsa", product)
    assert release == tmp_path / "twsa" / "twsa-v1.0-001"
    expected = {
        product.name, QUICKLOOK, SUMS, "manifest.json", "CHANGES.md", "changes.json", "datacite.xml",
        "stac/item.json", "stac/collection.json",
    }  # fmt: skip
    assert set(contents(release)) == expected
    assert (release / product.name).read_bytes() == product.read_bytes()
    assert (release / QUICKLOOK).read_bytes().startswith(b"\x89PNG")
    assert verify(release) == []
    assert [path.name for path in (tmp_path / "twsa").iterdir()] == [".lock", "twsa-v1.0-001"]


def test_the_sums_are_those_that_sha256sum_checks(release: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=release, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(": OK") == len(contents(release)) - 1


def test_the_manifest_names_every_input_step_and_output(product: Path, tmp_path: Path) -> None:
    maps, manifest = calm_maps(), read_manifest(release_maps(tmp_path / "twsa", product))
    assert manifest.inputs == maps.sources
    assert manifest.steps == maps.history
    assert manifest.parameters == maps.parameters
    assert (manifest.months, manifest.baseline, manifest.code_version) == (maps.months, "ab" * 32, "0.1.0")
    assert (manifest.kind, manifest.serial, manifest.issued) == ("initial", 1, ISSUED)
    assert [output.name for output in manifest.outputs] == [product.name]
    assert manifest.outputs[0].size == product.stat().st_size
    assert (manifest.begin, manifest.end) == ("2002-04-05", "2002-09-30")


def test_the_manifest_of_level2b_tells_months_inputs_and_who_signs(release: Path) -> None:
    manifest = read_manifest(release)
    assert [str(month) for month in manifest.months] == ["2008-04", "2008-05"]
    assert {source.role for source in manifest.inputs} == {"baseline", "level-2"}
    assert (manifest.version, manifest.baseline, manifest.reference_period) == ("0001", "b" * 64, "2002-04..2020-03")
    assert manifest.publication["institution"] == PUBLISHER.institution
    assert (manifest.begin, manifest.end) == ("2008-04-01", "2008-05-31")


def test_the_same_release_has_the_same_bytes(product: Path, tmp_path: Path) -> None:
    one, other = (release_maps(tmp_path / name / "twsa", product) for name in ("one", "other"))
    assert contents(one) == contents(other)


def test_nothing_in_a_release_can_be_written_to(release: Path) -> None:
    assert all(path.stat().st_mode & 0o222 == 0 for path in (release, *release.rglob("*")))


def test_building_again_returns_what_is_there(level2b: dict[str, Path], release: Path) -> None:
    before = release.stat().st_ino
    assert release_level2b(release.parent, level2b) == release
    assert release.stat().st_ino == before


def test_a_release_is_never_replaced_by_other_files(release: Path, tmp_path: Path) -> None:
    before = contents(release)
    with pytest.raises(RequestRefused, match="never changes"):
        release_level2b(release.parent, write_months(tmp_path / "other", ["2008-06"]))
    assert contents(release) == before


def test_a_file_that_changed_since_it_was_checked_leaves_no_release(tmp_path: Path) -> None:
    files = write_months(tmp_path / "files", ["2008-04"])
    manifest = manifest_of(files)
    path = next(iter(files.values()))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(RequestRefused, match="digest differs"):
        build(files, manifest, Changes(), tmp_path / "l2b")
    assert contents(tmp_path / "l2b").keys() == {".lock"}


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_an_error_in_any_step_leaves_nothing(step: int, level2b: dict[str, Path], tmp_path: Path) -> None:
    def fail(name: str) -> None:
        if name == STEPS[step]:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        build(level2b, manifest_of(level2b), Changes(), tmp_path / "l2b", progress=fail)
    assert contents(tmp_path / "l2b").keys() == {".lock"}
    assert not [path for path in (tmp_path / "l2b").iterdir() if path.is_dir()]


def test_files_that_stay_the_same_are_kept_once_on_the_disk(level2b: dict[str, Path], tmp_path: Path) -> None:
    first = release_level2b(tmp_path / "l2b", level2b)
    more = level2b | write_months(tmp_path / "more", ["2008-06"])
    second = release_level2b(tmp_path / "l2b", more, first)
    shared = [name for name in level2b if (first / name).samefile(second / name)]
    assert len(shared) == len(level2b) == 18
    assert verify(first) == verify(second) == []
    retract(first, "an experiment", **DECIDED)
    assert verify(second) == []


def test_a_damaged_file_of_the_release_before_is_not_inherited(level2b: dict[str, Path], tmp_path: Path) -> None:
    first = release_level2b(tmp_path / "l2b", level2b)
    name = next(iter(level2b))
    writable(first / name).write_bytes(b"rotten")
    second = release_level2b(tmp_path / "l2b", level2b | write_months(tmp_path / "more", ["2008-06"]), first)
    assert verify(second) == []
    assert [str(problem) for problem in verify(first)] == [f"{name} is changed"]


def test_verify_finds_files_missing_extra_and_changed(release: Path) -> None:
    missing, changed, *_ = (name for name in contents(release) if name.startswith("VDK"))
    writable(release / missing).unlink()
    path = writable(release / changed)
    path.write_bytes(path.read_bytes()[:-1] + b"\7")
    release.chmod(0o755)
    (release / "note.txt").write_text("mine")
    found = {(problem.kind, problem.name) for problem in verify(release)}
    assert found == {("missing", missing), ("changed", changed), ("extra", "note.txt")}


def test_verify_finds_sums_that_were_made_to_fit(release: Path) -> None:
    name = next(name for name in contents(release) if name.startswith("VDK3"))
    digest = read_manifest(release).digest_of(name)
    sums = writable(release / SUMS)
    sums.write_text(sums.read_text().replace(str(digest), "0" * 64))
    assert ("not what the manifest says", name) in {(problem.kind, problem.name) for problem in verify(release)}


@pytest.mark.parametrize(("text", "kind"), [("not a sum\n", "damaged"), (None, "missing")])
def test_verify_finds_sums_that_are_none(text: str | None, kind: str, release: Path) -> None:
    writable(release / SUMS).unlink()
    if text:
        (release / SUMS).write_text(text)
    assert [str(problem) for problem in verify(release)] == [f"{SUMS} is {kind}"]


def test_a_release_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert [problem.kind for problem in verify(tmp_path / "twsa-v1.0-001")] == ["missing"]
    with pytest.raises(GranuleRejected, match="no readable manifest"):
        read_manifest(tmp_path / "twsa-v1.0-001")


def test_latest_is_switched_and_never_points_nowhere(level2b: dict[str, Path], tmp_path: Path) -> None:
    into = tmp_path / "l2b"
    first = release_level2b(into, level2b)
    assert latest(into) is None
    switch_latest(into, first.name)
    assert (into / "latest" / "manifest.json").is_file()
    second = release_level2b(into, level2b | write_months(tmp_path / "more", ["2008-06"]), first)
    assert latest(into) == first.name
    switch_latest(into, second.name)
    assert (latest(into), [each.release for each in releases_in(into)]) == (second.name, [first.name, second.name])
    with pytest.raises(RequestRefused, match="no release that `latest` could be"):
        switch_latest(into, "l2b-0001-009")
    assert latest(into) == second.name


def test_a_retracted_release_leaves_its_name_its_reason_and_its_digests(release: Path) -> None:
    manifest = read_manifest(release)
    switch_latest(release.parent, release.name)
    retract(release, "C20 of the wrong table", **DECIDED)
    assert set(contents(release)) == {TOMBSTONE, PAGE}
    words = json.loads((release / TOMBSTONE).read_text())
    assert words["reason"] == "C20 of the wrong table"
    assert words["files"] == {output.name: output.sha256 for output in manifest.outputs}
    page = (release / PAGE).read_text()
    assert all(text in page for text in ("l2b-0001-001", "C20 of the wrong table", "2026-02-03", "a person"))
    assert latest(release.parent) is None
    assert releases_in(release.parent) == []
    assert verify(release) == []


def test_a_successor_takes_the_place_of_a_retracted_release(level2b: dict[str, Path], tmp_path: Path) -> None:
    into = tmp_path / "l2b"
    first = release_level2b(into, level2b)
    second = release_level2b(into, level2b | write_months(tmp_path / "more", ["2008-06"]), first)
    switch_latest(into, second.name)
    retract(second, "a month too many", **DECIDED, successor=first.name)
    assert latest(into) == first.name
    assert "Use l2b-0001-001 instead" in (second / PAGE).read_text()


def test_a_retraction_that_was_cut_off_is_seen_and_finished(release: Path) -> None:
    retract(release, "wrong", **DECIDED)
    release.chmod(0o755)
    (release / "VDK3").mkdir()
    (release / "VDK3" / "left.gz").write_bytes(b"left")
    assert [str(problem) for problem in verify(release)] == ["VDK3/left.gz is extra"]
    retract(release, "another reason", who="another", when="2027-01-01T00:00:00Z")
    assert verify(release) == []
    stone = read_tombstone(release)
    assert stone is not None
    assert (stone.reason, stone.who) == ("wrong", "a person")


def test_the_name_of_a_retracted_release_is_not_given_again(level2b: dict[str, Path], release: Path) -> None:
    retract(release, "wrong", **DECIDED)
    with pytest.raises(RequestRefused, match="was retracted"):
        release_level2b(release.parent, level2b)
    with pytest.raises(RequestRefused, match="no release that"):
        switch_latest(release.parent, release.name)
    assert is_retracted(release)


@pytest.mark.parametrize("successor", ["l2b-0001-009", "l2b-0001-001"])
def test_nothing_is_retracted_for_a_successor_that_is_none(successor: str, release: Path) -> None:
    retract_of = release.parent / ("nothing" if successor == release.name else release.name)
    with pytest.raises(RequestRefused, match=r"there is no release|cannot take its place"):
        retract(retract_of, "wrong", **DECIDED, successor=successor)
    assert verify(release) == []
    assert not is_retracted(release)


def test_a_draft_knows_all_that_a_decision_needs(product: Path, tmp_path: Path) -> None:
    draft = prepare({product.name: product}, None, issued=ISSUED, doi="10.5072/example", key="k1")
    assert draft.report.passed, draft.report.reasons
    assert draft.changes.months_added == draft.manifest.months
    release = build(draft.files, draft.manifest, draft.changes, tmp_path / "twsa")
    assert changes_of_dict(json.loads((release / "changes.json").read_text())) == draft.changes
    again = prepare({product.name: product}, release, issued=ISSUED)
    assert (again.manifest.kind, again.manifest.release) == ("extension", "twsa-v1.0-002")
    assert (again.report.passed, again.changes.unchanged) == (True, 6)
    assert read_manifest(release).publication["doi"] == "10.5072/example"


def test_a_new_program_under_the_old_version_is_held(product: Path, tmp_path: Path) -> None:
    release = release_maps(tmp_path / "twsa", product)
    newer = write_product(tmp_path, calm_maps(), code_version="0.2.0")
    draft = prepare({newer.name: newer}, release, issued=ISSUED)
    assert draft.manifest.kind == "minor"
    assert [reason for reason in draft.report.reasons if "is v1.1; this one is v1.0" in reason]


def test_a_draft_of_level2b_never_lets_a_past_file_change(level2b: dict[str, Path], tmp_path: Path) -> None:
    release = release_level2b(tmp_path / "l2b", level2b)
    more = level2b | write_months(tmp_path / "more", ["2008-06"])
    words = {"issued": ISSUED, "code_version": "0.1.0", "publisher": PUBLISHER}
    good = prepare(more, release, **words)
    assert good.report.passed, good.report.reasons
    assert [str(month) for month in good.changes.months_added] == ["2008-06"]
    name = next(name for name in level2b if name.startswith("VDK5"))
    changed = more | {name: write_months(tmp_path / "seven", ["2008-04"], nmax=7)[name]}
    report = prepare(changed, release, **words).report
    assert report["past files"].text == f"1 file has other content, such as {name}"
    del changed[name]
    lost = prepare(changed, release, **words).report
    assert lost["past files"].text == f"1 file is gone, such as {name}"
    assert not lost["completeness"].passed
    assert good.manifest.release == "l2b-0001-002"
