"""A signed notice by web hook, after the Standard Webhooks specification 1.0 (https://www.standardwebhooks.com).

The receiver knows by the signature who wrote, by the time that it is not an old notice sent again, and by the id that
it has seen this one before: the id of a release's notice never changes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.publish.changes_page import NAME as CHANGES_PAGE
from services.publish.manifest import read_manifest
from services.publish.sums import SUMS
from services.publish.targets.target import latest_beside, require_sound
from services.publish.tombstone import read_tombstone
from shared.errors import RequestRefused, Unreachable
from shared.formats.files import sha256_of

ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

# How far the clocks of sender and receiver may differ [s]; an older notice is one that somebody sent again
TOLERANCE = 300

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SECRET = "whsec_"
_SHORTEST = 24  # bytes, as the specification asks
# Answers that may be another one next time
_LATER = (408, 425, 429)
_PATIENCE = 20.0  # s


@dataclass(frozen=True)
class Notice:
    """Tells an address of a release or its withdrawal.

    url: https, or http on this machine; secret: `whsec_` and base64, or plain text; public: where releases can be
    fetched, so that the notice can name the address of this one.
    """

    url: str
    secret: str = field(repr=False)
    public: str = ""
    name: str = "notice"
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise RequestRefused(f"notices to {self.url} could be read by others", advice="Give an address of https.")
        if len(_key(self.secret)) < _SHORTEST:
            found = f"the secret of notices to {self.url} is shorter than {_SHORTEST} bytes"
            raise RequestRefused(found, advice="Make one of 32 random bytes.")

    def deliver(self, release: Path) -> str:
        """Send the notice; the receiver knows one that it has seen by its id."""
        require_sound(release)
        identity, words = notice_of(release, self.public)
        body = json.dumps(words, ensure_ascii=False).encode()
        headers = signed_headers(self.secret, identity, int(self.clock().timestamp()), body)
        try:
            # A redirect is not followed: the notice is signed for this address.
            answer = httpx.post(self.url, content=body, headers=headers, timeout=_PATIENCE, follow_redirects=False)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url} does not answer ({error})", advice="It is told again later.") from error
        if answer.is_success:
            return f"told {urlsplit(self.url).netloc}: {words['type']}"
        if answer.status_code >= 500 or answer.status_code in _LATER:
            raise Unreachable(f"{self.url} answers {answer.status_code}", advice="It is told again later.")
        raise RequestRefused(f"{self.url} answers {answer.status_code}", advice="Correct the address or the secret.")


def notice_of(release: Path, public: str = "") -> tuple[str, dict[str, Any]]:
    """Id and content of the notice of a release, or of its withdrawal."""
    stone = read_tombstone(release)
    address = {"url": f"{public.rstrip('/')}/{release.parent.name}/{release.name}/"} if public else {}
    if stone is not None:
        data = {"release": stone.release, "reason": stone.reason, "successor": stone.successor}
        return f"{release.name}.retracted", {
            "type": "release.retracted",
            "timestamp": stone.when,
            "data": data | address,
        }
    manifest = read_manifest(release)
    data = {
        "release": manifest.release,
        "product": manifest.product,
        "version": manifest.version,
        "kind": manifest.kind,
        "why": manifest.why,
        "first": str(manifest.first),
        "last": str(manifest.last),
        "months": str(len(manifest.months)),
        "latest": latest_beside(release) or "",
        "sums_sha256": sha256_of(release / SUMS),
        "changes": CHANGES_PAGE,
    }
    return f"{release.name}.issued", {
        "type": "release.issued",
        "timestamp": manifest.issued,
        "data": data | address,
    }


def signed_headers(secret: str, identity: str, moment: int, body: bytes) -> dict[str, str]:
    """The headers of a notice: id, time [s since 1970] and the signature of both with the body."""
    return {
        "content-type": "application/json",
        ID: identity,
        TIME: str(moment),
        SIGNATURE: f"v1,{_signature(secret, identity, moment, body)}",
    }


def verify_notice(secret: str, headers: Mapping[str, str], body: bytes, now: int, tolerance: int = TOLERANCE) -> str:
    """The id of a notice whose signature and time are right, for receivers.

    Raises
    ------
    RequestRefused : if it was not signed with this secret, or is older or newer than the tolerance [s] allows
    """
    words = {key.lower(): value for key, value in headers.items()}
    identity, stated, signatures = (words.get(key, "") for key in (ID, TIME, SIGNATURE))
    if not stated.isascii() or not stated.isdigit() or abs(now - int(stated)) > tolerance:
        raise RequestRefused(f"a notice of the time {stated!r}, now is {now}", advice="Set the clock, or ignore it.")
    expected = f"v1,{_signature(secret, identity, int(stated), body)}".encode()
    # Several signatures while a secret is exchanged
    if not any(hmac.compare_digest(expected, each.encode()) for each in signatures.split()):
        raise RequestRefused("a notice that was not signed with this secret", advice="Ignore it.")
    return identity


def _signature(secret: str, identity: str, moment: int, body: bytes) -> str:
    content = f"{identity}.{moment}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), content, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    """The bytes of a secret, as the specification writes it or as plain text."""
    if not secret.startswith(_SECRET):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET), validate=True)
    except binascii.Error as error:
        raise RequestRefused("a secret that is no base64 behind whsec_", advice="Make a new one.") from error
