"""A real Chromium before a real `gravstream serve`; whatever it complains about fails the test."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect, sync_playwright

from tests.console_home import Home

PROJECT = Path(__file__).resolve().parents[4]
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--no-first-run",
)  # fmt: skip
PATIENCE = 60_000  # milliseconds: machines of tests are busy
DESK, PHONE = (1280, 900), (375, 760)
PLENTY = "1000000 1000000"  # requests a minute

# A region of the map, in the middle of South America
BASIN = ((-70.0, -15.0), (-50.0, -15.0), (-50.0, 0.0), (-70.0, 0.0), (-70.0, -15.0))


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where pictures of the pages are kept: GRAVSTREAM_ARTEFACTS, or `artefacts` in the project."""
    folder = Path(os.environ.get("GRAVSTREAM_ARTEFACTS") or PROJECT / "artefacts") / "console"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def basins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One river basin as GeoJSON."""
    shape = {"type": "Polygon", "coordinates": [BASIN]}
    feature = {"type": "Feature", "properties": {"name": "Amazonas"}, "geometry": shape}
    path = tmp_path_factory.mktemp("basins") / "basins.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


@contextmanager
def serving(home: Home, basins: Path, **others: str) -> Iterator[str]:
    """`gravstream serve` of a home on a free port, with other settings; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"GRAVSTREAM_CONSOLE_PORT": str(port), "GRAVSTREAM_REQUESTS": PLENTY, "GRAVSTREAM_BASINS": str(basins)}
    command = (sys.executable, "-m", "services.cli", "serve")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=os.environ | home.environment | own | others, cwd=PROJECT, **quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(f"{url}/health", process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _await(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "the console ended"
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the console does not answer")


@pytest.fixture(scope="session")
def reading(lived_home: Home, basins: Path) -> Iterator[str]:
    """Address of a console that all tests read; nobody acts there."""
    with serving(lived_home, basins) as url:
        yield url


@pytest.fixture
def acting(own_home: Home, basins: Path) -> Iterator[str]:
    """Address of a console of its own, on which a test may act."""
    with serving(own_home, basins) as url:
        yield url


@pytest.fixture(scope="session")
def chromium(system_package: Callable[[str], str]) -> Iterator[BrowserContext]:
    """A window that keeps files from one page to the next; what is kept of a session is a page's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=system_package("chromium"), args=list(FLAGS))
        expect.set_options(timeout=PATIENCE)
        window = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        window.set_default_timeout(PATIENCE)
        yield window
        browser.close()


@dataclass
class Visitor:
    """Somebody before a page: what the page complained about, and what it asked of others than its own server."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def go(self, address: str, heading: str | None = None) -> Page:
        """Open a part of the console and wait until it is there."""
        self.page.goto(f"{self.url}/{address}")
        wanted = self.page.get_by_role("heading", level=1, name=heading) if heading else self.page.locator("h1")
        wanted.wait_for()
        return self.page

    def watch(self, route: Route) -> None:
        if route.request.url.startswith((self.url, "blob:", "data:")):
            route.continue_()
        else:
            self.strangers.append(route.request.url)
            route.abort()


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: BrowserContext) -> Iterator[Visit]:
    """Come with a window of a size, a colour scheme and perhaps a token; every complaint fails the test at its end."""
    visitors: list[tuple[Visitor, bool]] = []

    def come(
        url: str, size: tuple[int, int] = DESK, scheme: Any = "light", token: str = "", complaints: bool = False
    ) -> Visitor:
        page = chromium.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)
        visitor = Visitor(page, url)
        page.on("console", lambda said: said.type in ("error", "warning") and visitor.complaints.append(said.text))
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page.route("**/*", visitor.watch)
        if token:
            page.add_init_script(f"sessionStorage.setItem('gravstream token', {json.dumps(token)})")
        visitors.append((visitor, complaints))
        return visitor

    yield come
    for visitor, expected in visitors:
        visitor.page.close()
        assert not visitor.strangers, f"asked of others: {visitor.strangers}"
        assert expected or not visitor.complaints, visitor.complaints


@pytest.fixture
def keep(artefacts: Path) -> Callable[[Page, str], None]:
    """Keep a picture of a whole page."""

    def picture(page: Page, name: str) -> None:
        page.screenshot(path=artefacts / f"{name}.png", full_page=True)

    return picture
