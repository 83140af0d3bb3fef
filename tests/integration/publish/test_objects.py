"""An object store over the wire (moto's S3 server): complete, resumed, pointed at, withdrawn, and honest when down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from services.publish.release import switch_latest
from services.publish.sums import SUMS
from services.publish.targets.objects import ObjectStore
from services.publish.tombstone import retract
from shared.errors import ProductHeld, RequestRefused, Unreachable
from tests.integration.storage.servers import s3_server
from tests.unit.publish.releases import contents, release_level2b, write_months

BUCKET = "releases"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def options(endpoint: str) -> dict[str, Any]:
    return {"key": "test", "secret": "test", "endpoint_url": endpoint}


@pytest.fixture
def bucket(options: dict[str, Any]) -> Iterator[Any]:
    """An empty bucket, looked at by a client that keeps no listing."""
    system = fsspec.filesystem("s3", use_listings_cache=False, skip_instance_cache=True, **options)
    system.mkdir(BUCKET)
    yield system
    system.rm(BUCKET, recursive=True)


@pytest.fixture
def store(bucket: Any, options: dict[str, Any]) -> ObjectStore:
    return ObjectStore(f"s3://{BUCKET}/data", options)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    release = release_level2b(tmp_path / "l2b", write_months(tmp_path / "files", ["2008-04"]))
    switch_latest(release.parent, release.name)
    return release


def stored(bucket: Any, release: str) -> dict[str, bytes]:
    """All objects of a release by their name in it."""
    start = f"{BUCKET}/data/l2b/{release}/"
    return {path.removeprefix(start): bucket.cat_file(path) for path in bucket.find(start)}


def pointer(bucket: Any) -> str | None:
    path = f"{BUCKET}/data/l2b/latest.json"
    return str(json.loads(bucket.cat_file(path))["release"]) if bucket.exists(path) else None


def test_a_release_arrives_byte_by_byte_and_is_pointed_at(store: ObjectStore, bucket: Any, release: Path) -> None:
    store.deliver(release)
    assert stored(bucket, release.name) == contents(release)
    assert pointer(bucket) == release.name


def test_delivering_again_writes_nothing(store: ObjectStore, bucket: Any, release: Path) -> None:
    store.deliver(release)
    before = {path: facts["LastModified"] for path, facts in bucket.find(BUCKET, detail=True).items() if SUMS in path}
    assert "there already" in store.deliver(release)
    after = {path: facts["LastModified"] for path, facts in bucket.find(BUCKET, detail=True).items() if SUMS in path}
    assert before == after


def test_a_delivery_that_was_cut_off_goes_on_where_it_was(store: ObjectStore, bucket: Any, release: Path) -> None:
    """Without its sums it is no release; what is there already is not sent again, what is half is."""
    store.deliver(release)
    names = [name for name in contents(release) if name.startswith("VDK")]
    root = f"{BUCKET}/data/l2b/{release.name}"
    bucket.rm_file(f"{root}/{SUMS}")
    bucket.rm_file(f"{root}/{names[0]}")
    bucket.pipe_file(f"{root}/{names[1]}", b"half")
    assert store.deliver(release) == f"copied {release.name}, 3 objects"
    assert stored(bucket, release.name) == contents(release)


def test_a_late_older_release_does_not_turn_the_pointer_back(
    store: ObjectStore, bucket: Any, release: Path, tmp_path: Path
) -> None:
    second = release_level2b(release.parent, write_months(tmp_path / "files", ["2008-04", "2008-05"]), release)
    switch_latest(release.parent, second.name)
    store.deliver(second)
    store.deliver(release)
    assert pointer(bucket) == second.name


def test_another_release_of_the_name_is_left_and_told(
    store: ObjectStore, bucket: Any, release: Path, tmp_path: Path
) -> None:
    other = release_level2b(tmp_path / "other" / "l2b", write_months(tmp_path / "more", ["2008-06"]))
    store.deliver(other)
    with pytest.raises(ProductHeld, match="has another l2b-0001-001"):
        store.deliver(release)
    assert stored(bucket, other.name) == contents(other)


def test_a_withdrawal_removes_the_objects_and_the_pointer(store: ObjectStore, bucket: Any, release: Path) -> None:
    store.deliver(release)
    retract(release, "wrong", who="a person", when="2026-02-03T04:05:06Z")
    for _ in range(2):
        store.deliver(release)
        assert stored(bucket, release.name) == contents(release)
        assert pointer(bucket) is None
    assert set(stored(bucket, release.name)) == {"tombstone.json", "RETRACTED.md"}


def test_a_store_that_is_down_is_unreachable(release: Path, options: dict[str, Any]) -> None:
    quick = {"config_kwargs": {"connect_timeout": 1, "retries": {"max_attempts": 0}}}
    nobody = options | {"endpoint_url": "http://127.0.0.1:9"} | quick
    with pytest.raises(Unreachable, match="does not answer"):
        ObjectStore(f"s3://{BUCKET}/data", nobody).deliver(release)


def test_a_bucket_that_is_not_there_is_unreachable(release: Path, options: dict[str, Any]) -> None:
    with pytest.raises((Unreachable, RequestRefused), match="nowhere"):
        ObjectStore("s3://nowhere/data", options).deliver(release)


def test_the_keys_are_not_shown(options: dict[str, Any]) -> None:
    assert "secret" not in repr(ObjectStore("s3://bucket", options | {"secret": "very secret"}))
