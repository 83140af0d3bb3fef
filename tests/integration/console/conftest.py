"""A home with a life behind it, made once, and the console that serves it over real HTTP."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from services.publish.console.context import Context
from services.publish.directories import remove
from services.serving import context as context_of_settings
from services.serving import server_of
from shared.settings import ConsoleSettings
from shared.storage.catalogue import Catalogue
from tests.console_home import Home, live, lived_in

PLENTY = (1_000_000, 1_000_000)  # requests a minute: limits have their own tests


@pytest.fixture(scope="session")
def lived_home(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which all has happened that can; nobody writes there. Test processes share one."""
    root = tmp_path_factory.getbasetemp()
    # With several test processes each has a folder of its own in one that they share.
    folder = (root.parent if root.name.startswith("popen-") else root) / "lived"
    folder.mkdir(exist_ok=True)
    environment = {"GRAVSTREAM_CACHE": str(cache), "COLUMNS": "80"}
    with (folder / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        if not (folder / "made").is_file():
            live(folder, environment)
            (folder / "made").touch()
    return lived_in(folder, environment)


def _linked(source: str, target: str) -> None:
    (shutil.copy2 if "catalogue" in Path(source).name else os.link)(source, target)


def copied(lived: Home, folder: Path) -> Home:
    """A copy of a home, which may be changed."""
    # Whoever changes a file makes a new one, but for the catalogue: the others get second names.
    shutil.copytree(lived.home, folder / "home", symlinks=True, copy_function=_linked)
    with closing(sqlite3.connect(folder / "home" / "catalogue.sqlite")) as database:
        words = (f"{lived.home}/", f"{folder}/home/")
        database.execute("UPDATE releases SET directory = replace(directory, ?, ?)", words)
        database.commit()
    return lived_in(folder, lived.environment)


@pytest.fixture
def own_home(lived_home: Home, tmp_path: Path) -> Iterator[Home]:
    """A copy of it that a test may change."""
    yield copied(lived_home, tmp_path / "lived")
    remove(tmp_path / "lived" / "home")


@dataclass(frozen=True)
class Console:
    """A console that is served: its address, its context, and clients of it."""

    url: str
    context: Context

    @property
    def catalogue(self) -> Catalogue:
        return self.context.catalogue

    def client(self, role: str | None = None, name: str | None = None) -> httpx.Client:
        """A client, with a token of a role if one is named."""
        secret = self.catalogue.add_token(name or f"{role}.{time.monotonic_ns()}", role) if role else None  # type: ignore[arg-type]
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0)


def context_of(home: Home, **settings: Any) -> Context:
    """The context that the settings of a home describe."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in home.environment.items():
            patch.setenv(name, value)
        made = context_of_settings()
    return replace(made, settings=replace(ConsoleSettings(requests=PLENTY), **settings))


@contextmanager
def served(context: Context) -> Iterator[Console]:
    """The console of a context on a free port of the loopback."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(server_of(context))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the console did not start"
            time.sleep(0.01)
        try:
            yield Console(f"http://127.0.0.1:{listening.getsockname()[1]}", context)
        finally:
            server.should_exit = True
            thread.join(10.0)
            context.catalogue.close()


Serve = Callable[..., Console]


@pytest.fixture(scope="session")
def console(lived_home: Home) -> Iterator[Console]:
    """The console of the lived home, which is open to readers; nobody acts there."""
    with served(context_of(lived_home)) as running:
        yield running


@pytest.fixture(scope="session")
def get(console: Console) -> Iterator[Callable[..., Any]]:
    """JSON of an address of the console, which must answer well."""
    with console.client() as client:

        def fetch(path: str, **query: Any) -> Any:
            answer = client.get(path, params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield fetch


@pytest.fixture
def serve(own_home: Home) -> Iterator[Serve]:
    """Serve a copy of the home, with other settings; a test may act on it."""
    running: list[Any] = []

    def begin(**settings: Any) -> Console:
        running.append(served(context_of(own_home, **settings)))
        console: Console = running[-1].__enter__()
        return console

    yield begin
    for each in running:
        each.__exit__(None, None, None)


Words = Mapping[str, Any]
