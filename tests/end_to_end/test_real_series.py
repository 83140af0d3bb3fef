"""Real months through the running system: what it releases is what a person makes by hand, to the bit."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.embedded import environment_of, system
from services.process.production import BASELINE_NAME, Request, produce
from services.publish.manifest import read_manifest
from shared.formats.baseline import read_baseline
from shared.formats.files import sha256_of
from shared.settings import cache_folder
from shared.simulation.upstream import Served, Upstream
from shared.storage.catalogue import Catalogue
from shared.storage.records import ReleaseRecord
from shared.storage.store import Store
from tests.end_to_end.rig import assert_whole, released, until

TABLE = "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0001.dat"
PATIENCE = 600.0


def rows_of(table: Path) -> int:
    """Rows of a table of GravIS."""
    lines = table.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == "PRODUCT:")
    return sum(bool(line.strip()) for line in lines[start + 1 :])


def reissued(content: bytes) -> bytes:
    """A month with another C30, packed less tightly, as if its centre had computed it again."""
    lines = gzip.decompress(content).decode().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.split()[:3] == ["gfc", "3", "0"])
    words = lines[at].split()
    value = f"{float(words[3].replace('D', 'e')) * (1.0 + 1e-6):.12e}"
    lines[at] = lines[at].replace(words[3], value)
    return gzip.compress("".join(lines).encode(), compresslevel=1)


def inputs(folder: Path, upstream: Upstream, real_data: Path) -> tuple[Path, Path]:
    """Folders with the files that upstream shows now."""
    level2, auxiliaries = folder / "level2", folder / "auxiliaries"
    for path in (level2, auxiliaries):
        path.mkdir(parents=True)
    for name in upstream.months:
        (level2 / name).write_bytes(upstream.content(name))
    for path in (real_data / "gravis").glob("GRAVIS-2B_*GIA*"):
        (auxiliaries / path.name).write_bytes(upstream.content(path.name))
    (auxiliaries / TABLE).write_bytes(upstream.content(TABLE))
    return level2, auxiliaries


def first_months(folder: Path, real_data: Path, months: int) -> Path:
    """A folder with the first real months."""
    folder.mkdir()
    for path in sorted((real_data / "level2" / "itsg-grace-n96").iterdir())[:months]:
        (folder / path.name).symlink_to(path)
    return folder


def test_the_real_series_is_released_as_by_hand_and_each_change_once(tmp_path: Path, real_data: Path) -> None:
    home, by_hand, months = tmp_path / "home", tmp_path / "by-hand", 100
    level2, rows = first_months(tmp_path / "months", real_data, months), rows_of(real_data / "gravis" / TABLE)
    settings = {"GRAVSTREAM_PRODUCTS": "twsa", "GRAVSTREAM_BASELINE_MONTHS": "80"}
    with (
        Upstream(Served(level2, real_data / "gravis", revealed=months - 1, rows={TABLE: rows - 1})) as upstream,
        system(home, environment_of(upstream, 1.0) | {"GRAVSTREAM_LOOK_INTERVAL": "1"} | settings),
        Catalogue.open(home / "catalogue.sqlite") as catalogue,
    ):
        until(lambda: released(catalogue, months - 1), PATIENCE, "the first release")
        first = catalogue.latest("twsa")
        folders = inputs(tmp_path / "first", upstream, real_data)

        newest = upstream.reveal(1)[0]
        until(lambda: released(catalogue, months), PATIENCE, "the release with one more month")

        upstream.replace(newest, reissued(upstream.content(newest)))
        until(lambda: len(catalogue.releases("twsa", "released")) == 3, PATIENCE, "the release with the month anew")

        upstream.extend(TABLE, 1)
        until(lambda: len(catalogue.releases("twsa", "released")) == 4, PATIENCE, "the release with the longer table")
        last_folders = inputs(tmp_path / "last", upstream, real_data)
        seen = catalogue.polls(limit=1)[0].id
        until(lambda: catalogue.polls(limit=1)[0].id > seen + 3, PATIENCE, "looks that find nothing new")

    releases = catalogue.releases("twsa")
    assert_whole(home, catalogue, releases=4)
    assert [release.state for release in releases] == ["released"] * 4
    # Every month once; the new one; it again, from other bytes; and all of them with the longer table
    done = Counter((unit.kind, unit.state) for unit in catalogue.units())
    assert done == {("baseline", "done"): 1, ("month", "done"): months + 1 + months, ("series", "done"): 4}
    versions = [granule.version for granule in catalogue.granules("level-2", state=None) if granule.name == newest]
    assert versions == [1, 2]
    assert [release.kind for release in releases[:3]] == ["initial", "extension", "extension"]
    assert releases[1].last == releases[2].last > releases[0].last

    # From nothing, the baseline included
    unit, store = catalogue.unit(first.key), Store.at(home / "store")
    made = produce(Request(*folders, by_hand, cache_folder(), issued=unit.created_at, workers=2))
    assert_same_files(first, made.files, by_hand)
    kept = store.local(catalogue.baseline("twsa").digest)
    assert_same_baseline(read_baseline(kept), made.baseline)
    # And at the end, with the baseline of the beginning
    unit, out = catalogue.unit(releases[-1].key), tmp_path / "again"
    again = Request(*last_folders, out, cache_folder(), issued=unit.created_at, workers=2, baseline=kept)
    assert_same_files(releases[-1], produce(again).files, out)


def test_real_coefficients_are_released_as_by_hand_and_a_month_only_adds_files(tmp_path: Path, real_data: Path) -> None:
    home, months = tmp_path / "home", 14
    level2 = first_months(tmp_path / "months", real_data, months)
    settings = {"GRAVSTREAM_PRODUCTS": "l2b", "GRAVSTREAM_BASELINE_MONTHS": "12"}
    with (
        Upstream(Served(level2, real_data / "gravis", revealed=months - 1)) as upstream,
        system(home, environment_of(upstream, 1.0) | {"GRAVSTREAM_LOOK_INTERVAL": "1"} | settings),
        Catalogue.open(home / "catalogue.sqlite") as catalogue,
    ):
        until(lambda: released(catalogue, months - 1, "l2b"), PATIENCE, "the first release")
        first_folders = inputs(tmp_path / "first", upstream, real_data)
        upstream.reveal(1)
        until(lambda: released(catalogue, months, "l2b"), PATIENCE, "the release with one more month")
        last_folders = inputs(tmp_path / "last", upstream, real_data)

    assert_whole(home, catalogue, releases=2, product="l2b")
    first, second = catalogue.releases("l2b")
    assert second.version == first.version
    before, after = outputs_of(first), outputs_of(second)
    assert before.items() < after.items()
    assert len(after) - len(before) == 9  # unfiltered, and VDK1 to VDK8

    # From nothing, the baseline included; and with one more month and the baseline of the beginning
    made = produce(Request(*first_folders, tmp_path / "made", cache_folder(), product="l2b", workers=2))
    assert_same_files(first, made.files, tmp_path / "made")
    kept = Store.at(home / "store").local(catalogue.baseline("l2b").digest)
    assert_same_baseline(read_baseline(kept), made.baseline)
    out = tmp_path / "again"
    again = Request(*last_folders, out, cache_folder(), product="l2b", workers=2, baseline=kept)
    assert_same_files(second, produce(again).files, out)


def assert_same_files(release: ReleaseRecord, made: Sequence[Path], out: Path) -> None:
    """A release has each file that a person made, to the bit, and no other; the baseline is no product."""
    top = out / "level2b" if release.product == "l2b" else out
    by_hand = {path.relative_to(top).as_posix(): sha256_of(path) for path in made if path.name != BASELINE_NAME}
    auxiliaries = {name for name in outputs_of(release) if name.startswith("auxiliaries/")}
    assert by_hand == {name: digest for name, digest in outputs_of(release).items() if name not in auxiliaries}


def outputs_of(release: ReleaseRecord) -> dict[str, str]:
    """Digests of the files of the product by their names."""
    return {output.name: output.sha256 for output in read_manifest(Path(release.directory)).outputs}


def assert_same_baseline(one, other) -> None:
    """The same numbers; only the run by hand keeps its evaluation of the series there."""
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.sigmas, other.sigmas)
    assert one.months == other.months
    assert one.checksums == other.checksums
    assert set(one.alias) == set(other.alias)
    for label in one.alias:
        np.testing.assert_array_equal(one.alias[label], other.alias[label])
