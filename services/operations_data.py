"""Commands about the record: how far each month is, series, differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.operations_speech import Json, catalogue, say, say_json, say_table
from shared import settings
from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue, ReleaseRecord

if TYPE_CHECKING:
    from services.publish.month_states import MonthView
    from services.publish.series import Series
    from services.publish.shown_changes import ChangesView
    from shared.models.region import Region

app = typer.Typer()

# One letter a state, so that 24 years fit on a screen; a fallback month is a released one
_LETTERS: Mapping[str, tuple[str, str]] = {
    "missing": (".", "not there"),
    "quarantined": ("q", "refused"),
    "waiting": ("w", "waits for its table"),
    "in-process": ("p", "in process"),
    "released": ("R", "released"),
    "fallback": ("2", "released, VDK2"),
    "held": ("h", "held"),
    "parked": ("!", "parked"),
    "dropped": ("d", "given up"),
}
_PLAIN = ("missing", "released")  # need no word


def _letter(month: MonthView) -> str:
    return "fallback" if month.state == "released" and month.fallback else month.state


@app.command()
def months(
    product: Annotated[str, typer.Option(help="Of which product.")] = "twsa",
    as_json: Json = False,
) -> None:
    """Show how far every month since 2002 is, one letter each.

    Leaves with 0.
    """
    from services.publish.month_states import product_months

    with catalogue() as known:
        if product not in settings.system().products:
            made = ", ".join(settings.system().products)
            raise RequestRefused(f"{product} is not made here", advice=f"Take one of {made}.")
        found = product_months(known, product)
    if as_json:
        say_json(found)
    elif not found.months:
        say("No month has come yet.")
    else:
        say_table(("", *(f"{month:02d}" for month in range(1, 13))), _years(found.months))
        seen = {_letter(month) for month in found.months}
        say("\n" + "; ".join(f"{letter} {what}" for name, (letter, what) in _LETTERS.items() if name in seen))
        notable = [month for month in found.months if _letter(month) not in _PLAIN]
        if notable:
            say_table(("month", "state", "noise", "why"), (_notable(month) for month in notable), title="\nnotable")


def _years(views: Iterable[MonthView]) -> Iterator[tuple[str, ...]]:
    """A row for each year: its number and twelve letters."""
    letters = {view.month: _LETTERS[_letter(view)][0] for view in views}
    years = sorted({month[:4] for month in letters})
    for year in years:
        yield (year, *(letters.get(f"{year}-{month:02d}", "") for month in range(1, 13)))


def _notable(view: MonthView) -> tuple[str, ...]:
    noise = "" if view.noise_mm is None else f"{view.noise_mm:.1f} mm"
    return view.month, _LETTERS[_letter(view)][1], noise, view.reason


@app.command()
def series(
    lat: Annotated[float | None, typer.Option(min=-90, max=90, help="Latitude of a point, degrees.")] = None,
    lon: Annotated[float | None, typer.Option(min=-180, max=360, help="Longitude of a point, degrees.")] = None,
    basin: Annotated[str | None, typer.Option(help="A region of GRAVSTREAM_BASINS instead.")] = None,
    release: Annotated[str | None, typer.Option(help="Of which release; default: the latest of twsa.")] = None,
    as_json: Json = False,
) -> None:
    """Tell the water storage of a point or a basin, with its uncertainty.

    The uncertainty of a mean knows that errors of neighbouring cells are alike. Leaves with 0, or with 1 if there
    is no such place or release.
    """
    with catalogue() as known:
        if (basin is None) == (lat is None or lon is None):
            raise RequestRefused("neither a point nor a basin, or both", advice="Give --lat and --lon, or --basin.")
        record = _release(known, release)
        found = _of_basin(record, basin) if basin is not None else _of_point(record, lat, lon)
    rows = list(_rows(found))
    if as_json:
        say_json({"release": record.id, "unit": "mm", "months": [dict(zip(_HEADS, row, strict=True)) for row in rows]})
        return
    say_table(("month", "twsa mm", "uncertainty mm", ""), (_shown(row) for row in rows), title=f"{_title(found)}\n")


_HEADS = ("month", "twsa_mm", "uncertainty_mm", "fallback")


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A release, such as twsa-v1.0-002.")],
    after: Annotated[str, typer.Argument(metavar="B", help="A later one of the same product.")],
    as_json: Json = False,
) -> None:
    """Tell what release B changes for those who have A: months, mm, flags.

    Leaves with 0, or with 1 if they cannot be compared.
    """
    from services.publish.comparison import compare_releases
    from services.publish.shown_changes import changes_view

    with catalogue() as known:
        old, new = _release(known, before), _release(known, after)
        if old.product != new.product:
            raise RequestRefused(f"{before} and {after} are of two products", advice="Name two of one product.")
        found = changes_view(compare_releases(Path(new.directory), Path(old.directory)), before)
    if as_json:
        say_json(found)
        return
    say_table(("", ""), _differences(found), title=f"from {before} to {after}\n")
    if found.changed:
        rows = ((each.month, f"{each.rms_mm:9.3f}", f"{each.max_mm:9.3f}", each.flags) for each in found.changed)
        say_table(("month", "rms mm", "largest mm", "flags"), rows, title="\nmonths that changed")


def _differences(found: ChangesView) -> Iterator[tuple[str, str]]:
    yield "months added", ", ".join(found.added) or "none"
    yield "months removed", ", ".join(found.removed) or "none"
    yield "months changed", f"{len(found.changed)}, and {found.unchanged} that are the same"
    if found.changed:
        yield "largest change", f"{found.rms_mm:.3f} mm rms of a month, {found.max_mm:.3f} mm of a cell"
    if found.files_changed or found.files_lost:
        yield "files", f"{found.files_changed} with other bytes, {found.files_lost} gone"
    if found.note:
        yield "note", found.note


def _release(known: Catalogue, id: str | None) -> ReleaseRecord:
    found = known.latest("twsa") if id is None else known.find_release(id)
    if found is None:
        what = "nothing is released yet" if id is None else f"there is no release {id}"
        raise RequestRefused(what, advice="See `gravstream releases`.")
    if found.state != "released":
        raise RequestRefused(f"{found.id} is {found.state}", advice="Take one that is released: `gravstream releases`.")
    return found


def _maps(record: ReleaseRecord) -> Path:
    from services.publish.file_names import maps_in

    found = maps_in(Path(record.directory))
    if found is None:
        raise RequestRefused(f"{record.id} holds no maps", advice="Take a release of twsa.")
    return found


def _of_point(record: ReleaseRecord, lat: float | None, lon: float | None) -> Series:
    from services.publish.series import point_series

    assert lat is not None and lon is not None
    return point_series(_maps(record), lat, lon)


def _of_basin(record: ReleaseRecord, name: str) -> Series:
    from services.publish.series import area_series

    return area_series(_maps(record), _region(name))


def _region(name: str) -> Region:
    """A region of the settings by its name or title."""
    from shared.formats.regions import name_of, read_regions

    path = settings.console().basins
    if path is None:
        raise RequestRefused("no basins are set", advice="Name a GeoJSON file of regions in GRAVSTREAM_BASINS.")
    regions = {region.name: region for region in read_regions(path)}
    if name_of(name) not in regions:
        advice = f"Take one of {', '.join(sorted(regions))}."
        raise RequestRefused(f"there is no basin {name} in {path.name}", advice=advice)
    return regions[name_of(name)]


def _rows(found: Series) -> Iterator[tuple[str, float | None, float | None, bool]]:
    for month, twsa, uncertainty, fallback in zip(
        found.months, found.twsa, found.uncertainty, found.fallback, strict=True
    ):
        if math.isnan(twsa):
            yield str(month), None, None, False
        else:
            yield str(month), round(float(twsa), 2), round(float(uncertainty), 2), fallback


def _shown(row: tuple[str, float | None, float | None, bool]) -> tuple[Any, ...]:
    month, twsa, uncertainty, fallback = row
    if twsa is None or uncertainty is None:
        return month, "", "", "no data"
    return month, f"{twsa:9.1f}", f"{uncertainty:9.1f}", "VDK2" if fallback else ""


def _title(found: Series) -> str:
    from services.publish.series import AreaSeries, PointSeries

    if isinstance(found, AreaSeries):
        return f"{found.region.title}: {found.cells} cells, {found.area / 1e6:.0f} km2"
    assert isinstance(found, PointSeries)
    return f"cell at latitude {found.latitude:g}, longitude {found.longitude:g}"
