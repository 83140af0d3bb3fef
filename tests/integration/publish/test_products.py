"""Real products of a simulated archive: released, extended by a month, and held when they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from services.process.production import Outcome
from services.publish.draft import Draft, prepare
from services.publish.release import build, switch_latest
from services.publish.sums import verify
from shared.models.epoch import Month
from shared.settings import Publisher

Make = Callable[..., Outcome]

ISSUED = "2026-01-02T03:04:05Z"
PUBLISHER = Publisher("Institute of Examples", "A. Author", "", "")


def files_of(outcome: Outcome, out: Path) -> dict[str, Path]:
    """The files of a product by the names that they have in a release."""
    if outcome.product.name == "l2b":
        return {path.relative_to(out / "level2b").as_posix(): path for path in outcome.files if path.suffix == ".gz"}
    return {outcome.files[0].name: outcome.files[0]}


def drafted(outcome: Outcome, out: Path, previous: Path | None = None) -> Draft:
    return prepare(files_of(outcome, out), previous, issued=ISSUED, code_version="0.1.0", publisher=PUBLISHER)


def released(draft: Draft, into: Path, previous: Path | None = None) -> Path:
    release = build(draft.files, draft.manifest, draft.changes, into, previous=previous)
    switch_latest(into, release.name)
    return release


@pytest.fixture(scope="module")
def first(record: Outcome, record_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record as the first release of maps."""
    draft = drafted(record, record_out)
    assert draft.report.passed, draft.report.reasons
    return released(draft, tmp_path_factory.mktemp("releases") / "twsa")


def test_a_record_made_from_nothing_passes_the_gate_and_is_released(first: Path, record: Outcome) -> None:
    assert verify(first) == []
    manifest = json.loads((first / "manifest.json").read_text())
    assert manifest["kind"] == "initial"
    assert manifest["baseline"] == record.baseline.digest
    names = [step.partition("(")[0] for step in manifest["steps"]]
    recipes = (record.product.monthly, record.product.series)
    assert names == [step.name for recipe in recipes if recipe for step in recipe]
    roles = {source["role"] for source in manifest["inputs"]}
    assert {"level-2", "baseline", "gia", "low-degrees", "filter", "land-mask"} <= roles


def test_one_more_month_extends_the_record_and_moves_the_past_a_little(
    first: Path, archive, baseline: Path, make: Make, tmp_path: Path
) -> None:
    longer = archive.linked(tmp_path / "archive", until=Month(2006, 1))
    out = tmp_path / "out"
    draft = drafted(make(longer, out, baseline=baseline), out, first)
    assert draft.report.passed, draft.report.reasons
    assert draft.manifest.kind == "extension"
    assert draft.manifest.why.startswith("1 month is new: 2006-01")
    assert [str(month) for month in draft.changes.months_added] == ["2006-01"]
    # Fits of three years move with one month more, but by less than the noise of a month.
    assert 0.0 < draft.changes.rms < 5.0
    second = released(draft, first.parent, first)
    assert second.name == "twsa-v1.0-002"
    assert verify(second) == verify(first) == []
    page = (second / "CHANGES.md").read_text()
    assert "New: 2006-01." in page
    assert "35 of 35 months changed" in page


def test_the_same_months_made_again_change_nothing(
    first: Path, record_archive, baseline: Path, make: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    draft = drafted(make(record_archive, out, baseline=baseline), out, first)
    assert draft.report.passed, draft.report.reasons
    assert (draft.changes.changed, draft.changes.unchanged) == ((), 35)


def test_another_filter_is_a_major_release_and_held_under_the_old_version(
    first: Path, record_archive, baseline: Path, make: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    draft = drafted(make(record_archive, out, baseline=baseline, filter_source="ddk"), out, first)
    assert draft.manifest.kind == "major"
    assert "decorrelate(source=ddk" in draft.manifest.why
    assert not draft.report["version"].passed


def test_level2b_gains_a_month_and_keeps_every_file_that_was_there(archive, make: Make, tmp_path: Path) -> None:
    shorter = archive.linked(tmp_path / "short", until=Month(2004, 3))
    one = drafted(made := make(shorter, tmp_path / "one", product="l2b"), tmp_path / "one")
    assert one.report.passed, one.report.reasons
    release = released(one, tmp_path / "l2b")
    longer = archive.linked(tmp_path / "long", until=Month(2004, 4))
    two = drafted(make(longer, tmp_path / "two", product="l2b", baseline=made.files[-1]), tmp_path / "two", release)
    assert two.report.passed, two.report.reasons
    assert two.manifest.kind == "extension"
    assert [str(month) for month in two.changes.months_added] == ["2004-04"]
    second = released(two, tmp_path / "l2b", release)
    assert verify(second) == []
    assert all((second / name).samefile(release / name) for name in one.files)


def test_level2b_of_another_baseline_is_held_because_the_past_changed(archive, make: Make, tmp_path: Path) -> None:
    shorter = archive.linked(tmp_path / "short", until=Month(2003, 9))
    one = drafted(make(shorter, tmp_path / "one", product="l2b"), tmp_path / "one")
    release = released(one, tmp_path / "l2b")
    longer = archive.linked(tmp_path / "long", until=Month(2003, 10))
    two = drafted(make(longer, tmp_path / "two", product="l2b"), tmp_path / "two", release)
    assert two.manifest.kind == "major"
    assert not two.report["past files"].passed
    assert not two.report["version"].passed
