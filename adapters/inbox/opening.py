"""Sealed groups open when a person looks, in memory, with the provider's own key; who looked is written first.

What cannot be written down as read is not opened. Nothing opened is ever stored, logged or part of an exception.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from pydantic import ValidationError
from pydantic_core import to_json

from adapters.errors import KeysNotHere, NothingToOpen
from adapters.provider import Provider
from adapters.standing import TAKEN
from broker.schemas.field_groups import GROUPS, FieldGroup, group_model
from broker.schemas.group import Group
from broker.schemas.ids import KeyId, OfferId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.person_groups import SafeContact
from broker.schemas.refusal import Refused
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.sql.bulk import Connection, Pool

SAFE_CONTACT: Final = FieldGroup("FG03")
CONFLICT_CHECK: Final = FieldGroup("FG14")
READ_BY_SYSTEM: Final = "SYSTEM"
"""Who read, where it was the provider's own system and not a person at our inbox."""

_RELEASED: Final = (
    "SELECT o.referral_id FROM offer o JOIN disclosure d USING (org_id, offer_id)"
    " WHERE o.org_id = $1 AND o.offer_id = $2 AND o.standing = ANY($3::text[])"
    " AND (d.expires_at IS NULL OR d.expires_at > clock_timestamp()) FOR SHARE OF o"
)
_CONFIRMED: Final = (
    "INSERT INTO contact_confirmed (org_id, offer_id, by, confirmed_at) VALUES ($1, $2, $3, clock_timestamp())"
    " ON CONFLICT (org_id, offer_id) DO UPDATE SET by = excluded.by, confirmed_at = excluded.confirmed_at"
)
_CONTACT_OVER: Final = (
    "SELECT EXISTS (SELECT FROM disclosure WHERE org_id = $1 AND offer_id = $2 AND expires_at <= clock_timestamp())"
    " OR EXISTS (SELECT FROM recall r WHERE r.org_id = $1 AND r.offer_id = $2 AND r.groups ? $3 AND NOT EXISTS"
    " (SELECT FROM sealed_part s WHERE s.org_id = $1 AND s.offer_id = $2 AND s.field_group = $3))"
)
_PARTS: Final = (
    "SELECT s.field_group, s.suite, s.ciphertext, w.key_id, w.wrapped FROM sealed_part s"
    " LEFT JOIN wrapped_part w USING (org_id, offer_id, field_group, release_id)"
    " WHERE s.org_id = $1 AND s.offer_id = $2 ORDER BY s.field_group"
)


