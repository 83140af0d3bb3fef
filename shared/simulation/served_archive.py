"""An archive as an upstream serves it: some of its months, some rows of its tables, well or badly.

What servers on the far side of the world do now and then, this one does when it is asked to.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from shared.simulation.pages import Shown, folder_page, series_page, series_zip

Kind = Literal[
    "status", "stall", "drip", "page", "empty-body", "half", "cut", "endless", "redirect",  # of any answer
    "empty", "layout", "double", "wrong-size", "shrunk",  # of a listing
    "bomb", "traversal", "no-zip",  # of the ZIP
]  # fmt: skip

LICENCE = "Creative Commons Attribution 4.0 international"
CITATION = "SIMULATED by gravstream: nothing behind this page was observed, or observed by who is named in the files."
SERIES = "02_COST-G_/Grace-Grace-FO_RL02.1"
AUXILIARIES = "/grace/GravIS/COST-G/Level-2B/aux_data"

_TABLE = re.compile(rb"(?m)^[ \t]*PRODUCT:[ \t]*\r?\n")


@dataclass
class Fault:
    """A way to behave badly, for requests whose path matches, so many times (None: until it is forgiven).

    seconds: of a stall, or between the pieces of a drip; target: where a redirect leads.
    """

    kind: Kind
    match: str = ""
    times: int | None = 1
    status: int = 503
    retry_after: str | None = None
    seconds: float = 30.0
    target: str = ""


@dataclass(frozen=True)
class Served:
    """What is served, and how much of it is to be seen at first.

    level2, auxiliaries: folders of months (*.gfc, *.gfc.gz) and of tables and models; series, isdc_path: where they
    are found; revealed: months that are to be seen, None for all; rows: of a table, by its name.
    """

    level2: Path | None = None
    auxiliaries: Path | None = None
    series: str = SERIES
    isdc_path: str = AUXILIARIES
    revealed: int | None = None
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def months(self) -> dict[str, Path]:
        """The files of the months by name, in the order in which they appear."""
        found = sorted(self.level2.iterdir()) if self.level2 else []
        return {path.name: path for path in found if re.search(r"\.gfc(\.gz)?$", path.name)}

    @property
    def others(self) -> dict[str, Path]:
        """The files of tables and models by name."""
        found = sorted(self.auxiliaries.iterdir()) if self.auxiliaries else []
        return {path.name: path for path in found if path.is_file()}


class ServedArchive:
    """What is to be seen of an archive. Months appear in the order of their names."""

    def __init__(self, served: Served) -> None:
        self.series, self.isdc_path = served.series.strip("/"), "/" + served.isdc_path.strip("/")
        self._months, self._others = served.months, served.others
        self._revealed = len(self._months) if served.revealed is None else served.revealed
        self._rows, self._replaced = dict(served.rows), dict[str, bytes]()
        self._changed: dict[str, datetime] = {}
        self._faults: list[Fault] = []
        self._lock = threading.RLock()

    def reveal(self, months: int = 1) -> tuple[str, ...]:
        """Let so many more months appear; the names of those that did."""
        with self._lock:
            before, self._revealed = self._revealed, min(self._revealed + months, len(self._months))
            return tuple(self._months)[before : self._revealed]

    def hide(self, months: int = 1) -> None:
        """Let the last months that appeared vanish again."""
        with self._lock:
            self._revealed = max(0, self._revealed - months)

    def replace(self, name: str, content: bytes) -> None:
        """Serve other bytes under a name from now on."""
        with self._lock:
            self._replaced[name] = content
            self._changed[name] = datetime.now(UTC)

    def extend(self, table: str, rows: int = 1) -> None:
        """Let more rows of a table be seen."""
        with self._lock:
            self._rows[table] += rows
            self._changed[table] = datetime.now(UTC)

    def misbehave(self, fault: Fault) -> None:
        """Behave badly from now on, until the times are up or `forgive`."""
        with self._lock:
            self._faults.append(fault)

    def forgive(self) -> None:
        """Behave well again."""
        with self._lock:
            self._faults.clear()

    def fault_for(self, path: str) -> Fault | None:
        """The way in which this request is answered badly, if it is."""
        with self._lock:
            for fault in self._faults:
                if fault.times != 0 and re.search(fault.match, path):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    @property
    def months(self) -> tuple[str, ...]:
        """The names of the months that are to be seen."""
        return tuple(self._months)[: self._revealed]

    def content(self, name: str) -> bytes:
        """The bytes of a file as they are served now; KeyError if it is not to be seen."""
        with self._lock:
            if name in self._replaced:
                return self._replaced[name]
            content = (self._others if name in self._others else {m: self._months[m] for m in self.months})[name]
            return _first_rows(content.read_bytes(), self._rows[name]) if name in self._rows else content.read_bytes()

    def modified(self, name: str) -> datetime:
        """When a file changed last, to the second."""
        path = self._others.get(name) or self._months[name]
        at = self._changed.get(name, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        return at.replace(microsecond=0)

    def shown(self, folder: Literal["series", "auxiliaries"], fault: Kind | None = None) -> list[Shown]:
        """The files of a listing, which a fault may falsify."""
        names = self.months if folder == "series" else tuple(self._others)
        files = [Shown(name, len(self.content(name)), self.modified(name)) for name in names]
        if fault == "empty":
            return []
        if fault == "shrunk":
            return files[: len(files) // 2]
        if fault == "double":
            return [*files, Shown(files[0].name, 2 * files[0].size, files[0].modified)]
        if fault == "wrong-size":
            return [Shown(each.name, 3 * each.size, each.modified) for each in files]
        return files

    def body(self, path: str, fault: Kind | None) -> tuple[bytes, str, str | None]:
        """Bytes, type, and the name of the file if it is one; KeyError if there is nothing at a path."""
        linked = fault != "layout"
        if path == f"/sp/{self.series}":
            page = series_page(self.series, self.shown("series", fault), LICENCE, CITATION, linked=linked)
            return page.encode(), "text/html; charset=utf-8", None
        if path == f"/getseries/{self.series}":
            files = {name: self.content(name) for name in self.months}
            return series_zip(self.series, files, fault), "application/zip", None
        if path == f"{self.isdc_path}/":
            page = folder_page(self.isdc_path, self.shown("auxiliaries", fault), linked=linked)
            return page.encode(), "text/html;charset=UTF-8", None
        folder, _, name = path.rpartition("/")
        if folder == f"/getseries/{self.series}" and name in self.months:
            return self.content(name), "application/octet-stream", None
        if folder == self.isdc_path and name in self._others:
            return self.content(name), "application/octet-stream", name
        raise KeyError(path)


def _first_rows(content: bytes, rows: int) -> bytes:
    """A table cut behind so many rows."""
    marker = _TABLE.search(content)
    if marker is None:
        raise ValueError("a table without the line PRODUCT:")
    lines = [line for line in content[marker.end() :].splitlines(keepends=True) if line.strip()]
    return content[: marker.end()] + b"".join(lines[:rows])
