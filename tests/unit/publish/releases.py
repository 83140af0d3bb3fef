"""Good products of the gate's size and releases made of them; a test breaks one by a named edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from services.publish.classification import propose
from services.publish.comparison import compare, compare_level2b
from services.publish.contents import describe
from services.publish.level2b_checks import FILTER_SETS
from services.publish.manifest import Manifest, read_manifest
from services.publish.release import build
from shared.formats.level2b import level2b_bytes, level2b_name
from shared.formats.netcdf import write_level3
from shared.models.epoch import Month
from shared.models.grid import GridSeries
from shared.models.provenance import Source
from shared.settings import Publisher
from tests.builders import make_anomalies
from tests.product_builders import ABOUT, make_maps

ISSUED = "2026-01-02T03:04:05Z"
PUBLISHER = Publisher("Institute of Examples", "A. Author", "a@example.org", "https://example.org")


def calm_maps(count: int = 6, **more: Any) -> GridSeries:
    """Maps that look like storage: seasons, little noise, and a share of land as the Earth has."""
    maps = make_maps(count, noisy=more.pop("noisy", ()), **more)
    seasons = np.array([0.02 * np.sin(2.0 * np.pi * month.month / 12.0) for month in maps.months])
    return replace(maps, twsa=(0.05 * maps.twsa + seasons[:, None, None]).astype(np.float32))


def write_product(folder: Path, maps: GridSeries, **about: Any) -> Path:
    """The file of maps under the name that it has in a release."""
    words = replace(ABOUT, **about)
    first, last = maps.months[0], maps.months[-1]
    span = f"{first.year}{first.month:02d}_{last.year}{last.month:02d}"
    path = folder / f"TWSA_COSTG-RL02_GLOBAL_MONTHLY_{span}_{words.product_version}.nc"
    write_level3(path, maps, words)
    return path


def edited(product: Path, folder: Path, edit: Callable[[netCDF4.Dataset], None]) -> Path:
    """A copy of a product with an edit in its file."""
    folder.mkdir(exist_ok=True)
    path = folder / product.name
    path.write_bytes(product.read_bytes())
    with netCDF4.Dataset(path, "a") as file:
        edit(file)
    return path


def manifest_of(files: dict[str, Path], old: Manifest | None = None, **more: Any) -> Manifest:
    """The manifest of a release of these files behind another one."""
    draft = describe(files, code_version="0.1.0", publisher=PUBLISHER)
    return propose(draft, old, issued=more.pop("issued", ISSUED), **more)


def release_maps(into: Path, product: Path, previous: Path | None = None, **more: Any) -> Path:
    """A release of maps in the folder of the product."""
    files, old = {product.name: product}, None if previous is None else read_manifest(previous)
    before = None if previous is None or old is None else previous / old.outputs[0].name
    manifest = manifest_of(files, old, **more)
    return build(files, manifest, compare(product, before), into, previous=previous)


def write_months(folder: Path, months: list[str], *, nmax: int = 6, version: str = "0001") -> dict[str, Path]:
    """Level-2B of some months in all filter sets, by the names that the files have in a release."""
    files = {}
    for text in months:
        month = Month.parse(text)
        level2 = Source("level-2", f"GSM-2_{month.calendar.label}_GRAC_COSTG_BF01_0200.gfc", f"{month.ordinal:064x}")
        baseline = Source("baseline", "2002-04..2020-03 (200 months)", "b" * 64)
        anomalies = make_anomalies(nmax, month=month, seed=month.ordinal)
        sets = {label: anomalies.sets["NFIL"] * (0.5**at) for at, label in enumerate(FILTER_SETS)}
        anomalies = replace(anomalies, sets=sets, sources=(baseline, level2))
        for label in FILTER_SETS:
            name = level2b_name(month.calendar, label, "COSTG-RL02", version)
            path = folder / label / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(level2b_bytes(anomalies, label, product_version=version, name=name))
            files[f"{label}/{name}"] = path
    return files


def release_level2b(into: Path, files: dict[str, Path], previous: Path | None = None, **more: Any) -> Path:
    """A release of Level-2B in the folder of the product."""
    old = None if previous is None else read_manifest(previous)
    manifest = manifest_of(files, old, **more)
    return build(files, manifest, compare_level2b(manifest, old), into, previous=previous)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
