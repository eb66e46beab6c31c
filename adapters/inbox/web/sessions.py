"""Who is signed in: rows that end at once. A cookie or a link is worth nothing without its row, and rests as a hash.

A link signs one person in once, within minutes, for one organisation and one role. A session ends when nobody has
touched it for a quarter of an hour, after a shift, and the moment somebody leaves (pages.md §1 points 8 and 9).
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from broker import limits
from broker.schemas.ids import OrgId
from broker.sql.bulk import Pool

_TOKEN_BYTES: Final = 32
_USE: Final = (
    "UPDATE sign_in_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2"
    " RETURNING org_id, role"
)
_LIVES: Final = "token_hash = $1 AND ended_at IS NULL AND seen_at > $3 AND began_at > $4"
_FOUND: Final = "RETURNING org_id, role, language, began_at"
_FORGET: Final = "DELETE FROM staff_session WHERE seen_at < $1"
_FORGET_LINKS: Final = "DELETE FROM sign_in_link WHERE expires_at < $1"


class StaffRole(StrEnum):
    """What somebody who is signed in is here for; never who."""

    STAFF = "STAFF"
    SUPERVISOR = "SUPERVISOR"
    PRIVACY_OFFICER = "PRIVACY_OFFICER"

    @property
    def decides(self) -> bool:
        """Whether it answers offers and opens what was released."""
        return self is not StaffRole.PRIVACY_OFFICER


@dataclass(frozen=True, slots=True)
class Session:
    """One role of one organisation, signed in. Times are UTC. Its repr shows no cookie."""

    token: str = field(repr=False)
    org: OrgId
    role: StaffRole
    language: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Sessions:
    """Reads and writes the rows; `now` is UTC."""

    pool: Pool

    async def link(self, org: OrgId, role: StaffRole, now: datetime) -> str:
        """A fresh token of a sign-in link; what is long over is forgotten meanwhile."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        expires_at = now + timedelta(minutes=limits.sign_in_link_minutes)
        kept_from = now - timedelta(days=limits.session_rows_kept_days)
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(_FORGET, kept_from)
            await connection.execute(_FORGET_LINKS, kept_from)
            await connection.execute(
                "INSERT INTO sign_in_link (token_hash, org_id, role, expires_at) VALUES ($1, $2, $3, $4)",
                *(_hash(token), org, role.value, expires_at),
            )
        return token

    async def waits(self, link: str, now: datetime) -> bool:
        """Whether this link could still sign somebody in."""
        return bool(
            await self.pool.fetchval(
                "SELECT TRUE FROM sign_in_link WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
                *(_hash(link), now),
            )
        )

    async def begin(self, link: str, language: str, now: datetime) -> Session | None:
        """Use a link up, and sign in; None where it is unknown, used or too old."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_USE, _hash(link), now)
            if row is None:
                return None
            await connection.execute(
                "INSERT INTO staff_session (token_hash, org_id, role, language, began_at, seen_at)"
                " VALUES ($1, $2, $3, $4, $5, $5)",
                *(_hash(token), row["org_id"], row["role"], language, now),
            )
        return Session(token, OrgId(row["org_id"]), StaffRole(row["role"]), language, now)

    async def touched(self, token: str, now: datetime) -> Session | None:
        """The session of this cookie, which lives on from now; None where there is none or it is over."""
        row = await self.pool.fetchrow(
            f"UPDATE staff_session SET seen_at = greatest(seen_at, $2) WHERE {_LIVES} {_FOUND}",  # noqa: S608
            *(_hash(token), now, *_since(now)),
        )
        if row is None:
            return None
        return Session(token, OrgId(row["org_id"]), StaffRole(row["role"]), row["language"], row["began_at"])

    async def speaks(self, token: str, language: str) -> None:
        """From here on this session is spoken to in another language."""
        await self.pool.execute(
            "UPDATE staff_session SET language = $2 WHERE token_hash = $1 AND ended_at IS NULL", _hash(token), language
        )

    async def end(self, token: str, now: datetime) -> None:
        """End a session at once, wherever its cookie is still held."""
        await self.pool.execute(
            "UPDATE staff_session SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL", _hash(token), now
        )


def _since(now: datetime) -> tuple[datetime, datetime]:
    return now - timedelta(minutes=limits.session_idle_minutes), now - timedelta(hours=limits.session_hours_max)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
