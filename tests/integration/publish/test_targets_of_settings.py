"""A desk that is built from the environment: where its releases go, each target by itself, secrets from files."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from services.publish import app, desk
from services.publish.desk import Desk
from services.publish.release import switch_latest
from services.publish.targets.notice import ID, verify_notice
from shared import settings
from shared.storage.catalogue import now
from tests.integration.storage.servers import s3_server
from tests.unit.publish.releases import contents, release_level2b, write_months

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
KEY, PASSWORD = "AKIA/+test", 'a/b+c"d e'


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with s3_server() as address:
        yield address


class Receiver:
    """A server on the loopback that is told of releases and verifies who told it."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = dict(self.headers.items())
                verify_notice(SECRET, headers, body, int(now().timestamp()))
                receiver.heard.append({"id": headers[ID], **json.loads(body)})
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def at_the_desk(
    store: str, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Desk, Path]]:
    """A desk as the worker opens it, with a release that is entered and is to be delivered."""
    for name in [name for name in os.environ if name.startswith(("GRAVSTREAM_", "AWS_"))]:
        monkeypatch.delenv(name)
    bucket = fsspec.filesystem("s3", key="test", secret="test", endpoint_url=store, skip_instance_cache=True)
    bucket.mkdir("released")
    environment = {
        "HOME": str(tmp_path / "home"), "PRODUCTS": "l2b", "ARCHIVE": str(tmp_path / "archive"),
        "BUCKET": "s3://released/grace", "BUCKET_ENDPOINT": store, "BUCKET_REGION": "us-east-1",
        "BUCKET_KEY_FILE": KEY, "BUCKET_SECRET_FILE": PASSWORD,
        "NOTICE_URL": receiver.url, "NOTICE_SECRET_FILE": SECRET, "RELEASES_URL": "https://data.example.org/grace/",
    }  # fmt: skip
    for name, value in environment.items():
        if name.endswith("_FILE"):
            (tmp_path / name).write_text(value + "\n")
            value = str(tmp_path / name)
        monkeypatch.setenv(f"GRAVSTREAM_{name}", value)
    (tmp_path / "archive").mkdir()
    opened = app.desk()
    folder = release_level2b(opened.releases / "l2b", write_months(tmp_path / "files", ["2008-04"]))
    switch_latest(folder.parent, folder.name)
    facts = {"product": "l2b", "version": "0001", "first": "2008-04", "last": "2008-04"}
    release = opened.catalogue.create_release(kind="initial", key="f" * 64, **facts)
    assert release.id == folder.name
    opened.catalogue.issue_release(release.id, directory=str(folder))
    yield opened, folder
    opened.catalogue.close()
    bucket.rm("released", recursive=True)


def states(at: Desk) -> dict[str, tuple[str, int]]:
    return {each.target: (each.state, each.attempts) for each in at.catalogue.deliveries()}


def stored(store: str, folder: Path) -> dict[str, bytes]:
    """All objects of a release, looked at by a client of its own."""
    system = fsspec.filesystem("s3", key="x", secret="x", endpoint_url=store, skip_instance_cache=True)
    start = f"released/grace/l2b/{folder.name}/"
    return {path.removeprefix(start): system.cat_file(path) for path in system.find(start)}


def test_a_release_goes_to_archive_bucket_and_hook(
    at_the_desk: tuple[Desk, Path], store: str, receiver: Receiver, tmp_path: Path
) -> None:
    opened, folder = at_the_desk
    desk.deliver(opened)
    assert states(opened) == {"archive": ("done", 1), "objects": ("done", 1), "notice": ("done", 1)}
    assert contents(tmp_path / "archive" / "l2b" / folder.name) == contents(folder) == stored(store, folder)
    (notice,) = receiver.heard  # it was verified when it came
    assert notice["id"] == f"{folder.name}.issued"
    assert notice["data"]["url"] == f"https://data.example.org/grace/l2b/{folder.name}/"
    desk.deliver(opened)
    assert len(receiver.heard) == 1


def test_a_target_that_fails_is_tried_again_alone(
    at_the_desk: tuple[Desk, Path], receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, folder = at_the_desk
    (tmp_path / "archive").rename(tmp_path / "unmounted")
    receiver.answers = [503]
    desk.deliver(opened)
    assert states(opened) == {"archive": ("failed", 1), "objects": ("done", 1), "notice": ("failed", 1)}
    desk.deliver(opened)  # at once: it is left alone for a while
    assert states(opened)["archive"] == ("failed", 1)
    (tmp_path / "unmounted").rename(tmp_path / "archive")
    later = now() + desk.RETRY_DELIVERY + timedelta(seconds=1)
    monkeypatch.setattr("shared.storage.traffic.moment", lambda given: given or later)
    desk.deliver(opened)
    assert states(opened) == {"archive": ("done", 2), "objects": ("done", 1), "notice": ("done", 2)}
    assert contents(tmp_path / "archive" / "l2b" / folder.name) == contents(folder)
    assert [each["id"] for each in receiver.heard] == [f"{folder.name}.issued"] * 2  # one id: the receiver knows it


def test_a_target_that_fails_in_a_way_of_its_own_holds_no_other(at_the_desk: tuple[Desk, Path]) -> None:
    class Broken:
        name = "broken"

        def deliver(self, release: Path) -> None:
            raise KeyError("x-amz-request-id")

    opened, _ = at_the_desk
    desk.deliver(replace(opened, targets=(Broken(), *opened.targets)))
    assert {name: state for name, (state, _) in states(opened).items()} == {
        "broken": "failed", "archive": "done", "objects": "done", "notice": "done",
    }  # fmt: skip
    (failed,) = opened.catalogue.log(kind="delivery-failed")
    assert "KeyError" in failed.text


def test_a_target_that_refuses_is_not_asked_at_each_look(at_the_desk: tuple[Desk, Path], receiver: Receiver) -> None:
    opened, _ = at_the_desk
    receiver.answers = [401] * 10
    for _ in range(3):
        desk.deliver(opened)
    assert len(receiver.heard) == 1 and states(opened)["notice"] == ("failed", 1)
    assert len(opened.catalogue.log(kind="delivery-failed")) == 1


def test_the_keys_in_the_files_are_those_that_the_store_is_asked_with(at_the_desk: tuple[Desk, Path]) -> None:
    opened, _ = at_the_desk
    objects = next(target for target in opened.targets if target.name == "objects")
    system, root = objects._connected()
    assert (system.key, system.secret, root) == (KEY, PASSWORD, "released/grace")
    assert system.client_kwargs == {"region_name": "us-east-1"}


def test_no_secret_is_shown_by_settings_or_targets(at_the_desk: tuple[Desk, Path]) -> None:
    opened, _ = at_the_desk
    shown = repr(settings.targets()) + repr(opened.targets)
    assert not [secret for secret in (SECRET, PASSWORD, KEY) if secret in shown]


def test_without_settings_there_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GRAVSTREAM_")]:
        monkeypatch.delenv(name)
    assert app.targets(settings.targets()) == []
