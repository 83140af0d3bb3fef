"""What the files of a product say about themselves, as the manifest of a release to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from services.publish.file_names import level2b_names, maps_name
from services.publish.manifest import Manifest, Output
from shared.errors import RequestRefused
from shared.formats.files import sha256_of
from shared.formats.level2b import NOT_FILTERED, read_level2b
from shared.formats.level3_attributes import PARAMETER
from shared.formats.low_degrees import LOW_DEGREES
from shared.formats.netcdf import read_level3
from shared.models.epoch import moment_of_mjd
from shared.models.product import CC_BY_4
from shared.models.provenance import LOW_DEGREE_ROWS, Source
from shared.settings import Publisher

_PUBLICATION = (
    "institution", "creator_name", "creator_url", "creator_email", "naming_authority", "license", "references",
    "acknowledgement", "summary", "keywords",
)  # fmt: skip

AUXILIARIES = "auxiliaries/"  # the folder of a release of Level-2B in which they lie


def describe(
    files: Mapping[str, Path], *, code_version: str = "", title: str = "", publisher: Publisher | None = None
) -> Manifest:
    """What the files of a product hold and came from; who releases it, when and as what is still open.

    Parameters
    ----------
    files : path of each file by its name in the release: one NetCDF file at the top, or Level-2B in the folders of
        their filter sets; other folders may hold auxiliaries
    code_version, title, publisher : of Level-2B, which does not say them itself

    Raises
    ------
    RequestRefused : if the files are neither maps nor Level-2B
    GranuleRejected : if a file is not readable
    """
    if maps_name(files):
        return _of_maps(files)
    if level2b_names(files):
        return _of_level2b(files, code_version, title, publisher)
    raise RequestRefused(
        f"no product among {', '.join(sorted(files)[:5]) or 'no files'}",
        advice="Give one NetCDF file, or Level-2B in the folders of its filter sets.",
    )


def outputs_of(files: Mapping[str, Path]) -> tuple[Output, ...]:
    """Name, digest and size of every file."""
    return tuple(Output(name, sha256_of(path), path.stat().st_size) for name, path in sorted(files.items()))


def _of_maps(files: Mapping[str, Path]) -> Manifest:
    series = read_level3(files[str(maps_name(files))])
    words = series.attributes
    return Manifest(
        product=words.get("product", ""),
        version=words.get("product_version", ""),
        title=words.get("title", ""),
        months=series.months,
        begin=_day(float(series.bounds[:, 0].min())),
        end=_day(float(series.bounds[:, 1].max()) - 1.0),
        inputs=series.sources,
        outputs=outputs_of(files),
        # A line is `<when> <program> <version>: <step>`.
        steps=tuple(line.partition(": ")[2] for line in words.get("history", "").splitlines()),
        code_version=words.get("code_version", ""),
        baseline=words.get("baseline_sha256", ""),
        reference_period=words.get("reference_period", ""),
        mode=words.get("evaluation_mode", ""),
        parameters={k.removeprefix(PARAMETER): words[k] for k in words if k.startswith(PARAMETER)},
        publication={name: words[name] for name in _PUBLICATION if name in words},
    )


def _day(mjd: float) -> str:
    return f"{moment_of_mjd(mjd):%Y-%m-%d}"


def _of_level2b(files: Mapping[str, Path], code_version: str, title: str, publisher: Publisher | None) -> Manifest:
    """The months as their unfiltered files tell them: every filter set of a month has the same sources."""
    names = level2b_names(files)
    fields = [read_level2b(files[name])[1] for name in names if name.startswith(NOT_FILTERED)]
    if not fields:
        raise RequestRefused(f"Level-2B without the set {NOT_FILTERED}", advice="Give all filter sets of every month.")
    facts = dict(comment.partition(": ")[::2] for comment in fields[-1].comments)
    sources = tuple(sorted({source for each in fields for source in each.sources}))
    baseline = next((source for source in sources if source.role == "baseline"), None)
    months = sorted({each.month for each in fields if each.month is not None})
    spans = [each.span for each in fields if each.span is not None]
    outputs = outputs_of(files)
    who = asdict(publisher) if publisher else {}
    signed = {key if key == "institution" else f"creator_{key}": text for key, text in who.items() if text}
    return Manifest(
        product="l2b",
        version=facts.get("product_version", ""),
        title=title or "Level-2B coefficients from GRACE and GRACE-FO",
        months=tuple(months),
        begin=str(min(span.first_day for span in spans)),
        end=str(max(span.last_day for span in spans)),
        inputs=tuple(sorted(set(_with_tables(sources, outputs)))),
        outputs=outputs,
        steps=fields[-1].history,
        code_version=code_version,
        baseline=baseline.sha256 if baseline else "",
        reference_period=baseline.name.partition(" ")[0] if baseline else "",
        parameters={"filter_sets": " ".join(sorted({name.partition("/")[0] for name in names}))},
        publication={"license": CC_BY_4, **signed},
    )


def _with_tables(sources: Iterable[Source], outputs: Iterable[Output]) -> Iterator[Source]:
    """The sources, with a table that lies beside the months in the place of the rows that each of them names."""
    beside = {each.name.removeprefix(AUXILIARIES): each for each in outputs if each.name.startswith(AUXILIARIES)}
    for source in sources:
        name, _, _month = source.name.rpartition(" ")
        table = beside.get(name) if source.role == LOW_DEGREE_ROWS else None
        if table is not None:
            source = replace(source, role=LOW_DEGREES, name=name, sha256=table.sha256)
        yield source
