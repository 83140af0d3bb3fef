"""What lies in the folders: months, auxiliaries and normal matrices, read and told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from services.process.geometry import Geometry
from shared.errors import GranuleRejected, RequestRefused
from shared.formats import bundled
from shared.formats.dense_normals import read_dense
from shared.formats.error_correlation import read_error_correlation
from shared.formats.icgem import read_gfc
from shared.formats.low_degrees import read_low_degrees
from shared.formats.masks import read_land_mask
from shared.formats.months import MonthTable, read_month_table
from shared.formats.shm import read_gia
from shared.formats.sinex import read_normals
from shared.geodesy.covariance import ErrorCovariance
from shared.models.auxiliaries import BlockNormals, CoefficientTable, GiaModel, NormalMatrix
from shared.models.coefficients import FilteredAnomalies, MonthlyField, Vector
from shared.models.epoch import Month
from shared.models.grid import Grid
from shared.models.provenance import Source


@dataclass(frozen=True)
class Auxiliaries:
    """All that the chain needs beside the months."""

    low_degrees: CoefficientTable
    gia: GiaModel
    geometry: Geometry
    block_normals: BlockNormals
    months: MonthTable
    latitude_scale: Vector | None = None
    error_correlation: ErrorCovariance | None = None


def gather_auxiliaries(folder: Path, cache: Path) -> Auxiliaries:
    """Read the auxiliaries of a folder.

    Land mask, month table and Love numbers have built-in defaults.

    Raises
    ------
    RequestRefused : if the folder lacks the low-degree table or the GIA model, or has two of one kind
    GranuleRejected : if one of them is damaged
    """
    if not folder.is_dir():
        raise RequestRefused(f"{folder} is not a folder", advice="Name the folder of the auxiliaries.")
    low_degrees = _only(folder, ("*LOW_DEGREES*",), "low-degree table")
    gia = _only(folder, ("*GIA*",), "GIA model")
    if low_degrees is None or gia is None:
        lacking = "a low-degree table (*LOW_DEGREES*)" if low_degrees is None else "a GIA model (*GIA*)"
        raise RequestRefused(
            f"{folder} has no file of {lacking}",
            advice="Put GravIS' auxiliaries there: low degrees and GIA, as they come from the data centre.",
        )
    mask_file = _only(folder, ("*mask*.nc", "*MASK*.nc", "*landsea*.nc"), "land mask")
    table_file = _only(folder, ("months*.csv",), "month table")
    scale_file = _only(folder, ("*latitude_scale*.txt",), "latitude scale")
    correlation_file = _only(folder, ("*error_correlation*.json",), "error correlation")
    grid = Grid()
    mask = read_land_mask(mask_file, grid) if mask_file else bundled.default_land_mask(cache, grid)
    return Auxiliaries(
        low_degrees=read_low_degrees(low_degrees),
        gia=read_gia(gia),
        geometry=Geometry(grid, mask, bundled.love_numbers()),
        block_normals=bundled.ddk_normals(cache),
        months=read_month_table(table_file) if table_file else MonthTable.default(),
        latitude_scale=read_latitude_scale(scale_file) if scale_file else None,
        error_correlation=read_error_correlation(correlation_file) if correlation_file else None,
    )


def _only(folder: Path, patterns: Iterable[str], kind: str) -> Path | None:
    """The one file of a kind; two are a decision that nobody took."""
    found = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})
    if len(found) > 1:
        raise RequestRefused(
            f"{folder} holds {len(found)} files that may be the {kind}: {', '.join(path.name for path in found)}",
            advice="Leave the one that is meant there, and take the others out.",
        )
    return found[0] if found else None


def read_latitude_scale(path: Path) -> Vector:
    """Parameters p_k of the latitude scale: plain numbers, `#` begins a comment."""
    words = [word for line in path.read_text().splitlines() for word in line.split("#")[0].split()]
    try:
        values = np.array([float(word) for word in words])
    except ValueError as error:
        raise GranuleRejected(
            f"{error}", advice="Write the parameters p_0, p_1, ... as plain numbers.", file=path
        ) from error
    if not values.size or not np.all(np.isfinite(values)):
        raise GranuleRejected("no finite number in it", advice="Write p_0, p_1, ... as plain numbers.", file=path)
    return values


def level2_files(folder: Path) -> list[Path]:
    """The gravity fields of a folder, by name; RequestRefused if there are none."""
    if not folder.is_dir():
        raise RequestRefused(f"{folder} is not a folder", advice="Name the folder of the monthly gravity fields.")
    found = sorted(path for pattern in ("*.gfc", "*.gfc.gz") for path in folder.glob(pattern))
    if not found:
        raise RequestRefused(
            f"{folder} holds no Level-2 file (*.gfc, *.gfc.gz)",
            advice="Name the folder of the monthly gravity fields.",
        )
    return found


def normals_files(folders: Sequence[Path], table: MonthTable) -> dict[Month, Path]:
    """Normal matrices by month: SINEX (*.snx, *.snx.gz) or dense (*.normals)."""
    found: dict[Month, Path] = {}
    for folder in folders:
        for pattern in ("*.snx", "*.snx.gz", "*.normals"):
            for path in sorted(folder.glob(pattern)):
                month, _ = table.identify(path.name)
                found[month] = path  # the dense form comes last and wins: it reads ten times faster
    return found


def read_month(path: Path, table: MonthTable) -> MonthlyField:
    """A Level-2 file as the field of its month.

    Raises
    ------
    GranuleRejected : if the file is damaged, or its month cannot be told
    """
    field = read_gfc(path)
    month, span = table.identify(path.name, field.span, field.name)
    kept = {each.name: getattr(field, each.name) for each in fields(field)}
    # Its errors name the file, which can be found, not the model in its header.
    return MonthlyField(**kept | {"month": month, "span": span, "name": path.name})


def read_normal_matrix(path: Path, nmax: int) -> NormalMatrix:
    """A normal matrix, cut to a maximum degree; GranuleRejected if it is damaged or ends below."""
    return read_dense(path) if path.suffix == ".normals" else read_normals(path, nmax=nmax)


Monthly = TypeVar("Monthly", MonthlyField, FilteredAnomalies)


def level2_source(month: MonthlyField | FilteredAnomalies) -> Source:
    """The Level-2 file that a month came from."""
    return next(source for source in month.sources if source.role == "level-2")


def without_doubles(months: Sequence[Monthly]) -> tuple[list[Monthly], list[GranuleRejected]]:
    """The months of one file each, and an error for each month of several."""
    by_month: dict[Month | None, list[Monthly]] = defaultdict(list)
    for month in months:
        by_month[month.month].append(month)
    single, doubles = [], []
    for name, found in by_month.items():
        files = {level2_source(each).sha256: level2_source(each).name for each in found}
        if len(files) == 1:
            single.append(found[0])
            continue
        doubles.append(
            GranuleRejected(
                f"{len(files)} different files for {name}: {', '.join(sorted(files.values()))}",
                advice="Decide which one is meant and take the other out of the folder; neither was used",
            )
        )
    return single, doubles
