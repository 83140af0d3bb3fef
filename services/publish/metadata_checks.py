"""What a file of maps must say about itself, and that what it says is so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from services.publish.file_names import MAPS_NAME
from shared.formats.level3_attributes import missing_months, month_ranges
from shared.formats.netcdf import Level3
from shared.models.epoch import moment_of_mjd

# Without these nobody can cite a file, make it again, or know what it is relative to.
REQUIRED = (
    "Conventions", "title", "summary", "id", "product", "product_version", "code_version", "baseline_sha256",
    "reference_period", "evaluation_mode", "history", "license", "institution", "creator_name", "references",
    "date_created", "time_coverage_start", "time_coverage_end", "gaps", "fallback_months",
)  # fmt: skip
_DIGEST = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"v\d+\.\d+")


def metadata_faults(series: Level3, name: str) -> Iterator[str]:
    """What is missing or not so; `name` is that of the file in the release."""
    words = series.attributes
    missing = [each for each in REQUIRED if not words.get(each, "").strip()]
    if missing:
        yield f"the file does not say {', '.join(missing)}"
    if not _VERSION.fullmatch(words.get("product_version", "")):
        yield f"the version is {words.get('product_version', 'not there')}, not like v1.0"
    if not _DIGEST.fullmatch(words.get("baseline_sha256", "")):
        yield "the digest of the baseline is none"
    if series.covariance is None:
        yield "the file does not say how the errors of two cells correlate"
    yield from _name_faults(series, name)
    yield from _coverage_faults(series)
    yield from _source_faults(series)
    yield from _flag_faults(series)


def _name_faults(series: Level3, name: str) -> Iterator[str]:
    match = MAPS_NAME.fullmatch(name)
    if not match:
        yield f"{name} is no name of a product"
        return
    first, last = series.months[0], series.months[-1]
    expected = {
        "first": f"{first.year}{first.month:02d}",
        "last": f"{last.year}{last.month:02d}",
        "version": series.attributes.get("product_version", ""),
    }
    for part, value in expected.items():
        if match[part] != value:
            yield f"the name says {match[part]}, the file {value}"


def _coverage_faults(series: Level3) -> Iterator[str]:
    ends = {"time_coverage_start": series.bounds[:, 0].min(), "time_coverage_end": series.bounds[:, 1].max()}
    for key, mjd in ends.items():
        is_so = f"{moment_of_mjd(float(mjd)):%Y-%m-%dT%H:%M:%SZ}"
        if series.attributes.get(key) != is_so:
            yield f"{key} is {series.attributes.get(key)}, the data say {is_so}"
    if not np.all((series.bounds[:, 0] < series.mid) & (series.mid < series.bounds[:, 1])):
        yield "a month lies outside its bounds"
    for key, months in (("gaps", missing_months(series.months)), ("fallback_months", series.fallback)):
        if series.attributes.get(key) != month_ranges(months):
            yield f"{key} is {series.attributes.get(key)}, the data say {month_ranges(months)}"


def _source_faults(series: Level3) -> Iterator[str]:
    nameless = [s.name or s.role for s in series.sources if not (s.name and s.role and _DIGEST.fullmatch(s.sha256))]
    if nameless:
        yield f"inputs without role, name or digest: {', '.join(nameless)}"
    counts = Counter((source.role, source.name) for source in series.sources)
    twice = [name for (_, name), count in counts.items() if count > 1]
    if twice:
        yield f"inputs that are there twice: {', '.join(twice)}"


def _flag_faults(series: Level3) -> Iterator[str]:
    """A month above the threshold has a stronger filter than one below, and nobody else has."""
    noisy = series.noise > series.threshold
    if noisy.any() and not noisy.all() and series.strength[noisy].max() >= series.strength[~noisy].min():
        yield "flag_filter does not follow the noise: a month above the threshold has no stronger filter"
    if not np.isfinite(series.noise).all():
        yield "noise_open_ocean has no number for some month"
