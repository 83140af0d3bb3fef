"""Maps of a release: values of the file, trend and season by the fit, and colours that everybody can read."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.publish.layers import LAYERS, LayerMap, layer_map, layer_of, rms_difference
from services.publish.pictures import plain_png, titled_png
from services.publish.scales import DIFFERENCES, LEVELS, SEASON, SPREAD, STORAGE, TREND, Scale
from shared.errors import RequestRefused
from shared.formats.level3_reader import read_level3
from shared.formats.netcdf import write_level3
from shared.models.epoch import Month, years
from shared.models.grid import GridSeries
from tests.product_builders import ABOUT, make_maps

GAP = ("2002-06", "2003-01")


def written(path: Path, maps: GridSeries) -> Path:
    write_level3(path, maps, ABOUT)
    return path


@pytest.fixture(scope="module")
def maps() -> GridSeries:
    """Forty months with a trend, a season and half a season that differ from cell to cell [mm]."""
    maps = make_maps(40, without=GAP)
    times = years(maps.mid)[:, None, None]
    trend, annual = trend_of(maps), annual_of(maps)
    signal = trend * (times - 2003.7) + annual * np.cos(2 * np.pi * (times - 0.3)) + 7.0 * np.sin(4 * np.pi * times)
    return replace(maps, twsa=(1e-3 * (signal + 25.0)).astype(np.float32))


def trend_of(maps: GridSeries) -> np.ndarray:
    return np.linspace(-40.0, 40.0, maps.grid.shape[1])[None, :] + np.zeros(maps.grid.shape)


def annual_of(maps: GridSeries) -> np.ndarray:
    return np.linspace(0.0, 200.0, maps.grid.shape[0])[:, None] + np.zeros(maps.grid.shape)


@pytest.fixture(scope="module")
def product(maps: GridSeries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("layers") / "twsa.nc", maps)


class TestLayer:
    def test_of_a_month_holds_the_values_of_the_file(self, product: Path, maps: GridSeries) -> None:
        shown = layer_map(product, layer_of("twsa"), Month(2003, 2))
        expected = np.where(maps.land, 1e3 * maps.twsa[8], np.nan)
        np.testing.assert_allclose(shown.values, expected, rtol=1e-6)  # single precision
        assert shown.span == maps.spans[8]
        spread = layer_map(product, layer_of("uncertainty"), Month(2003, 2)).values
        np.testing.assert_allclose(
            spread[maps.land], 1e3 * (maps.sigma[8] * maps.scale)[np.nonzero(maps.land)[0]], rtol=1e-6
        )

    def test_without_a_month_is_the_last(self, product: Path, maps: GridSeries) -> None:
        assert layer_map(product, layer_of("twsa")).month == maps.months[-1] == Month(2005, 9)

    def test_trend_and_season_are_those_of_the_signal(self, product: Path, maps: GridSeries) -> None:
        for name, truth in (("trend", trend_of(maps)), ("annual", annual_of(maps))):
            shown = layer_map(product, layer_of(name))
            # Heights of some hundred millimetres in single precision, over three years
            np.testing.assert_allclose(shown.values, np.where(maps.land, truth, np.nan), atol=1e-3)
            assert shown.month is None
            assert shown.span.begin == maps.spans[0].begin
            assert shown.span.end == maps.spans[-1].end

    def test_that_is_not_there_is_refused_by_name(self, product: Path) -> None:
        with pytest.raises(RequestRefused, match="no layer snow") as refused:
            layer_of("snow")
        assert all(layer.name in refused.value.advice for layer in LAYERS)
        with pytest.raises(RequestRefused, match="no 2003-01 in this release"):
            layer_map(product, layer_of("twsa"), Month(2003, 1))

    def test_of_a_short_record_has_no_trend(self, tmp_path: Path) -> None:
        short = written(tmp_path / "twsa.nc", make_maps(23))
        assert layer_map(short, layer_of("twsa")).month is not None
        with pytest.raises(RequestRefused, match="23 months are too few"):
            layer_map(short, layer_of("trend"))


def test_rms_difference_is_that_over_the_months_of_both(product: Path, maps: GridSeries, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    steps = random.normal(0.0, 0.004, maps.twsa.shape).astype(np.float32)
    # The older one has three months less at the end, one that the newer has not, and another mask.
    older = make_maps(38, without=GAP[1:])
    places = [at for at, month in enumerate(older.months) if month in maps.months]
    values = older.twsa.copy()
    values[places] = (maps.twsa + steps)[: len(places)]
    land = older.land.copy()
    land[20, 40:50] = False
    shown = rms_difference(product, written(tmp_path / "old.nc", replace(older, twsa=values, land=land)))
    expected = 1e3 * np.sqrt(np.mean(steps[: len(places)].astype(float) ** 2, axis=0))
    assert len(places) == 37
    np.testing.assert_allclose(shown.values, np.where(maps.land & land, expected, np.nan), atol=2e-3)
    np.testing.assert_array_equal(shown.land, maps.land & land)
    assert shown.record == (Month(2002, 4), maps.months[36])
    assert shown.layer.scale.high == 10.0  # of 4 mm: the next power of ten


def test_releases_without_a_common_month_are_not_compared(product: Path, tmp_path: Path) -> None:
    late = make_maps(3, without=tuple(str(month) for month in read_level3(product).months))
    with pytest.raises(RequestRefused, match="share no month"):
        rms_difference(product, written(tmp_path / "late.nc", late))


SCALES = (STORAGE, SPREAD, TREND, SEASON, DIFFERENCES[0])

# Linear RGB as people without green cones see it (Machado et al. 2009, doi 10.1109/TVCG.2009.113, severity 1.0),
# and without red ones
DEUTERANOPE = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPE = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)


def lab(colours: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """CIE L*, a*, b* of sRGB colours [n, 3] through an eye."""
    share = colours / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ eye.T
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear.clip(0.0) @ to_xyz.T / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("eye", [np.eye(3), DEUTERANOPE, PROTANOPE], ids=["usual", "deuteranope", "protanope"])
class TestColours:
    @pytest.mark.parametrize("scale", SCALES, ids=lambda scale: scale.name)
    def test_fall_in_lightness_without_a_turn(self, scale: Scale, eye: np.ndarray) -> None:
        lightness = lab(scale.table, eye)[:, 0]
        sides = [lightness[LEVELS // 2 :], lightness[LEVELS // 2 :: -1]] if scale.diverging else [lightness]
        for side in sides:
            assert np.all(np.diff(side) < 0.2)  # rounding to 256 levels
            assert side[0] - side[-1] > 65.0

    @pytest.mark.parametrize("scale", [STORAGE, TREND], ids=lambda scale: scale.name)
    def test_of_both_signs_differ(self, scale: Scale, eye: np.ndarray) -> None:
        seen = lab(scale.table, eye)
        for share in (0.2, 0.5, 0.9):
            step = round(share * (LEVELS // 2))
            # 20 units of CIE L*a*b* are seen at a glance
            assert np.linalg.norm(seen[LEVELS // 2 + step] - seen[LEVELS // 2 - step]) > 20.0


def test_a_value_has_the_colour_of_its_place_in_the_range() -> None:
    values = np.array([-300.0, -1e4, 0.0, 300.0, 1e4, np.nan])
    assert STORAGE.indices(values).tolist() == [1, 1, 128, LEVELS, LEVELS, 0]
    named = [tuple(int(each[at : at + 2], 16) for at in (1, 3, 5)) for each in STORAGE.colours]
    assert tuple(STORAGE.table[0]) == named[0]
    assert tuple(STORAGE.table[127]) == named[5]
    assert tuple(STORAGE.table[-1]) == named[-1]
    assert SPREAD.indices(np.array([0.0, 20.0, 40.0])).tolist() == [1, 128, LEVELS]


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture))


@pytest.fixture
def shown(product: Path) -> LayerMap:
    return layer_map(product, layer_of("twsa"), Month(2003, 2))


def test_the_bare_picture_is_a_pixel_a_cell_north_up_and_clear_at_sea(shown: LayerMap) -> None:
    pixels = np.asarray(opened(plain_png(shown)).convert("RGBA"))
    assert pixels.shape == (36, 72, 4)
    land = shown.land[::-1]
    np.testing.assert_array_equal(pixels[..., 3], np.where(land, 255, 0))
    row, column = np.argwhere(land)[7]
    value = shown.values[::-1][row, column]
    place = round((value + 300.0) / 600.0 * (LEVELS - 1))
    assert 0 < place < LEVELS - 1
    assert pixels[row, column, :3].tolist() == STORAGE.table[place].tolist()


def test_the_titled_picture_shows_the_same_colours_with_coast_and_lettering(shown: LayerMap) -> None:
    pixels = np.asarray(opened(titled_png(shown, "twsa-v1.0-001", "Institute of Examples")))
    bare = np.asarray(opened(plain_png(shown)).convert("RGB"))
    body = pixels[88 : 88 + 720, 42 : 42 + 1440]
    inner = np.asarray(
        [[shown.land[::-1][max(r - 1, 0) : r + 2, c - 1 : c + 2].all() for c in range(1, 71)] for r in range(36)]
    )
    rows, columns = np.nonzero(inner)
    assert rows.size > 100
    np.testing.assert_array_equal(body[20 * rows + 10, 20 * columns + 30], bare[rows, columns + 1])
    ink = (pixels == (34, 39, 43)).all(axis=2)
    assert ink[:88].sum() > 200  # title and month
    assert ink[88 + 720 :].sum() > 50  # numbers at the bar
    assert ink[88 : 88 + 720].sum() > 1000  # coast
