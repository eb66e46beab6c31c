"""What is begun in a browser and ended a moment later: kept in a row meanwhile, found by a cookie, usable once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic_core import from_json, to_json

from broker import limits
from broker.entry.accounts import Tables, hashed, new_token
from broker.sql.bulk import Pool


class CeremonyKind(StrEnum):
    """What is under way; one of the one kind cannot end the other."""

    REGISTERING = "REGISTERING"
    SIGNING_IN = "SIGNING_IN"
    OPENID = "OPENID"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Something begun: the cookie that ends it, and what the browser needs. Its repr shows neither."""

    token: str = field(repr=False)
    told: str = field(repr=False)
    """The options of a passkey as JSON, or the address at which an organisation signs in."""


@dataclass(frozen=True, slots=True)
class Ceremonies:
    """Keeps what is under way; `now` is UTC."""

    pool: Pool
    tables: Tables

    async def begin(self, kind: CeremonyKind, kept: dict[str, Any], now: datetime) -> str:
        """Keep something for some minutes, and give the cookie by which it is found; what is over is forgotten."""
        token, table = new_token(), self.tables.ceremonies
        until = now + timedelta(minutes=limits.ceremony_minutes)
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(f"DELETE FROM {table} WHERE expires_at < $1", now)  # noqa: S608
            await connection.execute(
                f"INSERT INTO {table} (token_hash, kind, kept, expires_at) VALUES ($1, $2, $3, $4)",  # noqa: S608
                *(hashed(token), kind.value, to_json(kept).decode(), until),
            )
        return token

    async def end(self, token: str, kind: CeremonyKind, now: datetime) -> dict[str, Any] | None:
        """What was kept, once; None where it is over, ended already, or nobody began it."""
        kept = await self.pool.fetchval(
            f"DELETE FROM {self.tables.ceremonies} WHERE token_hash = $1 AND kind = $2 AND expires_at > $3"  # noqa: S608
            " RETURNING kept",
            *(hashed(token), kind.value, now),
        )
        found: dict[str, Any] | None = from_json(kept) if kept is not None else None
        return found
