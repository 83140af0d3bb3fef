"""What the API answers about the values of a release."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.publish.layers import LAYERS, Layer, LayerMap
from services.publish.series import AreaSeries, PointSeries, Series
from shared.formats.level3_attributes import missing_months
from shared.models.coefficients import Vector
from shared.models.epoch import Month

_KM2 = 1e6  # square metres
_DIGITS = 3  # of a millimetre: more says nothing


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class LayerView(_Answer):
    """A kind of map; colours lie evenly in the range, and are linear in sRGB between."""

    name: str = Field(examples=["twsa"])
    title: str
    unit: str = Field(examples=["mm"])
    scale: str = Field(description="Name of the range and its colours.", examples=["storage"])
    range: tuple[float, float]
    monthly: bool = Field(description="A map of each month, or one of the whole record.")
    colours: list[str] = Field(examples=[["#5a1d04", "#f7f5f2", "#0b2f5e"]])


class View(_Answer):
    """What can be shown of a release."""

    release: str
    product: str
    months: list[str]
    missing: list[str]
    layers: list[LayerView]
    basins: bool = Field(description="Whether there are named regions.")


class Value(_Answer):
    """The value of a cell of a map; latitude and longitude of its centre."""

    release: str
    layer: str
    month: str | None
    latitude: float
    longitude: float
    value: float | None
    unit: str


class SeriesView(_Answer):
    """Water storage of every month from the first to the last, null in gaps."""

    release: str
    unit: str = "mm"
    months: list[str]
    times: list[datetime | None] = Field(description="Mid-epochs of the data.")
    twsa_mm: list[float | None]
    uncertainty_mm: list[float | None] = Field(description="Standard deviations.")
    fallback: list[bool] = Field(description="Months whose residual comes from the stronger filter.")


class PointView(SeriesView):
    """The series of a cell; latitude and longitude of its centre."""

    latitude: float
    longitude: float


class AreaView(SeriesView):
    """The mean over the land cells whose centres lie inside a region."""

    name: str
    title: str
    area_km2: float = Field(description="Area of these cells on the ellipsoid.")
    cells: int


class Polygon(_Answer):
    """Corners of a polygon on land; edges are straight lines in longitude and latitude."""

    polygon: list[tuple[float, float]] = Field(
        description="Longitude and latitude of each corner, degrees; beyond 180 across the date line.",
        examples=[[[-70, -10], [-50, -10], [-50, 2], [-70, 2]]],
    )
    name: str = Field("polygon", max_length=80)


class BasinView(_Answer):
    """A named region; its area on the ellipsoid, by cells of the grid."""

    name: str
    title: str
    area_km2: float


class Basins(_Answer):
    """All named regions."""

    basins: list[BasinView]


def view_of(release: str, product: str, months: Sequence[Month], basins: bool) -> View:
    """What can be shown of a release of these months."""
    return View(
        release=release,
        product=product,
        months=[str(month) for month in months],
        missing=[str(month) for month in missing_months(months)],
        layers=[_layer_view(layer) for layer in LAYERS],
        basins=basins,
    )


def value_of(release: str, shown: LayerMap, row: int, column: int) -> Value:
    """The value of a cell of a map."""
    return Value(
        release=release,
        layer=shown.layer.name,
        month=None if shown.month is None else str(shown.month),
        latitude=float(shown.latitudes[row]),
        longitude=float(shown.longitudes[column]),
        value=_number(float(shown.values[row, column])),
        unit=shown.layer.unit,
    )


def _layer_view(layer: Layer) -> LayerView:
    scale = layer.scale
    return LayerView(
        name=layer.name,
        title=layer.title,
        unit=layer.unit,
        scale=scale.name,
        range=(scale.low, scale.high),
        monthly=layer.monthly,
        colours=list(scale.colours),
    )


def point_view(release: str, series: PointSeries) -> PointView:
    """The series of a point as the API tells it."""
    return PointView(**_columns(release, series), latitude=series.latitude, longitude=series.longitude)


def area_view(release: str, series: AreaSeries) -> AreaView:
    """The mean over a region as the API tells it."""
    return AreaView(
        **_columns(release, series),
        name=series.region.name,
        title=series.region.title,
        area_km2=round(series.area / _KM2, 1),
        cells=series.cells,
    )


def _columns(release: str, series: Series) -> dict[str, Any]:
    return {
        "release": release,
        "months": [str(month) for month in series.months],
        "times": series.times,
        "twsa_mm": _numbers(series.twsa),
        "uncertainty_mm": _numbers(series.uncertainty),
        "fallback": series.fallback,
    }


def _numbers(values: Vector) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | None:
    """A value as JSON can hold it: None for what is not there."""
    return None if math.isnan(value) else round(value, _DIGITS)
