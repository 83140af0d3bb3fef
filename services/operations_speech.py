"""How the commands of the running system speak: tables for the eye, JSON for programs, errors in plain words."""

from __future__ import annotations

import getpass
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from shared import settings
from shared.errors import GravstreamError
from shared.formats.level3_attributes import month_ranges
from shared.models.epoch import Month
from shared.storage.catalogue import Catalogue

REFUSED = 1  # nothing was changed
UNSOUND = 3  # something is not sound, or needs a person
KEY = 12  # characters of a key that are shown, and are enough to name a unit
SOON = "The services take it up at their next look; `gravstream reconcile --work` does it now."

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def _login() -> str:
    """The login name; in a container a user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _not_blank(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("say why or who: it is entered in the log")
    return text.strip()


Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the log.", callback=_not_blank)]
Who = Annotated[
    str,
    typer.Option(
        "--who", help="Who acts; default: the login name.", default_factory=_login, show_default=False,
        callback=_not_blank,
    ),
]  # fmt: skip


@contextmanager
def explained() -> Iterator[None]:
    """Tell an expected error in its own words and leave with its exit code."""
    try:
        yield
    except GravstreamError as error:
        complain(error)
        raise typer.Exit(REFUSED) from error


def complain(error: GravstreamError) -> None:
    """An expected error on the standard error."""
    complaints.print(f"[bold red]{error.headline}[/]\n  {escape(str(error))}", soft_wrap=True)


@contextmanager
def catalogue() -> Iterator[Catalogue]:
    """The catalogue of the settings; expected errors are told."""
    with explained(), Catalogue.open(settings.system().catalogue) as opened:
        yield opened


def say_json(value: Any) -> None:
    """A value as JSON on the standard output."""
    typer.echo(json.dumps(plain(value), indent=1, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Records, times and mappings as JSON knows them."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple | set):
        return [plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def say(text: str) -> None:
    """A sentence."""
    console.print(escape(text))


def say_table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """A table as wide as the terminal; what does not fit is folded."""
    table = Table(box=None, padding=(0, 1), title=title, title_justify="left", show_header=any(heads))
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console.print(table)


def at(moment: datetime | None) -> str:
    """A time for the eye, UTC."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def unit_rows(units: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Units of one product, kind and reason as one row."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for unit in units:
        groups[unit["product"], unit["kind"], unit["why"]].append(unit)
    rows: list[tuple[str, ...]] = []
    for (product, kind, why), group in groups.items():
        months = [Month.parse(unit["month"]) for unit in group if unit["month"]]
        key = group[0]["key"][:KEY] if len(group) == 1 else f"{len(group)} units"
        rows.append((key, product, kind, month_ranges(months) if months else "all", why))
    return rows
