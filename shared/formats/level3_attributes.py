"""What a Level-3 file says in words: attributes after CF-1.11 and ACDD-1.3.

CF: https://cfconventions.org, ACDD: https://wiki.esipfed.org/Attribute_Convention_for_Data_Discovery_1-3.
No standard name stands for the anomaly of terrestrial water storage, so none is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shared.constants import ELLIPSOID_INVERSE_FLATTENING, ELLIPSOID_SEMI_MAJOR_AXIS
from shared.models.coefficients import FilterSource
from shared.models.epoch import Month, Span, moment_of_mjd, months_between
from shared.models.grid import Grid, GridSeries
from shared.models.product import Level3Metadata

Attributes = dict[str, object]

TIME_UNITS = "days since 2002-01-01 00:00:00"
TIME_ORIGIN = 52275.0  # MJD of 2002-01-01

# What `filter_source` counts; the numbers are part of the format and never change
FILTER_SOURCE_FLAGS = {FilterSource.NORMALS: 1, FilterSource.ERROR_SCALED: 2, FilterSource.DDK: 3}

# The strengths that `flag_filter` always explains; others are added where a series has them
USUAL_STRENGTHS = (2, 3)

NONE = "none"
PARAMETER = "parameter_"
_QUALITY: Attributes = {"coverage_content_type": "qualityInformation"}


def month_ranges(months: Iterable[Month]) -> str:
    """Months as text, runs of them joined: `2002-06..2002-07, 2003-06`; `none` if there are none."""
    runs: list[list[Month]] = []
    for month in sorted(months):
        if runs and month == runs[-1][-1].plus(1):
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs) or NONE


def missing_months(months: Sequence[Month]) -> list[Month]:
    """The months between the first and the last that a series does not have."""
    return sorted(set(months_between(min(months), max(months))) - set(months))


def global_attributes(maps: GridSeries, about: Level3Metadata) -> Attributes:
    """Everything that holds for the whole file; empty texts are left out."""
    words = _identity(maps, about) | _coverage(maps.grid, maps.spans) | _processing(maps, about)
    words |= {PARAMETER + name: value for name, value in sorted(maps.parameters.items())}
    return {name: value for name, value in words.items() if value != ""}


def _identity(maps: GridSeries, about: Level3Metadata) -> Attributes:
    first, last = about.reference_period
    return {
        "Conventions": "CF-1.11, ACDD-1.3",
        "title": about.title,
        "summary": "Monthly anomalies of terrestrial water storage over land, as equivalent water height, from the "
        f"gravity fields of GRACE and GRACE-FO, relative to the mean of {first} to {last}, with their standard "
        "deviation. The spatial resolution is about 300 km; neighbouring cells are not independent.",
        "keywords": "terrestrial water storage, gravity field, GRACE, GRACE-FO, hydrology, satellite geodesy",
        "id": f"{about.product}_{about.product_version}_{maps.months[0]}_{maps.months[-1]}",
        "naming_authority": about.naming_authority,
        "product": about.product,
        "product_version": about.product_version,
        "processing_level": "Level-3",
        "institution": about.institution,
        "creator_name": about.creator_name,
        "creator_url": about.creator_url,
        "creator_email": about.creator_email,
        "publisher_name": about.creator_name,
        "publisher_url": about.creator_url,
        "publisher_email": about.creator_email,
        "project": about.project,
        "acknowledgement": about.acknowledgement,
        "license": about.license,
        "references": "; ".join(about.citations),
        "standard_name_vocabulary": "CF Standard Name Table v93",
        "date_created": about.issued_text,
        "date_modified": about.issued_text,
        "date_issued": about.issued_text,
    }


def _coverage(grid: Grid, spans: Sequence[Span]) -> Attributes:
    begin, end = min(span.begin for span in spans), max(span.end for span in spans)
    return {
        "geospatial_lat_min": -90.0,
        "geospatial_lat_max": 90.0,
        "geospatial_lat_units": "degrees_north",
        "geospatial_lat_resolution": grid.step,
        "geospatial_lon_min": -180.0,
        "geospatial_lon_max": 180.0,
        "geospatial_lon_units": "degrees_east",
        "geospatial_lon_resolution": grid.step,
        "geospatial_bounds": "POLYGON ((-90 -180, -90 180, 90 180, 90 -180, -90 -180))",
        "geospatial_bounds_crs": "EPSG:4326",
        "time_coverage_start": f"{moment_of_mjd(begin):%Y-%m-%dT%H:%M:%SZ}",
        "time_coverage_end": f"{moment_of_mjd(end):%Y-%m-%dT%H:%M:%SZ}",
        "time_coverage_duration": f"P{round(end - begin)}D",
        "time_coverage_resolution": "P1M",
    }


def _processing(maps: GridSeries, about: Level3Metadata) -> Attributes:
    first, last = about.reference_period
    counted = Counter(maps.filter_sources)
    noisy = [month for month, noise in zip(maps.months, maps.noise, strict=True) if noise > maps.threshold]
    level2 = sum(source.role == "level-2" for source in maps.sources)
    stamp = f"{about.issued_text} gravstream {about.code_version}"
    return {
        "source": f"{level2} monthly gravity fields (Level-2) and auxiliaries; the variables source_role, source_name, "
        "source_sha256 and source_citation list every file",
        "history": "\n".join(f"{stamp}: {step}" for step in maps.history) or f"{stamp}: written",
        "comment": "Months are nominal; the data of a month begin and end as time_bnds says. Values are relative to "
        "the non-tidal atmosphere and ocean model that Level-2 subtracts.",
        "code_version": about.code_version,
        "evaluation_mode": about.mode,
        "reference_period": f"{first}..{last}",
        "baseline_sha256": about.baseline_digest,
        "filter_source_summary": ", ".join(f"{kind}: {counted[kind]}" for kind in FILTER_SOURCE_FLAGS),
        "fallback_months": month_ranges(noisy),
        "gaps": month_ranges(missing_months(maps.months)),
    }


def coordinate_attributes(grid: Grid) -> dict[str, Attributes]:
    """Attributes of time, lat, lon and of the ellipsoid that latitudes refer to."""
    content: Attributes = {"coverage_content_type": "coordinate"}
    return {
        "time": {
            "standard_name": "time",
            "long_name": "mid-epoch of the data of the month",
            "units": TIME_UNITS,
            "calendar": "standard",
            "units_metadata": "leap_seconds: none",
            "axis": "T",
            "bounds": "time_bnds",
        }
        | content,
        "lat": {
            "standard_name": "latitude",
            "long_name": "geodetic latitude of the centre of the cell",
            "units": "degrees_north",
            "axis": "Y",
            "bounds": "lat_bnds",
        }
        | content,
        "lon": {
            "standard_name": "longitude",
            "long_name": "longitude of the centre of the cell",
            "units": "degrees_east",
            "axis": "X",
            "bounds": "lon_bnds",
        }
        | content,
        "crs": {
            "grid_mapping_name": "latitude_longitude",
            "long_name": "reference ellipsoid of the IERS Conventions (2010), Table 1.1",
            "semi_major_axis": ELLIPSOID_SEMI_MAJOR_AXIS,
            "inverse_flattening": ELLIPSOID_INVERSE_FLATTENING,
            "longitude_of_prime_meridian": 0.0,
        },
    }


def map_attributes() -> dict[str, Attributes]:
    """Attributes of the maps [time, lat, lon] and of the mask [lat, lon]."""
    shared: Attributes = {"units": "mm", "grid_mapping": "crs"}
    return {
        "twsa": {
            "long_name": "terrestrial water storage anomaly",
            "cell_methods": "time: mean lat: lon: point",
            "ancillary_variables": "twsa_uncertainty flag_filter noise_open_ocean filter_source",
            "coverage_content_type": "physicalMeasurement",
            "comment": "Equivalent water height (1 mm is 1 kg m-2); land cells only",
        }
        | shared,
        "twsa_uncertainty": {
            "long_name": "standard deviation of the terrestrial water storage anomaly",
            "ancillary_variables": "error_correlation",
            "comment": "Noise over open ocean of the month, scaled with latitude; the attributes "
            "parameter_uncertainty_* say how. Leakage is not part of it. Errors of neighbours are alike: the variable "
            "error_correlation says how much, which the error of a mean over an area needs",
        }
        | shared
        | _QUALITY,
        "land_mask": {
            "standard_name": "land_binary_mask",
            "long_name": "cells that hold any land",
            "units": "1",
            "grid_mapping": "crs",
            "flag_values": np.array([0, 1], np.int8),
            "flag_meanings": "ocean land",
            "coverage_content_type": "auxiliaryInformation",
        },
    }


def series_attributes(strengths: Sequence[int], threshold: float) -> dict[str, Attributes]:
    """Attributes of what is known of each month [time]; threshold in mm."""
    known = sorted({*USUAL_STRENGTHS, *strengths})
    return {
        "flag_filter": {
            "standard_name": "status_flag",
            "long_name": "strength of the filter of the residual signal",
            "flag_values": np.array(known, np.int8),
            "flag_meanings": " ".join(f"residual_filtered_with_VDK{strength}" for strength in known),
        }
        | _QUALITY,
        "noise_open_ocean": {
            "long_name": "area-weighted rms over open ocean of the residual of the usual filter",
            "units": "mm",
            "threshold": threshold,
            "comment": "A month above the threshold takes its residual from the stronger filter",
        }
        | _QUALITY,
        "filter_source": {
            "standard_name": "status_flag",
            "long_name": "normal matrix that the filter was made from",
            "flag_values": np.array(list(FILTER_SOURCE_FLAGS.values()), np.int8),
            "flag_meanings": " ".join(kind.value.replace("-", "_") for kind in FILTER_SOURCE_FLAGS),
        }
        | _QUALITY,
        "nominal_month": {
            "long_name": "nominal month as year times 100 plus month",
            "units": "1",
            "coverage_content_type": "auxiliaryInformation",
        },
    }


SOURCE_ATTRIBUTES: Mapping[str, Attributes] = {
    "source_role": {"long_name": "what the file is to the product"},
    "source_name": {"long_name": "name of the file"},
    "source_sha256": {"long_name": "SHA-256 of the file"},
    "source_citation": {"long_name": "how to cite the file"},
}
