"""The real record, processed once for all tests that look at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.process.production import Outcome, Request, produce
from shared import settings
from shared.formats.level2b_cache import read_cached_month
from shared.models.series import Level2BSeries


@dataclass(frozen=True)
class Record:
    """What a run over the real months left behind."""

    outcome: Outcome
    folder: Path

    @property
    def level2b(self) -> Level2BSeries:
        """Level-2B of all months, from the working files of the run."""
        months = [read_cached_month(path) for path in sorted((self.folder / ".level2b").glob("*.level2b"))]
        return Level2BSeries.of([month for month in months if month is not None])


def _process(real_data: Path, folder: Path, filter_source: str) -> Record:
    request = Request(
        level2=real_data / "level2" / "itsg-grace-n96",
        auxiliaries=real_data / "gravis",
        out=folder,
        cache=settings.cache_folder(),
        filter_source=filter_source,
        workers=settings.worker_count(),
    )
    return Record(produce(request), folder)


@pytest.fixture(scope="session")
def record(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """All 214 real months with the best filter that public data allow."""
    return _process(real_data, tmp_path_factory.mktemp("record"), "error-scaled")


@pytest.fixture(scope="session")
def static_record(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """All 214 real months with the static DDK."""
    return _process(real_data, tmp_path_factory.mktemp("static"), "ddk")
