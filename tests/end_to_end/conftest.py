"""The archive that the tests of the whole system share."""

from pathlib import Path

import pytest

from tests.end_to_end.rig import ByHand, small_archive


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated months and auxiliaries, to be read only."""
    return small_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def by_hand(tmp_path_factory: pytest.TempPathFactory, archive: Path) -> ByHand:
    """What a person makes of the same files."""
    return ByHand(tmp_path_factory.mktemp("by-hand"), archive / "level2", archive / "auxiliaries")
