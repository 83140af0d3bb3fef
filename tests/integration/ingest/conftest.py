"""A small simulated archive behind a server on the loopback, a catalogue and a store in a folder, and a look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.ingest.intake import IntakeReport, intake
from services.ingest.sources.folder import Folder
from services.ingest.sources.icgem import icgem
from services.ingest.sources.isdc import isdc
from services.ingest.sources.source import Source
from shared.messages import GranuleArrived
from shared.models.epoch import Month
from shared.settings import IngestSettings
from shared.simulation.archive import write_archive
from shared.simulation.settings import Settings
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from shared.storage.records import Granule
from shared.storage.store import Store

MONTHS = 14
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TABLE = "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_SIMULATED_0001.dat"
GIA = "GRAVIS-2B_COSTG_0200_GIA_SIMULATED_0001"


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen months to degree 12, with their tables."""
    out = tmp_path_factory.mktemp("archive")
    settings = Settings(first=Month(2005, 1), last=Month(2006, 2), nmax=12, gaps=False)
    assert len(settings.months) == MONTHS
    write_archive(settings, out)
    return out


@dataclass
class Place:
    """Where files come from and where they are kept; time stands still unless it is moved."""

    upstream: Upstream
    catalogue: Catalogue
    store: Store
    settings: IngestSettings
    folder: Path
    now: datetime = NOON
    announced: list[GranuleArrived] = field(default_factory=list)

    def source(self, name: str = "icgem") -> Source:
        if name == "folder":
            return Folder(self.settings, self.folder / "inbox")
        return {"icgem": icgem, "isdc": isdc}[name](self.settings)

    def look(self, name: str = "icgem", **changes: Any) -> IntakeReport:
        """One look, with some settings changed for good."""
        self.settings = replace(self.settings, **changes)
        return intake(self.source(name), self.catalogue, self.store, self.settings, self.announced.append, now=self.now)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def months(self, state: str = "accepted") -> list[Granule]:
        return self.catalogue.granules("level-2", state=state)  # type: ignore[arg-type]

    def names(self, state: str = "accepted") -> list[str]:
        return [granule.name for granule in self.months(state)]

    def events(self, kind: str) -> list[str]:
        return [event.text for event in self.catalogue.log(kind=kind)]

    def requests(self, pattern: str = "") -> list[str]:
        return [request.path for request in self.upstream.requests if pattern in request.path]

    def edit(self, name: str, change: Callable[[bytes], bytes]) -> bytes:
        """Serve a file with a change from now on."""
        before = self.upstream.content(name)
        content = change(before)
        assert content != before
        self.upstream.replace(name, content)
        return content

    def assert_sound(self) -> None:
        """Every registered file is in the store; nothing is left on its way; each month is in use once."""
        for granule in self.catalogue.granules(state=None):
            assert len(self.store.get(granule.sha256)) == granule.size
        months = [granule.month for granule in self.months()]
        assert len(months) == len(set(months))
        staging = self.settings.staging
        assert staging is not None
        assert [path for path in staging.rglob("*") if path.is_file() and path.name != ".lock"] == []


@pytest.fixture
def place(archive: Path, tmp_path: Path) -> Iterator[Place]:
    with Upstream.of_archive(archive) as upstream, Catalogue.open(tmp_path / "catalogue.db") as catalogue:
        settings = IngestSettings(
            icgem_url=upstream.url, isdc_url=upstream.url, hosts=(upstream.host,), pause=0.001, retries=2, timeout=2.0,
            max_retry_after=0.5, backfill_from=5, staging=tmp_path / "staging", reread_newest=3, settle=0.0,
        )  # fmt: skip
        yield Place(upstream, catalogue, Store.at(tmp_path / "store"), settings, tmp_path)
        place_left = [path for path in (tmp_path / "staging").rglob("*") if path.is_file() and path.name != ".lock"]
        assert place_left == []
