"""Maps and series as files to take away: CSV for spreadsheets, NetCDF for programs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from services.publish.layers import LayerMap
from services.publish.series import AreaSeries, PointSeries
from shared.formats import level3_excerpts as excerpts
from shared.models.coefficients import Vector
from shared.models.epoch import mjd_of_moment

_KM2 = 1e6  # square metres


def map_csv(shown: LayerMap) -> str:
    """Latitude, longitude and value of every cell that has one, from south to north."""
    rows, columns = np.nonzero(~np.isnan(shown.values))
    places = zip(shown.latitudes[rows].tolist(), shown.longitudes[columns].tolist(), strict=True)
    values = shown.values[rows, columns].tolist()
    lines = (f"{lat:g},{lon:g},{value:.3f}" for (lat, lon), value in zip(places, values, strict=True))
    return "\n".join((f"latitude,longitude,{shown.layer.name}_{_plain(shown.layer.unit)}", *lines, ""))


def _plain(unit: str) -> str:
    return unit.replace("/", "_per_")


def series_csv(series: PointSeries | AreaSeries) -> str:
    """A line for each month; values are empty in gaps."""
    lines = ["month,time,twsa_mm,uncertainty_mm,fallback"]
    columns = zip(series.months, series.times, series.twsa, series.uncertainty, series.fallback, strict=True)
    for month, time, twsa, uncertainty, fallback in columns:
        moment = "" if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"
        lines.append(f"{month},{moment},{_number(twsa)},{_number(uncertainty)},{int(fallback)}")
    return "\n".join((*lines, ""))


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def map_netcdf(shown: LayerMap, attributes: Mapping[str, str], release: str) -> bytes:
    """A map as a NetCDF file; attributes: of the file of the release."""
    layer = shown.layer
    name = layer.variable or layer.name
    first, last = shown.record
    title = f"{layer.title}, {shown.month or f'{first} to {last}'}"
    own = {"long_name": layer.title.lower(), "units": layer.unit.replace("/yr", " year-1")}
    words = excerpts.global_words(attributes, title, release)
    return excerpts.map_netcdf(name, shown.values, shown.span, words, attributes=own)


def series_netcdf(series: PointSeries | AreaSeries, attributes: Mapping[str, str], release: str) -> bytes:
    """A series as a NetCDF file of the months with data; attributes: of the file of the release."""
    known = np.array([time is not None for time in series.times])
    if isinstance(series, PointSeries):
        place: dict[str, float | int | str] = {"lat": series.latitude, "lon": series.longitude}
        title = f"Terrestrial water storage anomaly at {series.latitude:g}, {series.longitude:g}"
    else:
        place = {"region": series.region.title, "cells": series.cells, "area_km2": series.area / _KM2}
        title = f"Terrestrial water storage anomaly, mean over {series.region.title}"
    columns: dict[str, Vector] = {"twsa": series.twsa[known], "twsa_uncertainty": series.uncertainty[known]}
    excerpt = excerpts.Series(
        months=tuple(month for month, time in zip(series.months, series.times, strict=True) if time is not None),
        mid=np.array([mjd_of_moment(time) for time in series.times if time is not None]),
        columns=columns,
        fallback=np.array(series.fallback)[known],
        place=place,
    )
    return excerpts.series_netcdf(excerpt, excerpts.global_words(attributes, title, release))
