"""The picture shows the last month, its uncertainty and the noise of all months, and nothing overlaps."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage, imread
from matplotlib.text import Text

from services.publish.quicklook import draw, picture, unbroken
from services.publish.scales import SPREAD, STORAGE
from shared.errors import GranuleRejected
from shared.formats.netcdf import read_level3, write_level3
from shared.models.epoch import Month
from tests.product_builders import ABOUT, make_maps

GAP = ("2002-08", "2003-02", "2003-03", "2003-04")


def figure_of(tmp_path: Path, count: int, **edits: object):
    write_level3(tmp_path / "twsa.nc", make_maps(count, **edits), ABOUT)
    with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        return picture(read_level3(tmp_path / "twsa.nc"))


def texts_of(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


def test_the_picture_is_a_png_of_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_level3(tmp_path / "twsa.nc", make_maps(20, without=GAP), ABOUT)
    for name in ("first.png", "second.png"):
        draw(tmp_path / name, tmp_path / "twsa.nc")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    height, width, _ = imread(tmp_path / "first.png").shape
    assert width > 1200
    assert height > 1000


def test_maps_are_those_of_the_last_month_in_fixed_ranges(tmp_path: Path) -> None:
    figure = figure_of(tmp_path, 20, without=GAP)
    product = read_level3(tmp_path / "twsa.nc")
    anomaly, spread = figure.findobj(AxesImage)[:2]
    np.testing.assert_array_equal(anomaly.get_array().filled(np.nan), product.map("twsa", 19))
    np.testing.assert_array_equal(spread.get_array().filled(np.nan), product.map("twsa_uncertainty", 19))
    assert anomaly.get_clim() == (STORAGE.low, STORAGE.high)
    assert spread.get_clim() == (SPREAD.low, SPREAD.high)
    assert anomaly.to_rgba(1e4, bytes=True)[:3] == tuple(STORAGE.table[-1])  # beyond the range: the colour of its end
    assert anomaly.get_extent() == [-180.0, 180.0, -90.0, 90.0]
    assert anomaly.origin == "lower"  # rows of the product run from south to north


def test_heading_names_month_versions_reference_and_filter(tmp_path: Path) -> None:
    said = " ".join(text.get_text() for text in texts_of(figure_of(tmp_path, 20, without=GAP)))
    for words in ("March 2004", "v1.0", "gravstream 0.1.0", "2003-01 to 2022-12", "VDK3", "2004-03-01 to 2004-03-31"):
        assert words in said


@pytest.mark.parametrize("count", [3, 20, 120])
@pytest.mark.parametrize("noisy", [(), (1,), (0, 2), (0, 1, 2)])
def test_no_label_covers_another_or_leaves_the_picture(tmp_path: Path, count: int, noisy: tuple[int, ...]) -> None:
    figure = figure_of(tmp_path, count, noisy=noisy, step=15.0)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in texts_of(figure)]
    # Ticks beyond the limits of an axis keep a text that is not drawn
    seen = [(text, box) for text, box in boxes if figure.bbox.overlaps(box)]
    assert len(seen) > 30
    assert not [(a, b) for (a, one), (b, other) in combinations(seen, 2) if one.overlaps(other)]
    assert not [text for text, box in seen if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1]


def test_months_of_the_stronger_filter_are_marked_and_named(tmp_path: Path) -> None:
    figure = figure_of(tmp_path, 20, without=GAP, noisy=(3, 10))
    axes = figure.axes[-1]
    marks = next(line for line in axes.lines if str(line.get_label()).startswith("stronger filter"))
    product = read_level3(tmp_path / "twsa.nc")
    np.testing.assert_array_equal(marks.get_ydata(), product.noise[[3, 10]])
    assert all(str(product.months[at]) in marks.get_label() for at in (3, 10))
    threshold = next(line for line in axes.lines if str(line.get_label()).startswith("threshold"))
    assert threshold.get_ydata()[0] == product.threshold


def test_many_fallback_months_are_counted_instead_of_named(tmp_path: Path) -> None:
    said = " ".join(text.get_text() for text in texts_of(figure_of(tmp_path, 20, noisy=(0, 3, 5, 7, 9, 11))))
    assert "stronger filter: 6 months" in said


def test_no_line_crosses_a_gap_of_more_than_two_months(tmp_path: Path) -> None:
    figure = figure_of(tmp_path, 20, without=GAP)
    lines = [line for line in figure.axes[-1].lines if line.get_linestyle() == "-"]
    steps = [np.diff(line.get_xdata()) / np.timedelta64(1, "D") for line in lines]
    assert len(lines) == 2
    assert sum(line.get_xdata().size for line in lines) == 20
    assert max(step.max() for step in steps) < 75.0  # a single missing month (2002-08) is bridged


def test_runs_end_where_two_months_are_missing() -> None:
    months = tuple(Month(2010, month) for month in (1, 2, 4, 7, 8, 12))
    assert list(unbroken(months)) == [slice(0, 3), slice(3, 5), slice(5, 6)]
    assert list(unbroken(months[:1])) == [slice(0, 1)]


def test_what_is_no_product_gives_no_picture(tmp_path: Path) -> None:
    (tmp_path / "other.nc").write_text("none")
    with pytest.raises(GranuleRejected):
        draw(tmp_path / "picture.png", tmp_path / "other.nc")
    assert not (tmp_path / "picture.png").exists()


def test_the_library_is_loaded_only_for_those_who_draw() -> None:
    code = "import sys, services.publish.quicklook; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
