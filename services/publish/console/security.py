"""Who may read and act: tokens, their roles, and how often anybody may ask.

A token travels in the header `Authorization` alone. A browser never adds that by itself, as it would a cookie, so a
foreign page cannot act in the name of a reader.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NoReturn

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.publish.console.context import Context
from services.publish.console.errors import Refusal
from shared.storage.records import Role, Token

# What a role may do beside its own: a scientist may do all
_ENOUGH: dict[Role, tuple[Role, ...]] = {"operator": ("operator", "scientist"), "scientist": ("scientist",)}
_LONGEST = 200  # characters of a header with a token; ours have 54
_SCHEME = HTTPBearer(auto_error=False, description="A token, made with `gravstream tokens add NAME --role ROLE`.")

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)]


class Rates:
    """How often each may ask in any minute; a moment is counted when it is over."""

    def __init__(self, reading: int, acting: int) -> None:
        """Say how many requests a minute an address has for reading, and an address or a token for acting."""
        self._limits = {"reading": RateLimitItemPerMinute(reading), "acting": RateLimitItemPerMinute(acting)}
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def is_free(self, what: str, who: str) -> bool:
        """Count a request, and say whether it may be answered."""
        return self._limiter.hit(self._limits[what], what, who)


def too_many() -> Refusal:
    """The answer to one who asks too often."""
    return Refusal(429, "too many requests in this minute", "Wait a minute, then ask again.", {"Retry-After": "60"})


def address_of(request: Request) -> str:
    """The address that a request comes from."""
    return request.client.host if request.client else "unknown"


class Guard:
    """Lets in who may come in."""

    def __init__(self, context: Context) -> None:
        """Look up tokens in the catalogue of a context, by whose settings reading is open or closed."""
        self._catalogue, self._is_open = context.catalogue, context.settings.reading == "open"
        self.rates = Rates(*context.settings.requests)

    def reader(self) -> Callable[..., None]:
        """The dependency of what is read: no token is asked for where reading is open."""

        def open_to_all() -> None:
            """Nothing is asked."""

        def with_token(credentials: Credentials) -> None:
            self._token(credentials)

        return open_to_all if self._is_open else with_token

    def actor(self, role: Role) -> Callable[..., Token]:
        """The dependency of what is done: the token of one who may do it."""

        def allowed(request: Request, credentials: Credentials) -> Token:
            # Counted before the token is looked at: whoever guesses is slowed down too.
            if not self.rates.is_free("acting", f"from {address_of(request)}"):
                raise too_many()
            token = self._token(credentials)
            if not self.rates.is_free("acting", f"by {token.name}"):
                raise too_many()
            if token.role not in _ENOUGH[role]:
                advice = f"Ask somebody who is a {role}."
                raise Refusal(403, f"{token.name} is {_named(token.role)} and may not do this", advice)
            return token

        return allowed

    def bearer(self) -> Callable[..., Token]:
        """The dependency of what any token may see."""

        def known(credentials: Credentials) -> Token:
            return self._token(credentials)

        return known

    def _token(self, credentials: HTTPAuthorizationCredentials | None) -> Token:
        if credentials is None:
            _unknown("this needs a token")
        secret = credentials.credentials
        # All tokens are compared, each in constant time; only their digests are kept.
        token = self._catalogue.bearer(secret) if len(secret) <= _LONGEST else None
        return token or _unknown("this token is unknown or was revoked")


def _named(role: Role) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def _unknown(error: str) -> NoReturn:
    advice = "Send the header `Authorization: Bearer <token>`; an operator makes one with `gravstream tokens add`."
    raise Refusal(401, error, advice, {"WWW-Authenticate": "Bearer"})
