"""What a person decides or asks for: written into the catalogue with who and why; the services see it there."""

# No `from __future__ import annotations`: who may come in is said in the signatures, by names of this function.
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.publish.console.answers import Done, Me
from services.publish.console.context import Again, Context
from services.publish.console.errors import Refusal
from services.publish.console.parameters import MONTH, PLAIN, Number, ReleaseId, UnitKey, release_of
from services.publish.console.security import Guard
from services.publish.withdrawal import withdraw
from shared.errors import RequestRefused
from shared.storage.records import Token, Unit

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
    _add_decisions_on_releases(routes, context, guard)
    _add_decisions_on_baselines(routes, context, guard)
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

    @routes.post("/units/{key}/retry")
    def retry(key: UnitKey, why: Reason, token: Operator) -> Done:
        """Try parked, waiting or dropped work again."""
        what = _unit_of(context, key)
        if what.state == "done":
            raise Refusal(409, f"{_named(what)} is done", "Use /api/v1/reprocess, which compares what comes out.")
        catalogue.retry(key, who=token.name, reason=why.reason)
        return Done(f"{_named(what)} is tried again. {SOON}")

    @routes.post("/units/{key}/drop")
    def drop(key: UnitKey, why: Reason, token: Operator) -> Done:
        """Give work up for good: a dropped month is left out."""
        what = _named(_unit_of(context, key))
        catalogue.drop(key, who=token.name, reason=why.reason)
        return Done(f"{what} is dropped.")

    @routes.post("/files/{id}/accept")
    def accept_file(id: Number, why: Reason, token: Operator) -> Done:
        """Use a held or refused file in the place of the one before it."""
        _require(id, (each.id for each in catalogue.granules(state=None)), "file", "/api/v1/decisions")
        return Done(f"{context.acts.accept_file(id, token.name, why.reason)} is in use. {SOON}")

    @routes.post("/files/{id}/refuse")
    def refuse_file(id: Number, why: Reason, token: Operator) -> Done:
        """Set a held file aside: the one before it stays in use."""
        _require(id, (each.id for each in catalogue.granules(state=None)), "file", "/api/v1/decisions")
        return Done(f"{catalogue.refuse_granule(id, who=token.name, reason=why.reason).name} is not used.")


def _add_decisions_on_releases(routes: APIRouter, context: Context, guard: Guard) -> None:
    catalogue = context.catalogue
    Scientist = Annotated[Token, Depends(guard.actor("scientist"))]

    @routes.post("/releases/{id}/approve")
    def approve(id: ReleaseId, why: Reason, token: Scientist) -> Done:
        """Let a held release pass the gate."""
        release_of(context, id)
        catalogue.approve_release(id, who=token.name, reason=why.reason)
        return Done(f"{id} is approved. {SOON}")

    @routes.post("/releases/{id}/reject")
    def reject(id: ReleaseId, why: Reason, token: Scientist) -> Done:
        """Give a held release up."""
        release_of(context, id)
        catalogue.reject_release(id, who=token.name, reason=why.reason)
        return Done(f"{id} is rejected.")

    @routes.post("/releases/{id}/retract")
    def retract(id: ReleaseId, why: Reason, token: Scientist) -> Done:
        """Take a release back: its files go, a tombstone says why."""
        release_of(context, id)
        successor = withdraw(catalogue, id, token.name, why.reason)
        return Done(f"{id} is retracted. " + (f"{successor} is there." if successor else "No release is in its place."))


def _add_decisions_on_baselines(routes: APIRouter, context: Context, guard: Guard) -> None:
    catalogue = context.catalogue
    Scientist = Annotated[Token, Depends(guard.actor("scientist"))]

    @routes.post("/baselines/{id}/accept")
    def accept_baseline(id: Number, why: Reason, token: Scientist) -> Done:
        """Use a baseline from now on: all is computed again, and the release that follows is held as a major one."""
        _require(id, (each.id for each in catalogue.baselines()), "baseline", "/api/v1/baselines")
        taken = catalogue.accept_baseline(id, who=token.name, reason=why.reason)
        return Done(f"Baseline {taken.number} of {taken.product} is in use; its months are computed again. {SOON}")

    @routes.post("/baselines/{id}/refuse")
    def refuse_baseline(id: Number, why: Reason, token: Scientist) -> Done:
        """Refuse a proposed baseline."""
        _require(id, (each.id for each in catalogue.baselines()), "baseline", "/api/v1/baselines")
        gone = catalogue.refuse_baseline(id, who=token.name, reason=why.reason)
        return Done(f"Baseline {gone.number} of {gone.product} is not used.")


def _unit_of(context: Context, key: str) -> Unit:
    unit = context.catalogue.unit(key)
    if unit is None:
        raise Refusal(404, f"there is no unit {key[:12]}", "See /api/v1/parked for those that need a person.")
    return unit


def _named(unit: Unit) -> str:
    return f"{unit.product} of {unit.month or unit.kind}"


def _require(id: int, known: Iterable[int], what: str, where: str) -> None:
    """End the request if there is nothing of this number."""
    if id not in set(known):
        raise Refusal(404, f"there is no {what} {id}", f"See {where} for their numbers.")
