"""One picture of a product: the last month, how sure it is, and the noise of every month.

Plate carree with the edge of the land mask as coast line, so that no map library is needed. Colours are safe for
colour-blind eyes and their ranges are fixed: pictures of two releases can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from services.publish.scales import SPREAD, STORAGE, Scale
from shared.formats.files import appearing
from shared.formats.level3_attributes import month_ranges
from shared.formats.netcdf import Level3, read_level3
from shared.models.epoch import Month, moment_of_mjd

if TYPE_CHECKING:  # the library takes half a second to load: only for those who draw
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

# A line of the series does not bridge more than this many months from one value to the next
LONGEST_STEP = 2
_HALF_A_MONTH = np.timedelta64(15, "D")

_INK, _SOFT, _FAINT, _OCEAN = "#22272b", "#5d666e", "#c9cfd4", "#eceff1"
_SERIES, _ALERT = "#2b6a99", "#d1581f"
_SIZE = (12.0, 10.8)  # inches
_RESOLUTION = 130  # dots per inch
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "text.color": _INK,
    "axes.labelcolor": _SOFT,
    "axes.edgecolor": _FAINT,
    "axes.linewidth": 0.8,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
}
# Months that are named in the legend; more are only counted
_NAMED = 4


def draw(path_png: Path, product: Path) -> None:
    """Draw the picture of a Level-3 file; it appears whole or not at all.

    Parameters
    ----------
    path_png : the picture to write
    product : the NetCDF file

    Raises
    ------
    GranuleRejected : if the file is no Level-3 product
    """
    import matplotlib

    series = read_level3(product)
    with matplotlib.rc_context(_STYLE):
        figure = picture(series)
        with appearing(path_png) as temporary:
            # Without the name of the library the same product gives the same picture, byte by byte.
            figure.savefig(temporary, format="png", dpi=_RESOLUTION, metadata={"Software": None})


def picture(series: Level3) -> Figure:
    """Two maps of the last month [lat, lon] in mm, and the noise of all months."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, facecolor="white")
    _write_heading(figure, series)
    anomaly = _draw_map(figure.add_axes((0.045, 0.417, 0.91, 0.5056)), series, "twsa", STORAGE)
    _add_bar(figure, anomaly, (0.30, 0.377, 0.40, 0.012), "both", "equivalent water height (mm)")
    _write_title(figure, 0.045, "Standard deviation of this month (mm)")
    spread = _draw_map(figure.add_axes((0.045, 0.082, 0.375, 0.2083)), series, "twsa_uncertainty", SPREAD)
    _add_bar(figure, spread, (0.1, 0.044, 0.265, 0.011), "max", "")
    mean = f"{len(series.months)} months, mean {series.noise.mean():.1f} mm"
    _write_title(figure, 0.475, f"Noise over open ocean (mm): {mean}")
    _draw_noise(figure.add_axes((0.475, 0.055, 0.48, 0.2135)), series)
    return figure


def _write_title(figure: Figure, left: float, text: str) -> None:
    figure.text(left, 0.305, text, size=10.5, weight="bold", va="center")


def _write_heading(figure: Figure, series: Level3) -> None:
    last, words = series.months[-1], series.attributes
    begin, end = (moment_of_mjd(mjd) for mjd in series.bounds[-1] - (0.0, 1.0))
    figure.text(0.045, 0.965, "Terrestrial water storage anomaly", size=17, weight="bold", va="center")
    figure.text(
        0.955, 0.965, f"{date(last.year, last.month, 1):%B %Y}", size=17, weight="bold", va="center", ha="right"
    )
    figure.text(
        0.045,
        0.936,
        f"{words.get('product', '')} {words.get('product_version', '')}, gravstream {words.get('code_version', '')}, "
        f"relative to the mean of {words.get('reference_period', '?').replace('..', ' to ')}",
        size=10,
        color=_SOFT,
        va="center",
    )
    residual = f"residual filtered with VDK{int(series.strength[-1])}, normals {series.filter_sources[-1].value}"
    figure.text(
        0.955, 0.936, f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}, {residual}", size=10, color=_SOFT, va="center", ha="right"
    )


