"""How the catalogue reaches its database: SQLite beside the work, or PostgreSQL for several machines.

One writer at a time on both, so that the order of the event log is the order in which things happened, and
no two transactions can wait for each other. Reading never waits.
"""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError, TimeoutError

from shared.errors import StoreDamaged, StoreUnavailable

PATIENCE = 30.0  # s to wait for the writer before us
_WRITER = 7_203_114_155  # number of the writer's lock in PostgreSQL; any, but always the same
_READING = "gravstream_reading"

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
_inherited: list[object] = []


def engine_for(url: str | Path) -> Engine:
    """An engine for a path of SQLite, or an address sqlite:/// or postgresql://."""
    address = _address(url)
    engine = _sqlite(address) if address.get_backend_name() == "sqlite" else _postgresql(address)
    _engines.add(engine)
    return engine


def _address(url: str | Path) -> URL:
    text = str(url)
    address = make_url(text if "://" in text else f"sqlite:///{text}")
    if address.get_backend_name() == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        raise ValueError(f"{address!r} is no catalogue: take a file of SQLite or postgresql://")
    return address


def _postgresql(address: URL) -> Engine:
    # A writer that hangs must not hold up the others for ever.
    limits = f"-c lock_timeout={PATIENCE:.0f}s -c idle_in_transaction_session_timeout={2 * PATIENCE:.0f}s"
    arguments = {"connect_timeout": 10, "options": limits, "application_name": "gravstream"}
    return create_engine(address, pool_pre_ping=True, connect_args=arguments)


def _sqlite(address: URL) -> Engine:
    path = Path(address.database or "").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"no folder for the catalogue: {error}", advice="Check its path.") from error
    arguments = {"timeout": PATIENCE, "check_same_thread": False}
    engine = create_engine(address.set(database=str(path)), connect_args=arguments)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    _switch_to_wal(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a decision that was told to a person survives a power cut


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # The switch itself does not wait for others as every other statement does.
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and never waits for a writer."""
    with _told(engine), engine.connect().execution_options(**{_READING: True}) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all or nothing, after the writers before it."""
    with _told(engine), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")
        yield connection


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Trouble with the database, in our own words."""
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise  # our mistake, not the world's
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise _unavailable(engine, error) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _unavailable(engine, error) from error
        if engine.dialect.name == "sqlite" and isinstance(error.orig, sqlite3.DatabaseError):
            advice = "Stop all services and restore the last backup; the store is not touched."
            raise StoreDamaged(f"the catalogue is damaged: {error.orig}", advice=advice) from error
        raise


def _unavailable(engine: Engine, error: Exception) -> StoreUnavailable:
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    where = engine.url.render_as_string(hide_password=True)
    return StoreUnavailable(
        f"the catalogue at {where} does not answer: {cause}",
        advice="Check that its database runs, has room and may be written; work goes on by itself then.",
    )


def _forget_inherited_connections() -> None:
    # A connection belongs to the process that opened it. The child keeps them unclosed and opens its own:
    # closing them would end the parent's session, or take the locks of its database away.
    for engine in list(_engines):
        _inherited.append(engine.pool)
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited_connections)
