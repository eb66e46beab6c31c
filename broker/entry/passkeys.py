"""Passkeys: made on a person's own device, used by whoever can unlock it, several for each, taken out of use at once.

Whoever makes one is signed in, or holds a link for it that works once. The device verifies its person each time, by
PIN, finger or face: a device that somebody else picks up opens nothing. Nothing is asked of the device but a key.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Generic

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from broker import limits
from broker.entry.accounts import Account, AccountId, PasskeyId, Role, Site, Tables, hashed, new_token
from broker.entry.ceremonies import Ceremonies, Ceremony, CeremonyKind
from broker.entry.errors import PasskeyRefused
from broker.entry.links import LinkPurpose, use_link
from broker.entry.sessions import end_sessions_of
from broker.schemas.ids import OrgId
from broker.seal import base64url
from broker.sql.bulk import Connection, Pool

_ID_BYTES: Final = 8
_VERIFIED: Final = UserVerificationRequirement.REQUIRED
_OURS: Final = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
)
_UNREADABLE: Final = (WebAuthnException, ValueError, KeyError, TypeError)
"""What a credential that is none makes of the library's readers."""


@dataclass(frozen=True, slots=True)
class PasskeySeen:
    """One passkey as its holder sees it: when it was made and used, and nothing of whose device it is."""

    passkey_id: PasskeyId
    account: AccountId
    role: str
    made_at: datetime
    used_at: datetime | None


class PasskeyChange(StrEnum):
    """What was done to a passkey."""

    MADE = "passkey made"
    REVOKED = "passkey revoked"


Note = Callable[[Connection, OrgId, PasskeyChange, PasskeyId, str], Awaitable[None]]
"""Writes down what was done to which passkey, of which organisation and role, in the transaction that does it."""


