"""Maps as pictures: bare ones to lie over a map, and titled ones for a report.

Plate carree from 180 W to 180 E and 90 N to 90 S, a cell a pixel or a square of them; no library for maps is needed.
"""

from __future__ import annotations

import io
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from services.publish.layers import LayerMap
from services.publish.scales import LEVELS, Scale

Colour = tuple[int, int, int]

_INK: Colour = (34, 39, 43)
_SOFT: Colour = (93, 102, 110)
_SEA: Colour = (236, 239, 241)
_GRID: Colour = (205, 211, 216)
_PAPER: Colour = (255, 255, 255)

_WIDTH = 1440  # pixels of the map in a titled picture: two a cell of half a degree
_MARGIN, _HEAD, _FOOT = 42, 88, 102  # pixels around the map
_BAR_WIDTH, _BAR_HEIGHT, _TIP = 601, 17, 12


def plain_png(shown: LayerMap) -> bytes:
    """The map alone, a pixel for each cell, transparent where there is no value."""
    image = Image.fromarray(np.ascontiguousarray(shown.layer.scale.indices(shown.values)[::-1]), "P")
    image.putpalette(_palette(shown.layer.scale))
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=0)
    return stream.getvalue()


def _palette(scale: Scale) -> bytes:
    return bytes(_SEA) + scale.table.tobytes()


def titled_png(shown: LayerMap, subtitle: str, source: str) -> bytes:
    """The map with coast, title, month and colour bar, for a report.

    Parameters
    ----------
    shown : the map
    subtitle : below the title: release and what it is relative to
    source : below the map: where it comes from
    """
    body = _painted(shown)
    size = body.width + 2 * _MARGIN, body.height + _HEAD + _FOOT
    picture = Image.new("RGB", size, _PAPER)
    picture.paste(body, (_MARGIN, _HEAD))
    pen = ImageDraw.Draw(picture)
    _write_head(pen, size[0], shown, subtitle)
    _write_degrees(pen, body.size)
    _draw_bar(picture, pen, shown.layer.scale, _HEAD + body.height + 36)
    pen.text((_MARGIN, size[1] - 12), source, _SOFT, _font(12), anchor="ls")
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _painted(shown: LayerMap) -> Image.Image:
    """The map enlarged, north up, with parallels and meridians below it and the coast above."""
    indices = _enlarged(shown.layer.scale.indices(shown.values)[::-1])
    colours = np.frombuffer(_palette(shown.layer.scale), np.uint8).reshape(LEVELS + 1, 3)[indices]
    empty = indices == 0
    lines = np.zeros_like(empty)
    rows, columns = lines.shape
    lines[rows // 6 : -1 : rows // 6] = True
    lines[:, columns // 6 : -1 : columns // 6] = True
    colours[lines & empty] = _GRID
    colours[_coast(_enlarged(shown.land[::-1]))] = _INK
    return Image.fromarray(colours)


def _enlarged(cells: NDArray[np.generic]) -> NDArray[np.generic]:
    side = max(1, _WIDTH // cells.shape[1])
    return np.repeat(np.repeat(cells, side, axis=0), side, axis=1)


def _coast(land: NDArray[np.generic]) -> NDArray[np.bool_]:
    """The outermost pixels of the land, [rows, columns]; no coast at the poles and the date line themselves."""
    wide = np.pad(land.astype(bool), 1, mode="edge")
    return wide[1:-1, 1:-1] & ~(wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:])


def _write_head(pen: ImageDraw.ImageDraw, width: int, shown: LayerMap, subtitle: str) -> None:
    first, last = shown.record
    when = f"{first} to {last}" if shown.month is None else f"{date(shown.month.year, shown.month.month, 1):%B %Y}"
    pen.text((_MARGIN, 42), shown.layer.title, _INK, _font(27), anchor="ls")
    pen.text((width - _MARGIN, 42), when, _INK, _font(27), anchor="rs")
    pen.text((_MARGIN, 70), subtitle, _SOFT, _font(15), anchor="ls")


def _write_degrees(pen: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """Latitudes at the left, longitudes below the map, every 30 and 60 degrees."""
    width, height = size
    for at, latitude in enumerate(range(60, -61, -30), start=1):
        place = _MARGIN - 5, _HEAD + at * height // 6
        pen.text(place, _degrees(latitude, "S", "N"), _SOFT, _font(12), anchor="rm")
    for at, longitude in enumerate(range(-120, 121, 60), start=1):
        place = _MARGIN + at * width // 6, _HEAD + height + 6
        pen.text(place, _degrees(longitude, "W", "E"), _SOFT, _font(12), anchor="mt")


def _degrees(value: int, negative: str, positive: str) -> str:
    return "0°" if value == 0 else f"{abs(value)}°{negative if value < 0 else positive}"


def _draw_bar(picture: Image.Image, pen: ImageDraw.ImageDraw, scale: Scale, top: int) -> None:
    """The colours from low to high with numbers; tips show at which ends values may lie beyond."""
    left = (picture.width - _BAR_WIDTH) // 2
    bar = Image.fromarray(np.ascontiguousarray(scale.table[None])).resize((_BAR_WIDTH, _BAR_HEIGHT))
    picture.paste(bar, (left, top))
    middle, right, bottom = top + _BAR_HEIGHT / 2, left + _BAR_WIDTH, top + _BAR_HEIGHT - 1
    low, high = (tuple(scale.table[at].tolist()) for at in (0, -1))
    pen.polygon([(right, top), (right, bottom), (right + _TIP, middle)], high)
    if scale.diverging:
        pen.polygon([(left - 1, top), (left - 1, bottom), (left - 1 - _TIP, middle)], low)
    for value in np.arange(scale.low, scale.high + scale.step / 2, scale.step):
        place = left + (value - scale.low) / (scale.high - scale.low) * (_BAR_WIDTH - 1)
        pen.line([(place, bottom + 1), (place, bottom + 4)], _SOFT)
        pen.text((place, bottom + 7), f"{value:g}", _INK, _font(13), anchor="mt")
    pen.text((right + _TIP + 9, middle), scale.unit, _INK, _font(13), anchor="lm")
