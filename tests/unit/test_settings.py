"""What the environment may hold: read as what it is, refused by name, the value and what is allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kombu.utils.url import parse_url
from sqlalchemy import make_url

from services.process.products import PRODUCTS
from shared import settings
from shared.errors import RequestRefused
from shared.settings.system import PRODUCTS as NAMES


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GRAVSTREAM_")]:
        monkeypatch.delenv(name)


WRONG = [
    ("GRAVSTREAM_TIME_LIMIT", "soon", "a whole number of at least 1"),
    ("GRAVSTREAM_TIME_LIMIT", "0", "a whole number of at least 1"),
    ("GRAVSTREAM_TIME_LIMIT", "12.5", "a whole number of at least 1"),
    ("GRAVSTREAM_POLL_INTERVAL", "nan", "a number of at least 0.1"),
    ("GRAVSTREAM_POLL_INTERVAL", "inf", "a number of at least 0.1"),
    ("GRAVSTREAM_PAUSE", "-1", "a number of at least 0"),
    ("GRAVSTREAM_REISSUE", "ask", "replace or hold"),
    ("GRAVSTREAM_READING", "yes", "open or closed"),
    ("GRAVSTREAM_CONSOLE_PORT", "65536", "a whole number from 0 to 65535"),
    ("GRAVSTREAM_CONSOLE_PORT", "tcp://10.0.0.1:8080", "a whole number from 0 to 65535"),  # as Kubernetes sets it
    ("GRAVSTREAM_REQUESTS", "1200", "two whole numbers of at least 1, such as 1200 60"),
    ("GRAVSTREAM_REQUESTS", "1200 0", "two whole numbers of at least 1, such as 1200 60"),
    ("GRAVSTREAM_PRODUCTS", "twsa tws", "some of twsa l2b"),
    ("GRAVSTREAM_PRODUCTS", "twsa twsa", "some of twsa l2b"),
    ("GRAVSTREAM_LARGEST_FILE", "big", "a number of bytes, such as 256M or 4G"),
    ("GRAVSTREAM_LARGEST_FILE", "0", "a number of bytes, such as 256M or 4G"),
    ("GRAVSTREAM_ICGEM", "icgem.gfz.de", "an address https://... or http://..., or nothing"),
    ("GRAVSTREAM_ICGEM", "https://icgem.gfz.de:99999", "an address https://... or http://..., or nothing"),
    ("GRAVSTREAM_BROKER_URL", "localhost:6379", "an address redis://... or rediss://..."),
    ("GRAVSTREAM_CATALOGUE", "mysql://host/name", "a path or an address postgresql://..."),
    ("GRAVSTREAM_BUCKET", "releases", "an address s3://..."),
    ("GRAVSTREAM_WORKERS", "many", "a whole number of at least 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_a_wrong_value_is_refused_with_its_name_and_what_is_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(RequestRefused) as caught:
        settings.check()
    assert caught.value.found.startswith(f"{name} is {value!r}")
    assert caught.value.advice.startswith(f"It must be {allowed}")


def test_a_password_in_a_wrong_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAVSTREAM_BROKER_URL", "redis://:s3cret/word@host:6379/0")
    with pytest.raises(RequestRefused) as caught:
        settings.check()
    assert "GRAVSTREAM_BROKER_URL" in str(caught.value) and "s3cret" not in str(caught.value)


def test_a_misspelt_name_is_refused_with_the_one_that_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAVSTREAM_POL_INTERVAL", "60")
    with pytest.raises(RequestRefused, match=r"POL_INTERVAL is no setting\. GRAVSTREAM_POLL_INTERVAL is meant"):
        settings.check()


def test_names_that_others_set_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes sets these for a service that is called gravstream."""
    for name in ("GRAVSTREAM_SERVICE_HOST", "GRAVSTREAM_PORT_8080_TCP", "GRAVSTREAM_REAL_DATA"):
        monkeypatch.setenv(name, "tcp://10.0.0.1:8080")
    settings.check()


