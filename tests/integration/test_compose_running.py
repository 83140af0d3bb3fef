"""The services of the compose file, started by their real commands: a month goes through to its users."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.embedded import environment_of
from shared.models.epoch import Month
from shared.simulation.earth import Earth
from shared.simulation.upstream import Upstream
from shared.storage.catalogue import Catalogue
from tests.integration.compose_machine import Machine, machine_of, start_all, start_prometheus, wait_for
from tests.integration.conftest import Simulate

# Until a release is there, on two cores that others keep busy [s]
RELEASE_PATIENCE = 150.0


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


def test_the_console_tells_of_it_and_prometheus_reads_it(
    machine: Machine, system_package: Callable[[str], str]
) -> None:
    system_package("wget")  # its health check asks with it
    (first, *_) = released(machine, 1)
    page = httpx.get(f"http://127.0.0.1:{machine.console_port}/api/v1/releases/{first.id}", timeout=30.0)
    assert page.status_code == 200 and first.id in page.text
    start_prometheus(machine, system_package("prometheus"))

    def heard() -> bool:
        asked = {"query": 'gravstream_up{job="gravstream"} == 1'}
        url = f"http://127.0.0.1:{machine.prometheus_port}/api/v1/query"
        return len(httpx.get(url, params=asked, timeout=10.0).json()["data"]["result"]) == 2

    wait_for(heard, 60.0, "catalogue and queue in Prometheus:", lambda: machine.log("prometheus", "console"))
    machine.stop("prometheus")


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
    # The console finishes its answers, and then leaves by the signal, as its server has it.
    assert left == dict.fromkeys(left, 0) | {"console": -signal.SIGTERM}
    assert "Finished server process" in machine.log("console")
