"""Level-2B of a month as a working file: quick to read, never published.

One line of JSON that says what it is, then the numbers as they lie in memory, with a check sum.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np

from shared.models.coefficients import FilteredAnomalies, FilterSource
from shared.models.epoch import Month, Span
from shared.models.provenance import Source


def write_cached(path: Path, month: FilteredAnomalies) -> None:
    """Keep a month under a path; the file appears whole or not at all."""
    arrays = [*month.sets.values(), *([] if month.sigmas is None else [month.sigmas])]
    numbers = np.stack(arrays).astype("<f8").tobytes()
    about = {
        "month": str(month.month),
        "span": [month.span.begin, month.span.end],
        "sets": list(month.sets),
        "sigmas": month.sigmas is not None,
        "gm": month.gm,
        "radius": month.radius,
        "filter_source": month.filter_source.value,
        "history": month.history,
        "comments": month.comments,
        "name": month.name,
        "sources": [[s.role, s.name, s.sha256, s.citation] for s in month.sources],
        "crc32": zlib.crc32(numbers),
    }
    # Not forced to the disk: a file that a power cut tore is found out by its check sum, and made again.
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(json.dumps(about).encode() + b"\n" + numbers)
    temporary.replace(path)


def read_cached_month(path: Path) -> FilteredAnomalies | None:
    """The month kept under a path, or None if there is none or it is damaged."""
    try:
        line, _, numbers = path.read_bytes().partition(b"\n")
        about = json.loads(line)
        if about["crc32"] != zlib.crc32(numbers):
            return None
        arrays = np.frombuffer(numbers, "<f8").reshape(len(about["sets"]) + about["sigmas"], -1)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return FilteredAnomalies(
        month=Month.parse(about["month"]),
        span=Span(*about["span"]),
        sets=dict(zip(about["sets"], arrays, strict=False)),
        sigmas=arrays[-1] if about["sigmas"] else None,
        gm=about["gm"],
        radius=about["radius"],
        filter_source=FilterSource(about["filter_source"]),
        history=tuple(about["history"]),
        comments=tuple(about["comments"]),
        name=about["name"],
        sources=tuple(Source(*each) for each in about["sources"]),
    )
