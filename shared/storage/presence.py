"""The part of the catalogue about who is there: processes that live, and people who may act."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from shared.errors import RequestRefused
from shared.storage.clock import moment
from shared.storage.connection import reading, writing
from shared.storage.ledger import SYSTEM, Ledger, record, tell
from shared.storage.records import Heartbeat, Role, Token
from shared.storage.schema import heartbeats, tokens

ROLES: tuple[Role, ...] = ("operator", "scientist")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Presence(Ledger):
    """Heartbeats of processes and tokens of people."""

    def beat(self, name: str, service: str, host: str, *, now: datetime | None = None) -> None:
        """Enter that a process lives."""
        values = {"service": service, "host": host, "time": moment(now)}
        with writing(self.engine) as connection:
            if connection.execute(update(heartbeats).where(heartbeats.c.name == name).values(**values)).rowcount == 0:
                connection.execute(insert(heartbeats).values(name=name, **values))

    def leave(self, name: str) -> None:
        """Remove a process that ends in order."""
        with writing(self.engine) as connection:
            connection.execute(delete(heartbeats).where(heartbeats.c.name == name))

    def heartbeats(self) -> list[Heartbeat]:
        """Processes by their names, also those that are silent."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(heartbeats).order_by(heartbeats.c.name))
            return [record(Heartbeat, row) for row in rows]

    def forget_heartbeats(self, before: datetime) -> int:
        """Remove processes that have been silent since before a moment; how many they were."""
        with writing(self.engine) as connection:
            return connection.execute(delete(heartbeats).where(heartbeats.c.time < moment(before))).rowcount

    def add_token(self, name: str, role: Role, *, who: str = SYSTEM, now: datetime | None = None) -> str:
        """A new secret for a person or program; it is shown this once and not kept.

        Raises
        ------
        RequestRefused : if the name or role is none, or the name has a token in use
        """
        if not _NAME.fullmatch(name) or role not in ROLES:
            raise RequestRefused(
                f"{name} with role {role} cannot have a token",
                advice=f"Names are letters, digits and . _ @ -, up to 64; roles are {' and '.join(ROLES)}.",
            )
        secret, at = f"gvs_{secrets.token_urlsafe(32)}", moment(now)
        values = {"role": role, "digest": _digest(secret), "created_at": at, "revoked_at": None}
        with writing(self.engine) as connection:
            known = connection.execute(select(tokens).where(tokens.c.name == name)).one_or_none()
            if known is not None and known.revoked_at is None:
                raise RequestRefused(f"{name} has a token already", advice="Revoke it first, or take another name.")
            if known is None:
                connection.execute(insert(tokens).values(name=name, **values))
            else:
                connection.execute(update(tokens).where(tokens.c.name == name).values(**values))
            tell(connection, "system", "token-added", f"{name} may act as {role}", who=who, now=at)
        return secret

    def revoke_token(self, name: str, *, who: str = SYSTEM, now: datetime | None = None) -> None:
        """End a token; RequestRefused if there is none in use of this name."""
        at = moment(now)
        mine = (tokens.c.name == name) & tokens.c.revoked_at.is_(None)
        with writing(self.engine) as connection:
            if connection.execute(update(tokens).where(mine).values(revoked_at=at)).rowcount == 0:
                raise RequestRefused(f"{name} has no token in use", advice="See `gravstream tokens`.")
            tell(connection, "system", "token-revoked", f"{name} may not act any more", who=who, now=at)

    def tokens(self) -> list[Token]:
        """Tokens by name, also those that were revoked."""
        with reading(self.engine) as connection:
            return [record(Token, row) for row in connection.execute(select(tokens).order_by(tokens.c.name))]

    def bearer(self, secret: str) -> Token | None:
        """Whose secret this is, if it may be used; every token is compared, each in constant time."""
        digest, found = _digest(secret), None
        with reading(self.engine) as connection:
            for row in connection.execute(select(tokens).where(tokens.c.revoked_at.is_(None))):
                if hmac.compare_digest(digest, row.digest):
                    found = record(Token, row)
        return found


def _digest(secret: str) -> str:
    """SHA-256 of a secret of 256 random bits: such a one needs no slow hash, since it cannot be guessed."""
    return hashlib.sha256(secret.encode()).hexdigest()
