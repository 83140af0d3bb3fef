"""Opening a catalogue: by many at once, of another version, and after trouble with its database."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import inspect, text

from shared.errors import RequestRefused, StoreDamaged, StoreUnavailable
from shared.storage.catalogue import Catalogue
from shared.storage.connection import engine_for, writing
from shared.storage.ledger import tell
from tests.integration.storage.servers import Postgres
from tests.integration.storage.test_contention import results, start

OPENER = """
import sys
from shared.storage.catalogue import Catalogue
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    with Catalogue.open(sys.argv[1]) as catalogue:
        catalogue.append("system", "note", "Opened.")
print("opened")
"""


def test_six_processes_may_open_a_new_catalogue_at_once(address: str) -> None:
    assert results([start(OPENER, address) for _ in range(6)]) == [["opened"]] * 6
    with Catalogue.open(address) as catalogue:
        assert len(catalogue.log()) == 18


def test_what_was_there_is_there_when_it_is_opened_again(address: str) -> None:
    with Catalogue.open(address) as catalogue:
        event = catalogue.append("system", "note", "Kept.")
    with Catalogue.open(address) as catalogue:
        assert catalogue.log() == [event]


def test_a_catalogue_of_a_newer_version_is_left_alone(address: str) -> None:
    with Catalogue.open(address) as catalogue, catalogue.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RequestRefused, match="form 9999, made by a newer version"):
        Catalogue.open(address)


def test_a_migration_that_breaks_off_leaves_nothing(address: str) -> None:
    """One of its last statements is made invalid; the next opening finds an empty database and makes it whole."""
    program = """
import sys
from alembic.operations import Operations
from shared.storage.catalogue import Catalogue
execute = Operations.execute
def fail_at_the_triggers(self, statement):
    execute(self, "NONSENSE" if "TRIGGER events" in statement else statement)
Operations.execute = fail_at_the_triggers
print("ready", flush=True)
sys.stdin.readline()
try:
    Catalogue.open(sys.argv[1])
except Exception as error:
    print("NONSENSE" in str(error))
"""
    assert results([start(program, address)]) == [["True"]]
    engine = engine_for(address)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    with Catalogue.open(address) as catalogue:
        catalogue.append("system", "note", "Whole.")


def test_an_address_of_another_kind_is_refused() -> None:
    for address in ("mysql://host/db", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="is no catalogue"):
            Catalogue.open(address)


class TestSqlite:
    def test_keeps_a_log_of_writes_ahead_and_forces_it_to_the_disk(self, tmp_path: Path) -> None:
        with Catalogue.open(tmp_path / "catalogue.db") as catalogue, catalogue.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1

    def test_waits_to_be_opened_while_another_process_has_it_to_itself(self, tmp_path: Path) -> None:
        """As in the moment in which another one makes the same new catalogue."""
        other = sqlite3.connect(tmp_path / "catalogue.db", isolation_level=None, check_same_thread=False)
        other.execute("CREATE TABLE something (x)")
        other.execute("BEGIN EXCLUSIVE")
        release = Timer(0.5, lambda: other.execute("ROLLBACK"))
        release.start()
        with Catalogue.open(tmp_path / "catalogue.db") as catalogue:
            assert not release.is_alive() or release.finished.is_set()
            assert catalogue.log() == []
        release.join()
        other.close()

    def test_is_read_while_somebody_writes(self, tmp_path: Path) -> None:
        with Catalogue.open(tmp_path / "catalogue.db") as catalogue:
            event = catalogue.append("system", "note", "Before.")
            writer = sqlite3.connect(tmp_path / "catalogue.db", isolation_level=None)
            writer.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            assert catalogue.log() == [event]
            assert time.monotonic() - began < 1.0
            writer.execute("ROLLBACK")
            writer.close()

    def test_below_a_regular_file_cannot_be_opened(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreUnavailable, match="no folder for the catalogue"):
            Catalogue.open(tmp_path / "file" / "catalogue.db")

    def test_that_is_a_folder_cannot_be_opened(self, tmp_path: Path) -> None:
        with pytest.raises(StoreUnavailable, match="unable to open"):
            Catalogue.open(tmp_path)

    def test_that_is_no_database_is_damaged(self, tmp_path: Path) -> None:
        (tmp_path / "catalogue.db").write_bytes(b"no database " * 1000)
        with pytest.raises(StoreDamaged, match="the catalogue is damaged"):
            Catalogue.open(tmp_path / "catalogue.db")

    def test_that_is_full_refuses_to_write_and_is_read_on(self, tmp_path: Path) -> None:
        """SQLite's own limit of pages gives what a full disk gives."""
        with Catalogue.open(tmp_path / "catalogue.db") as catalogue:
            event = catalogue.append("system", "note", "Before.")
            with catalogue.engine.connect() as connection:
                pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
                connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(StoreUnavailable, match="full"):
                catalogue.append("system", "note", "x" * 1_000_000)
            assert catalogue.log() == [event]


class TestPostgresql:
    def test_that_was_restarted_is_found_again_by_the_next_call(self, postgresql: Postgres) -> None:
        with Catalogue.open(postgresql.fresh()) as catalogue:
            catalogue.ensure_unit("key", "series", "twsa")
            before = catalogue.log()
            postgresql.restart()
            assert catalogue.log() == before
            postgresql.restart()
            assert catalogue.ensure_unit("other", "series", "twsa").state == "due"

    def test_that_is_down_is_told_and_nothing_else_is_needed_when_it_is_back(self, postgresql: Postgres) -> None:
        with Catalogue.open(postgresql.fresh()) as catalogue:
            postgresql.stop()
            try:
                for attempt in (catalogue.units, lambda: catalogue.append("system", "note", "Lost.")):
                    with pytest.raises(StoreUnavailable, match="does not answer"):
                        attempt()
            finally:
                postgresql.start()
            catalogue.append("system", "note", "Kept.")
            assert [event.text for event in catalogue.log()] == ["Kept."]

    def test_does_not_show_its_password_in_errors(self) -> None:
        with pytest.raises(StoreUnavailable) as caught:
            Catalogue.open("postgresql://user:secret-word@127.0.0.1:1/none")
        assert "secret-word" not in str(caught.value)

    def test_cut_off_in_the_middle_of_a_write_keeps_nothing_of_it(self, postgresql: Postgres) -> None:
        with Catalogue.open(postgresql.fresh()) as catalogue:
            with pytest.raises(StoreUnavailable), writing(catalogue.engine) as connection:
                tell(connection, "system", "note", "Half.")
                postgresql.restart()
                tell(connection, "system", "note", "Other half.")
            catalogue.append("system", "note", "Whole.")
            assert [event.text for event in catalogue.log()] == ["Whole."]
