"""The manifest of a release: every input, setting and output by name and digest.

Two manifests tell what a release changed, and one is enough to make it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shared.errors import GranuleRejected
from shared.models.epoch import Month
from shared.models.provenance import Source

FORMAT = "gravstream manifest 1"
NAME = "manifest.json"


@dataclass(frozen=True, order=True)
class Output:
    """A file of a release: its name inside the release, digest and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What a release is made of; all that two releases can differ in.

    months: nominal months; begin, end: first and last day of data; steps: the recipe with its settings, in order;
    parameters: what the specification leaves open, and the value taken; inputs: every file that went in;
    outputs: the files of data; baseline: its digest; publication: who signs, licence, references, DOI and address.
    """

    product: str
    version: str
    title: str
    months: tuple[Month, ...]
    begin: str
    end: str
    inputs: tuple[Source, ...]
    outputs: tuple[Output, ...]
    steps: tuple[str, ...]
    code_version: str
    baseline: str
    reference_period: str
    mode: str = ""
    key: str = ""
    release: str = ""
    serial: int = 0
    kind: str = ""
    why: str = ""
    previous: str = ""
    issued: str = ""  # YYYY-MM-DDThh:mm:ssZ
    parameters: Mapping[str, str] = field(default_factory=dict)
    publication: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("parameters", "publication"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def first(self) -> Month:
        """First month."""
        return self.months[0]

    @property
    def last(self) -> Month:
        """Last month."""
        return self.months[-1]

    def digest_of(self, name: str) -> str | None:
        """Digest of an output, None if there is none of this name."""
        return next((output.sha256 for output in self.outputs if output.name == name), None)

    def to_json(self) -> str:
        """The manifest as text, the same for the same content."""
        words = {each.name: getattr(self, each.name) for each in fields(self)}
        words |= {"months": [str(month) for month in self.months]}
        words |= {name: [asdict(each) for each in words[name]] for name in ("inputs", "outputs")}
        words |= {name: dict(sorted(words[name].items())) for name in ("parameters", "publication")}
        return json.dumps({"format": FORMAT} | words, indent=1, ensure_ascii=False) + "\n"


def manifest_of_json(text: str, *, file: str | Path = NAME) -> Manifest:
    """Read a manifest; GranuleRejected if it is none."""
    try:
        words: dict[str, Any] = json.loads(text)
        if words.pop("format") != FORMAT:
            raise ValueError(f"not of the format '{FORMAT}'")
        words["months"] = tuple(Month.parse(month) for month in words["months"])
        words["inputs"] = tuple(Source(**each) for each in words["inputs"])
        words["outputs"] = tuple(Output(**each) for each in words["outputs"])
        words["steps"] = tuple(words["steps"])
        return Manifest(**words)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GranuleRejected(f"no manifest ({error})", advice="Restore it from an archive", file=file) from error


def read_manifest(release: Path) -> Manifest:
    """The manifest of a release directory; GranuleRejected if it has none."""
    path = release / NAME
    try:
        return manifest_of_json(path.read_text(encoding="utf-8"), file=path)
    except OSError as error:
        found = f"{release.name} has no readable manifest ({error.strerror})"
        raise GranuleRejected(found, advice="Restore the release from an archive", file=path) from error
