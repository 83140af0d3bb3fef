"""What goes around every answer: who may read, how often, how much, and what is never said."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import httpx
import pytest

from tests.console_home import Home
from tests.integration.console.conftest import Console, Serve, context_of, served

EVERYWHERE = ("/", "/api/v1/status", "/api/v1/docs", "/stac", "/metrics", "/nothing", "/api/v1/months/x")


class TestHeaders:
    @pytest.mark.parametrize("path", EVERYWHERE)
    def test_every_answer_is_protected(self, console: Console, path: str) -> None:
        headers = httpx.get(console.url + path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert (headers["referrer-policy"], "camera=()" in headers["permissions-policy"]) == ("no-referrer", True)
        assert "strict-transport-security" not in headers
        assert "server" not in headers
        assert headers["cache-control"]

    def test_https_is_insisted_on_where_users_come_by_it(self, serve: Serve) -> None:
        with serve(url="https://data.example.org").client() as client:
            assert client.get("/health").headers["strict-transport-security"] == "max-age=31536000"

    def test_no_other_page_is_let_in(self, console: Console) -> None:
        answer = httpx.options(
            f"{console.url}/api/v1/status",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert not [name for name in answer.headers if name.startswith("access-control")]


class TestPages:
    def test_reference_names_every_operation_without_scripts(self, console: Console) -> None:
        description = httpx.get(f"{console.url}/api/v1/openapi.json").json()
        text = httpx.get(f"{console.url}/api/v1/docs").text
        for path, operations in description["paths"].items():
            for method in operations:
                assert f"<code>{method.upper()} {path}</code>" in text
        assert not re.search(r"<script|<style|\son\w+=|style=|https?://", text.replace("http://www.w3.org", ""))

    def test_description_tells_what_every_operation_does_and_that_it_may_fail(self, console: Console) -> None:
        description = httpx.get(f"{console.url}/api/v1/openapi.json").json()
        operations = [each for path in description["paths"].values() for each in path.values()]
        assert not [each["operationId"] for each in operations if not each.get("description")]
        problem = {"$ref": "#/components/schemas/Problem"}
        for each in operations:
            for status in ("401", "422", "429", "503"):
                assert each["responses"][status]["content"]["application/json"]["schema"] == problem
        assert "HTTPValidationError" not in description["components"]["schemas"]

    def test_playbooks_are_pages(self, console: Console) -> None:
        for notice in httpx.get(f"{console.url}/api/v1/status").json()["attention"]:
            answer = httpx.get(console.url + notice["playbook"])
            assert (answer.status_code, "<h1>" in answer.text) == (200, True), notice["playbook"]

    def test_health_and_metrics_are_told(self, console: Console) -> None:
        assert httpx.get(f"{console.url}/health").text == "ok\n"
        metrics = httpx.get(f"{console.url}/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "# TYPE gravstream_" in metrics.text


class TestClosed:
    READ = ("/api/v1/status", "/api/v1/releases", "/api/v1/releases/twsa-v1.0-003/files/manifest.json", "/stac",
            "/latest/twsa", "/metrics", "/api/v1/basins")  # fmt: skip

    @pytest.fixture
    def closed(self, serve: Serve) -> Console:
        return serve(reading="closed")

    def test_nothing_of_the_record_is_read_without_a_token(self, closed: Console) -> None:
        with closed.client() as nobody, closed.client("operator") as reader:
            for path in self.READ:
                assert nobody.get(path).status_code == 401, path
                assert reader.get(path).status_code in (200, 307), path

    def test_what_lets_one_sign_in_is_open(self, closed: Console) -> None:
        with closed.client() as nobody:
            assert {nobody.get(path).status_code for path in ("/", "/health", "/api/v1/docs")} == {200}

    def test_answers_are_not_shared_between_readers(self, closed: Console) -> None:
        with closed.client("operator") as reader:
            assert reader.get("/api/v1/status").headers["cache-control"] == "private, no-cache"


class TestRates:
    def test_whoever_reads_too_often_waits(self, serve: Serve) -> None:
        with serve(requests=(5, 100)).client() as client:
            answers = [client.get("/health") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "60"
        assert set(answers[-1].json()) == {"error", "advice"}

    def test_whoever_guesses_tokens_waits(self, serve: Serve) -> None:
        console = serve(requests=(1000, 3))
        with console.client() as client:
            headers = {"Authorization": "Bearer gvs_guessed"}
            tried = [client.post("/api/v1/units/" + 64 * "0" + "/drop", headers=headers, json={"reason": "guess"})
                     for _ in range(5)]  # fmt: skip
        assert [answer.status_code for answer in tried] == [401] * 3 + [429] * 2

    def test_a_token_has_its_own_measure_wherever_it_is_used(self, serve: Serve) -> None:
        console = serve(requests=(1000, 2), url="https://data.example.org")  # a proxy names who asks
        unit = "/api/v1/units/" + 64 * "0" + "/drop"

        def statuses(role: str, addresses: range) -> list[int]:
            with console.client(role) as client:
                asked = [{"X-Forwarded-For": f"10.0.0.{number}"} for number in addresses]
                return [client.post(unit, headers=each, json={"reason": "once"}).status_code for each in asked]

        assert statuses("operator", range(1, 5)) == [404, 404, 429, 429]
        assert statuses("scientist", range(11, 13)) == [404, 404]

    def test_a_header_that_names_an_address_is_not_believed_where_no_proxy_stands(self, serve: Serve) -> None:
        with serve(requests=(5, 100)).client() as client:
            names = [{"X-Forwarded-For": f"10.0.0.{number}"} for number in range(7)]
            answers = [client.get("/health", headers=each).status_code for each in names]
        assert answers == [200] * 5 + [429] * 2

    def test_more_connections_than_can_be_served_are_told_to_come_again(self, serve: Serve) -> None:
        console = serve()
        address = ("127.0.0.1", int(console.url.rpartition(":")[2]))
        with ExitStack() as idle:
            for _ in range(200):
                idle.enter_context(socket.create_connection(address))
            assert httpx.get(f"{console.url}/health").status_code == 503
        until = time.monotonic() + 10.0  # they are gone as soon as the server has seen it
        while httpx.get(f"{console.url}/health").status_code == 503:
            assert time.monotonic() < until
            time.sleep(0.05)


class TestTheLog:
    def test_has_a_line_for_each_answer_without_what_was_asked_behind_the_address(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO", "gravstream.console.access"), serve().client("operator") as client:
            client.get("/health", params={"token": "gvs_by_mistake"})
            client.get("/api/v1/me")
        lines = [record.getMessage() for record in caplog.records if record.name == "gravstream.console.access"]
        assert [line.split()[1:4] for line in lines] == [["GET", "/health", "200"], ["GET", "/api/v1/me", "200"]]
        assert "gvs_" not in caplog.text


class TestSize:
    def test_a_body_that_announces_too_much_is_refused_at_once(self, console: Console) -> None:
        with console.client("operator") as client:
            answer = client.post("/api/v1/reprocess", content=b"x" * 1_000_001)
            token = client.headers["authorization"]
        assert answer.status_code == 413
        assert set(answer.json()) == {"error", "advice"}
        lines = ("POST /api/v1/reprocess HTTP/1.1", "Host: here", f"Authorization: {token}", "Content-Length: 1000001")
        address = ("127.0.0.1", int(console.url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=20.0) as waiting:  # a body that comes has 30 s for each piece
            waiting.sendall("\r\n".join((*lines, "", "")).encode())
            assert b" 413 " in waiting.recv(100), "nothing of the body was sent"

    def test_a_body_that_announces_nothing_is_refused_when_it_is_too_much(self, console: Console) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(30):
                yield b" " * 100_000

        with console.client("operator") as client:
            try:
                answer = client.post(
                    "/api/v1/reprocess", content=pieces(), headers={"Content-Type": "application/json"}
                )
            except httpx.WriteError:  # it hung up in the middle of it
                return
        assert answer.status_code == 413

    def test_a_body_that_does_not_come_is_given_up(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        import socket

        from services.publish.console import protection

        monkeypatch.setattr(protection, "PATIENCE", 0.5)
        console = serve()
        secret = console.catalogue.add_token("slow", "operator")
        host, port = console.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20.0) as connection:
            head = f"POST /api/v1/reprocess HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n"
            connection.sendall((head + "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{").encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 408")


class TestFaults:
    def test_a_fault_of_ours_is_told_without_its_trace(self, own_home: Home, caplog: pytest.LogCaptureFixture) -> None:
        def broken() -> dict[str, int]:
            raise ZeroDivisionError("the secret inside")

        with served(replace(context_of(own_home), queue_lengths=broken)) as console, console.client() as client:
            answer = client.get("/api/v1/status")
        assert (answer.status_code, set(answer.json())) == (500, {"error", "advice"})
        assert "Zero" not in answer.text and "secret" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "ZeroDivisionError: the secret inside" in caplog.text

    def test_a_catalogue_that_does_not_answer_is_told_with_advice(self, own_home: Home) -> None:
        with served(context_of(own_home)) as console, console.client() as client:
            assert client.get("/health").status_code == 200
            console.catalogue.engine.dispose()
            path = own_home.home / "catalogue.sqlite"
            path.rename(path.with_name("away"))
            path.mkdir()
            answer = client.get("/api/v1/status")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            assert "Check that its database runs" in answer.json()["advice"]
            assert str(own_home.home) not in answer.text
            path.rmdir()
            path.with_name("away").rename(path)
            assert client.get("/api/v1/status").status_code == 200
