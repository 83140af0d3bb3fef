"""What a release changes is measured month by month, and the size of it is right."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.publish.changes import Changes, changes_of_dict
from services.publish.changes_page import changes_text
from services.publish.comparison import compare, compare_level2b
from shared.models.coefficients import FilterSource
from shared.models.epoch import Month
from shared.models.grid import GridSeries
from tests.unit.publish.releases import calm_maps, manifest_of, write_months, write_product


def without(maps: GridSeries, *left_out: int) -> GridSeries:
    """The maps without some of their months."""
    kept = [at for at in range(len(maps.months)) if at not in left_out]
    return replace(
        maps,
        months=tuple(maps.months[at] for at in kept),
        spans=tuple(maps.spans[at] for at in kept),
        twsa=maps.twsa[kept],
        noise=maps.noise[kept],
        sigma=maps.noise[kept],
        strength=maps.strength[kept],
        filter_sources=tuple(maps.filter_sources[at] for at in kept),
    )


def moved(maps: GridSeries, month: int, by: np.ndarray | float) -> GridSeries:
    """The maps with one month moved by so many metres."""
    twsa = np.array(maps.twsa)
    twsa[month] += np.asarray(by, np.float32)
    return replace(maps, twsa=twsa)


def compared(folder: Path, new: GridSeries, old: GridSeries) -> Changes:
    for name in ("new", "old"):
        (folder / name).mkdir()
    return compare(write_product(folder / "new", new), write_product(folder / "old", old))


def test_without_an_older_release_every_month_is_new(tmp_path: Path) -> None:
    maps = calm_maps()
    assert compare(write_product(tmp_path, maps), None) == Changes(months_added=maps.months)


def test_a_product_differs_in_nothing_from_itself(tmp_path: Path) -> None:
    changes = compared(tmp_path, calm_maps(), calm_maps())
    assert changes == Changes(unchanged=6)
    assert changes.rms == 0.0
    assert changes.largest is None


def test_a_month_that_moved_as_a_whole_has_that_rms(tmp_path: Path) -> None:
    """A constant has itself as rms with any weights; float32 keeps a height of 100 mm to 8e-6 mm."""
    changes = compared(tmp_path, moved(calm_maps(), 2, 0.0025), calm_maps())
    (found,) = changes.changed
    assert found.month == Month(2002, 6)
    assert found.rms == pytest.approx(2.5, abs=1e-4)
    assert (changes.unchanged, changes.rms) == (5, found.rms)


def test_rms_weighs_cells_by_their_area(tmp_path: Path) -> None:
    """Rows at the pole moved by 1 mm: their share of the area of all land under the root."""
    maps = calm_maps()
    rows = np.zeros(maps.grid.shape)
    rows[:2] = 0.001
    changes = compared(tmp_path, moved(maps, 0, rows), maps)
    areas = np.broadcast_to(maps.grid.areas[:, None], maps.grid.shape)
    share = areas[(rows > 0) & maps.land].sum() / areas[maps.land].sum()
    # The cosine at the centre of a cell stands for its area: at the pole, in cells of 5 degrees, to three per mille.
    assert changes.rms == pytest.approx(np.sqrt(share), rel=4e-3)


def test_the_largest_change_is_found_with_its_sign_and_place(tmp_path: Path) -> None:
    maps = calm_maps()
    peak = np.zeros(maps.grid.shape)
    peak[22, 48], peak[20, 45] = -0.007, 0.005
    found = compared(tmp_path, moved(maps, 4, peak), maps).largest
    assert found is not None
    assert found.largest == pytest.approx(-7.0, abs=1e-4)
    assert (found.month, found.latitude, found.longitude) == (Month(2002, 8), 22.5, 62.5)


def test_months_are_matched_by_name_where_one_came_between(tmp_path: Path) -> None:
    changes = compared(tmp_path, moved(calm_maps(40), 30, 0.001), without(calm_maps(40), 3, 17, 39))
    assert changes.months_added == tuple(calm_maps(40).months[at] for at in (3, 17, 39))
    assert [each.month for each in changes.changed] == [calm_maps(40).months[30]]
    assert changes.unchanged == 36


def test_a_month_that_is_gone_is_told(tmp_path: Path) -> None:
    assert compared(tmp_path, without(calm_maps(), 1), calm_maps()).months_removed == (Month(2002, 5),)


def test_flags_that_turned_are_told(tmp_path: Path) -> None:
    maps = calm_maps()
    strength = maps.strength.copy()
    strength[2] = 2
    sources = (FilterSource.NORMALS, *maps.filter_sources[1:])
    changes = compared(tmp_path, replace(maps, strength=strength, filter_sources=sources), maps)
    told = [(str(each.month), each.flag, each.before, each.after) for each in changes.flags]
    assert told == [("2002-04", "normals", "ddk", "normals"), ("2002-06", "filter", "VDK3", "VDK2")]


def test_another_mask_is_counted_and_other_grids_are_not_compared(tmp_path: Path) -> None:
    maps = calm_maps()
    land = np.array(maps.land)
    land[22, 48] = False
    assert compared(tmp_path, replace(maps, land=land), maps).mask_cells == 1
    (tmp_path / "other").mkdir()
    other = write_product(tmp_path / "other", calm_maps(step=10.0))
    assert "grids differ" in compare(other, tmp_path / "old" / other.name).note


def test_changes_come_back_from_their_text(tmp_path: Path) -> None:
    changes = compared(tmp_path, moved(without(calm_maps(), 1), 2, 0.5), without(calm_maps(), 5))
    found = changes_of_dict(changes.to_dict())
    assert found.to_dict() == changes.to_dict()
    assert (found.months_added, found.months_removed) == (changes.months_added, changes.months_removed)
    assert found.rms == pytest.approx(changes.rms, abs=5e-4)


def test_level2b_is_compared_by_the_bytes_of_its_files(tmp_path: Path) -> None:
    old = manifest_of(write_months(tmp_path / "old", ["2008-04", "2008-05"]))
    files = write_months(tmp_path / "new", ["2008-04", "2008-05", "2008-06"])
    assert compare_level2b(manifest_of(files), old) == Changes(months_added=(Month(2008, 6),), unchanged=2)
    name = next(name for name in files if name.startswith("VDK3"))
    files[name].write_bytes(files[name].read_bytes() + b"\0")
    changed = compare_level2b(manifest_of(files), old)
    assert (changed.files, changed.unchanged) == ((name,), 1)
    del files[name]
    assert compare_level2b(manifest_of(files), old).files_lost == (name,)


LONG = """
import resource, sys
from pathlib import Path
from services.publish.comparison import compare
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
compare(Path(sys.argv[1]), Path(sys.argv[2]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_does_not_grow_with_the_months(tmp_path: Path) -> None:
    """80 months more are 80 MB in a file of 1 degree; the library's own store of chunks is full after a few slabs."""
    grown = []
    for count in (64, 144):
        maps = calm_maps(count, step=1.0)
        for name, each in (("new", moved(maps, 3, 0.001)), ("old", maps)):
            (tmp_path / f"{name}{count}").mkdir()
            write_product(tmp_path / f"{name}{count}", each)
        files = [str(next((tmp_path / f"{name}{count}").glob("*.nc"))) for name in ("new", "old")]
        done = subprocess.run([sys.executable, "-c", LONG, *files], capture_output=True, text=True, check=True)
        grown.append(int(done.stdout))
    assert grown[1] < grown[0] + 20


def test_the_page_tells_a_hydrologist_what_moved_where_and_by_how_much(tmp_path: Path) -> None:
    maps = calm_maps()
    peak = np.full(maps.grid.shape, 0.0004)
    peak[22, 48] = -0.007
    changes = compared(tmp_path, moved(maps, 4, peak), without(maps, 5))
    old_file = next((tmp_path / "old").glob("*.nc"))
    new_file = next((tmp_path / "new").glob("*.nc"))
    old = manifest_of({old_file.name: old_file})
    page = changes_text(manifest_of({new_file.name: new_file}, old), changes)
    assert page.startswith("# twsa-v1.0-002\n")
    assert "New: 2002-09." in page
    assert "1 of 5 months changed" in page
    assert "−7.0 mm, in 2002-08 at 22.50° N, 62.50° E" in page
    assert "**Extension** of twsa-v1.0-001. 1 month is new: 2002-09." in page
    assert "| 2002-08 |" in page
    assert "None" in page.partition("Flags that turned")[2]


def test_the_page_of_a_first_release_compares_with_nothing(tmp_path: Path) -> None:
    product = write_product(tmp_path, calm_maps(without=("2002-06",)))
    page = changes_text(manifest_of({product.name: product}), compare(product, None))
    assert "There is no release to compare with." in page
    assert "No data: 2002-06." in page


def test_the_page_lists_the_ten_months_that_moved_most(tmp_path: Path) -> None:
    maps = calm_maps(14)
    twsa = maps.twsa + (0.001 * np.arange(14, dtype=np.float32))[:, None, None]
    changes = compared(tmp_path, replace(maps, twsa=twsa.astype(np.float32)), maps)
    new = next((tmp_path / "new").glob("*.nc"))
    manifest = manifest_of({new.name: new})
    page = changes_text(replace(manifest, kind="minor"), changes)
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| 20")]
    assert rows == [str(month) for month in reversed(maps.months[4:])]
    assert "3 other months changed less" in page
