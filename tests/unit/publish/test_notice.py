"""A notice reaches a real server, tells what was released, and cannot be forged or sent again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.publish.release import switch_latest
from services.publish.sums import SUMS
from services.publish.targets.notice import ID, SIGNATURE, TIME, Notice, verify_notice
from services.publish.tombstone import retract
from shared.errors import ProductHeld, RequestRefused, Unreachable
from shared.formats.files import sha256_of
from tests.unit.publish.releases import release_level2b, write_months

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)


@dataclass
class Receiver:
    """A real server on the loopback that keeps what it is told."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.heard.append((dict(self.headers.items()), body))
            self.send_response(state.answers.pop(0) if state.answers else 204)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    release = release_level2b(tmp_path / "l2b", write_months(tmp_path / "files", ["2008-04"]))
    switch_latest(release.parent, release.name)
    return release


def notice(receiver: Receiver, **more: str) -> Notice:
    return Notice(receiver.url, SECRET, clock=lambda: NOW, **more)


def test_a_release_is_told_with_all_that_a_receiver_needs(receiver: Receiver, release: Path) -> None:
    notice(receiver, public="https://data.example.org/").deliver(release)
    ((headers, body),) = receiver.heard
    words = json.loads(body)
    assert words["type"] == "release.issued"
    assert words["data"]["release"] == words["data"]["latest"] == "l2b-0001-001"
    assert words["data"]["url"] == "https://data.example.org/l2b/l2b-0001-001/"
    assert words["data"]["sums_sha256"] == sha256_of(release / SUMS)
    assert (words["data"]["first"], words["data"]["last"], words["data"]["kind"]) == ("2008-04", "2008-04", "initial")
    assert headers["content-type"] == "application/json"


def test_the_signature_is_that_of_the_specification(receiver: Receiver, release: Path) -> None:
    """Computed here from the words of the specification: HMAC-SHA256 of `id.timestamp.body`, in base64 behind v1."""
    notice(receiver).deliver(release)
    ((headers, body),) = receiver.heard
    signed = f"{headers[ID]}.{headers[TIME]}.".encode() + body
    digest = hmac.new(bytes(range(32)), signed, hashlib.sha256).digest()
    assert headers[SIGNATURE] == "v1," + base64.b64encode(digest).decode()
    assert headers[TIME] == str(int(NOW.timestamp()))
    assert verify_notice(SECRET, headers, body, int(NOW.timestamp()) + 299) == "l2b-0001-001.issued"


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda h, b: (h, b.replace(b"0001", b"0002")), "not signed"),
        (lambda h, b: (h | {ID: "another"}, b), "not signed"),
        (lambda h, b: (h | {TIME: str(int(h[TIME]) + 1)}, b), "not signed"),
        (lambda h, b: (h | {SIGNATURE: "v1,AAAA"}, b), "not signed"),
        (lambda h, b: (h | {SIGNATURE: ""}, b), "not signed"),
        (lambda h, b: (h | {TIME: str(int(h[TIME]) - 301)}, b), "a notice of the time"),
        (lambda h, b: (h | {TIME: str(int(h[TIME]) + 301)}, b), "a notice of the time"),
        (lambda h, b: (h | {TIME: "now"}, b), "a notice of the time"),
    ],
)
def test_a_forged_or_old_notice_is_refused(edit, said: str, receiver: Receiver, release: Path) -> None:
    notice(receiver).deliver(release)
    headers, body = edit(*receiver.heard[0])
    with pytest.raises(RequestRefused, match=said):
        verify_notice(SECRET, headers, body, int(NOW.timestamp()))


def test_another_secret_does_not_verify(receiver: Receiver, release: Path) -> None:
    notice(receiver).deliver(release)
    with pytest.raises(RequestRefused, match="not signed"):
        verify_notice("x" * 32, *receiver.heard[0], int(NOW.timestamp()))


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_in_trouble_is_told_again_later(status: int, receiver: Receiver, release: Path) -> None:
    receiver.answers = [status]
    with pytest.raises(Unreachable, match=str(status)):
        notice(receiver).deliver(release)
    notice(receiver).deliver(release)
    assert [headers[ID] for headers, _ in receiver.heard] == ["l2b-0001-001.issued"] * 2
    assert receiver.heard[0][1] == receiver.heard[1][1]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_a_server_that_refuses_is_not_asked_again(status: int, receiver: Receiver, release: Path) -> None:
    receiver.answers = [status]
    with pytest.raises(RequestRefused, match=str(status)):
        notice(receiver).deliver(release)
    assert len(receiver.heard) == 1  # a redirect was not followed


def test_nobody_there_is_unreachable(release: Path) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Notice("http://127.0.0.1:9/hook", SECRET).deliver(release)


def test_a_withdrawal_is_told_with_its_reason(receiver: Receiver, release: Path) -> None:
    retract(release, "C20 of the wrong table", who="a person", when="2026-02-03T04:05:06Z")
    notice(receiver).deliver(release)
    ((headers, body),) = receiver.heard
    assert headers[ID] == "l2b-0001-001.retracted"
    assert json.loads(body)["data"]["reason"] == "C20 of the wrong table"


def test_a_damaged_release_is_not_told(receiver: Receiver, release: Path) -> None:
    release.chmod(0o755)
    (release / "CHANGES.md").unlink()
    with pytest.raises(ProductHeld, match=r"CHANGES\.md is missing"):
        notice(receiver).deliver(release)
    assert receiver.heard == []


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        ("http://example.org/hook", SECRET, "could be read by others"),
        ("ftp://example.org/hook", SECRET, "could be read by others"),
        ("https://example.org/hook", "short", "shorter than 24 bytes"),
        ("https://example.org/hook", "whsec_!!", "no base64"),
    ],
)
def test_an_address_or_secret_that_protects_nothing_is_refused(url: str, secret: str, said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        Notice(url, secret)


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(Notice("https://example.org/hook", SECRET))