@dataclass(frozen=True, slots=True)
class Passkeys(Generic[Role]):
    """Makes passkeys, checks them, and takes them out of use; `now` is UTC."""

    pool: Pool
    tables: Tables
    roles: type[Role]
    site: Site
    note: Note | None = None
    """None where the zone keeps no trail of who may come in."""

    async def begin_registering(self, account: Account[Role], now: datetime, link: str | None = None) -> Ceremony:
        """What a browser needs to make a passkey for an account; `link` is used up when it is made."""
        challenge = new_token()
        known = await self.listed(account.org, account.account_id)
        options = generate_registration_options(
            rp_id=self.site.host,
            rp_name=self.site.name,
            user_id=account.account_id.encode(),
            # What the device shows beside the key: which of somebody's roles it is for, and nothing of where.
            user_name=f"{self.site.name}, {account.role.value.replace('_', ' ').lower()}",
            challenge=challenge.encode(),
            timeout=limits.ceremony_minutes * 60_000,
            authenticator_selection=_OURS,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one) for one in await self._credentials(known)],
        )
        kept = {
            "challenge": challenge,
            "account": account.account_id,
            "org": account.org,
            "role": account.role.value,
            "link": hashed(link).hex() if link is not None else None,
        }
        token = await self._ceremonies.begin(CeremonyKind.REGISTERING, kept, now)
        return Ceremony(token, options_to_json(options))

    async def register(
        self, token: str, credential: str, now: datetime, *, by: AccountId | None
    ) -> tuple[Account[Role], PasskeyId]:
        """Keep the passkey that a browser has made; `by` is who is signed in, None where a link lets it be made.

        Raises:
            PasskeyRefused: it is not what was asked for, its person was not verified, or the link is used up.
        """
        kept = await self._ceremonies.end(token, CeremonyKind.REGISTERING, now)
        if kept is None or (kept["link"] is None if by is None else kept["account"] != by):
            raise PasskeyRefused
        account = Account(AccountId(kept["account"]), OrgId(kept["org"]), self.roles(kept["role"]))
        made = self._verified(credential, kept["challenge"])
        async with self.pool.acquire() as connection, connection.transaction():
            if kept["link"] is not None:
                link = bytes.fromhex(kept["link"])
                if await use_link(connection, self.tables, link, LinkPurpose.PASSKEY, now) is None:
                    raise PasskeyRefused
            return account, await self._keep(connection, account, made, now)

    async def begin_signing_in(self, now: datetime) -> Ceremony:
        """What a browser needs to ask its person for a passkey; whose it is, the passkey says."""
        challenge = new_token()
        options = generate_authentication_options(
            rp_id=self.site.host,
            challenge=challenge.encode(),
            timeout=limits.ceremony_minutes * 60_000,
            user_verification=_VERIFIED,
        )
        token = await self._ceremonies.begin(CeremonyKind.SIGNING_IN, {"challenge": challenge}, now)
        return Ceremony(token, options_to_json(options))

    async def sign_in(self, token: str, credential: str, now: datetime) -> tuple[Account[Role], PasskeyId]:
        """Whose passkey a browser has used.

        Raises:
            PasskeyRefused: it is unknown, out of use, copied, or its person was not verified.
        """
        kept = await self._ceremonies.end(token, CeremonyKind.SIGNING_IN, now)
        if kept is None:
            raise PasskeyRefused
        async with self.pool.acquire() as connection, connection.transaction():
            row = await self._row(connection, credential)
            count = self._checked(credential, kept["challenge"], row)
            await connection.execute(
                f"UPDATE {self.tables.passkeys} SET sign_count = $2, used_at = $3 WHERE passkey_id = $1",  # noqa: S608
                *(row["passkey_id"], count, now),
            )
        account = Account(AccountId(row["account_id"]), OrgId(row["org_id"]), self.roles(row["role"]))
        return account, PasskeyId(row["passkey_id"])

    async def listed(self, org: OrgId, account: AccountId | None = None) -> list[PasskeySeen]:
        """The passkeys of an organisation that are in use, of one account or of all, the oldest first."""
        rows = await self.pool.fetch(
            f"SELECT passkey_id, account_id, role, made_at, used_at FROM {self.tables.passkeys} WHERE org_id = $1"  # noqa: S608
            " AND ($2::text IS NULL OR account_id = $2) AND revoked_at IS NULL ORDER BY made_at, passkey_id",
            *(org, account),
        )
        return [
            PasskeySeen(PasskeyId(row[0]), AccountId(row[1]), row["role"], row["made_at"], row["used_at"])
            for row in rows
        ]

    async def revoke(self, org: OrgId, passkey_id: PasskeyId, now: datetime, account: AccountId | None = None) -> bool:
        """Take a passkey out of use, and end what it began at once; False where the organisation, or that account of
        it, has none of this id in use."""
        async with self.pool.acquire() as connection, connection.transaction():
            role = await connection.fetchval(
                f"UPDATE {self.tables.passkeys} SET revoked_at = $3 WHERE org_id = $1 AND passkey_id = $2"  # noqa: S608
                " AND revoked_at IS NULL AND ($4::text IS NULL OR account_id = $4) RETURNING role",
                *(org, passkey_id, now, account),
            )
            if role is None:
                return False
            await end_sessions_of(connection, self.tables, passkey_id, now)
            if self.note is not None:
                await self.note(connection, org, PasskeyChange.REVOKED, passkey_id, role)
            return True

    @property
    def _ceremonies(self) -> Ceremonies:
        return Ceremonies(self.pool, self.tables)

    async def _credentials(self, known: list[PasskeySeen]) -> list[bytes]:
        rows = await self.pool.fetch(
            f"SELECT credential_id FROM {self.tables.passkeys} WHERE passkey_id = ANY($1::text[])",  # noqa: S608
            [one.passkey_id for one in known],
        )
        return [row["credential_id"] for row in rows]

    def _verified(self, credential: str, challenge: str) -> VerifiedRegistration:
        try:
            return verify_registration_response(
                credential=credential,
                expected_challenge=challenge.encode(),
                expected_rp_id=self.site.host,
                expected_origin=self.site.origin,
                require_user_verification=True,
            )
        except _UNREADABLE:
            raise PasskeyRefused from None

    async def _keep(
        self, connection: Connection, account: Account[Role], made: VerifiedRegistration, now: datetime
    ) -> PasskeyId:
        passkey_id = PasskeyId(f"key-{secrets.token_hex(_ID_BYTES)}")
        kept = await connection.fetchval(
            f"INSERT INTO {self.tables.passkeys} (passkey_id, credential_id, org_id, role, account_id, public_key,"  # noqa: S608
            " sign_count, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING TRUE",
            *(passkey_id, made.credential_id, account.org, account.role.value, account.account_id),
            *(made.credential_public_key, made.sign_count, now),
        )
        if not kept:
            raise PasskeyRefused
        if self.note is not None:
            await self.note(connection, account.org, PasskeyChange.MADE, passkey_id, account.role.value)
        return passkey_id

    async def _row(self, connection: Connection, credential: str) -> Any:
        """The passkey that a credential names, held against whoever uses it at the same moment."""
        try:
            credential_id = base64url.decode(parse_authentication_credential_json(credential).id)
        except _UNREADABLE:
            raise PasskeyRefused from None
        row = await connection.fetchrow(
            f"SELECT * FROM {self.tables.passkeys} WHERE credential_id = $1 AND revoked_at IS NULL FOR UPDATE",  # noqa: S608
            credential_id,
        )
        if row is None:
            raise PasskeyRefused
        return row

    def _checked(self, credential: str, challenge: str, row: Any) -> int:
        try:
            return verify_authentication_response(
                credential=credential,
                expected_challenge=challenge.encode(),
                expected_rp_id=self.site.host,
                expected_origin=self.site.origin,
                credential_public_key=row["public_key"],
                credential_current_sign_count=row["sign_count"],
                require_user_verification=True,
            ).new_sign_count
        except _UNREADABLE:
            raise PasskeyRefused from None