def test_every_value_reaches_its_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = {
        "GRAVSTREAM_HOME": str(tmp_path), "GRAVSTREAM_REREAD_AFTER": "86400", "GRAVSTREAM_LARGEST_FILE": "2 MiB",
        "GRAVSTREAM_REISSUE": "hold", "GRAVSTREAM_ICGEM": "", "GRAVSTREAM_HOSTS": "a b:81", "GRAVSTREAM_TIMEOUT": "",
        "GRAVSTREAM_DROP": "drop", "GRAVSTREAM_PRODUCTS": "l2b", "GRAVSTREAM_LEASE": "3.5",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    ingest, system = settings.ingest(), settings.system()
    assert (ingest.reread_after, ingest.max_bytes, ingest.policy) == (86400.0, 2 << 20, "hold")
    assert (ingest.icgem_url, ingest.hosts, ingest.timeout) == ("", ("a", "b:81"), 60.0)
    assert ingest.drop == Path("drop").absolute() and ingest.staging == tmp_path / "scratch" / "ingest"
    assert (system.products, system.lease, system.catalogue) == (("l2b",), 3.5, str(tmp_path / "catalogue.sqlite"))
    assert system.queue.beat_file == str(tmp_path / "beat")


def test_without_any_variable_the_defaults_are_those_of_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `.env.example` shows behind each name is what holds without it."""
    before = [settings.system(), settings.ingest(), settings.console(), settings.targets()]
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in example.splitlines() if line.startswith("# GRAVSTREAM_")]
    for name, _, value in (line.partition("=") for line in lines):
        if value and name not in ("GRAVSTREAM_CACHE", "GRAVSTREAM_WORKERS"):
            monkeypatch.setenv(name, value)
    home = Path("var").absolute()
    shown = [settings.system(), settings.ingest(), settings.console(), settings.targets()]
    assert str(shown[0]).replace("'var/", f"'{home}/") == str(before[0])
    assert shown[1:] == before[1:]


def test_the_products_that_can_be_chosen_are_those_that_can_be_made() -> None:
    assert set(NAMES) == set(PRODUCTS)


AWKWARD = "p@ss:w/or#d?%41 {x}&+\"'\\ü"


def test_a_password_of_any_characters_reaches_redis_and_postgresql(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Read back by those who read the address: kombu for Redis, SQLAlchemy for the database."""
    (tmp_path / "password").write_text(AWKWARD + "\n", encoding="utf-8")
    monkeypatch.setenv("GRAVSTREAM_BROKER_URL", "redis://:{password}@redis:6379/0")
    monkeypatch.setenv("GRAVSTREAM_CATALOGUE", "postgresql://gravstream:{password}@db:5432/gravstream")
    for name in ("GRAVSTREAM_BROKER_PASSWORD_FILE", "GRAVSTREAM_CATALOGUE_PASSWORD_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "password"))
    system = settings.system()
    broker, catalogue = parse_url(system.queue.url), make_url(system.catalogue)
    assert (broker["hostname"], broker["password"]) == ("redis", AWKWARD)
    assert (catalogue.host, catalogue.password) == ("db", AWKWARD)


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), (b"\n", "is empty"), (b"\xff\xfe", "no text")])
def test_a_secret_that_is_none_is_refused_by_name(
    content: bytes | None, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "password").write_bytes(content)
    monkeypatch.setenv("GRAVSTREAM_BROKER_PASSWORD_FILE", str(tmp_path / "password"))
    with pytest.raises(RequestRefused, match=f"GRAVSTREAM_BROKER_PASSWORD_FILE is .*{said}"):
        settings.system()


@pytest.mark.parametrize(
    ("there", "lacking"),
    [
        ("GRAVSTREAM_NOTICE_URL", "GRAVSTREAM_NOTICE_SECRET_FILE"),
        ("GRAVSTREAM_NOTICE_SECRET_FILE", "GRAVSTREAM_NOTICE_URL"),
        ("GRAVSTREAM_BUCKET_KEY_FILE", "GRAVSTREAM_BUCKET_SECRET_FILE"),
    ],
)
def test_half_of_a_target_is_refused(there: str, lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(there, "https://example.org/hook")
    with pytest.raises(RequestRefused, match=f"{there} is set, {lacking} is not"):
        settings.targets()


@pytest.mark.parametrize("app", ["services.ingest.app", "services.scheduler"])
def test_a_service_with_a_wrong_setting_ends_with_one_line(app: str, tmp_path: Path) -> None:
    environment = {**os.environ, "GRAVSTREAM_HOME": str(tmp_path), "GRAVSTREAM_TIME_LIMIT": "soon"}
    command = [sys.executable, "-m", "celery", "--app", app, "worker"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "GRAVSTREAM_TIME_LIMIT is 'soon'. It must be a whole number of at least 1." in line
