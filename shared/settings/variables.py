"""Variables of the environment: each is read as what it should be, and a wrong one is told by its name.

A field of settings says in one place which variable sets it, what it is without, and what it may be. An empty
variable counts as not set, unless an empty value means something there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from math import inf, isfinite
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from urllib.parse import SplitResult, quote, urlsplit

from shared.errors import RequestRefused

PREFIX = "GRAVSTREAM_"
PASSWORD = "{password}"

_WITHOUT_HOST = ("file", "sqlite", "memory")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

T = TypeVar("T")
Word = TypeVar("Word", bound=str)
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """What a variable may hold, in words, and how it is read; ValueError for anything else."""

    allowed: str
    parse: Callable[[str], T_co]
    empty: bool = False  # whether an empty value means something


def environment() -> dict[str, str]:
    """The environment, for processes that are started."""
    return dict(os.environ)


def variable(name: str, default: T, kind: Kind[T]) -> T:
    """A field of settings that a variable sets; `default` where it is not set."""
    return field(default=default, metadata={"variable": name, "kind": kind})


def read(settings: type[T], **defaults: Any) -> T:
    """Settings as the environment has them; `defaults` take the place of those of the class.

    Raises RequestRefused, with the name of the variable, for a value that it must not have.
    """
    found = {}
    for name, attribute, kind in _variables(settings):
        value = os.environ.get(name)
        if value is not None and (value.strip() or kind.empty):
            found[attribute] = _parsed(name, value.strip(), kind)
    return settings(**(defaults | found))


def _variables(settings: type) -> Iterator[tuple[str, str, Kind[Any]]]:
    for each in fields(settings):
        if "variable" in each.metadata:
            yield each.metadata["variable"], each.name, each.metadata["kind"]


def names_of(settings: type) -> tuple[str, ...]:
    """The variables that set some settings."""
    return tuple(name for name, _, _ in _variables(settings))


def refuse_misspelt(known: Collection[str]) -> None:
    """RequestRefused for a variable that is none of ours, but looks like one."""
    # Others may have names with our prefix: Kubernetes makes some for a service that is called gravstream.
    for name in sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known):
        if meant := get_close_matches(name, known, n=1, cutoff=0.9):
            raise RequestRefused(f"{name} is no setting", advice=f"{meant[0]} is meant? See .env.example.")


def _parsed(name: str, value: str, kind: Kind[T]) -> T:
    try:
        return kind.parse(value)
    except ValueError as error:
        # A password in an address is not for the logs.
        shown = re.sub(r"//.*@", "//...@", value)
        why = f" ({error})" if str(error) else ""
        raise RequestRefused(f"{name} is {shown!r}{why}", advice=f"It must be {kind.allowed}.") from None


def _require(right: bool, why: str = "") -> None:
    if not right:
        raise ValueError(why)


def text() -> Kind[str]:
    """Any text, also none."""
    return Kind("a text", str, empty=True)


def number(least: float = 0.0, most: float = inf) -> Kind[float]:
    """A number within bounds."""

    def parse(value: str) -> float:
        found = _as_number(value, float)
        _require(isfinite(found) and least <= found <= most)
        return found

    return Kind(f"a number {_bounds(least, most)}", parse)


def whole(least: int = 0, most: float = inf) -> Kind[int]:
    """A whole number within bounds."""

    def parse(value: str) -> int:
        found = _as_number(value, int)
        _require(least <= found <= most)
        return found

    return Kind(f"a whole number {_bounds(least, most)}", parse)


def _as_number(value: str, kind: type[T]) -> T:
    try:
        return kind(value)  # type: ignore[call-arg]
    except ValueError:
        raise ValueError from None


def _bounds(least: float, most: float) -> str:
    return f"of at least {least:g}" if most == inf else f"from {least:g} to {most:g}"


def size() -> Kind[int]:
    """A number of bytes, written with a unit or without."""

    def parse(value: str) -> int:
        found = re.fullmatch(r"(\d+)\s*([KMGT]?)i?B?", value, re.IGNORECASE)
        _require(found is not None and int(found[1]) > 0)
        assert found is not None
        return int(found[1]) * _UNITS[found[2].upper()]

    return Kind("a number of bytes, such as 256M or 4G", parse)


def choice(*allowed: Word) -> Kind[Word]:
    """One of some words."""

    def parse(value: str) -> Word:
        _require(value in allowed)
        return cast(Word, value)

    return Kind(" or ".join(allowed), parse)


def words(*allowed: str) -> Kind[tuple[str, ...]]:
    """Words with spaces between them; any if none are named."""

    def parse(value: str) -> tuple[str, ...]:
        found = tuple(value.split())
        if unknown := [word for word in found if allowed and word not in allowed]:
            raise ValueError(f"there is no {unknown[0]}")
        _require(len(set(found)) == len(found), "a word comes twice")
        return found

    return Kind(f"some of {' '.join(allowed)}" if allowed else "words with spaces between them", parse)


def two_numbers() -> Kind[tuple[int, int]]:
    """Two whole numbers of at least 1."""

    def parse(value: str) -> tuple[int, int]:
        first, second = (_as_number(word, int) for word in value.split())
        _require(first >= 1 and second >= 1)
        return first, second

    return Kind("two whole numbers of at least 1, such as 1200 60", parse)


def address(*schemes: str, empty: bool = False) -> Kind[str]:
    """An address of one of some schemes."""

    def parse(value: str) -> str:
        if not value and empty:
            return value
        parts = urlsplit(value)
        _require(parts.scheme in schemes and not re.search(r"\s", value))
        _require(bool(parts.netloc) or parts.scheme in _WITHOUT_HOST)
        _require(_has_port(parts), "its port is none from 1 to 65535")
        return value

    named = " or ".join(f"{scheme}://..." for scheme in schemes)
    return Kind(f"an address {named}{', or nothing' if empty else ''}", parse, empty)


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port is None or parts.port > 0
    except ValueError:  # its text would show what stands there, which may be a part of a password
        return False


def place(*schemes: str) -> Kind[str]:
    """A path, or an address of one of some schemes."""
    addresses = address(*schemes)
    return Kind(f"a path or {addresses.allowed}", lambda value: addresses.parse(value) if "://" in value else value)


def path() -> Kind[Path]:
    """A path; one that is not absolute begins in the folder where the process was started."""
    return Kind("a path", lambda value: Path(value).absolute())


def secret(file: Path, name: str) -> str:
    """The content of a file, without the end of its line; it may hold any character.

    Raises RequestRefused, with the name of the variable that names the file, if it cannot be read or is empty.
    """
    try:
        found = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RequestRefused(f"{name} is {str(file)!r}, which cannot be read ({why})", advice="Check it.") from error
    if not found:
        raise RequestRefused(f"{name} is {str(file)!r}, which is empty", advice="Write the secret into it.")
    return found


def with_password(url: str, file: Path | None, name: str) -> str:
    """An address with the content of a file in the place of {password}."""
    # So no secret is in the environment. What has a meaning in an address (@ : / # %) is written as its code;
    # whoever reads the address undoes that.
    return url.replace(PASSWORD, quote(secret(file, name), safe="")) if file else url
