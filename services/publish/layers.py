"""Maps of a release: storage and its uncertainty of a month, trend and season of the whole record, differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from services.publish.scales import DIFFERENCES, SEASON, SPREAD, STORAGE, TREND, Scale
from shared.errors import RequestRefused
from shared.formats.level3_reader import Level3, read_level3
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.coefficients import Vector
from shared.models.epoch import Month, Span, years

Values = NDArray[np.float32]

# Months and rows that are read at a time, whole chunks of the file: 3.3 MB
_SLAB, _BAND = 16, 72
# Trend and season of a record shorter than this are not told apart from what is between the years.
SHORTEST_RECORD = 24  # months
# Releases whose trend and season are kept: 2 MB each
_KEPT = 4


@dataclass(frozen=True)
class Layer:
    """A kind of map: name, title, colours; monthly: of each month, or one of the whole record."""

    name: str
    title: str
    scale: Scale
    monthly: bool
    variable: str = ""

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self.scale.unit


LAYERS = (
    Layer("twsa", "Terrestrial water storage anomaly", STORAGE, monthly=True, variable="twsa"),
    Layer("uncertainty", "Standard deviation of the water storage", SPREAD, monthly=True, variable="twsa_uncertainty"),
    Layer("trend", "Linear trend of the water storage", TREND, monthly=False),
    Layer("annual", "Annual amplitude of the water storage", SEASON, monthly=False),
)

# Share of the cells of a map of differences that its range holds
_SHOWN = 0.99


@dataclass(frozen=True)
class LayerMap:
    """A map [lat, lon] in the unit of its layer, NaN where there is no value.

    month: None for a layer of the whole record; record: first and last month; span: of the data that are in the map;
    latitudes, longitudes: [lat], [lon] degrees; land: [lat, lon].
    """

    layer: Layer
    month: Month | None
    record: tuple[Month, Month]
    span: Span
    values: Values
    latitudes: Vector
    longitudes: Vector
    land: NDArray[np.bool_]


def layer_of(name: str) -> Layer:
    """The layer of a name; RequestRefused if there is none."""
    for layer in LAYERS:
        if layer.name == name:
            return layer
    raise RequestRefused(f"no layer {name}", advice=f"Take one of {', '.join(layer.name for layer in LAYERS)}.")


def layer_map(path: Path, layer: Layer, month: Month | None = None) -> LayerMap:
    """A map of a Level-3 file.

    Parameters
    ----------
    path : Level-3 file
    layer : one of LAYERS
    month : of a monthly layer; the last one if it is not given

    Raises
    ------
    RequestRefused : if the file does not have the month, or is too short for a trend
    """
    product = read_level3(path)
    if layer.monthly:
        at = _place(product, month)
        month, values = product.months[at], product.map(layer.variable, at)
        span = Span(*product.bounds[at].tolist())
    else:
        month, values, span = None, _fitted(path)[layer.name], _reach(product)
    record = product.months[0], product.months[-1]
    return LayerMap(layer, month, record, span, values, product.latitudes, product.longitudes, product.land)


def _reach(product: Level3) -> Span:
    """From the first to the last data of a product."""
    return Span(float(product.bounds[:, 0].min()), float(product.bounds[:, 1].max()))


def _place(product: Level3, month: Month | None) -> int:
    if month is None:
        return len(product.months) - 1
    if month not in product.months:
        raise RequestRefused(
            f"there is no {month} in this release",
            advice=f"It has {len(product.months)} months from {product.months[0]} to {product.months[-1]}; "
            "the missing ones are listed beside them.",
        )
    return product.months.index(month)


_FITTING = Lock()


def _fitted(path: Path) -> dict[str, Values]:
    """Trend [mm/yr] and annual amplitude [mm] of a file; the newest few are kept."""
    with _FITTING:  # two at once would compute the same twice
        return _kept_fit(path)


@lru_cache(maxsize=_KEPT)
def _kept_fit(path: Path) -> dict[str, Values]:
    return trend_and_season(read_level3(path))


def trend_and_season(product: Level3) -> dict[str, Values]:
    """Linear trend [mm/yr] and annual amplitude [mm] as maps [lat, lon] by the names of their layers.

    From a least-squares fit of bias, trend, annual and semi-annual signal to all months, each of the same weight.

    Raises
    ------
    RequestRefused : if the record is too short
    """
    if len(product.months) < SHORTEST_RECORD:
        raise RequestRefused(
            f"{len(product.months)} months are too few for a trend and a season",
            advice=f"Take a release of at least {SHORTEST_RECORD} months.",
        )
    times = years(product.mid)
    fit = Projection.of(seasonal_design(times, float(times.mean())))
    trend, cosine, sine = np.full((3, *product.land.shape), np.nan, np.float32)
    for band, rows in _bands(product):
        land = product.land[rows]
        sums = np.zeros((3, int(land.sum())))
        for months, values in band:
            sums += fit.estimator[1:4, months] @ values[:, land].astype(float)
        trend[rows][land], cosine[rows][land], sine[rows][land] = sums
    return {"trend": trend, "annual": np.hypot(cosine, sine)}


def _bands(product: Level3) -> Iterator[tuple[Iterator[tuple[slice, Values]], slice]]:
    """All water heights, a few months of a few rows at a time: memory does not grow with the record."""
    for top in range(0, product.latitudes.size, _BAND):
        rows = slice(top, top + _BAND)
        slabs = (slice(start, start + _SLAB) for start in range(0, len(product.months), _SLAB))
        yield ((months, product.block("twsa", months, rows)) for months in slabs), rows


def rms_difference(after: Path, before: Path) -> LayerMap:
    """Rms over the common months of the difference of two releases of a product [lat, lon], mm.

    Raises
    ------
    RequestRefused : if they lie on different grids or share no month
    """
    new, old = read_level3(after), read_level3(before)
    common = [month for month in new.months if month in old.months]
    if new.land.shape != old.land.shape or not common:
        raise RequestRefused(
            "the two releases share no month on the same grid", advice="Take two releases of the same product."
        )
    land = new.land & old.land
    squares = np.zeros(land.shape)
    for top in range(0, land.shape[0], _BAND):
        rows = slice(top, top + _BAND)
        for ours, theirs in _aligned(new, old, common):
            step = new.block("twsa", ours, rows)[_places_of(common, new, ours)].astype(float)
            step -= old.block("twsa", theirs, rows)[_places_of(common, old, theirs)]
            squares[rows] += np.sum(step**2, axis=0)
    values = np.where(land, np.sqrt(squares / len(common)), np.nan).astype(np.float32)
    record = common[0], common[-1]
    return LayerMap(_difference_layer(values), None, record, _reach(new), values, new.latitudes, new.longitudes, land)


def _difference_layer(values: Values) -> Layer:
    """The layer with the least range that holds nearly all of the differences."""
    most = float(np.nanquantile(values, _SHOWN))
    scale = next((scale for scale in DIFFERENCES if most <= scale.high), DIFFERENCES[-1])
    return Layer("difference", "Rms difference of the water storage of two releases", scale, monthly=False)


def _aligned(new: Level3, old: Level3, common: list[Month]) -> Iterator[tuple[slice, slice]]:
    """Spans of both files that hold the same common months, a few at a time."""
    for start in range(0, len(common), _SLAB):
        part = common[start : start + _SLAB]
        ours, theirs = (slice(each.months.index(part[0]), each.months.index(part[-1]) + 1) for each in (new, old))
        yield ours, theirs


def _places_of(common: list[Month], product: Level3, span: slice) -> list[int]:
    """Places within a span of the months that both files have."""
    return [at for at, month in enumerate(product.months[span]) if month in common]
