"""The store on S3: a real client against a server on the loopback."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import StoreDamaged, StoreUnavailable
from shared.storage.store import Store

HOUR = timedelta(hours=1)


@pytest.fixture
def store(s3: dict[str, Any], tmp_path: Path) -> Store:
    """A store below a prefix of its own."""
    return Store.at(f"s3://gravstream/{tmp_path.name}", **s3)


def name_of(store: Store, digest: str) -> str:
    return f"{store.place.root}/objects/{digest[:2]}/{digest[2:]}"  # type: ignore[attr-defined]


def test_bytes_come_back_in_every_way(store: Store, tmp_path: Path) -> None:
    content = os.urandom(6_000_000)  # more than one part of an upload
    (tmp_path / "file").write_bytes(content)
    digest = store.put_file(tmp_path / "file")
    assert digest == hashlib.sha256(content).hexdigest()
    assert store.get(digest) == content
    assert store.size(digest) == len(content)
    assert store.fetch(digest, tmp_path / "new" / "copy").read_bytes() == content
    assert store.local(digest) is None
    with store.open(digest) as stream:
        assert stream.read() == content


def test_small_and_empty_bytes_are_kept_once(store: Store) -> None:
    digests = {store.put(content) for content in (b"", b"month", b"month")}
    assert set(store.digests()) == digests and len(digests) == 2
    assert store.get(store.put(b"")) == b""


def test_what_another_machine_put_is_seen_at_once(store: Store, s3: dict[str, Any]) -> None:
    digest = hashlib.sha256(b"month").hexdigest()
    assert not store.has(digest) and list(store.digests()) == []
    Store.at(str(store.place), **s3).put(b"month")
    assert store.has(digest) and list(store.digests()) == [digest]


def test_damage_is_found_and_put_right_when_the_bytes_come_again(store: Store, tmp_path: Path) -> None:
    digest = store.put(b"month")
    store.place.files.pipe_file(name_of(store, digest), b"mouth")  # type: ignore[attr-defined]
    for way in (store.get, store.open, lambda name: store.fetch(name, tmp_path / "copy")):
        with pytest.raises(StoreDamaged, match="other bytes"):
            way(digest)
    assert not (tmp_path / "copy").exists()
    assert list(store.damaged()) == [digest]
    store.put(b"month")
    assert store.get(digest) == b"month"


def test_missing_bytes_are_told(store: Store, tmp_path: Path) -> None:
    for way in (store.get, store.open, store.size, lambda name: store.fetch(name, tmp_path / "copy")):
        with pytest.raises(StoreDamaged, match="is not in the store"):
            way("a" * 64)


def test_deleting_twice_is_as_once(store: Store) -> None:
    digest = store.put(b"month")
    store.delete(digest)
    store.delete(digest)
    assert not store.has(digest)


def test_garbage_is_what_nobody_wants_and_is_old(store: Store) -> None:
    wanted, unwanted = store.put(b"wanted"), store.put(b"unwanted")
    later = datetime.now(UTC) + 2 * HOUR
    assert store.collect_garbage({wanted}, older_than=3 * HOUR, dry_run=False, now=later) == []
    assert store.collect_garbage({wanted}, older_than=HOUR, dry_run=True, now=later) == [unwanted]
    assert set(store.digests()) == {wanted, unwanted}
    assert store.collect_garbage({wanted}, older_than=HOUR, dry_run=False, now=later) == [unwanted]
    assert list(store.digests()) == [wanted]


def test_a_store_that_does_not_answer_says_so(tmp_path: Path) -> None:
    options = {
        "key": "x",
        "secret": "x",
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    store = Store.at("s3://gravstream/none", **options)
    for way in (lambda: store.put(b"month"), lambda: store.get("a" * 64), lambda: list(store.digests())):
        with pytest.raises(StoreUnavailable, match="in the store s3://gravstream/none"):
            way()
    with pytest.raises(StoreUnavailable):
        store.has("a" * 64)


def test_a_bucket_that_is_not_there_is_unavailable(s3: dict[str, Any]) -> None:
    store = Store.at("s3://nobody-made-this", **s3)
    for way in (lambda: store.put(b"month"), lambda: store.get("a" * 64), lambda: store.size("a" * 64)):
        with pytest.raises(StoreUnavailable):
            way()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_can_use_the_store_of_its_parent(store: Store) -> None:
    digest = store.put(b"month")
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if store.get(digest) == b"month" and store.put(b"child") else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get(hashlib.sha256(b"child").hexdigest()) == b"child"
