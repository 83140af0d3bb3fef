"""The compose file and the file of the image, as the tests read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("scheduler", "ingest", "process", "publish", "console")
WATCHING = ("prometheus", "alertmanager", "grafana")
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
USER = 10001


def mounts_of(name: str) -> list[list[str]]:
    """What a service mounts: source, path, and perhaps `ro`."""
    return [entry.split(":") for entry in SERVICES[name].get("volumes", ())]


def volumes_of(name: str) -> dict[str, str]:
    """The named volumes of a service by the path where they are."""
    return {path: source for source, path, *_ in mounts_of(name) if not source.startswith(".")}


def image_environment() -> dict[str, str]:
    """What the image sets, as its file says."""
    (block,) = re.findall(r"^ENV (PATH=(?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
    return dict(word.split("=", 1) for word in block.replace("\\\n", " ").split())
