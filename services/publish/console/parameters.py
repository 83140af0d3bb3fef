"""What may stand in an address: each name by its form, so that nothing else comes further."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from shared.storage.records import ReleaseRecord

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MONTH = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
PLAIN = r"^[^\x00-\x1f\x7f]+$"  # no control characters, which a log or a database would take amiss
LARGEST = 2**31 - 1

ReleaseId = Annotated[str, Path(pattern=NAME, description="Name of a release.", examples=["twsa-v1.0-003"])]
ProductName = Annotated[str, Query(pattern=NAME, description="Name of a product.", examples=["twsa"])]
MonthName = Annotated[str, Path(pattern=MONTH, description="A month, YYYY-MM.", examples=["2015-02"])]
Number = Annotated[int, Path(ge=1, le=LARGEST)]
UnitKey = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Key of a unit of work.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many of the newest are left out.")]


def release_of(context: Context, id: str) -> ReleaseRecord:
    """The release of a name; it ends the request if there is none."""
    found = context.catalogue.find_release(id)
    if found is None:
        raise Refusal(404, f"there is no release {id}", "See /api/v1/releases for their names.")
    return found


def product_of(context: Context, name: str) -> str:
    """The name of a product that is made; it ends the request if it is none."""
    if name not in context.products:
        raise Refusal(404, f"there is no product {name}", f"Products are {' and '.join(context.products)}.")
    return name
