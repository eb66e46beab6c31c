"""One-time links: to sign one person in, in exercises alone, or to let one person make a first passkey, anywhere.

A link works once, within minutes, for one organisation and one role. Whoever can make links can come in as anybody's
role; so where real people's data are seen, what a link leads to is a passkey, which is seen, named and taken away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic

import asyncpg

from broker import limits
from broker.entry.accounts import Account, Role, Tables, hashed, new_account_id, new_token
from broker.entry.errors import LinksNotAllowed
from broker.schemas.ids import OrgId
from broker.sql.bulk import Connection, Pool


class LinkPurpose(StrEnum):
    """What a link is good for; one of the one kind is nothing to the other's page."""

    SIGN_IN = "SIGN_IN"
    PASSKEY = "PASSKEY"


_WAITS: Final = "token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3"


@dataclass(frozen=True, slots=True)
class Links(Generic[Role]):
    """Makes links and uses them up; `now` is UTC."""

    pool: Pool
    tables: Tables
    roles: type[Role]
    sign_in_allowed: bool
    """Whether links may sign somebody in: in an exercise, and where the operator has said so."""

    async def make(self, org: OrgId, role: Role, purpose: LinkPurpose, now: datetime) -> str:
        """A fresh token of a link; what is long over is forgotten meanwhile.

        Raises:
            LinksNotAllowed: it should sign somebody in, and that is not done here.
        """
        self._check(purpose)
        async with self.pool.acquire() as connection, connection.transaction():
            return await self.make_within(connection, org, role, purpose, now)

    async def make_within(
        self, connection: Connection, org: OrgId, role: Role, purpose: LinkPurpose, now: datetime
    ) -> str:
        """The same in the caller's transaction, so that it can be written down in it."""
        self._check(purpose)
        token, table = new_token(), self.tables.links
        await connection.execute(
            f"DELETE FROM {table} WHERE expires_at < $1",  # noqa: S608
            now - timedelta(days=limits.session_rows_kept_days),
        )
        await connection.execute(
            f"INSERT INTO {table} (token_hash, org_id, role, purpose, expires_at) VALUES ($1, $2, $3, $4, $5)",  # noqa: S608
            *(hashed(token), org, role.value, purpose.value, now + timedelta(minutes=limits.sign_in_link_minutes)),
        )
        return token

    async def purpose(self, token: str, now: datetime) -> LinkPurpose | None:
        """What a link could still be used for; None where it is unknown, used, too old or not allowed."""
        for purpose in LinkPurpose:
            if purpose is LinkPurpose.SIGN_IN and not self.sign_in_allowed:
                continue
            if await self.account(token, purpose, now) is not None:
                return purpose
        return None

    async def account(self, token: str, purpose: LinkPurpose, now: datetime) -> Account[Role] | None:
        """Whose link it is, as somebody who comes in for the first time; nothing is used up."""
        self._check(purpose)
        statement = f"SELECT org_id, role FROM {self.tables.links} WHERE {_WAITS}"  # noqa: S608
        return self._account(await self.pool.fetchrow(statement, hashed(token), purpose.value, now))

    async def use(self, token: str, purpose: LinkPurpose, now: datetime) -> Account[Role] | None:
        """Use a link up, and say whose it was; None where it is unknown, used or too old.

        Raises:
            LinksNotAllowed: it should sign somebody in, and that is not done here.
        """
        self._check(purpose)
        async with self.pool.acquire() as connection:
            return self._account(await use_link(connection, self.tables, hashed(token), purpose, now))

    def _account(self, row: "asyncpg.Record | None") -> Account[Role] | None:
        if row is None:
            return None
        return Account(new_account_id(), OrgId(row["org_id"]), self.roles(row["role"]))

    def _check(self, purpose: LinkPurpose) -> None:
        if purpose is LinkPurpose.SIGN_IN and not self.sign_in_allowed:
            raise LinksNotAllowed


async def use_link(
    connection: Connection, tables: Tables, token_hash: bytes, purpose: LinkPurpose, now: datetime
) -> "asyncpg.Record | None":
    """Use a link up in the caller's transaction; None where it does not wait any more."""
    return await connection.fetchrow(
        f"UPDATE {tables.links} SET used_at = $3 WHERE {_WAITS} RETURNING org_id, role",  # noqa: S608
        *(token_hash, purpose.value, now),
    )
