"""Where files come from, and how gently and how far they are asked for."""

# ruff: noqa: RUF009  each call makes the field of its own class alone
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.settings.system import system
from shared.settings.variables import address, choice, number, path, read, size, text, variable, whole, words

_SITE = address("https", "http", empty=True)


@dataclass(frozen=True)
class IngestSettings:
    """Where files come from, and the limits; times in seconds, sizes in bytes.

    hosts: the only ones that are talked to, by name or name:port. pause: between two requests, and the first of the
    growing pauses after a trouble; max_retry_after: no pause is longer; timeout: of silence; patience: for one
    file. max_bytes: of a file as it comes, max_member_bytes: of a month or table once unpacked. backfill_from: so
    many missing months are taken as one ZIP; max_archive_bytes, max_member_bytes and max_ratio are its limits;
    max_archive_bytes is also that of normal equations, which have gigabytes. reread_newest: so many months may
    still be replaced, looked at every `reread_after`. max_misses: after so many files that did not come the rest
    waits for the next poll. A refused file is asked for again after `retry_refused`, then later and later. drop: a
    folder that an operator puts files into; settle: for how long a file there must have been left alone to count
    as complete. staging: a local folder for files on their way.
    """

    series_path: str = variable("GRAVSTREAM_SERIES", "02_COST-G_/Grace-Grace-FO_RL02.1", text())
    icgem_url: str = variable("GRAVSTREAM_ICGEM", "https://icgem.gfz.de", _SITE)
    isdc_url: str = variable("GRAVSTREAM_ISDC", "https://isdc-data.gfz.de", _SITE)
    isdc_path: str = variable("GRAVSTREAM_ISDC_PATH", "/grace/GravIS/COST-G/Level-2B/aux_data/", text())
    hosts: tuple[str, ...] = variable("GRAVSTREAM_HOSTS", ("icgem.gfz.de", "isdc-data.gfz.de"), words())
    pause: float = variable("GRAVSTREAM_PAUSE", 3.0, number())
    retries: int = variable("GRAVSTREAM_RETRIES", 4, whole())
    max_retry_after: float = variable("GRAVSTREAM_LONGEST_PAUSE", 300.0, number())
    timeout: float = variable("GRAVSTREAM_TIMEOUT", 60.0, number(0.1))
    patience: float = variable("GRAVSTREAM_PATIENCE", 900.0, number(0.1))
    max_redirects: int = 3
    max_misses: int = 3
    max_bytes: int = variable("GRAVSTREAM_LARGEST_FILE", 256 << 20, size())
    max_member_bytes: int = variable("GRAVSTREAM_LARGEST_TEXT", 64 << 20, size())
    max_archive_bytes: int = variable("GRAVSTREAM_LARGEST_ARCHIVE", 4 << 30, size())
    max_ratio: float = 100.0
    max_line: int = 4096
    backfill_from: int = variable("GRAVSTREAM_BACKFILL_FROM", 12, whole(1))
    reread_newest: int = variable("GRAVSTREAM_REREAD_NEWEST", 12, whole())
    reread_after: float = variable("GRAVSTREAM_REREAD_AFTER", 7 * 86400.0, number(1.0))
    retry_refused: float = variable("GRAVSTREAM_RETRY_REFUSED", 3600.0, number(1.0))
    policy: Literal["replace", "hold"] = variable("GRAVSTREAM_REISSUE", "replace", choice("replace", "hold"))
    drop: Path | None = variable("GRAVSTREAM_DROP", None, path())
    settle: float = variable("GRAVSTREAM_SETTLE", 1.0, number())
    staging: Path | None = None
    user_agent: str = "gravstream/0.1"

    def largest(self, role: str) -> int:
        """How large a file of a role may be as it comes."""
        return max(self.max_bytes, self.max_archive_bytes) if role == "normals" else self.max_bytes


def ingest() -> IngestSettings:
    """The sources as the environment has them."""
    return read(IngestSettings, staging=system().scratch / "ingest")
