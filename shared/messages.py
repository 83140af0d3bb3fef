"""What the services tell each other: that there is something to look at again.

A message carries names and digests, never numbers. Nothing depends on its arrival: what is due is read
off the catalogue, so a message may be lost, doubled or late.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Message:
    """A fact that happened, named by a past participle."""

    def to_json(self) -> str:
        """The message as one line of JSON, with its kind."""
        return json.dumps({"kind": type(self).__name__, **asdict(self)}, sort_keys=True)


@dataclass(frozen=True)
class GranuleArrived(Message):
    """A file was verified and kept; month is YYYY-MM, or None for a table or model."""

    role: str
    name: str
    sha256: str
    month: str | None = None


@dataclass(frozen=True)
class ProductMade(Message):
    """A product lies in the store, made by the unit of work of this key."""

    product: str
    key: str


@dataclass(frozen=True)
class ReleaseIssued(Message):
    """A release of a product is complete and open to its users."""

    product: str
    release: str


_KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (GranuleArrived, ProductMade, ReleaseIssued)}


def message_of(text: str | bytes) -> Message:
    """The message that a line of JSON holds; ValueError if it holds none.

    Fields that this version does not know are left out: a newer sender may say more.
    """
    content = json.loads(text)
    kind = _KINDS.get(str(content.get("kind"))) if isinstance(content, dict) else None
    if kind is None:
        raise ValueError(f"no message that is known here: {str(content)[:200]}")
    known = {field.name for field in fields(kind)}
    given = {name: value for name, value in content.items() if name in known}
    for name, value in given.items():
        if not (isinstance(value, str) or (value is None and name == "month")):
            raise ValueError(f"{name} of {kind.__name__} is a text, not {value!r}")
    try:
        return kind(**given)
    except TypeError as error:
        raise ValueError(f"{kind.__name__} without a field: {error}") from error
