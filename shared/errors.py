"""What can go wrong, named by what happens next.

Every error tells four things: the file, the line if there is one, what was found, and what to do.
The docstring of a class is the headline of its message.
"""

from __future__ import annotations

from pathlib import Path


class GravstreamError(Exception):
    """Something went wrong."""

    def __init__(self, found: str, *, advice: str, file: str | Path | None = None, line: int | None = None) -> None:
        """Say what was found and what to do about it.

        Parameters
        ----------
        found : what is wrong, with the value that was found
        advice : what the reader of the message can do next
        file : the file that it was found in, if any
        line : its line in that file, counted from one, if it is known
        """
        self.found = found
        self.advice = advice
        self.file = None if file is None else Path(file).name
        self.line = line
        super().__init__(str(self))

    def __str__(self) -> str:
        place = "" if self.file is None else self.file + ("" if self.line is None else f", line {self.line}") + ": "
        return f"{place}{self.found}. {self.advice}"

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; keyword arguments do not survive the default pickling of exceptions.
        return _rebuild, (type(self), self.found, self.advice, self.file, self.line)

    @property
    def headline(self) -> str:
        """The first line of the docstring: what this kind of error means."""
        return (type(self).__doc__ or "").splitlines()[0].rstrip(".")


def _rebuild(
    kind: type[GravstreamError], found: str, advice: str, file: str | None, line: int | None
) -> GravstreamError:
    return kind(found, advice=advice, file=file, line=line)


class Unreachable(GravstreamError):
    """The other side does not answer; it is tried again later."""


class AuxiliaryMissing(GravstreamError):
    """An auxiliary does not cover this month yet; the month waits for it."""


class GranuleRejected(GravstreamError):
    """A file is not what it should be; it is not used."""


class ProductHeld(GravstreamError):
    """A product looks wrong; a person decides whether it is released."""


class RequestRefused(GravstreamError):
    """What was asked for cannot be done as asked; nothing was written."""


class StoreDamaged(GravstreamError):
    """What the store holds is missing or is not what was put in; nothing uses it, a person looks."""


class StoreUnavailable(GravstreamError):
    """The store or the catalogue cannot be reached or written; it is tried again later."""
