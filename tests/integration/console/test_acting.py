"""What people decide over the network: who may, what becomes of it, and what the log says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from services.publish.sums import verify
from tests.console_home import BROKEN, REFUSED, Home
from tests.integration.console.conftest import Console, Serve

WHY = {"reason": "the test wants it"}
HELD, RELEASED = "twsa-v1.0-004", "twsa-v1.0-003"


@pytest.fixture
def acting(serve: Serve) -> Console:
    """A console on a copy of the home."""
    return serve()


Client = Callable[..., httpx.Client]


@pytest.fixture
def ada(acting: Console) -> Iterator[httpx.Client]:
    with acting.client("scientist", "ada") as client:
        yield client


def last_act(console: Console) -> tuple[str, str, str]:
    """Kind, author and text of the last fact in the log."""
    event = console.catalogue.log(limit=1, newest=True)[0]
    return event.kind, event.who, event.text


@pytest.fixture(scope="module")
def clients(console: Console) -> dict[str | None, httpx.Client]:
    """Clients of both roles and of none; with them nothing is changed: what they decide about is not there."""
    return {role: console.client(role) for role in ("operator", "scientist", None)}


class TestWhoMayAct:
    ACTS = (
        ("reprocess", "operator"),
        (f"units/{'0' * 64}/retry", "operator"),
        (f"units/{'0' * 64}/drop", "operator"),
        ("files/999/accept", "operator"),
        ("files/999/refuse", "operator"),
        ("releases/none/approve", "scientist"),
        ("releases/none/reject", "scientist"),
        ("releases/none/retract", "scientist"),
        ("baselines/999/accept", "scientist"),
        ("baselines/999/refuse", "scientist"),
    )

    @pytest.mark.parametrize(("act", "role"), ACTS)
    def test_an_act_needs_the_token_of_its_role(
        self, clients: dict[str | None, httpx.Client], act: str, role: str
    ) -> None:
        wish = WHY | ({"months": ["none"]} if act == "reprocess" else {})
        answers = {who: client.post(f"/api/v1/{act}", json=wish) for who, client in clients.items()}
        done = {422 if act == "reprocess" else 404}  # allowed, but there is no such thing
        assert answers[None].status_code == 401
        assert {answers["scientist"].status_code} == done
        assert {answers["operator"].status_code} == (done if role == "operator" else {403})

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer gvs_guessed", "Basic YWRhOmFkYQ==", f"Bearer {'x' * 5000}"]
    )
    def test_what_is_no_token_is_refused(self, console: Console, header: str) -> None:
        answer = httpx.get(f"{console.url}/api/v1/me", headers={"Authorization": header})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "gravstream tokens add" in answer.json()["advice"]

    def test_a_token_in_a_cookie_or_an_address_is_none(self, console: Console) -> None:
        secret = console.catalogue.add_token("eve", "scientist")
        for kind in ({"cookies": {"Authorization": f"Bearer {secret}"}}, {"params": {"token": secret}}):
            assert httpx.get(f"{console.url}/api/v1/me", **kind).status_code == 401  # type: ignore[arg-type]

    def test_a_token_says_whose_it_is_until_it_is_revoked(self, acting: Console, ada: httpx.Client) -> None:
        assert ada.get("/api/v1/me").json() == {"name": "ada", "role": "scientist"}
        acting.catalogue.revoke_token("ada")
        assert ada.get("/api/v1/me").status_code == 401
        assert ada.post(f"/api/v1/releases/{HELD}/approve", json=WHY).status_code == 401
        release = acting.catalogue.find_release(HELD)
        assert release is not None and release.state == "held"

    def test_secrets_are_compared_in_constant_time(self, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        from shared.storage import presence

        compared: list[tuple[str, str]] = []
        honest = presence.hmac.compare_digest
        spy = lambda a, b: compared.append((a, b)) or honest(a, b)  # noqa: E731
        monkeypatch.setattr(presence.hmac, "compare_digest", spy)
        with console.client("operator") as client:
            assert client.get("/api/v1/me").status_code == 200
        in_use = [token for token in console.catalogue.tokens() if token.revoked_at is None]
        # Every token, wherever in the list the right one stands; and digests, never the secrets.
        assert len(compared) == len(in_use)
        assert {len(text) for pair in compared for text in pair} == {64}


class TestReleases:
    def test_a_held_one_is_approved_and_then_released(self, acting: Console, ada: httpx.Client) -> None:
        answer = ada.post(f"/api/v1/releases/{HELD}/approve", json=WHY)
        assert answer.json()["text"].startswith(f"{HELD} is approved.")
        assert last_act(acting)[:2] == ("release-approved", "ada")
        release = acting.catalogue.find_release(HELD)
        assert release is not None and (release.state, release.decision) == ("building", "approved: the test wants it")

    def test_a_held_one_is_rejected_once(self, acting: Console, ada: httpx.Client) -> None:
        assert ada.post(f"/api/v1/releases/{HELD}/reject", json=WHY).status_code == 200
        assert last_act(acting) == (
            "release-rejected", "ada", f"{HELD} is not released by decision of ada: the test wants it."
        )  # fmt: skip
        again = ada.post(f"/api/v1/releases/{HELD}/approve", json=WHY)
        assert (again.status_code, again.json()["error"]) == (409, f"{HELD} is rejected")

    def test_a_released_one_is_taken_back_with_its_files(
        self, acting: Console, ada: httpx.Client, own_home: Home
    ) -> None:
        answer = ada.post(f"/api/v1/releases/{RELEASED}/retract", json=WHY)
        assert answer.json() == {"text": f"{RELEASED} is retracted. twsa-v1.0-001 is there."}
        folder = own_home.home / "releases" / "twsa"
        assert sorted(path.name for path in (folder / RELEASED).iterdir()) == ["RETRACTED.md", "tombstone.json"]
        assert verify(folder / RELEASED) == []
        assert (folder / "latest").readlink().name == "twsa-v1.0-001"
        assert ada.get(f"/api/v1/releases/{RELEASED}/files/manifest.json").status_code == 410
        assert last_act(acting)[:2] == ("release-retracted", "ada")

    def test_one_that_is_being_made_is_not_taken_back(self, acting: Console, ada: httpx.Client) -> None:
        from datetime import timedelta

        assert acting.catalogue.lock("release twsa", "publish", timedelta(minutes=1))
        answer = ada.post(f"/api/v1/releases/{RELEASED}/retract", json=WHY)
        assert (answer.status_code, answer.json()["advice"]) == (409, "Try again in a minute.")


class TestWork:
    def test_parked_work_is_tried_again_or_given_up(self, acting: Console) -> None:
        units = acting.catalogue.units("parked")
        with acting.client("operator", "otto") as otto:
            assert otto.post(f"/api/v1/units/{units[0].key}/retry", json=WHY).status_code == 200
            assert last_act(acting)[:2] == ("unit-retried", "otto")
            assert otto.post(f"/api/v1/units/{units[1].key}/drop", json=WHY).status_code == 200
            assert last_act(acting)[:2] == ("unit-dropped", "otto")
        states = {unit.key: unit.state for unit in acting.catalogue.units(month=BROKEN)}
        assert states == {units[0].key: "due", units[1].key: "dropped"}

    def test_what_is_done_is_not_tried_again(self, acting: Console, ada: httpx.Client) -> None:
        done = acting.catalogue.units("done", "month")[0]
        answer = ada.post(f"/api/v1/units/{done.key}/retry", json=WHY)
        assert (answer.status_code, "/api/v1/reprocess" in answer.json()["advice"]) == (409, True)

    def test_a_dry_run_says_what_would_be_computed_and_changes_nothing(
        self, acting: Console, ada: httpx.Client, own_home: Home
    ) -> None:
        before = acting.catalogue.last_event()
        answer = ada.post("/api/v1/reprocess", json=WHY | {"months": ["2004-02"]})
        assert answer.status_code == 200, answer.text
        told = json.loads(own_home("reprocess", "--months", "2004-02", "--reason", "x", "--dry-run", "--json"))
        assert answer.json() == told
        assert [(each["product"], each["month"]) for each in told["units"]] == [("twsa", "2004-02"), ("l2b", "2004-02")]
        assert acting.catalogue.last_event() == before

    def test_a_month_is_computed_again_as_the_command_would_begin_it(self, acting: Console, ada: httpx.Client) -> None:
        answer = ada.post("/api/v1/reprocess", json=WHY | {"months": ["2004-02"], "dry_run": False})
        (asked,) = acting.catalogue.reprocessings()
        assert answer.json()["reprocessing"] == asked.id
        assert (asked.who, asked.reason, asked.months) == ("ada", WHY["reason"], ("2004-02",))
        assert "reprocessing-requested" in {event.kind for event in acting.catalogue.log("2004-02")}
        acts = ada.get("/api/v1/log", params={"acts": True}).json()["events"]
        assert [act["text"] for act in acts if act["kind"] == "reprocessing-requested"] == [
            f"ada asks to compute 2004-02 again: {WHY['reason']}."
        ], "it stands in the log of the month, too, and is told once"

    def test_what_cannot_be_computed_again_is_refused(self, acting: Console, ada: httpx.Client) -> None:
        answer = ada.post("/api/v1/reprocess", json=WHY | {"from_step": "sing"})
        assert (answer.status_code, answer.json()["error"]) == (400, "there is no step sing")
        assert "estimate_uncertainty" in answer.json()["advice"]


class TestFilesAndBaselines:
    def file_of(self, console: Console, state: str) -> Any:
        return next(each for each in console.catalogue.granules(state=None) if each.state == state)

    def test_a_held_file_is_used_or_set_aside(self, acting: Console) -> None:
        held = self.file_of(acting, "held")
        with acting.client("operator", "otto") as otto:
            answer = otto.post(f"/api/v1/files/{held.id}/accept", json=WHY)
        assert answer.status_code == 200, answer.text
        assert [each.id for each in acting.catalogue.current("gia")] == [held.id]
        assert last_act(acting)[:2] == ("granule-accepted", "otto")

    def test_a_held_file_is_refused(self, acting: Console, ada: httpx.Client) -> None:
        held = self.file_of(acting, "held")
        assert ada.post(f"/api/v1/files/{held.id}/refuse", json=WHY).status_code == 200
        assert self.file_of(acting, "quarantined") is not None
        assert last_act(acting)[:2] == ("granule-refused", "ada")

    def test_a_file_that_nobody_can_read_is_not_used(self, acting: Console, ada: httpx.Client) -> None:
        cut = self.file_of(acting, "quarantined")
        answer = ada.post(f"/api/v1/files/{cut.id}/accept", json=WHY)
        assert (answer.status_code, "Put a mended file" in answer.json()["advice"]) == (409, True)
        assert ada.get(f"/api/v1/months/{REFUSED}").json()["files"][0]["state"] == "quarantined"

    def test_a_proposed_baseline_is_used_or_refused(self, acting: Console, ada: httpx.Client) -> None:
        one, other = acting.catalogue.baselines(state="proposed")
        assert ada.post(f"/api/v1/baselines/{one.id}/accept", json=WHY).status_code == 200
        used = acting.catalogue.baseline(one.product)
        assert used is not None and used.id == one.id
        assert ada.post(f"/api/v1/baselines/{other.id}/refuse", json=WHY).status_code == 200
        assert last_act(acting)[:2] == ("baseline-refused", "ada")
        assert ada.post(f"/api/v1/baselines/{other.id}/refuse", json=WHY).status_code == 409


def test_a_secret_is_kept_nowhere(acting: Console, own_home: Home) -> None:
    secret = acting.catalogue.add_token("grace", "operator")
    with httpx.Client(base_url=acting.url, headers={"Authorization": f"Bearer {secret}"}) as client:
        assert client.get("/api/v1/me").status_code == 200
    assert not [event for event in acting.catalogue.log() if secret in event.text]
    assert not [path for path in own_home.home.glob("catalogue*") if secret.encode() in path.read_bytes()]
