"""Heartbeats of processes and tokens of people, on both databases."""

import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from shared.errors import RequestRefused
from shared.storage.catalogue import Catalogue
from shared.storage.connection import reading
from shared.storage.pulse import Pulse
from shared.storage.schema import tokens

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class TestHeartbeats:
    def test_are_one_for_each_process_and_the_last_one_counts(self, catalogue: Catalogue) -> None:
        catalogue.beat("process@a:2", "process", "a", now=NOON)
        catalogue.beat("ingest@a:1", "ingest", "a", now=NOON)
        catalogue.beat("process@a:2", "process", "a", now=NOON + MINUTE)
        found = [(each.name, each.service, each.host, each.time) for each in catalogue.heartbeats()]
        assert found == [("ingest@a:1", "ingest", "a", NOON), ("process@a:2", "process", "a", NOON + MINUTE)]

    def test_say_nothing_in_the_log(self, catalogue: Catalogue) -> None:
        catalogue.beat("ingest@a:1", "ingest", "a")
        catalogue.leave("ingest@a:1")
        assert catalogue.log() == []

    def test_of_who_left_are_gone_and_of_who_died_stay(self, catalogue: Catalogue) -> None:
        for number in (1, 2):
            catalogue.beat(f"ingest@a:{number}", "ingest", "a", now=NOON)
        catalogue.leave("ingest@a:1")
        catalogue.leave("ingest@a:1")
        assert [each.name for each in catalogue.heartbeats()] == ["ingest@a:2"]

    def test_are_forgotten_only_before_the_moment_that_is_said(self, catalogue: Catalogue) -> None:
        for number in range(3):
            catalogue.beat(f"ingest@a:{number}", "ingest", "a", now=NOON + number * MINUTE)
        assert catalogue.forget_heartbeats(NOON + MINUTE) == 1
        assert [each.name for each in catalogue.heartbeats()] == ["ingest@a:1", "ingest@a:2"]

    def test_of_one_name_at_the_same_time_are_one(self, catalogue: Catalogue) -> None:
        together = [threading.Thread(target=catalogue.beat, args=("ingest@a:1", "ingest", "a")) for _ in range(8)]
        for thread in together:
            thread.start()
        for thread in together:
            thread.join()
        assert len(catalogue.heartbeats()) == 1

    def test_go_on_as_long_as_the_process_and_end_with_it(self, address: str) -> None:
        with Catalogue.open(address) as catalogue:
            catalogue.beat("ingest@gone:1", "ingest", "gone", now=NOON)
            pulse = Pulse("ingest", lambda: Catalogue.open(address), interval=0.05)
            pulse.start()
            times = set[datetime]()
            give_up = time.monotonic() + 20.0
            while len(times) < 3 and time.monotonic() < give_up:
                times |= {each.time for each in catalogue.heartbeats() if each.host == socket.gethostname()}
                time.sleep(0.02)
            assert [each.service for each in catalogue.heartbeats()] == ["ingest"], "who is long silent is forgotten"
            pulse.stop()
            assert len(times) >= 3 and all(one < other for one, other in pairwise(sorted(times)))
            assert catalogue.heartbeats() == []


class TestTokens:
    def test_open_to_their_secret_alone(self, catalogue: Catalogue) -> None:
        secret = catalogue.add_token("ana", "scientist", now=NOON)
        other = catalogue.add_token("ben@example.org", "operator", now=NOON)
        assert len({secret, other}) == 2 and len(secret) > 40
        found = catalogue.bearer(secret)
        assert found is not None and (found.name, found.role, found.created_at) == ("ana", "scientist", NOON)
        assert (
            catalogue.bearer(secret[:-1]) is None and catalogue.bearer("") is None and catalogue.bearer("ana") is None
        )

    def test_are_kept_without_their_secret(self, catalogue: Catalogue) -> None:
        secret = catalogue.add_token("ana", "scientist")
        with reading(catalogue.engine) as connection:
            (row,) = connection.execute(select(tokens)).all()
        assert secret not in str(row) and secret.removeprefix("gvs_") not in str(row)
        assert secret not in str(catalogue.log())

    def test_end_when_they_are_revoked_and_a_new_one_may_take_their_name(self, catalogue: Catalogue) -> None:
        first = catalogue.add_token("ana", "operator", now=NOON)
        catalogue.revoke_token("ana", who="ben", now=NOON + MINUTE)
        assert catalogue.bearer(first) is None
        assert [each.revoked_at for each in catalogue.tokens()] == [NOON + MINUTE]
        second = catalogue.add_token("ana", "scientist", who="ben", now=NOON + 2 * MINUTE)
        assert catalogue.bearer(first) is None
        found = catalogue.bearer(second)
        assert found is not None and found.role == "scientist"
        assert [(each.name, each.revoked_at) for each in catalogue.tokens()] == [("ana", None)]
        assert [(each.kind, each.who) for each in catalogue.log("system")] == [
            ("token-added", "system"), ("token-revoked", "ben"), ("token-added", "ben"),
        ]  # fmt: skip

    def test_are_one_for_each_name_in_use(self, catalogue: Catalogue) -> None:
        secret = catalogue.add_token("ana", "operator")
        with pytest.raises(RequestRefused, match="has a token already"):
            catalogue.add_token("ana", "scientist")
        assert catalogue.bearer(secret) is not None

    @pytest.mark.parametrize(
        ("name", "role"),
        [("", "operator"), ("a b", "operator"), ("-a", "operator"), ("a" * 65, "operator"), ("a", "king")],
    )
    def test_are_refused_to_names_and_roles_that_are_none(self, catalogue: Catalogue, name: str, role: str) -> None:
        with pytest.raises(RequestRefused, match="cannot have a token"):
            catalogue.add_token(name, role)  # type: ignore[arg-type]
        assert catalogue.tokens() == []

    def test_that_are_not_in_use_cannot_be_revoked(self, catalogue: Catalogue) -> None:
        with pytest.raises(RequestRefused, match="no token in use"):
            catalogue.revoke_token("ana")
        catalogue.add_token("ana", "operator")
        catalogue.revoke_token("ana")
        with pytest.raises(RequestRefused, match="no token in use"):
            catalogue.revoke_token("ana")
