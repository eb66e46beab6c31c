"""Who comes in: a role of an organisation under an id that says nothing, and where an application keeps that.

There is no name anywhere: an account is what its passkeys, or its subject at the organisation's own sign-in, lead to.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Generic, NamedTuple, NewType, TypeVar
from urllib.parse import urlsplit

from broker.schemas.ids import OrgId

Role = TypeVar("Role", bound=StrEnum)
AccountId = NewType("AccountId", str)
PasskeyId = NewType("PasskeyId", str)
Clock = Callable[[], datetime]
"""The time, UTC."""

TOKEN_BYTES: Final = 32
_ACCOUNT_BYTES: Final = 16
_ACCOUNT_LETTERS: Final = 8
_ELSEWHERE: Final = "oid-"
_TABLE: Final = re.compile(r"[a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Account(Generic[Role]):
    """One person's way in: which organisation, which role."""

    account_id: AccountId
    org: OrgId
    role: Role

    @property
    def reference(self) -> str:
        """A role and some letters, so that two of one role are told apart: `role:coordinator-1f3a9c2e`."""
        return f"role:{self.role.value.lower().replace('_', '-')}-{self.letters}"

    @property
    def letters(self) -> str:
        """Some letters of the id, for where the role stands beside them."""
        return self.account_id.rpartition("-")[2][:_ACCOUNT_LETTERS]

    @property
    def elsewhere(self) -> bool:
        """Whether an organisation's own sign-in answers for it: then that alone lets it in, and can keep it out."""
        return self.account_id.startswith(_ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Site:
    """How the pages are reached, as browsers must find it."""

    origin: str
    """`https://inbox.haven.example`, without a slash at its end."""
    name: str
    """What a device calls a passkey to these pages: neutral words."""

    @property
    def host(self) -> str:
        """The host that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""

    @property
    def takes_passkeys(self) -> bool:
        """Whether browsers make passkeys here: a name they do, a bare address (`127.0.0.1`) they do not."""
        return not self.host.replace(".", "").isdigit() and ":" not in self.host


class OpenIdSettings(NamedTuple):
    """What an installation's settings say of an organisation's own sign-in."""

    issuer: str
    client_id: str
    client_secret_file: Path
    role_claim: str
    roles: str
    """`claim=ROLE[,claim=ROLE…]`, the first that somebody has holds."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of an application's own tables, each with its columns; `?` marks those that may be null.

    `_hash` columns are `bytea`, moments `timestamptz`, counts `bigint`, all else `text`.
    """

    sessions: str
    """token_hash, org_id, role, account_id, passkey_id?, language, began_at, seen_at, ended_at?"""
    links: str
    """token_hash, org_id, role, purpose, expires_at, used_at?"""
    passkeys: str
    """passkey_id, credential_id (bytea), org_id, role, account_id, public_key (bytea), sign_count, made_at, used_at?,
    revoked_at?"""
    ceremonies: str
    """token_hash, kind, kept (jsonb), expires_at"""

    def __post_init__(self) -> None:
        # They become part of statements.
        assert all(map(_TABLE.fullmatch, (self.sessions, self.links, self.passkeys, self.ceremonies)))


def new_account_id() -> AccountId:
    """An id for somebody who comes in for the first time."""
    return AccountId(f"acc-{secrets.token_hex(_ACCOUNT_BYTES)}")


def account_id_of(issuer: str, subject: str) -> AccountId:
    """The id of somebody whom an issuer knows by `subject`: always the same, and not to be turned back."""
    told = f"{len(issuer)}:{issuer}{subject}"
    return AccountId(f"{_ELSEWHERE}{hashlib.sha256(told.encode()).hexdigest()[: 2 * _ACCOUNT_BYTES]}")


def new_token() -> str:
    """A secret that only its holder and, as a hash, its row know."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> bytes:
    """How a secret rests."""
    return hashlib.sha256(token.encode()).digest()
