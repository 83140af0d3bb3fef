"""What goes around every answer: limits, headers that protect its reader, a line in the log, no trace of an error."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.publish.console.errors import Refusal, problem
from services.publish.console.security import Rates, too_many

LARGEST_BODY = 1_000_000  # bytes; a polygon of ten thousand points has 400 kB
PATIENCE = 30.0  # s for the next piece of a body to come

log = logging.getLogger("gravstream.console")
access = logging.getLogger("gravstream.console.access")

# Everything comes from here; pictures may also be made in the page. Nobody frames these pages.
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
}
_YEAR = 31536000  # s
_SHOWN = 300  # characters of an address in the log


class Protection:
    """The outermost layer of the console."""

    def __init__(self, app: ASGIApp, *, rates: Rates, secure: bool, is_open: bool) -> None:
        """Say how often each may ask, whether users come by https, and whether everybody may read."""
        self._app, self._rates = app, rates
        self._headers = _HEADERS | {"cache-control": "no-cache" if is_open else "private, no-cache"}
        if secure:
            self._headers["strict-transport-security"] = f"max-age={_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def protected(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._answer(scope, receive, protected)
        except Exception:
            # The trace is for the log alone.
            log.exception("a fault of ours")
            if status == 0:
                answer = problem(500, "a fault of ours", "Tell the operator when it was; the log has the rest.")
                await answer(scope, receive, protected)
        finally:
            _tell(scope, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        free = self._rates.is_free("reading", f"from {_client(scope)}")
        refusal = _size_refused(scope) if free else too_many()
        if refusal is None:
            await self._app(scope, _Body(receive), send)
        else:
            await problem(refusal.status, refusal.error, refusal.advice, refusal.headers)(scope, receive, send)


def _size_refused(scope: Scope) -> Refusal | None:
    """Why a request is refused for the size that it announces; what is not announced is counted as it comes."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > LARGEST_BODY:
        return Refusal(413, "the request is too large", f"Send at most {LARGEST_BODY} bytes.", {"Connection": "close"})
    return None


class _Body:
    """A body as it comes, which ends with an error if it is too much or its next piece takes too long."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._size, self._complete = receive, 0, False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()  # waits for the client to go
        try:
            message = await asyncio.wait_for(self._receive(), PATIENCE)
        except TimeoutError as error:
            raise HTTPException(408) from error
        self._size += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._size > LARGEST_BODY:
            raise HTTPException(413)
        return message


def _client(scope: Scope) -> str:
    return scope["client"][0] if scope["client"] else "unknown"


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """A line of the log: the address as it was sent, without its query, and nothing of the headers."""
    path = scope.get("raw_path", b"").decode("latin-1")[:_SHOWN]
    access.info("%s %s %s %d %.0f ms", _client(scope), scope["method"], path, status, 1e3 * seconds)
