"""Every test of the catalogue runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.storage.catalogue import Catalogue
from tests.integration.storage.servers import Postgres, object_store, postgres


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that does not have a table yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/catalogue.db"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.fresh()


@pytest.fixture
def catalogue(address: str) -> Iterator[Catalogue]:
    with Catalogue.open(address) as opened:
        yield opened


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, Any]]:
    with object_store() as options:
        yield options
