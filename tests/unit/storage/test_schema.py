"""The tables as the code knows them, and as the migrations make them."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import shared.storage.migrations
from shared.storage.catalogue import Catalogue
from shared.storage.clock import moment, now
from shared.storage.schema import REVISION, metadata


def test_the_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    with Catalogue.open(tmp_path / "catalogue.db") as catalogue, catalogue.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_code_names_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(shared.storage.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_the_clock_gives_utc() -> None:
    assert now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "given",
    [
        datetime(2026, 1, 2, 12),
        datetime(2026, 1, 2, 12, tzinfo=UTC),
        datetime(2026, 1, 2, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_moment_is_kept_in_utc_whatever_zone_it_came_with(given: datetime, tmp_path: Path) -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    with Catalogue.open(tmp_path / "catalogue.db") as catalogue:
        catalogue.append("system", "test", "Noon.", now=given)
        assert [event.time for event in catalogue.log()] == [moment(given)] == [noon]


def test_migrations_are_packaged() -> None:
    """A wheel holds Python files of packages only: each folder of migrations must be one."""
    folder = Path(shared.storage.migrations.__file__).parent
    assert all((path.parent / "__init__.py").is_file() for path in folder.rglob("*.py"))
    assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
