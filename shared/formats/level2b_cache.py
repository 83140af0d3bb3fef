"""Level-2B of a month as a working file: quick to read, never published."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from shared.models.coefficients import FilteredAnomalies, FilterSource
from shared.models.epoch import Month, Span
from shared.models.provenance import Source


def write_cached(path: Path, month: FilteredAnomalies) -> None:
    """Keep a month under a path; the file appears whole or not at all."""
    about = {
        "month": str(month.month),
        "span": [month.span.begin, month.span.end],
        "sets": list(month.sets),
        "gm": month.gm,
        "radius": month.radius,
        "filter_source": month.filter_source.value,
        "history": month.history,
        "comments": month.comments,
        "name": month.name,
        "sources": [[s.role, s.name, s.sha256, s.citation] for s in month.sources],
    }
    buffer = io.BytesIO()
    arrays = {"sets": np.stack(list(month.sets.values())), "about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    if month.sigmas is not None:
        arrays["sigmas"] = month.sigmas
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    # Not forced to the disk: a file that a power cut tore is found out by its checksum, and made again.
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(buffer.getvalue())
    temporary.replace(path)


def read_cached_month(path: Path) -> FilteredAnomalies | None:
    """The month kept under a path, or None if there is none or it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            sets, sigmas = archive["sets"], archive.get("sigmas")
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    return FilteredAnomalies(
        month=Month.parse(about["month"]),
        span=Span(*about["span"]),
        sets=dict(zip(about["sets"], sets, strict=True)),
        sigmas=sigmas,
        gm=about["gm"],
        radius=about["radius"],
        filter_source=FilterSource(about["filter_source"]),
        history=tuple(about["history"]),
        comments=tuple(about["comments"]),
        name=about["name"],
        sources=tuple(Source(*each) for each in about["sources"]),
    )
