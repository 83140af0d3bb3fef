"""The store in a folder."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import StoreDamaged, StoreUnavailable
from shared.storage.store import Store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def file_of(store: Store, digest: str) -> Path:
    """Where the bytes of a digest lie."""
    path = store.place.path(f"objects/{digest[:2]}/{digest[2:]}")
    assert path is not None
    return path


def damage(store: Store, digest: str) -> None:
    """Flip one bit of an object behind the store's back."""
    path = file_of(store, digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def age(store: Store, digest: str, days: float) -> None:
    """Let an object be so many days old."""
    then = (NOW - days * DAY).timestamp()
    os.utime(file_of(store, digest), (then, then))


class TestKeeping:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    @given(content=st.binary())
    def test_bytes_come_back_under_their_sha256(self, store: Store, content: bytes) -> None:
        digest = store.put(content)
        assert digest == hashlib.sha256(content).hexdigest()
        assert store.get(digest) == content
        assert store.size(digest) == len(content)

    def test_a_file_larger_than_a_chunk_comes_back_in_every_way(self, store: Store, tmp_path: Path) -> None:
        content = os.urandom(3_000_000)
        (tmp_path / "file").write_bytes(content)
        digest = store.put_file(tmp_path / "file")
        local = store.local(digest)
        assert digest == hashlib.sha256(content).hexdigest()
        assert store.get(digest) == content
        assert store.fetch(digest, tmp_path / "new" / "copy").read_bytes() == content
        assert local is not None and local.read_bytes() == content
        with store.open(digest) as stream:
            assert stream.read() == content

    def test_the_layout_is_objects_and_two_digits(self, store: Store, tmp_path: Path) -> None:
        digest = store.put(b"month")
        assert (tmp_path / "store" / "objects" / digest[:2] / digest[2:]).read_bytes() == b"month"
        assert Store.at((tmp_path / "store").as_uri()).get(digest) == b"month"

    def test_the_same_bytes_are_kept_once(self, store: Store) -> None:
        digest = store.put(b"month")
        before = file_of(store, digest).stat().st_ino
        assert store.put(b"month") == digest
        assert file_of(store, digest).stat().st_ino == before
        assert list(store.digests()) == [digest]

    def test_what_is_put_again_counts_as_young(self, store: Store) -> None:
        digest = store.put(b"month")
        age(store, digest, days=30)
        store.put(b"month")
        assert store.collect_garbage(set(), older_than=DAY, dry_run=False, now=NOW) == []

    def test_eight_threads_may_put_the_same_bytes_at_once(self, store: Store) -> None:
        content = os.urandom(500_000)
        threads = [Thread(target=store.put, args=(content,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.get(hashlib.sha256(content).hexdigest()) == content
        assert not list(store.place.leftovers())  # type: ignore[attr-defined]

    def test_only_a_digest_is_a_name(self, store: Store) -> None:
        for name in ("", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"):
            with pytest.raises(ValueError, match="no SHA-256"):
                store.get(name)

    def test_deleting_twice_is_as_once(self, store: Store) -> None:
        digest = store.put(b"month")
        store.delete(digest)
        store.delete(digest)
        assert not store.has(digest)


class TestDamage:
    def test_is_found_by_every_way_of_reading(self, store: Store, tmp_path: Path) -> None:
        digest = store.put(b"a month of the gravity field")
        damage(store, digest)
        ways = (store.get, store.open, store.local, lambda name: store.fetch(name, tmp_path / "copy"))
        for way in ways:
            with pytest.raises(StoreDamaged, match="other bytes"):
                way(digest)
        assert not (tmp_path / "copy").exists()
        assert not list(tmp_path.glob(".copy*"))

    def test_of_missing_bytes_is_told_with_their_digest(self, store: Store, tmp_path: Path) -> None:
        digest = "a" * 64
        store.put(b"another")
        ways = (store.get, store.open, store.local, store.size, lambda name: store.fetch(name, tmp_path / "copy"))
        for way in ways:
            with pytest.raises(StoreDamaged, match=f"{digest} is not in the store"):
                way(digest)
        assert not store.has(digest)

    @pytest.mark.parametrize("bad", [b"", b"a month of", b"a month of the gravity fielD"])
    def test_is_put_right_when_the_bytes_come_again(self, store: Store, bad: bytes) -> None:
        digest = store.put(b"a month of the gravity field")
        file_of(store, digest).chmod(0o644)
        file_of(store, digest).write_bytes(bad)
        assert store.put(b"a month of the gravity field") == digest
        assert store.get(digest) == b"a month of the gravity field"

    def test_is_counted_over_the_whole_store(self, store: Store) -> None:
        digests = [store.put(bytes([number]) * 100) for number in range(5)]
        damage(store, digests[3])
        assert list(store.damaged()) == [digests[3]]


class TestGarbage:
    def test_is_what_nobody_wants_and_is_old(self, store: Store) -> None:
        wanted, unwanted, young = (store.put(name) for name in (b"wanted", b"unwanted", b"young"))
        age(store, wanted, days=10)
        age(store, unwanted, days=10)
        assert store.collect_garbage({wanted}, older_than=DAY, dry_run=False, now=NOW) == [unwanted]
        assert set(store.digests()) == {wanted, young}

    def test_of_a_dry_run_is_told_and_stays(self, store: Store) -> None:
        digest = store.put(b"unwanted")
        age(store, digest, days=10)
        assert store.collect_garbage(set(), older_than=DAY, dry_run=True, now=NOW) == [digest]
        assert store.get(digest) == b"unwanted"

    def test_is_never_what_lies_there_under_another_name(self, store: Store) -> None:
        digest = store.put(b"month")
        foreign = file_of(store, digest).parent / "README"
        foreign.write_text("not ours")
        os.utime(foreign, (0, 0))
        store.collect_garbage(set(), older_than=DAY, dry_run=False, now=NOW)
        assert foreign.exists()

    def test_includes_what_a_crash_left_half_written_but_not_what_is_being_written(self, store: Store) -> None:
        folder = file_of(store, store.put(b"month")).parent
        old, new = folder / ".old.tmp", folder / ".new.tmp"
        for path in (old, new):
            path.write_bytes(b"half")
        os.utime(old, (0, 0))
        assert len(list(store.digests())) == 1
        store.collect_garbage(set(store.digests()), older_than=DAY, dry_run=False, now=NOW)
        assert (old.exists(), new.exists()) == (False, True)


class TestTrouble:
    def test_a_store_that_cannot_be_written_says_so_and_not_more(self, tmp_path: Path) -> None:
        """A path below a regular file: root, too, can write nothing there."""
        (tmp_path / "file").write_text("")
        store = Store.at(tmp_path / "file" / "store")
        with pytest.raises(StoreUnavailable, match=r"in the store .*Not a directory"):
            store.put(b"month")

    def test_a_store_that_may_only_be_read_is_read_on(self, store: Store, tmp_path: Path) -> None:
        """The folder of new objects is a regular file: nothing new, but the old ones stay readable."""
        digest = store.put(b"month")
        other = next(c for c in (str(n).encode() for n in range(99)) if hashlib.sha256(c).hexdigest()[:2] != digest[:2])
        (tmp_path / "store" / "objects" / hashlib.sha256(other).hexdigest()[:2]).write_text("")
        with pytest.raises(StoreUnavailable):
            store.put(other)
        assert not store.has(hashlib.sha256(other).hexdigest())
        assert store.get(digest) == b"month"

    def test_a_full_store_refuses_and_leaves_nothing_half_written(self, tmp_path: Path) -> None:
        """A process that may write files of 100 kB only meets what a full disk gives."""
        program = """
import resource, signal, sys
from shared.errors import StoreUnavailable
from shared.storage.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store = Store.at(sys.argv[1])
try:
    store.put(bytes(1_000_000))
except StoreUnavailable as error:
    print(error)
print(store.get(store.put(b"small")))
"""
        store = tmp_path / "store"
        run = subprocess.run([sys.executable, "-c", program, str(store)], capture_output=True, text=True, check=True)
        assert "cannot write in the store" in run.stdout and "b'small'" in run.stdout
        assert [path.read_bytes() for path in store.rglob("*") if path.is_file()] == [b"small"]

    def test_a_store_that_is_not_there_is_not_taken_for_one_that_lost_everything(self, store: Store) -> None:
        """As after a start without its disk: what is missing then is no reason to give anything up."""
        for way in (store.get, store.open, store.local, store.size):
            with pytest.raises(StoreUnavailable, match="there is no store at"):
                way("a" * 64)
        assert list(store.digests()) == []

    def test_a_missing_source_is_not_blamed_on_the_store(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            store.put_file(tmp_path / "nothing")
