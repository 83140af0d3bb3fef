"""Metadata after the DataCite schema 4, with which a DOI is registered (doi 10.14454/g8e5-6293).

All mandatory properties are there. A release without a DOI says so with DataCite's own word for it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from services.publish.changes import Changes
from services.publish.manifest import Manifest
from shared.models.provenance import Source

NAME = "datacite.xml"
NAMESPACE = "http://datacite.org/schema/kernel-4"
_SCHEMA = f"{NAMESPACE} https://schema.datacite.org/meta/kernel-4/metadata.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"

# "To be assigned or announced later", appendix 3 of the schema's documentation
NOT_YET = "(:tba)"

_DOI = re.compile(r"10\.\d{4,9}/[^\s;,|()<>\"]+[^\s;,|()<>\".]")


def datacite_xml(manifest: Manifest, changes: Changes) -> bytes:
    """The record of a release as XML."""
    words = manifest.publication
    root = ET.Element("resource", {"xmlns": NAMESPACE, "xmlns:xsi": _INSTANCE, "xsi:schemaLocation": _SCHEMA})
    _add(root, "identifier", words.get("doi", "") or NOT_YET, identifierType="DOI")
    creator = _add(_add(root, "creators"), "creator")
    _add(creator, "creatorName", words.get("creator_name", "") or "gravstream", nameType="Organizational")
    if words.get("institution"):
        _add(creator, "affiliation", words["institution"])
    _add(_add(root, "titles"), "title", f"{manifest.title}, {manifest.version}")
    _add(root, "publisher", words.get("institution", "") or words.get("creator_name", "") or "gravstream")
    _add(root, "publicationYear", manifest.issued[:4])
    _add(root, "resourceType", "Time series of monthly fields", resourceTypeGeneral="Dataset")
    _add_subjects(root, words.get("keywords", ""))
    dates = _add(root, "dates")
    _add(dates, "date", manifest.issued, dateType="Issued")
    _add(dates, "date", f"{manifest.begin}/{manifest.end}", dateType="Collected")
    _add(root, "language", "en")
    others = _add(root, "alternateIdentifiers")
    _add(others, "alternateIdentifier", manifest.release, alternateIdentifierType="Release")
    _add_relations(root, manifest)
    _add(_add(root, "sizes"), "size", f"{sum(output.size for output in manifest.outputs)} bytes")
    _add(_add(root, "formats"), "format", "application/gzip" if manifest.product == "l2b" else "application/netcdf")
    _add(root, "version", f"{manifest.version}.{manifest.serial:03d}")
    _add_rights(root, words)
    _add_descriptions(root, manifest, changes)
    box = _add(_add(_add(root, "geoLocations"), "geoLocation"), "geoLocationBox")
    for name, degrees in (("west", -180), ("east", 180), ("south", -90), ("north", 90)):
        kind = "Longitude" if name in ("west", "east") else "Latitude"
        _add(box, f"{name}Bound{kind}", str(degrees))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    if text:
        element.text = _printable(text)
    return element


def _printable(text: str) -> str:
    """The text without characters that XML 1.0 does not know."""
    return re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "", text)


def _add_subjects(root: ET.Element, keywords: str) -> None:
    subjects = _add(root, "subjects")
    for keyword in filter(None, map(str.strip, (keywords or "GRACE, GRACE-FO, gravity field").split(","))):
        _add(subjects, "subject", keyword)


def dois_of(manifest: Manifest) -> dict[str, str]:
    """Every DOI that the release names, with how it relates to it."""
    cited = dict.fromkeys(_DOI.findall(manifest.publication.get("references", "")), "References")
    return cited | {doi: "IsDerivedFrom" for source in manifest.inputs for doi in _dois(source)}


def _dois(source: Source) -> list[str]:
    return [] if source.role == "baseline" else _DOI.findall(source.citation)


def _add_relations(root: ET.Element, manifest: Manifest) -> None:
    relations = _add(root, "relatedIdentifiers")
    for doi, relation in sorted(dois_of(manifest).items()):
        _add(relations, "relatedIdentifier", doi, relatedIdentifierType="DOI", relationType=relation)


def _add_rights(root: ET.Element, words: Mapping[str, str]) -> None:
    text = words.get("license", "")
    url = re.search(r"https?://\S+", text)
    known = {"rightsIdentifier": "CC-BY-4.0", "rightsIdentifierScheme": "SPDX"} if "CC BY 4.0" in text else {}
    address = {"rightsURI": url[0]} if url else {}
    _add(_add(root, "rightsList"), "rights", text.partition(", http")[0] or "not stated", **address, **known)


def _add_descriptions(root: ET.Element, manifest: Manifest, changes: Changes) -> None:
    descriptions = _add(root, "descriptions")
    summary = manifest.publication.get("summary", "") or manifest.title
    _add(descriptions, "description", summary, descriptionType="Abstract")
    text = f"{manifest.kind.capitalize()} release: {manifest.why}"
    if manifest.previous:
        text += (
            f" Against {manifest.previous}, {len(changes.months_added)} months are new and {len(changes.changed)} "
            f"older ones changed, by at most {changes.rms:.3f} mm rms."
        )
    _add(descriptions, "description", text, descriptionType="Other")
    methods = "; ".join(manifest.steps)
    if methods:
        _add(descriptions, "description", f"gravstream {manifest.code_version}: {methods}", descriptionType="Methods")