@dataclass(frozen=True, slots=True)
class OpenedGroup:
    """One field group, opened. Its repr shows no content."""

    field_group: FieldGroup
    label: str
    content: Group | None = field(repr=False)
    """None where it could not be opened with the keys at hand, or is not in the agreed shape."""


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What was released, sealed as it came, with the keys to it, wrapped for this provider."""

    sealed: tuple[SealedGroup, ...]
    wraps: tuple[WrappedKey, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    sealed: SealedGroup
    wraps: tuple[WrappedKey, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens what was released to one provider."""

    pool: Pool
    provider: Provider
    account: str | None = None
    """Who looks, by the short reference of an account, where one has signed in."""

    async def open_groups(
        self,
        offer_id: OfferId,
        *,
        reader: AcceptedBy | str,
        contact_shown: bool = False,
        single_use: bool = False,
        must_hold: bool = False,
    ) -> list[OpenedGroup]:
        """Open the groups of an accepted offer, the safe contact first.

        `reader` is the role that looks, or the transport that hands on, and `contact_shown` whether contact details
        will be shown: both are written down before anything is opened. Groups for a single check (FG14 at shelters
        and legal aid) are left closed unless `single_use` asks for them; their key is then destroyed, so that they
        open once. `must_hold`: that all of it was taken back is an error, for whoever hands on what is left.

        Raises:
            NothingToOpen: not accepted, not released, the release has ended, or it is not this provider's.
            KeysNotHere: what was released is here, and no key to any of it.
        """
        referral_id, parts = await self._take(
            offer_id, str(reader), contact_shown=contact_shown, single_use=single_use, must_hold=must_hold
        )
        opened = await asyncio.to_thread(self._open, referral_id, parts)
        return sorted(opened, key=lambda group: (group.field_group != SAFE_CONTACT, group.field_group))

    async def safe_contact(self, offer_id: OfferId, *, reader: AcceptedBy) -> SafeContact | None:
        """The way of contact alone, for whoever has to check an hour; that it was opened is written down before.

        None where it was not shared, or cannot be opened here.

        Raises:
            NothingToOpen, KeysNotHere: as `open_groups`.
        """
        referral_id, parts = await self._take(
            offer_id, reader.value, contact_shown=False, single_use=False, only=SAFE_CONTACT
        )
        opened = await asyncio.to_thread(self._open, referral_id, parts)
        content = opened[0].content if opened else None
        return content if isinstance(content, SafeContact) else None

    async def contact_over(self, offer_id: OfferId) -> bool:
        """Whether the way of contact was taken back, or what was released has ended."""
        return bool(await self.pool.fetchval(_CONTACT_OVER, self.provider.org, offer_id, SAFE_CONTACT))

    async def hand_out(self, offer_id: OfferId) -> HandedOut:
        """The groups of an accepted offer as they came, for the provider's own system, which holds the opening key.

        That they were handed out is written down before. What that system shows of them is not ours to bound, so
        contact details count as shown. Groups for a single check are handed out apart, by `hand_out_check`.

        Raises:
            NothingToOpen, KeysNotHere: as `open_groups`.
        """
        _, parts = await self._take(offer_id, READ_BY_SYSTEM, contact_shown=True, single_use=False)
        return _handed_out(parts)

    async def hand_out_check(self, offer_id: OfferId) -> HandedOut:
        """The names for the conflict check as they came, once: the zone's own copy of their key is then destroyed.

        Raises:
            NothingToOpen: none are here for a check; else as `open_groups`.
            KeysNotHere: their key has not come, or they were opened or handed out before.
        """
        _, parts = await self._take(offer_id, READ_BY_SYSTEM, contact_shown=False, single_use=True, only=CONFLICT_CHECK)
        if not parts:
            raise NothingToOpen
        return _handed_out(parts)

    async def contact_confirmed(self, offer_id: OfferId, *, by: AcceptedBy) -> None:
        """Write down that the source's worker was asked just now, and the safe contact still holds.

        Raises:
            NothingToOpen: as `open_groups`.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            standings = [standing.value for standing in TAKEN]
            if await connection.fetchval(_RELEASED, self.provider.org, offer_id, standings) is None:
                raise NothingToOpen
            await connection.execute(_CONFIRMED, self.provider.org, offer_id, by.value)

    async def _take(
        self,
        offer_id: OfferId,
        reader: str,
        *,
        contact_shown: bool,
        single_use: bool,
        only: FieldGroup | None = None,
        must_hold: bool = False,
    ) -> tuple[ReferralId, list[_Part]]:
        """What was released and may be read now, and its referral, after it was written down who reads it."""
        async with self.pool.acquire() as connection, connection.transaction():
            referral_id = await connection.fetchval(
                _RELEASED, self.provider.org, offer_id, [standing.value for standing in TAKEN]
            )
            if referral_id is None:
                raise NothingToOpen
            held = await connection.fetch(_PARTS, self.provider.org, offer_id)
            if not held and must_hold:
                raise NothingToOpen
            parts = self._chosen(held, single_use=single_use)
            if only is not None:
                parts = [part for part in parts if part.sealed.field_group == only]
                if not parts:
                    return ReferralId(referral_id), []
            if parts and not any(part.wraps for part in parts):
                raise KeysNotHere
            await self._write_down(connection, offer_id, reader, parts, contact_shown=contact_shown)
        return ReferralId(referral_id), parts

    def _chosen(self, found: Sequence["asyncpg.Record"], *, single_use: bool) -> list[_Part]:
        once = self.provider.kind.POLICY.single_use
        parts: dict[FieldGroup, _Part] = {}
        for row in found:
            group = FieldGroup(row["field_group"])
            if group in once and not single_use:
                continue
            sealed = SealedGroup(field_group=group, suite=row["suite"], ciphertext=row["ciphertext"])
            before = parts[group].wraps if group in parts else ()
            parts[group] = _Part(sealed, (*before, *self._wrap(group, row["key_id"], row["wrapped"])))
        return list(parts.values())

    def _wrap(self, group: FieldGroup, key_id: str | None, wrapped: str | None) -> tuple[WrappedKey, ...]:
        if key_id is None or wrapped is None:
            return ()
        return (WrappedKey(field_group=group, recipient=self.provider.org, key_id=KeyId(key_id), wrapped=wrapped),)

    async def _write_down(
        self,
        connection: Connection,
        offer_id: OfferId,
        reader: str,
        parts: Sequence[_Part],
        *,
        contact_shown: bool,
    ) -> None:
        codes = [part.sealed.field_group for part in parts if part.wraps]
        await connection.execute(
            "INSERT INTO reading (org_id, offer_id, reader, account, groups, contact_shown, read_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())",
            self.provider.org,
            offer_id,
            reader,
            self.account,
            to_json(codes).decode(),
            contact_shown,
        )
        once = [code for code in codes if code in self.provider.kind.POLICY.single_use]
        if once:
            await connection.execute(
                "DELETE FROM wrapped_part WHERE org_id = $1 AND offer_id = $2 AND field_group = ANY($3::text[])",
                self.provider.org,
                offer_id,
                once,
            )

    def _open(self, referral_id: ReferralId, parts: Sequence[_Part]) -> list[OpenedGroup]:
        return [
            OpenedGroup(
                part.sealed.field_group,
                GROUPS[part.sealed.field_group].label,
                self._content(referral_id, part),
            )
            for part in parts
        ]

    def _content(self, referral_id: ReferralId, part: _Part) -> Group | None:
        plain = self.provider.opened(referral_id, part.sealed, part.wraps)
        if plain is None:
            return None
        try:
            model = group_model(part.sealed.field_group)
            return model.model_validate_json(plain, strict=True, by_alias=True, by_name=False)
        except (Refused, ValidationError):
            return None  # What is not in the agreed shape might hold what must never travel: it is not shown.


def _handed_out(parts: Sequence[_Part]) -> HandedOut:
    return HandedOut(
        sealed=tuple(part.sealed for part in parts), wraps=tuple(wrap for part in parts for wrap in part.wraps)
    )
