"""What the console says when it cannot do what was asked.

What is wrong and what to do, never how it is built.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from shared.errors import GranuleRejected, GravstreamError, RequestRefused, StoreUnavailable, Unreachable

log = logging.getLogger("gravstream.console")

_STATUS: dict[type[GravstreamError], int] = {
    RequestRefused: 409,
    GranuleRejected: 422,
    Unreachable: 503,
    StoreUnavailable: 503,
}
_ADVICE = {
    401: "Send the header `Authorization: Bearer <token>`; an operator makes one with `gravstream tokens add`.",
    404: "See /api/v1/docs for what there is.",
    405: "See /api/v1/docs for how this address is used.",
    413: "Send less: a request has at most 1 MB.",
}
_FIELDS = 5  # of a bad request that are named


class Problem(BaseModel):
    """What is wrong, and what to do about it."""

    error: str
    advice: str


PROBLEM = {"$ref": "#/components/schemas/Problem"}

# What any operation may answer with besides what it is for
PROBLEMS = (400, 401, 403, 404, 408, 409, 410, 413, 422, 429, 503)


class Refusal(Exception):
    """A request that is ended with a status, and why."""

    def __init__(self, status: int, error: str, advice: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.advice, self.headers = status, error, advice, headers


def problem(status: int, error: str, advice: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer to a request that cannot be done."""
    return JSONResponse({"error": error, "advice": advice}, status, headers)


def describe_problems(description: dict[str, Any]) -> None:
    """Describe how each operation of the API tells what cannot be done."""
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema()
    content = {"application/json": {"schema": PROBLEM}}
    for path in description["paths"].values():
        for operation in path.values():
            for status in PROBLEMS:
                operation["responses"][str(status)] = {"description": HTTPStatus(status).phrase, "content": content}


def explain_errors(app: FastAPI) -> None:
    """Let every error of an application be answered in the same form."""
    app.add_exception_handler(Refusal, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(GravstreamError, _expected)  # type: ignore[arg-type]


async def _refused(_: Request, refusal: Refusal) -> JSONResponse:
    return problem(refusal.status, refusal.error, refusal.advice, refusal.headers)


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    advice = _ADVICE.get(status, "Look at the request again.")
    return problem(status, f"{status.phrase}: {request.method} {request.url.path}"[:300], advice, error.headers)


async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    """The fields that are wrong by their names; what was sent is not said back."""
    found = [f"{'.'.join(map(str, each['loc'][1:])) or each['loc'][0]}: {each['msg']}" for each in error.errors()]
    more = f"; and {len(found) - _FIELDS} more" if len(found) > _FIELDS else ""
    text = "; ".join(found[:_FIELDS]) + more
    return problem(422, text[:1000], "Mend what is named; /api/v1/docs tells the form.")


async def _expected(_: Request, error: GravstreamError) -> JSONResponse:
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)
    if status == 503:
        log.warning("%s", error)
        return problem(503, error.headline, error.advice, {"Retry-After": "10"})
    if status == 500:
        log.error("%s", error)
    return problem(status, error.found, error.advice)
