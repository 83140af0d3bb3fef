"""Products as files: the maps as NetCDF, Level-2B as one gfc a month and filter set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from services.process.monthly import CODE_VERSION, Workshop
from services.process.products import Product
from shared.formats.files import write_atomically
from shared.formats.level2b import level2b_bytes, level2b_name
from shared.formats.netcdf import write_level3
from shared.models.baseline import Baseline
from shared.models.coefficients import FilteredAnomalies
from shared.models.grid import GridSeries
from shared.models.product import Level3Metadata
from shared.models.provenance import Source
from shared.settings import Publisher

# What the names of Level-2 files tell of their series
SERIES = (
    (r"COSTG_\w+_01\d\d", "COSTG-RL01"),
    (r"COSTG_\w+_02\d\d", "COSTG-RL02"),
    (r"ITSG-Grace", "ITSG-GRACE2018"),
)

ACKNOWLEDGEMENT = (
    "Made from monthly gravity fields of GRACE (NASA, DLR) and GRACE-FO (NASA, GFZ); the centres behind each file are "
    "named in source_citation and are to be cited with this product."
)

CITATIONS = (
    "Boergens et al. (2020), doi:10.1007/s13137-020-00160-0",
    "Boergens et al. (2022), doi:10.1029/2021JB022081",
    "Dahle et al. (2025), doi:10.5194/essd-17-611-2025",
    "Horvath et al. (2018), doi:10.3390/geosciences8090323",
    "Kusche et al. (2009), doi:10.1007/s00190-009-0308-3",
    "Peltier et al. (2018), doi:10.1002/2016JB013844",
    "Sun et al. (2016), doi:10.1002/2016JB013073",
    "Swenson et al. (2008), doi:10.1029/2007JB005338",
)


def write_maps(
    folder: Path,
    maps: GridSeries,
    product: Product,
    baseline: Baseline,
    mode: str,
    issued: datetime,
    publisher: Publisher,
) -> Path:
    """Write the maps as one NetCDF file, named as the C3S product is."""
    first, last = maps.months[0], maps.months[-1]
    span = f"{first.year}{first.month:02d}_{last.year}{last.month:02d}"
    name = f"{product.name.upper()}_{series_label(maps.sources)}_GLOBAL_MONTHLY_{span}_{product.version}.nc"
    about = Level3Metadata(
        title=product.title,
        product=product.name,
        product_version=product.version,
        code_version=CODE_VERSION,
        reference_period=product.reference,
        baseline_digest=baseline.digest,
        mode=mode,
        issued=issued,
        institution=publisher.institution,
        creator_name=publisher.name,
        creator_email=publisher.email,
        creator_url=publisher.url,
        project="gravstream",
        naming_authority="gravstream",
        acknowledgement=ACKNOWLEDGEMENT,
        citations=CITATIONS,
    )
    write_level3(folder / name, maps, about)
    return folder / name


def write_month(work: Workshop, task: tuple[FilteredAnomalies, Path]) -> list[Path]:
    """Write the Level-2B files of one month, each in the folder of its filter set."""
    month, folder = task
    paths = []
    for label in month.sets:
        name = level2b_name(month.span, label, series_label(month.sources), work.product.version)
        content = level2b_bytes(month, label, product_version=work.product.version, name=name)
        write_atomically(folder / label / name, content)
        paths.append(folder / label / name)
    return paths


def series_label(sources: Iterable[Source]) -> str:
    """Which Level-2 series the files are of, as product names write it; MIXED if they are of several."""
    names = {source.name for source in sources if source.role == "level-2"}
    labels = {label for name in names for pattern, label in SERIES if re.search(pattern, name)}
    return labels.pop() if len(labels) == 1 else "MIXED" if labels else "LEVEL2"
