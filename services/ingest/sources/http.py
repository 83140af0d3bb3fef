"""Polite requests: one at a time, with pauses, retries and limits, and only to hosts that were named.

Bursts are answered with 429, or stall; an error page can come with status 200. So every request is preceded by
a pause, a trouble that may pass is waited out with growing pauses, and a body is never larger than allowed.
"""

from __future__ import annotations

import hashlib
import random
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import httpx

from services.ingest.sources.source import Fetched
from shared.errors import GranuleRejected, Unreachable
from shared.settings import IngestSettings

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_LISTING_BYTES = 32 << 20  # the page of a series of 250 months has 0.1 MB
_LATER = "It is tried again at the next poll"
_GZIP = 16 + zlib.MAX_WBITS


_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Page:
    """A page as text, with the address it came from."""

    url: str
    text: str


class _Trouble(Exception):
    """What may pass: the reason, and for how long the server asked to be left alone [s]."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.wait = reason, wait


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Certificates are always verified. Reading those to trust takes longer than a poll: once for each process.
    return httpx.create_ssl_context()


class PoliteClient:
    """Requests to the hosts of one source, one after another."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._last = float("-inf")
        self.status: int | None = None
        self._open: httpx.Client | None = None

    @property
    def _client(self) -> httpx.Client:
        if self._open is None:
            self._open = httpx.Client(
                verify=_tls(),
                timeout=self._settings.timeout,
                headers={"User-Agent": self._settings.user_agent, "Accept-Encoding": "identity"},
                limits=httpx.Limits(max_connections=1),
            )
        return self._open

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self.status = None
        if self._open is not None:
            self._open.close()
            self._open = None

    def page(self, url: str) -> Page:
        """A page as text; Unreachable if it does not come, or is larger than any page is."""

        def read() -> Page:
            with self._response(url, {}) as response:
                body = b"".join(self._body(response, _LISTING_BYTES, decode=True))
                return Page(str(response.url), body.decode(response.charset_encoding or "utf-8", "replace"))

        return self._patiently(url, read)

    def download(
        self,
        url: str,
        path: Path,
        *,
        limit: int | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Fetched | None:
        """Write a file as it comes, untouched; None if it is what etag or last_modified stand for.

        Raises
        ------
        Unreachable : it does not come, breaks off, or a web page comes in its place, again and again
        GranuleRejected : it is larger than allowed
        """
        conditions = {"If-None-Match": etag, "If-Modified-Since": None if etag else last_modified}
        asked = {name: value for name, value in conditions.items() if value}

        def read() -> Fetched | None:
            with self._response(url, asked) as response:
                if response.status_code == 304:
                    return None
                return self._write(response, path, limit or self._settings.max_bytes)

        return self._patiently(url, read)

    def _write(self, response: httpx.Response, path: Path, limit: int) -> Fetched:
        hasher, size = hashlib.sha256(), 0
        # A server may pack for the way what it does not keep packed; a file that is called .gz is meant to be so.
        decode = not path.name.endswith(".gz")
        with path.open("wb") as file:
            for chunk in self._body(response, limit, decode=decode):
                if not size and chunk.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
                    raise _Trouble("a web page came in place of the file")
                hasher.update(chunk)
                file.write(chunk)
                size += len(chunk)
        if not size:
            raise _Trouble("an empty file came")
        headers = response.headers
        return Fetched(
            path, hasher.hexdigest(), size, str(response.url), headers.get("ETag"), headers.get("Last-Modified")
        )

    def _body(self, response: httpx.Response, limit: int, *, decode: bool) -> Iterator[bytes]:
        """The bytes of a body, at most `limit` of them, and within the time allowed for one file."""
        announced = response.headers.get("Content-Length", "")
        self._check_size(int(announced) if announced.isdigit() else 0, limit, response)
        packed = decode and response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip")
        unpack = zlib.decompressobj(_GZIP) if packed else None
        size, until = 0, time.monotonic() + self._settings.patience
        for raw in response.iter_raw():  # as it comes: a larger piece would be waited for longer than is allowed
            chunk = unpack.decompress(raw, limit + 1 - size) if unpack else raw
            size += len(chunk)
            self._check_size(size, limit, response)
            if time.monotonic() > until:
                raise _Trouble(f"it took longer than {self._settings.patience:g} s")
            yield chunk
        if unpack and not unpack.eof:
            raise _Trouble("the body broke off")

    def _check_size(self, size: int, limit: int, response: httpx.Response) -> None:
        if size > limit:
            raise GranuleRejected(
                f"{response.url} has more than {limit} bytes, which is the limit",
                advice="Look at what is there; raise the limit if it is right",
            )

    @contextmanager
    def _response(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The answer at the end of a chain of redirects, each to a host that was named."""
        target = httpx.URL(url)
        for _ in range(self._settings.max_redirects + 1):
            self._check_host(target, url)
            self._pause()
            with self._client.stream("GET", target, headers=headers) as response:
                if self.status is None or self.status < 400:  # the first trouble stays
                    self.status = response.status_code
                if response.has_redirect_location:
                    following = response.url.join(response.headers["Location"])
                    if target.scheme == "https" and following.scheme != "https":
                        raise Unreachable(f"{url} leads from https to {following}", advice=_LATER)
                    target = following
                    continue
                _check_status(response, url)
                yield response
                return
        raise Unreachable(f"{url} leads on and on", advice=_LATER)

    def _check_host(self, target: httpx.URL, asked: str) -> None:
        host = target.host if target.port is None else f"{target.host}:{target.port}"
        if target.scheme not in ("http", "https") or not {target.host, host} & set(self._settings.hosts):
            raise Unreachable(
                f"{asked} leads to {target}, which is none of the hosts {', '.join(self._settings.hosts)}",
                advice="If upstream has moved, add its new host to the settings",
            )

    def _pause(self) -> None:
        """Wait until the last request is long enough ago."""
        rest = self._last + self._settings.pause - time.monotonic()
        if rest > 0.0:
            time.sleep(rest)
        self._last = time.monotonic()

    def _patiently(self, url: str, read: Callable[[], _Result]) -> _Result:
        """What `read` brings; after a trouble that may pass it is asked again, later and later."""
        for attempt in range(self._settings.retries + 1):
            try:
                return read()
            except _Trouble as trouble:
                reason, asked = trouble.reason, trouble.wait
            except (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, zlib.error) as error:
                reason, asked = str(error) or type(error).__name__, None
            except httpx.HTTPError as error:
                raise Unreachable(f"{url}: {error}", advice=_LATER) from error
            if attempt < self._settings.retries:
                time.sleep(self._wait(attempt, asked))
        times = f"{self._settings.retries + 1} times" if self._settings.retries else "once"
        raise Unreachable(f"{url} was asked for {times}: {reason}", advice=_LATER)

    def _wait(self, attempt: int, asked: float | None) -> float:
        """How long to wait [s]: as the server asks, else twice as long each time, with jitter."""
        longest = self._settings.max_retry_after
        if asked is not None:
            return min(asked, longest)
        # Jitter: many clients that were thrown out together must not come back together.
        return min(self._settings.pause * 2.0 ** (attempt + 1), longest) * random.uniform(0.5, 1.0)


def _check_status(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in _PASSING:
        raise _Trouble(f"answer {status}", _retry_after(response.headers.get("Retry-After", "")))
    if status not in (200, 304):
        raise Unreachable(f"{url} answers {status}", advice="Is the address still right? " + _LATER)


def _retry_after(text: str) -> float | None:
    """The seconds of a Retry-After header, written as a number or as a date; None if it says neither."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