def _draw_map(axes: Axes, series: Level3, name: str, scale: Scale) -> AxesImage:
    """The last month [lat, lon] with the edge of the land mask."""
    from matplotlib.colors import ListedColormap

    colours: dict[str, Any] = {"cmap": ListedColormap(scale.table / 255.0), "vmin": scale.low, "vmax": scale.high}
    axes.set_facecolor(_OCEAN)
    extent, values = (-180.0, 180.0, -90.0, 90.0), series.map(name, -1)
    image = axes.imshow(values, origin="lower", extent=extent, interpolation="nearest", aspect="auto", **colours)
    axes.contour(series.longitudes, series.latitudes, series.land, [0.5], colors=_INK, linewidths=0.45)
    axes.set_xticks(range(-120, 121, 60), [_degrees(x, "W", "E") for x in range(-120, 121, 60)])
    axes.set_yticks(range(-60, 61, 30), [_degrees(y, "S", "N") for y in range(-60, 61, 30)])
    axes.grid(color=_SOFT, alpha=0.25, linewidth=0.4)
    axes.tick_params(length=0)
    return image


def _add_bar(
    figure: Figure, image: AxesImage, place: tuple[float, float, float, float], extend: str, label: str
) -> None:
    """The bar of the colours of a map."""
    scale = figure.colorbar(image, cax=figure.add_axes(place), orientation="horizontal", extend=extend)
    scale.set_label(label, size=9)
    scale.ax.tick_params(length=2.0)
    scale.outline.set_visible(False)


def _degrees(value: int, negative: str, positive: str) -> str:
    return "0°" if value == 0 else f"{abs(value)}°{negative if value < 0 else positive}"


def _draw_noise(axes: Axes, series: Level3) -> None:
    """Noise over open ocean [time] in mm, with its threshold, the months above it, and the gaps."""
    times = np.array([moment_of_mjd(mid) for mid in series.mid], "datetime64[s]")
    noisy = series.noise > series.threshold
    for part in unbroken(series.months):
        axes.plot(times[part], series.noise[part], "-", color=_SERIES, linewidth=1.1, zorder=3)
    axes.plot(times[~noisy], series.noise[~noisy], "o", color=_SERIES, markersize=2.2, zorder=4)
    axes.axhline(
        series.threshold,
        color=_ALERT,
        linewidth=1.0,
        linestyle=(0, (5, 3)),
        label=f"threshold {series.threshold:.1f} mm",
    )
    if noisy.any():
        axes.plot(
            times[noisy],
            series.noise[noisy],
            "D",
            color=_ALERT,
            markersize=5.0,
            linestyle="none",
            zorder=5,
            label=f"stronger filter: {_named(series.fallback)}",
        )
    _shade_gaps(axes, series, times)
    _dress_noise(axes, series, times)


def _named(months: tuple[Month, ...]) -> str:
    return month_ranges(months) if len(months) <= _NAMED else f"{len(months)} months"


def _shade_gaps(axes: Axes, series: Level3, times: np.ndarray) -> None:
    parts = list(unbroken(series.months))
    for number, (before, after) in enumerate(pairwise(parts)):
        edges = times[before.stop - 1] + _HALF_A_MONTH, times[after.start] - _HALF_A_MONTH
        axes.axvspan(*edges, color=_OCEAN, linewidth=0, zorder=0, label="no data" if number == 0 else None)


def _dress_noise(axes: Axes, series: Level3, times: np.ndarray) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes.set_ylim(0.0, 1.12 * max(float(series.noise.max()), series.threshold))
    margin = (times[-1] - times[0]) // 50 + _HALF_A_MONTH
    axes.set_xlim(times[0] - margin, times[-1] + margin)
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=9))  # type: ignore[no-untyped-call]
    dates = ConciseDateFormatter(axes.xaxis.get_major_locator(), show_offset=False)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(dates)
    axes.grid(axis="y", color=_FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.012, 0.985), ncols=3, frameon=False, fontsize=8.5, handlelength=1.6
    )


def unbroken(months: tuple[Month, ...]) -> Iterator[slice]:
    """The runs of months that a line may join: no step longer than two months."""
    ordinals = np.array([month.ordinal for month in months])
    breaks = np.flatnonzero(np.diff(ordinals) > LONGEST_STEP) + 1
    edges = [0, *breaks.tolist(), len(months)]
    for start, stop in pairwise(edges):
        yield slice(start, stop)
