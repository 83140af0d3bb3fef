"""Who signs for a product, where its releases go, and the page that shows them."""

# ruff: noqa: RUF009  each call makes the field of its own class alone
from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from shared.errors import RequestRefused
from shared.settings.variables import address, choice, path, read, secret, text, two_numbers, variable, whole

Reading = Literal["open", "closed"]

_SITE = address("https", "http")


@dataclass(frozen=True)
class Publisher:
    """Who signs for a product: written into every file."""

    institution: str = variable("GRAVSTREAM_INSTITUTION", "", text())
    name: str = variable("GRAVSTREAM_CREATOR_NAME", "gravstream", text())
    email: str = variable("GRAVSTREAM_CREATOR_EMAIL", "", text())
    url: str = variable("GRAVSTREAM_CREATOR_URL", "", text())


def publisher() -> Publisher:
    """GRAVSTREAM_INSTITUTION, GRAVSTREAM_CREATOR_NAME, _EMAIL and _URL."""
    found = read(Publisher)
    return found if found.institution else replace(found, institution=found.name)


@dataclass(frozen=True)
class TargetSettings:
    """Where releases go besides their own folder; what is not set is no target.

    archive: folder of a second copy. bucket: place in an object store, s3://bucket/prefix; bucket_endpoint: address
    of a store that is not Amazon's; bucket_key, bucket_secret: from their files, else what the machine itself has.
    notice_url: is told of each release, signed with notice_secret; releases_url: where the folder of releases is
    served, so that a notice can name the address of its release.
    """

    archive: Path | None = variable("GRAVSTREAM_ARCHIVE", None, path())
    bucket: str | None = variable("GRAVSTREAM_BUCKET", None, address("s3"))
    bucket_endpoint: str | None = variable("GRAVSTREAM_BUCKET_ENDPOINT", None, _SITE)
    bucket_region: str | None = variable("GRAVSTREAM_BUCKET_REGION", None, text())
    bucket_key_file: Path | None = variable("GRAVSTREAM_BUCKET_KEY_FILE", None, path())
    bucket_secret_file: Path | None = variable("GRAVSTREAM_BUCKET_SECRET_FILE", None, path())
    notice_url: str | None = variable("GRAVSTREAM_NOTICE_URL", None, _SITE)
    notice_secret_file: Path | None = variable("GRAVSTREAM_NOTICE_SECRET_FILE", None, path())
    releases_url: str = variable("GRAVSTREAM_RELEASES_URL", "", _SITE)
    bucket_key: str = field(default="", repr=False)
    bucket_secret: str = field(default="", repr=False)
    notice_secret: str = field(default="", repr=False)


def targets() -> TargetSettings:
    """The targets as the environment has them, with their secrets.

    Raises RequestRefused if a secret is lacking that a target needs, or a secret has no target.
    """
    found = read(TargetSettings)
    if (found.notice_url is None) != (found.notice_secret_file is None):
        raise _alone("GRAVSTREAM_NOTICE_URL", "GRAVSTREAM_NOTICE_SECRET_FILE", first=found.notice_url is not None)
    if (found.bucket_key_file is None) != (found.bucket_secret_file is None):
        names = "GRAVSTREAM_BUCKET_KEY_FILE", "GRAVSTREAM_BUCKET_SECRET_FILE"
        raise _alone(*names, first=found.bucket_key_file is not None)
    return replace(
        found,
        bucket_key=_content(found.bucket_key_file, "GRAVSTREAM_BUCKET_KEY_FILE"),
        bucket_secret=_content(found.bucket_secret_file, "GRAVSTREAM_BUCKET_SECRET_FILE"),
        notice_secret=_content(found.notice_secret_file, "GRAVSTREAM_NOTICE_SECRET_FILE"),
    )


def _content(file: Path | None, name: str) -> str:
    return secret(file, name) if file else ""


def _alone(one: str, other: str, *, first: bool) -> RequestRefused:
    there, lacking = (one, other) if first else (other, one)
    return RequestRefused(f"{there} is set, {lacking} is not", advice="They go together: set both or none.")


@dataclass(frozen=True)
class ConsoleSettings:
    """The web page, the API and the metrics.

    host, port: where they are served; reading: `open` to everybody, or `closed` to those without a token;
    url: address that users know them by, if a proxy stands before; basins: GeoJSON or JSON of river basins;
    requests: allowed in a minute for each address, of reading and of acting.
    """

    host: str = variable("GRAVSTREAM_CONSOLE_HOST", "127.0.0.1", text())
    port: int = variable("GRAVSTREAM_CONSOLE_PORT", 8080, whole(0, 65535))
    reading: Reading = variable("GRAVSTREAM_READING", "open", choice("open", "closed"))
    url: str = variable("GRAVSTREAM_CONSOLE_URL", "", _SITE)
    basins: Path | None = variable("GRAVSTREAM_BASINS", None, path())
    requests: tuple[int, int] = variable("GRAVSTREAM_REQUESTS", (1200, 60), two_numbers())


def console() -> ConsoleSettings:
    """The page as the environment has it."""
    return read(ConsoleSettings)
