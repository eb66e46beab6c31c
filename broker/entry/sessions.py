"""Who is signed in: rows that end at once. A cookie is worth nothing without its row, and rests as a hash.

A session ends when nobody has touched it for a quarter of an hour, after a shift, the moment somebody leaves, and the
moment the passkey that began it is taken out of use (pages.md §1 points 8 and 9).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic

import asyncpg

from broker import limits
from broker.entry.accounts import Account, AccountId, PasskeyId, Role, Tables, hashed, new_token
from broker.schemas.ids import OrgId
from broker.sql.bulk import Connection, Pool

_LIVES: Final = "token_hash = $1 AND ended_at IS NULL AND seen_at > $2 AND began_at > $3"
_COLUMNS: Final = "org_id, role, account_id, language, began_at"


@dataclass(frozen=True, slots=True)
class Session(Generic[Role]):
    """One account, signed in. Times are UTC. Its repr shows no cookie."""

    token: str = field(repr=False)
    account: Account[Role]
    language: str
    began_at: datetime
    stored: bool = False
    """Whether the page that is asked for follows something that was stored a moment ago."""

    @property
    def org(self) -> OrgId:
        """The organisation that it belongs to, and the only one that it sees."""
        return self.account.org

    @property
    def role(self) -> Role:
        """What somebody is here for; never who."""
        return self.account.role


@dataclass(frozen=True, slots=True)
class Sessions(Generic[Role]):
    """Reads and writes the rows; `now` is UTC."""

    pool: Pool
    tables: Tables
    roles: type[Role]

    async def begin(
        self, account: Account[Role], language: str, now: datetime, passkey_id: PasskeyId | None = None
    ) -> Session[Role]:
        """Sign an account in, always under a fresh cookie; what is long over is forgotten meanwhile."""
        token, table = new_token(), self.tables.sessions
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                f"DELETE FROM {table} WHERE seen_at < $1",  # noqa: S608
                now - timedelta(days=limits.session_rows_kept_days),
            )
            await connection.execute(
                f"INSERT INTO {table} (token_hash, org_id, role, account_id, passkey_id, language, began_at, seen_at)"  # noqa: S608
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
                *(hashed(token), account.org, account.role.value, account.account_id, passkey_id, language, now),
            )
        return Session(token, account, language, now)

    async def touched(self, token: str, now: datetime) -> Session[Role] | None:
        """The session of this cookie, which lives on from now; None where there is none or it is over."""
        statement = f"UPDATE {self.tables.sessions} SET seen_at = greatest(seen_at, $4) WHERE {_LIVES}"  # noqa: S608
        return self._session(
            token, await self.pool.fetchrow(f"{statement} RETURNING {_COLUMNS}", *_key(token, now), now)
        )

    async def found(self, token: str, now: datetime) -> Session[Role] | None:
        """The same without a touch: what a page asks by itself keeps nobody signed in."""
        statement = f"SELECT {_COLUMNS} FROM {self.tables.sessions} WHERE {_LIVES}"  # noqa: S608
        return self._session(token, await self.pool.fetchrow(statement, *_key(token, now)))

    def _session(self, token: str, row: "asyncpg.Record | None") -> Session[Role] | None:
        if row is None:
            return None
        account = Account(AccountId(row["account_id"]), OrgId(row["org_id"]), self.roles(row["role"]))
        return Session(token, account, row["language"], row["began_at"])

    async def speaks(self, token: str, language: str) -> None:
        """From here on this session is spoken to in another language."""
        await self.pool.execute(
            f"UPDATE {self.tables.sessions} SET language = $2 WHERE token_hash = $1 AND ended_at IS NULL",  # noqa: S608
            *(hashed(token), language),
        )

    async def end(self, token: str, now: datetime) -> None:
        """End a session at once, wherever its cookie is still held."""
        await self.pool.execute(
            f"UPDATE {self.tables.sessions} SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL",  # noqa: S608
            *(hashed(token), now),
        )


def _key(token: str, now: datetime) -> tuple[bytes, datetime, datetime]:
    """Which session, and since when it must have been touched and begun."""
    since = now - timedelta(minutes=limits.session_idle_minutes), now - timedelta(hours=limits.session_hours_max)
    return hashed(token), *since


async def end_sessions_of(connection: Connection, tables: Tables, passkey_id: PasskeyId, now: datetime) -> None:
    """End every session that a passkey began."""
    await connection.execute(
        f"UPDATE {tables.sessions} SET ended_at = $2 WHERE passkey_id = $1 AND ended_at IS NULL",  # noqa: S608
        *(passkey_id, now),
    )
