"""Writes docs/reference/ from the code: what stands there cannot differ from it."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import typer.main
from typer.cli import get_docs_for_click

from services.cli import app
from services.publish.console.app import create_app
from services.serving import context
from shared import settings

FOLDER = Path(__file__).parent / "reference"

_SETTINGS = {
    "The running system": settings.SystemSettings,
    "The queue": settings.QueueSettings,
    "Where files come from": settings.IngestSettings,
    "The console, the API and the metrics": settings.ConsoleSettings,
    "Where releases go": settings.TargetSettings,
    "Who signs for the products": settings.Publisher,
    "This machine": settings.MachineSettings,
}


def commands_page() -> str:
    """Every command with its arguments and options."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="gravstream", title="Commands")
    return text.replace("```console\n$ ", "```console\n").rstrip() + "\n"


def settings_page() -> str:
    """Every variable of the environment, what it may be, and what it is without."""
    parts = [
        "# Settings\n",
        "Variables of the environment. None of them changes a published number; every one has a default. "
        "`.env.example` holds them all with a comment each, to copy from. "
        "A wrong value is refused by its name when a service starts.\n",
    ]
    for title, kind in _SETTINGS.items():
        parts += [f"## {title}\n", inspect.cleandoc(kind.__doc__ or "") + "\n"]
        parts += ["| variable | may be | default |", "|---|---|---|"]
        for each in fields(kind):
            if "variable" in each.metadata:
                allowed = each.metadata["kind"].allowed
                parts.append(f"| `{each.metadata['variable']}` | {allowed} | {_default(each.default)} |")
        parts.append("")
    return "\n".join(parts)


def _default(value: Any) -> str:
    if value is MISSING or value is None or value in ("", ()):
        return ""
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`"


def api_page() -> str:
    """Every operation of the API, from its own description of itself."""
    with TemporaryDirectory() as home, patch.dict(os.environ, {"GRAVSTREAM_HOME": home}):
        described = create_app(context()).openapi()
    parts = [
        "# API\n",
        described["info"]["description"] + "\n",
        "A console serves this description at `/api/v1/docs`, and for programs at `/api/v1/openapi.json`.\n",
    ]
    for path, operations in sorted(described["paths"].items()):
        for method, operation in sorted(operations.items()):
            parts += [f"## {method.upper()} {path}\n", operation.get("description") or operation["summary"], ""]
            if rows := [_parameter(each) for each in operation.get("parameters", ())]:
                parts += ["| parameter | in | type | meaning |", "|---|---|---|---|", *rows, ""]
    return "\n".join(parts)


def _parameter(each: Mapping[str, Any]) -> str:
    schema = each["schema"]
    kinds = [schema] if "type" in schema else schema.get("anyOf", [])
    words = [", ".join(one.get("enum", [one.get("type", "")])) for one in kinds if one.get("type") != "null"]
    name = f"`{each['name']}`" + ("" if each.get("required") else " (optional)")
    return f"| {name} | {each['in']} | {' or '.join(words)} | {each.get('description', '')} |"


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "settings.md": settings_page,
    "api.md": api_page,
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
