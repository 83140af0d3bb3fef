"""What a person decides or asks for: written into the catalogue with who and why; the services see it there."""

# No `from __future__ import annotations`: who may come in is said in the signatures, by names of this function.
from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.publish.console.answers import Done, Me
from services.publish.console.context import Again, Context
from services.publish.console.errors import Refusal
from services.publish.console.parameters import MONTH, PLAIN, Number, ReleaseId, UnitKey, release_of
from services.publish.console.security import Guard
from services.publish.withdrawal import withdraw
from shared.errors import RequestRefused
from shared.storage.records import Token

SOON = "The services see it within a minute."


class Reason(BaseModel):
    """Why; every reader of the log sees it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    reason: str = Field(min_length=3, max_length=500, pattern=PLAIN, examples=["the gate is too strict for 2016-11"])


class Wish(Reason):
    """What is to be computed again: no months mean all; from_step: nothing before it has to be done again."""

    months: list[Annotated[str, Field(pattern=MONTH)]] = Field(default=[], max_length=500, examples=[["2015-02"]])
    from_step: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]{0,63}$")
    dry_run: bool = True


class Begun(BaseModel):
    """What is computed again; reprocessing: its number, null if nothing was begun."""

    units: list[Again]
    reprocessing: int | None


def acting_routes(context: Context, guard: Guard) -> APIRouter:
    """The routes of acts."""
    routes = APIRouter(prefix="/api/v1", tags=["acts"])
    _add_requests(routes, context, guard)
    _add_decisions_of_operators(routes, context, guard)
    _add_decisions_of_scientists(routes, context, guard)
    return routes


def _add_requests(routes: APIRouter, context: Context, guard: Guard) -> None:
    Operator = Annotated[Token, Depends(guard.actor("operator"))]

    @routes.get("/me")
    def me(token: Annotated[Token, Depends(guard.bearer())]) -> Me:
        """Whose token this is, and their role."""
        return Me(token.name, token.role)

    @routes.post("/reprocess")
    def reprocess(wish: Wish, token: Operator) -> Begun:
        """Have months computed again; with `dry_run`, the default, only say which work that is."""
        try:
            found = context.acts.reprocess(
                token.name, wish.reason, tuple(wish.months), wish.from_step, wish.dry_run
            )  # fmt: skip
        except RequestRefused as error:
            raise Refusal(400, error.found, error.advice) from error
        return Begun(units=list(found.units), reprocessing=found.reprocessing)


def _add_decisions_of_operators(routes: APIRouter, context: Context, guard: Guard) -> None:
    catalogue = context.catalogue
    Operator = Annotated[Token, Depends(guard.actor("operator"))]

    @routes.post("/units/{key}/{decision}")
    def decide_unit(key: UnitKey, decision: Literal["retry", "drop"], why: Reason, token: Operator) -> Done:
        """Try parked, waiting or dropped work again, or give it up for good."""
        unit = catalogue.unit(key)
        if unit is None:
            raise Refusal(404, f"there is no unit {key[:12]}", "See /api/v1/parked for those that need a person.")
        what = f"{unit.product} of {unit.month or unit.kind}"
        if decision == "retry" and unit.state == "done":
            raise Refusal(409, f"{what} is done", "Use /api/v1/reprocess, which compares what comes out.")
        if decision == "retry":
            catalogue.retry(key, who=token.name, reason=why.reason)
            return Done(f"{what} is tried again. {SOON}")
        catalogue.drop(key, who=token.name, reason=why.reason)
        return Done(f"{what} is dropped.")

    @routes.post("/files/{id}/{decision}")
    def decide_file(id: Number, decision: Literal["accept", "refuse"], why: Reason, token: Operator) -> Done:
        """Use a held or refused file in the place of the one before it, or set it aside."""
        _require(id, (each.id for each in catalogue.granules(state=None)), "file", "/api/v1/decisions")
        if decision == "accept":
            return Done(f"{context.acts.accept_file(id, token.name, why.reason)} is in use. {SOON}")
        return Done(f"{catalogue.refuse_granule(id, who=token.name, reason=why.reason).name} is not used.")


def _add_decisions_of_scientists(routes: APIRouter, context: Context, guard: Guard) -> None:
    catalogue = context.catalogue
    Scientist = Annotated[Token, Depends(guard.actor("scientist"))]

    @routes.post("/releases/{id}/{decision}")
    def decide_release(
        id: ReleaseId, decision: Literal["approve", "reject", "retract"], why: Reason, token: Scientist
    ) -> Done:
        """Let a held release pass the gate, give it up, or take a released one back."""
        release_of(context, id)
        if decision == "approve":
            catalogue.approve_release(id, who=token.name, reason=why.reason)
            return Done(f"{id} is approved. {SOON}")
        if decision == "reject":
            catalogue.reject_release(id, who=token.name, reason=why.reason)
            return Done(f"{id} is rejected.")
        successor = withdraw(catalogue, id, token.name, why.reason)
        return Done(f"{id} is retracted. " + (f"{successor} is there." if successor else "No release is in its place."))

    @routes.post("/baselines/{id}/{decision}")
    def decide_baseline(id: Number, decision: Literal["accept", "refuse"], why: Reason, token: Scientist) -> Done:
        """Use a proposed baseline from now on, so that all is computed again, or refuse it."""
        _require(id, (each.id for each in catalogue.baselines()), "baseline", "/api/v1/baselines")
        if decision == "accept":
            taken = catalogue.accept_baseline(id, who=token.name, reason=why.reason)
            return Done(f"Baseline {taken.number} of {taken.product} is in use; its months are computed again. {SOON}")
        gone = catalogue.refuse_baseline(id, who=token.name, reason=why.reason)
        return Done(f"Baseline {gone.number} of {gone.product} is not used.")


def _require(id: int, known: Iterable[int], what: str, where: str) -> None:
    """End the request if there is nothing of this number."""
    if id not in set(known):
        raise Refusal(404, f"there is no {what} {id}", f"See {where} for their numbers.")
