"""Level-2B as a product: what is out stays byte by byte while tables grow and months come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.process.reprocessing_check import rebuild
from services.publish.sums import verify
from shared.formats.files import sha256_of
from tests.integration.conftest import Archive
from tests.integration.process.conftest import KEPT_BACK, System, edited_copy, manifest, opened, release_first

TABLE = "LOW_DEGREES"


def without_rows(count: int, content: bytes) -> bytes:
    """A table that ends so many rows earlier."""
    return b"".join(content.splitlines(keepends=True)[:-count])


@pytest.fixture
def coefficients(tmp_path: Path, cache: Path, two_years: Archive) -> Iterator[System]:
    """A system that has released Level-2B of all months but the last ones, whose rows its table lacks."""
    system = opened(tmp_path / "home", cache, two_years, "l2b")
    young = edited_copy(two_years.low_degrees, tmp_path, lambda content: without_rows(len(KEPT_BACK), content))
    others = [path for path in two_years.auxiliaries.iterdir() if TABLE not in path.name]
    release_first(system, [young, *others])
    yield system
    system.known.close()


def test_a_table_that_grew_and_a_month_give_a_release_that_only_gains(coefficients: System) -> None:
    first = coefficients.known.latest("l2b")
    assert first is not None
    before = {output.name: output.sha256 for output in manifest(first).outputs}
    assert len(coefficients.work()) == 0
    coefficients.register(coefficients.archive.low_degrees, "low-degrees")
    coefficients.register(coefficients.archive.gfc(KEPT_BACK[0]), "level-2", KEPT_BACK[0])
    coefficients.work()
    second = coefficients.release()
    assert (second.state, second.kind, second.reasons) == ("released", "extension", ())
    after = {output.name: output.sha256 for output in manifest(second).outputs}
    tables = {name for name in before if name.startswith("auxiliaries/") and TABLE in name}
    assert len(tables) == 1
    assert {name: after[name] for name in before if name not in tables} == {
        name: digest for name, digest in before.items() if name not in tables
    }
    assert len(after) - len(before) == 9  # unfiltered, and VDK1 to VDK8
    assert verify(Path(second.directory)) == []
    assert dict(rebuild(coefficients.hall, second.key).outputs) == after


def test_the_manifest_names_the_table_itself_and_the_table_lies_beside(coefficients: System) -> None:
    release = coefficients.known.latest("l2b")
    assert release is not None
    named = {source.role: source for source in manifest(release).inputs if source.role != "level-2"}
    assert "low-degrees-rows" not in named
    for role in ("low-degrees", "gia"):
        file = Path(release.directory) / "auxiliaries" / named[role].name
        assert sha256_of(file) == named[role].sha256 == coefficients.known.current(role)[0].sha256


def test_a_row_of_the_past_that_changed_holds_the_release(coefficients: System, tmp_path: Path) -> None:
    table = coefficients.known.current("low-degrees")[0]
    kept = coefficients.hall.store.local(table.sha256)
    assert kept is not None
    named = tmp_path / table.name
    named.write_bytes(kept.read_bytes())
    coefficients.register(edited_copy(named, tmp_path / "edited", with_other_c20), "low-degrees")
    coefficients.work()
    held = coefficients.release()
    assert held.state == "held"
    months = len(coefficients.known.units("done", "series", "l2b")[0].inputs["months"])
    assert any(f"past files: {9 * months} files have other content" in reason for reason in held.reasons)


def with_other_c20(content: bytes) -> bytes:
    """A table whose last row has a C20 that is 1e-11 smaller, and so its difference from the mean."""
    *lines, last = content.splitlines(keepends=True)
    value, difference = last.split()[2:4]
    other = f"{(float(value) - 1e-11) / 1e-3:.12f}E-03".replace("-0.", "-.")
    last = last.replace(value, other.encode()).replace(difference, f"{float(difference) - 0.1:.4f}".encode(), 1)
    return b"".join([*lines, last])
