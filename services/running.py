"""The commands that start the system, with our own upstream or the real one."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from services.embedded import environment_of, free_port, simulated_archive, system
from services.operations_speech import explained
from services.watching import watch
from shared import settings
from shared.errors import RequestRefused
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue

if TYPE_CHECKING:
    from shared.simulation.upstream import Upstream

console = Console(highlight=False)

DEMO = "demo"  # whose token the simulated system has

Home = Annotated[Path, typer.Option(help="Folder in which all lives: catalogue, store, releases, logs.")]


def run(
    home: Home = Path("runs/demo"),
    every: Annotated[float, typer.Option(help="Seconds until the next month appears upstream.")] = 60.0,
    ahead: Annotated[int, typer.Option(help="Months that are kept back at first.")] = 12,
    last: Annotated[str, typer.Option(help="Last simulated month, YYYY-MM.")] = "2022-12",
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; default: at Ctrl-C.")] = None,
) -> None:
    """Run the whole system against a simulated upstream.

    A new month appears there again and again. Ctrl-C stops it; started again it goes on where it was.
    """
    from shared.simulation.upstream import Upstream

    home.mkdir(parents=True, exist_ok=True)
    console.print("Simulating the archive, if it is not there yet: about ten seconds.")
    archive = simulated_archive(home, Month.parse(last))
    total, shown = len(list((archive / "level2").iterdir())), home / "revealed"
    revealed = int(shown.read_text()) if shown.is_file() else total - ahead
    port, chosen = console_port(), settings.system(home)
    with (
        Upstream.of_archive(archive, revealed=revealed) as upstream,
        system(home, environment_of(upstream, poll=5.0), console=port) as processes,
        Catalogue.open(chosen.catalogue) as catalogue,
    ):
        console.print(f"Upstream {upstream.url}, releases in {chosen.releases}. Ctrl-C stops everything.")
        secret = token_of_the_demo(home, catalogue)
        console.print(f"[bold]http://127.0.0.1:{port}[/] shows it; sign in with: {secret}", soft_wrap=True)
        _until_stopped(catalogue, processes, home, _Revealing(upstream, catalogue, shown, every), seconds)


def up(
    home: Home = Path("var"), seconds: Annotated[float | None, typer.Option(help="Stop after so long.")] = None
) -> None:
    """Run the whole system on this machine against the real ICGEM and ISDC.

    Addresses, series and intervals are settings; see .env.example. If upstream cannot be reached it keeps trying.
    """
    with explained():
        settings.check()
    port, chosen = console_port(), settings.system(home)
    with system(home, {}, console=port) as processes, Catalogue.open(chosen.catalogue) as catalogue:
        console.print(f"Releases in {chosen.releases}, logs in {home / 'logs'}. Ctrl-C stops everything.")
        console.print(
            f"[bold]http://127.0.0.1:{port}[/] shows it; "
            "`gravstream tokens add NAME --role operator` lets somebody act there."
        )
        _until_stopped(catalogue, processes, home, lambda: None, seconds)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default: GRAVSTREAM_CONSOLE_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default: GRAVSTREAM_CONSOLE_PORT.")] = None,
) -> None:
    """Serve the web page, the API and the metrics of the system in GRAVSTREAM_HOME."""
    with explained():
        from services.serving import serve as begin

        begin(host, port)


def console_port() -> int:
    """The port of the console: that of the settings, or another if it is taken."""
    wanted = settings.console().port
    port = free_port(wanted)
    if port != wanted != 0:
        console.print(f"[yellow]Port {wanted} is taken; the console is on {port}.[/]")
    return port


def token_of_the_demo(home: Path, catalogue: Catalogue) -> str:
    """A token to try everything with, kept beside the demo for its owner alone."""
    file = home / "token"
    secret = file.read_text().strip() if file.is_file() else ""
    if not secret or catalogue.bearer(secret) is None:
        with suppress(RequestRefused):
            catalogue.revoke_token(DEMO)
        secret = catalogue.add_token(DEMO, "scientist")
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(f"{secret}\n")
    return secret


def _until_stopped(
    catalogue: Catalogue,
    processes: Mapping[str, Popen[bytes]],
    home: Path,
    each: Callable[[], None],
    seconds: float | None,
) -> None:
    # Told to end in any way, it ends the services in order; a shell may have started it with Ctrl-C ignored.
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.default_int_handler)
    try:
        watch(catalogue, console, processes, home / "logs", each=each, seconds=seconds)
    except KeyboardInterrupt:
        console.print("Stopping.")


class _Revealing:
    """Lets a month appear upstream once all that was there has been released."""

    def __init__(self, upstream: Upstream, catalogue: Catalogue, shown: Path, every: float) -> None:
        self._upstream, self._catalogue, self._shown, self._every = upstream, catalogue, shown, every
        self._next: float | None = None

    def __call__(self) -> None:
        if self._next is None:
            if self._catalogue.latest("twsa") is not None:
                self._next = time.monotonic() + self._every
        elif time.monotonic() >= self._next:
            self._upstream.reveal(1)
            self._shown.write_text(str(len(self._upstream.months)))
            self._next += self._every


def poll() -> None:
    """Look at every source once, here and now."""
    from services.ingest.app import sources
    from services.ingest.intake import intake
    from shared.storage.store import Store

    here = settings.system()
    with Catalogue.open(here.catalogue) as catalogue:
        for source in sources():
            report = intake(source, catalogue, Store.at(here.store), settings.ingest(), lambda _: None)
            console.print(f"{source.name}: {report.outcome}")
