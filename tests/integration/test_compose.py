"""The compose file: its rules. What it starts is started in test_compose_running.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.broker import QUEUES
from tests.integration.compose_file import (
    COMPOSE,
    DOCKERFILE,
    OURS,
    PROJECT,
    SERVICES,
    USER,
    WATCHING,
    mounts_of,
    volumes_of,
)

each_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", OURS)


@each_service
def test_no_container_is_root_or_can_become_it(name: str) -> None:
    service = SERVICES[name]
    assert str(service["user"]).split(":")[0] not in ("root", "0", "")
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "pid", "ipc", "devices"} & service.keys()


@each_service
def test_the_root_file_system_is_read_only(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert any(entry.split(":")[0] == "/tmp" for entry in SERVICES[name]["tmpfs"])


@each_service
def test_every_service_has_limits_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["cpus"] <= 2
    assert service["pids_limit"] > 0
    assert service["restart"] == "unless-stopped"


@each_service
def test_every_service_is_asked_for_its_health(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= check.keys()


@each_service
def test_what_is_kept_lies_in_named_volumes(name: str) -> None:
    assert set(volumes_of(name).values()) <= COMPOSE["volumes"].keys()


@each_service
def test_what_is_given_from_the_project_is_there_and_only_read(name: str) -> None:
    for source, _, *mode in mounts_of(name):
        if source.startswith("."):
            assert (PROJECT / source).is_dir() and mode == ["ro"]


def test_every_volume_is_used() -> None:
    assert set(COMPOSE["volumes"]) == {volume for name in SERVICES for volume in volumes_of(name).values()}


@each_of_ours
def test_every_folder_that_a_service_is_told_of_is_a_volume_of_it(name: str) -> None:
    settings = {key: value for key, value in SERVICES[name]["environment"].items() if str(value).startswith("/srv/")}
    if name not in ("publish", "console"):
        settings.pop("GRAVSTREAM_RELEASES", None)  # read and written by these alone
    places = [*settings.values(), *(word for word in SERVICES[name]["command"] if word.startswith("/"))]
    assert places
    assert [place for place in places if not any(Path(place).is_relative_to(path) for path in volumes_of(name))] == []


@each_service
def test_a_secret_is_a_file_that_is_named_and_given(name: str) -> None:
    service = SERVICES[name]
    environment = service.get("environment", {})
    named = {value for key, value in environment.items() if key.endswith("_FILE")}
    given = {f"/run/secrets/{secret}" for secret in service.get("secrets", ())}
    assert named <= given
    assert not [key for key in environment if "PASSWORD" in key and not key.endswith("_FILE")]
    passwords = [re.findall(r"://[^/@]*:([^@]*)@", str(value)) for value in environment.values()]
    assert {password for found in passwords for password in found} <= {"{password}"}


def test_all_secrets_come_from_files() -> None:
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_our_services_are_one_image_of_one_file() -> None:
    assert {(SERVICES[name]["image"], str(SERVICES[name]["build"])) for name in OURS} == {
        (SERVICES["process"]["image"], "{'context': '.'}")
    }
    assert {SERVICES[name]["user"] for name in OURS} == {f"{USER}:{USER}"}
    assert f"USER {USER}:{USER}" in DOCKERFILE.rsplit("\nFROM ", 1)[1]


def test_images_have_a_version_and_no_address() -> None:
    base = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert base == ["python:3.11-slim-bookworm"]
    for image in [*base, *(service["image"] for service in SERVICES.values())]:
        assert re.fullmatch(r"([a-z]+/)?[a-z]+:v?\d[\w.-]+", image)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert "--require-hashes" in DOCKERFILE
    assert "://" not in DOCKERFILE


def test_redis_and_postgresql_cannot_be_reached_from_outside() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"ingest", "publish", "console", "alertmanager", "grafana"}
    # From this machine alone; what others may see goes through a proxy with TLS.
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"console": ["127.0.0.1:8080:8080"], "grafana": ["127.0.0.1:3000:3000"]}


def test_every_queue_has_one_service_that_serves_it() -> None:
    commands = (service.get("command", ()) for service in SERVICES.values())
    served = [command[command.index("--queues") + 1] for command in commands if "--queues" in command]
    assert sorted(served) == sorted(QUEUES)


def test_what_is_scraped_and_told_are_services_of_the_file() -> None:
    texts = [path.read_text() for path in (PROJECT / "monitoring").rglob("*.yml") if "_test" not in path.name]
    named = set(re.findall(r"\b([a-z]+):(?:8080|9090|9093)\b", "".join(texts))) - {"localhost"}
    assert named == {"console", "prometheus", "alertmanager"} <= SERVICES.keys()


def test_secrets_that_have_to_be_made_are_those_that_are_told() -> None:
    told = (PROJECT / "docker-compose.yml").read_text().partition("\nname:")[0]
    (passwords,) = re.findall(r"for name in ([a-z ]+); do", told)
    made = {f"{name}_password" for name in passwords.split()} | set(re.findall(r"> secrets/(\w+)$", told, re.MULTILINE))
    assert made == set(COMPOSE["secrets"])
    operations = (PROJECT / "docs" / "operations.md").read_text()
    assert all(line.removeprefix("#   ") in operations for line in told.splitlines() if "openssl" in line)


@pytest.mark.parametrize("name", WATCHING)
def test_who_watches_is_told_how_by_a_file_of_the_project(name: str) -> None:
    given = {path: source for source, path, *_ in mounts_of(name) if source.startswith(".")}
    words = [*SERVICES[name].get("command", ()), *SERVICES[name].get("environment", {}).values()]
    named = [match for word in words for match in re.findall(r"/etc/\S+", str(word))]
    assert named
    for path in named:
        (mount,) = [mount for mount in given if Path(path).is_relative_to(mount)]
        assert (PROJECT / given[mount] / Path(path).relative_to(mount)).is_file()


def test_every_setting_is_explained() -> None:
    used = {key for name in OURS for key in SERVICES[name]["environment"] if key.startswith("GRAVSTREAM_")}
    explained = set(re.findall(r"GRAVSTREAM_\w+", (PROJECT / ".env.example").read_text()))
    assert used <= explained


def test_the_image_is_made_of_what_the_build_is_given() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    copied = [word for line in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]
    assert "*" in ignored
    assert {f"!{path}" for path in copied} <= set(ignored)
