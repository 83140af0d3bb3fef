"""An upstream on this machine: an archive behind pages in the form of ICGEM's and ISDC's, on the loopback only."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from shared.simulation.pages import error_page
from shared.simulation.served_archive import AUXILIARIES, SERIES, Fault, Served, ServedArchive

__all__ = ["AUXILIARIES", "SERIES", "Fault", "Request", "Served", "Upstream"]

_PIECE = 1 << 14
_NOTHING = Served()


@dataclass(frozen=True)
class Request:
    """A request that came, and the status of its answer; moment: monotonic [s]."""

    moment: float
    path: str
    condition: str
    status: int


class Upstream(ServedArchive):
    """A server of both services; `Upstream(...).start()`, or as a context."""

    def __init__(self, served: Served = _NOTHING, *, port: int = 0) -> None:
        """Say what is served; port 0 is any that is free."""
        super().__init__(served)
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @classmethod
    def of_archive(cls, folder: Path, *, revealed: int | None = None, port: int = 0) -> Self:
        """An archive as the simulation writes it: level2/ and auxiliaries/."""
        return cls(Served(folder / "level2", folder / "auxiliaries", revealed=revealed), port=port)

    @property
    def url(self) -> str:
        """The address of both ICGEM and ISDC."""
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        """Name and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answer no more; returns when the port is free."""
        self.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], upstream: Upstream) -> None:
        super().__init__(address, _Answer)
        self.upstream = upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is none of our concern; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        path, upstream = unquote(urlsplit(self.path).path), self.server.upstream
        fault = upstream.fault_for(path)
        kind = fault.kind if fault else None
        if fault and kind == "status":
            extra = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
            return self._send(fault.status, error_page("Too busy").encode(), "text/html", extra)
        if fault and kind == "redirect":
            return self._send(302, b"", "text/html", {"Location": fault.target})
        if kind == "page":
            return self._send(200, error_page("Internal error").encode(), "text/html")
        try:
            body, form, name = upstream.body(path, kind)
        except KeyError:
            return self._send(404, error_page("Not found").encode(), "text/html")
        extra = {} if name is None else self._validators(name, body)
        if extra and self._is_unchanged(extra):
            return self._send(304, b"", form, extra)
        return self._send_badly(body, form, fault, extra) if fault else self._send(200, body, form, extra)

    def _validators(self, name: str, body: bytes) -> dict[str, str]:
        modified = self.server.upstream.modified(name)
        return {
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
            "Last-Modified": format_datetime(modified, usegmt=True),
        }

    def _is_unchanged(self, now: Mapping[str, str]) -> bool:
        if condition := self.headers.get("If-None-Match"):
            return condition == now["ETag"]
        since = self.headers.get("If-Modified-Since")
        return bool(since) and parsedate_to_datetime(now["Last-Modified"]) <= parsedate_to_datetime(str(since))

    def _head(self, status: int, form: str, extra: Mapping[str, str]) -> None:
        condition = self.headers.get("If-None-Match") or self.headers.get("If-Modified-Since") or ""
        self.server.upstream.requests.append(Request(time.monotonic(), self.path, condition, status))
        self.send_response(status)
        self.send_header("Content-Type", form)
        for name, value in extra.items():
            self.send_header(name, value)

    def _send(self, status: int, body: bytes, form: str, extra: Mapping[str, str] | None = None) -> None:
        self._head(status, form, extra or {})
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_badly(self, body: bytes, form: str, fault: Fault, extra: Mapping[str, str]) -> None:
        if fault.kind in ("cut", "empty-body"):
            return self._send(200, body[: len(body) // 2] if fault.kind == "cut" else b"", form, extra)
        if fault.kind not in ("stall", "drip", "half", "endless"):
            return self._send(200, body, form, extra)  # its content is what is wrong with it
        self._head(200, form, {"Connection": "close"})
        if fault.kind != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.close_connection = True
        for piece, pause in _pieces(body, fault):
            self.wfile.write(piece)
            if self.server.upstream.stopping.wait(pause):
                return None
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept in `Upstream.requests`."""


def _pieces(body: bytes, fault: Fault) -> Iterator[tuple[bytes, float]]:
    """The pieces of a bad answer, and the pause behind each [s]."""
    if fault.kind == "endless":
        while True:
            yield b"\0" * _PIECE, 0.0
    if fault.kind == "drip":
        for start in range(0, len(body), 64):
            yield body[start : start + 64], fault.seconds
    else:
        yield body[: len(body) // 2], fault.seconds if fault.kind == "stall" else 0.0
