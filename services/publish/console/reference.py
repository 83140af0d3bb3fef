"""The reference of the API as a page without scripts, written from its own description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Words = Mapping[str, Any]


def page(title: str, body: str) -> str:
    """A page in the style of the console."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/css/colours.css">'
        '<link rel="stylesheet" href="/css/page.css"><link rel="stylesheet" href="/css/parts.css"></head>'
        f'<body class="text"><main class="text"><p><a href="/">gravstream</a></p>\n{body}</main></body></html>\n'
    )


def reference(description: Words) -> str:
    """All operations by their subject, with what goes in and what comes out."""
    groups: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["others"])[0]
            groups.setdefault(tag, []).append(_operation(method, path, operation))
    parts = [f"<h2>{escape(tag)}</h2>\n{''.join(found)}" for tag, found in groups.items()]
    schemas = description.get("components", {}).get("schemas", {})
    parts.append("<h2>what comes and goes</h2>\n" + "".join(_schema(name, each) for name, each in schemas.items()))
    head = (
        f"<h1>{escape(description['info']['title'])}</h1>\n<p>{escape(description['info'].get('description', ''))}</p>"
        '<p>The same for programs: <a href="/api/v1/openapi.json">openapi.json</a>.</p>\n'
    )
    return page("The API of gravstream", head + "\n".join(parts))


def _operation(method: str, path: str, operation: Words) -> str:
    token = " <em>needs a token</em>" if operation.get("security") else ""
    rows = [_row(each["name"], each["in"], _kind(each["schema"]), each) for each in operation.get("parameters", [])]
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        rows.append(_row("body", kind, _kind(body.get("schema", {})), {}))
    for status, answer in operation["responses"].items():
        if status.startswith(("2", "3")):
            kinds = ", ".join(f"{kind} {_kind(each.get('schema', {}))}" for kind, each in _content(answer))
            rows.append(_row("answer", status, kinds, {"description": answer.get("description", "")}))
    table = f"<table><tbody>{''.join(rows)}</tbody></table>" if rows else ""
    said = escape(operation.get("description", ""))
    return f"<section><h3><code>{method.upper()} {escape(path)}</code>{token}</h3><p>{said}</p>{table}</section>\n"


def _content(answer: Words) -> Iterator[tuple[str, Words]]:
    yield from answer.get("content", {}).items()


def _schema(name: str, schema: Words) -> str:
    rows = "".join(
        _row(field, "", _kind(each), each) for field, each in schema.get("properties", {}).items()
    )  # fmt: skip
    said = escape(schema.get("description", ""))
    table = f"<table><tbody>{rows}</tbody></table>"
    return f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{said}</p>{table}</section>\n'


def _row(name: str, place: str, kind: str, about: Words) -> str:
    said = escape(str(about.get("description", "")))
    return f"<tr><th>{escape(name)}</th><td>{escape(place)}</td><td>{kind}</td><td>{said}</td></tr>"


def _kind(schema: Words) -> str:
    """The type of a value, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_kind(each) for each in schema[several])
    if "enum" in schema:
        return " | ".join(escape(str(each)) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("pattern") or schema.get("type", "")))
