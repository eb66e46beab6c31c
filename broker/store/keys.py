"""Public keys over their life: registered, followed by a newer one with an overlap, revoked at once when stolen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from broker.handlers.cases import NextAction
from broker.schemas.ids import KeyId, OrgId
from broker.seal.cards import KeyCard, KeyKind
from broker.seal.errors import KeyExists, PublicKeyRefused
from broker.sql.bulk import Connection
from broker.store.directory import changed, tell_change
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt

KEY_REVOKED: Final = "KEY_REVOKED"
"""Why a human is asked: what a stolen key opens was handed over, and the source and the survivor must hear of it."""

_EXPOSED: Final = (
    "SELECT n.referral_id, n.category, r.source, n.priority, array_agg(d.field_group ORDER BY d.field_group) AS groups"
    " FROM disclosure d JOIN offer o ON o.offer_id = d.offer_id"
    " JOIN need n ON n.referral_id = d.referral_id AND n.category = o.category"
    " JOIN referral r ON r.referral_id = n.referral_id WHERE d.key_id = $1"
    " GROUP BY n.referral_id, n.category, r.source, n.priority ORDER BY r.source, n.referral_id"
)
_ASK_ANEW = (
    "UPDATE need SET next_action = $2, due_at = clock_timestamp() WHERE provider = $1 AND next_action = $3"
    " RETURNING referral_id"
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """One need whose groups were handed over under a key that is revoked now: whoever stole it may read them."""

    referral_id: str
    category: str
    source: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revocation:
    """What followed from a revocation. `asked_anew` are referrals whose source is asked for other wrapped keys."""

    org: OrgId
    destroyed: int
    asked_anew: Sequence[str]
    exposed: Sequence[Exposed]


async def register_key(connection: Connection, org: OrgId, card: KeyCard) -> None:
    """Register a public key of an organisation; the same card again changes nothing.

    Raises:
        PublicKeyRefused: the card is another organisation's, or not of a signing or sealing key.
        KeyExists: another key has this id.
    """
    if card.org_id != org or card.kind not in (KeyKind.SIGNING, KeyKind.SEALING):
        raise PublicKeyRefused("The card is not of a signing or sealing key of this organisation.")
    public = await connection.fetchval(
        "INSERT INTO public_key (key_id, org_id, kind, public, created_at, not_after) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (key_id) DO UPDATE SET key_id = excluded.key_id RETURNING public",
        card.key_id,
        org,
        card.kind.value,
        card.public,
        card.created_at,
        card.not_after,
    )
    if bytes(public) != card.public:
        raise KeyExists("Another key of this id is registered.", remedy="Have a new key made under another name.")
    await changed(connection)


async def rotate_key(connection: Connection, card: KeyCard, overlap: timedelta) -> list[KeyId]:
    """Register a newer key; the older ones of its kind end after the overlap. Returns which ones do.

    Raises:
        PublicKeyRefused, KeyExists: as `register_key`.
    """
    async with connection.transaction():
        if not await connection.fetchval("SELECT true FROM organisation WHERE org_id = $1", card.org_id):
            raise PublicKeyRefused("Its organisation is not onboarded.", remedy="Onboard it first: `handoff org add`.")
        await register_key(connection, card.org_id, card)
        rows = await connection.fetch(
            "UPDATE public_key SET not_after = now() + $4 WHERE org_id = $1 AND kind = $2 AND key_id <> $3"
            " AND revoked_at IS NULL AND (not_after IS NULL OR not_after > now() + $4) RETURNING key_id",
            card.org_id,
            card.kind.value,
            card.key_id,
            overlap,
        )
        await tell_change(connection, card.org_id, "key added", fresh_salt(), key=card.key_id)
    return [KeyId(row["key_id"]) for row in rows]


async def revoke_key(connection: Connection, key_id: KeyId) -> Revocation | None:
    """Revoke a key at once; None where it is unknown or revoked already.

    Nothing signed with it or wrapped for it is accepted from the next batch on, nor handed on. Wrapped keys that the
    broker holds for it are destroyed; sources that were asked for others are asked anew; for what had been handed over
    a human is asked to tell the source.
    """
    async with connection.transaction():
        org = await connection.fetchval(
            "UPDATE public_key SET revoked_at = clock_timestamp() WHERE key_id = $1 AND revoked_at IS NULL"
            " RETURNING org_id",
            key_id,
        )
        if org is None:
            return None
        await tell_change(connection, OrgId(org), "key revoked", fresh_salt(), key=key_id)
        exposed = await _exposed(connection, key_id)
        asked = await connection.fetch(_ASK_ANEW, org, NextAction.ASK_FOR_KEYS.value, NextAction.CHASE_KEYS.value)
        gone = await connection.fetch("DELETE FROM wrapped_key WHERE key_id = $1 RETURNING referral_id", key_id)
        await changed(connection)
    return Revocation(OrgId(org), len(gone), [row["referral_id"] for row in asked], exposed)


async def _exposed(connection: Connection, key_id: KeyId) -> list[Exposed]:
    """What was handed over under this key, each put before a human."""
    rows = await connection.fetch(_EXPOSED, key_id)
    now = await connection.fetchval("SELECT clock_timestamp()")
    for row in rows:
        raised = await connection.fetchval(
            "INSERT INTO work_item (work_id, referral_id, category, reason, owner, priority, raised_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING work_id",
            str(uuid4()),
            row["referral_id"],
            row["category"],
            KEY_REVOKED,
            row["source"],
            row["priority"],
            now,
        )
        if raised is not None:
            facts = {"at": now, "actor": "role:operator", "need": row["category"], "reason": KEY_REVOKED}
            told = entry(Step.WORK_RAISED, row["referral_id"], {**facts, "owner": row["source"]}, fresh_salt())
            await add_entry(connection, told)
    return [Exposed(row["referral_id"], row["category"], row["source"], tuple(row["groups"])) for row in rows]
