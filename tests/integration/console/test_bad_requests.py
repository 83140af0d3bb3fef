"""Bad input gets a clear answer: a status of its sender's fault, what is wrong, and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.console.conftest import Console

R = "/api/v1/releases/twsa-v1.0-003"
LONG = "a" * 5000
RING = [[-60 + 0.001 * n, 0.0] for n in range(10_000)] + [[-50.0, 5.0]]
SQUARE = [[-60, -10], [-50, -10], [-50, 0], [-60, 0]]

ADDRESSES = [
    # names that lead elsewhere, or are none
    "/api/v1/releases/..%2f..%2fcatalogue.sqlite",
    "/api/v1/releases/..%2Fetc%2Fpasswd/files/x",
    "/api/v1/releases/%00",
    "/api/v1/releases/twsa-v1.0-003%0a",
    f"/api/v1/releases/{LONG}",
    "/api/v1/releases/'%20OR%201=1--",
    "/api/v1/releases/none",
    f"{R}/files/..%2fmanifest.json",
    f"{R}/files/../../../../../etc/passwd",
    f"{R}/files/%2e%2e%2f%2e%2e%2fcatalogue.sqlite",
    f"{R}/files/{LONG}",
    f"{R}/files/%ff%fe",
    f"{R}/changes/..%2f",
    f"{R}/changes/none",
    f"{R}/changes/l2b-0001-001",
    f"{R}/changes/twsa-v1.0-004",
    "/static/..%2f..%2fapp.py",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/app.py",
    f"/{LONG}",
    "/latest/nothing",
    f"/latest/{LONG}",
    "/latest/..%2f..",
    "/playbooks/..%2f..%2fREADME",
    "/playbooks/NOTHING",
    "/stac/nothing",
    "/stac/twsa/none",
    "/stac/l2b/twsa-v1.0-003",
    # wrong dates and numbers
    "/api/v1/months/2004-13",
    "/api/v1/months/2004-00",
    "/api/v1/months/04-2004",
    "/api/v1/months/0000-01",
    "/api/v1/months/9999-12",
    "/api/v1/months/2004-2",
    "/api/v1/months/%F0%9D%9F%9A004-02",
    "/api/v1/months/1905-01",
    "/api/v1/months?product=nothing",
    "/api/v1/months?product=../../x",
    "/api/v1/log?limit=0",
    "/api/v1/log?limit=-1",
    "/api/v1/log?limit=1e9",
    "/api/v1/log?limit=99999999999999999999999999",
    "/api/v1/log?limit=NaN",
    "/api/v1/log?subject=%00",
    f"/api/v1/log?subject={LONG}",
    "/api/v1/runs?offset=-1",
    "/api/v1/runs?offset=99999999999999999999",
    "/api/v1/runs?limit=ten",
    "/api/v1/releases?product=nothing",
    # places that are none
    f"{R}/point.json?lat=NaN&lon=0",
    f"{R}/point.json?lat=0&lon=Infinity",
    f"{R}/point.json?lat=91&lon=0",
    f"{R}/point.json?lat=0&lon=1e308",
    f"{R}/point.json?lat=0",
    f"{R}/point.json?lat=zero&lon=0",
    f"{R}/point.json?lat=0&lon=-30",
    f"{R}/point.exe?lat=0&lon=10",
    f"{R}/map/nothing.png",
    f"{R}/map/twsa.gif",
    f"{R}/map/twsa.png?month=2004-13",
    f"{R}/map/twsa.png?month=1999-01",
    f"{R}/map/..%2f..%2fx.png",
    f"{R}/value?layer=twsa&lat=NaN&lon=NaN",
    f"{R}/area.json?basin=Atlantis",
    f"{R}/area.json",
    "/api/v1/releases/l2b-0001-001/view",
    "/api/v1/releases/l2b-0001-001/point.json?lat=0&lon=10",
]

POLYGONS: list[Any] = [
    [],
    [[0, 0], [1, 1]],
    [[0, 0], [0, 0], [0, 0]],
    [[200, 100], [300, 100], [300, -100]],
    RING,
    "everywhere",
    None,
    [[0]],
    [["a", "b"], ["c", "d"], ["e", "f"]],
    [[0, 0, 0], [1, 1, 1], [2, 0, 2]],
    {"type": "Polygon"},
    [[1e308, 1e308], [-1e308, 1e308], [0, -1e308]],
]

BODIES: list[tuple[str, Any]] = [
    ("reprocess", {}),
    ("reprocess", []),
    ("reprocess", "months"),
    ("reprocess", {"reason": ""}),
    ("reprocess", {"reason": "  "}),
    ("reprocess", {"reason": "x" * 501}),
    ("reprocess", {"reason": "a\u0000b"}),
    ("reprocess", {"reason": "line\nbreak"}),
    ("reprocess", {"reason": 5}),
    ("reprocess", {"reason": "why", "months": "2004-02"}),
    ("reprocess", {"reason": "why", "months": ["2004-13"]}),
    ("reprocess", {"reason": "why", "months": ["../.."]}),
    ("reprocess", {"reason": "why", "months": ["2004-02"] * 501}),
    ("reprocess", {"reason": "why", "from_step": "../x"}),
    ("reprocess", {"reason": "why", "dry_run": "perhaps"}),
    ("reprocess", {"reason": "why", "auxiliaries": {"gia": "/etc/passwd"}}),
    ("releases/twsa-v1.0-004/approve", {}),
    ("releases/twsa-v1.0-004/destroy", {"reason": "why"}),
    ("releases/..%2f..%2fx/approve", {"reason": "why"}),
    ("releases/none/retract", {"reason": "why"}),
    ("releases/twsa-v1.0-001/approve", {"reason": "why"}),
    ("units/short/retry", {"reason": "why"}),
    (f"units/{'f' * 64}/retry", {"reason": "why"}),
    (f"units/{'F' * 64}/retry", {"reason": "why"}),
    ("baselines/0/accept", {"reason": "why"}),
    ("baselines/99999999999999999999/accept", {"reason": "why"}),
    ("baselines/one/accept", {"reason": "why"}),
    ("baselines/1.5/accept", {"reason": "why"}),
    ("files/-1/accept", {"reason": "why"}),
    ("files/12345/refuse", {"reason": "why"}),
]

RAW = [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"reason": ' + b"9" * 5000 + b"}", b'{"reason": NaN}', b"null",
       b'{"reason": "\\ud800 alone"}', b"reason=why"]  # fmt: skip


@pytest.fixture(scope="module")
def client(console: Console) -> Iterator[httpx.Client]:
    """A client that may do all; nothing of this is done."""
    before = console.catalogue.last_event() + 1  # the token itself is told in the log
    with console.client("scientist") as opened:
        yield opened
        assert console.catalogue.last_event() == before


def assert_clear(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    told = answer.json()
    assert set(told) == {"error", "advice"}
    assert all(3 < len(text) < 1200 and "Traceback" not in text for text in told.values()), told


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda text: text[:70])
def test_an_address_that_makes_no_sense_is_refused_clearly(client: httpx.Client, address: str) -> None:
    assert_clear(client.get(address))


@pytest.mark.parametrize(("path", "body"), BODIES, ids=lambda each: str(each)[:60])
def test_a_body_that_makes_no_sense_is_refused_clearly(client: httpx.Client, path: str, body: Any) -> None:
    assert_clear(client.post(f"/api/v1/{path}", json=body))


@pytest.mark.parametrize("content", RAW, ids=lambda raw: repr(raw[:30]))
def test_what_is_no_json_is_refused_clearly(client: httpx.Client, content: bytes) -> None:
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        answer = client.post("/api/v1/reprocess", content=content, headers={"Content-Type": kind})
        assert_clear(answer)


@pytest.mark.parametrize("polygon", POLYGONS, ids=lambda each: str(each)[:40])
def test_a_polygon_that_is_none_or_too_much_is_refused_clearly(client: httpx.Client, polygon: Any) -> None:
    assert_clear(client.post(f"{R}/area.json", json={"polygon": polygon}))


def test_a_polygon_with_what_is_no_number_is_refused_clearly(client: httpx.Client) -> None:
    for word in ("NaN", "Infinity", "-Infinity"):
        content = json.dumps({"polygon": SQUARE}).replace("-60", word).encode()
        assert_clear(client.post(f"{R}/area.json", content=content, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "NONSENSE"])
@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/reprocess", f"{R}/files/manifest.json", "/", "/nothing"])
def test_a_method_that_is_not_for_this_is_refused_with_those_that_are(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert_clear(answer)
    assert answer.status_code == 405 and answer.headers["allow"]
