"""The console as a process of its own: light, quiet about secrets, ended in order; and started with the system."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from services import embedded
from services.running import DEMO, console_port, token_of_the_demo, up
from shared.storage.catalogue import Catalogue
from tests.console_home import RELEASED, Home

HEAVY = ("xarray", "pandas", "scipy", "matplotlib", "numba", "celery", "pyshtools")
PATIENCE = 60.0  # s, on a busy machine
LARGEST = 115e6  # bytes that it has written: it takes 100e6, and each of the heavy libraries adds 20e6 or more


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(log: Path, environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes its output to a file, and ends with the block."""
    with log.open("wb") as stream:
        settings = os.environ | environment
        process = subprocess.Popen([sys.executable, "-m", *words], env=settings, stdout=stream, stderr=stream)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            assert httpx.get(f"{url}/health").text == "ok\n"
            return
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < give_up, log.read_text()
            time.sleep(0.1)


def own_memory(process: int) -> int:
    """What a process has written into memory, bytes: whoever else has the same libraries in use does not matter."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("Anonymous:")))


def test_the_console_does_without_the_libraries_of_science() -> None:
    code = f"import sys, services.serving; print([name for name in {HEAVY!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def run(lived_home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], int, int]:
    """Lines of the log, memory and exit code of a console that has answered all sorts of questions."""
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log"
    url = f"http://127.0.0.1:{port}"
    with lived_home.catalogue as known:
        secret = known.add_token(f"starting.{os.getpid()}", "operator")
    where = {**lived_home.environment, **embedded.THRIFTY, "GRAVSTREAM_CONSOLE_PORT": str(port)}
    with started(log, where, "services.cli", "serve") as process:
        until_healthy(url, process, log)
        headers = {"Authorization": f"Bearer {secret}"}
        for path in ("/api/v1/status", "/api/v1/months", f"/api/v1/months/{RELEASED}", "/metrics", "/api/v1/me"):
            assert httpx.get(url + path, headers=headers, params={"key": "my-question"}).status_code == 200
        httpx.get(f"{url}/api/v1/releases/twsa-v1.0-001/changes/twsa-v1.0-003", timeout=60.0).raise_for_status()
        memory = own_memory(process.pid)
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)
    lines = log.read_text().splitlines()
    assert not [line for line in lines if secret in line]
    return lines, memory, code


class TestServe:
    def test_writes_a_line_for_each_answer_without_its_question(self, run: tuple[list[str], int, int]) -> None:
        lines, _, _ = run
        assert any(re.search(r"gravstream.console.access 127.0.0.1 GET /api/v1/me 200 \d+ ms$", line) for line in lines)
        assert not [line for line in lines if "my-question" in line]

    def test_stays_small(self, run: tuple[list[str], int, int]) -> None:
        _, memory, _ = run
        assert memory < LARGEST

    def test_ends_in_order_when_it_is_told_to(self, run: tuple[list[str], int, int]) -> None:
        assert run[2] in (0, -signal.SIGTERM)


class TestWithTheSystem:
    def test_it_is_started_and_ended_with_the_others(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        port, seen = free_port(), list[str]()
        url = f"http://127.0.0.1:{port}"
        # Redis and the console alone: what the services do has its own tests.
        monkeypatch.setattr(embedded, "SERVICES", {})
        monkeypatch.setenv("GRAVSTREAM_CONSOLE_PORT", str(port))

        def look_then_stop() -> None:
            give_up = time.monotonic() + PATIENCE
            while not seen and time.monotonic() < give_up:
                with suppress(httpx.TransportError):
                    seen.append(httpx.get(f"{url}/api/v1/status").json()["queues"][0]["name"])
                time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

        handlers = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
        threading.Thread(target=look_then_stop, daemon=True).start()
        try:
            up(tmp_path / "home", seconds=PATIENCE)
        finally:
            for sign, handler in handlers.items():
                signal.signal(sign, handler)
        assert seen == ["ingest"]
        assert f"{url} shows it" in capfd.readouterr().out
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/health")

    def test_it_takes_another_port_if_its_own_is_taken_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            wanted = taken.getsockname()[1]
            monkeypatch.setenv("GRAVSTREAM_CONSOLE_PORT", str(wanted))
            port = console_port()
        assert port != wanted
        assert f"Port {wanted} is taken; the console is on {port}." in capfd.readouterr().out
        assert console_port() == wanted


class TestTokenOfTheDemo:
    def test_is_kept_for_its_owner_alone_and_taken_again(self, tmp_path: Path) -> None:
        with Catalogue.open(tmp_path / "catalogue.sqlite") as known:
            secret = token_of_the_demo(tmp_path, known)
            token = known.bearer(secret)
            assert token is not None and (token.name, token.role) == (DEMO, "scientist")
            assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
            assert token_of_the_demo(tmp_path, known) == secret

    def test_is_made_anew_where_its_file_is_lost(self, tmp_path: Path) -> None:
        with Catalogue.open(tmp_path / "catalogue.sqlite") as known:
            secret = token_of_the_demo(tmp_path, known)
            (tmp_path / "token").unlink()
            again = token_of_the_demo(tmp_path, known)
            assert again != secret
            assert (known.bearer(secret), known.bearer(again) is None) == (None, False)


class TestTokens:
    def test_are_made_listed_and_revoked_by_command(self, own_home: Home) -> None:
        said = own_home("tokens", "add", "ada", "--role", "scientist", "--who", "root")
        secret = said.splitlines()[0]
        with own_home.catalogue as known:
            token = known.bearer(secret)
            assert token is not None and (token.name, token.role) == ("ada", "scientist")
        listed = own_home("tokens")
        assert "ada" in listed and secret not in listed
        own_home("tokens", "revoke", "ada", "--who", "root")
        with own_home.catalogue as known:
            assert known.bearer(secret) is None
            told = known.log("system", kind=("token-added", "token-revoked"), limit=2, newest=True)
        assert [(each.kind, each.who) for each in told] == [("token-added", "root"), ("token-revoked", "root")]
