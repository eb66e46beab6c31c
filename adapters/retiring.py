"""An opening key that nothing is wrapped for any more is destroyed, and with it every copy that others keep.

Kafka, its mirrors and backups hold ciphertexts and wrapped keys together for as long as they like; without the private
half they are noise (docs/decisions/0088). What the provider still works with is wrapped for its newest key first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.errors import KeyStillNeeded
from adapters.provider import Provider
from broker.limits import opening_key_kept_days
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, ReferralId
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.seal.cards import KeyCard, KeyKind
from broker.seal.errors import KeyMissing, SealBroken
from broker.seal.key_files import destroy_key, read_cards
from broker.sql.bulk import Connection, Pool

_HELD: Final = (
    "SELECT w.offer_id, o.referral_id, w.field_group, w.release_id, w.wrapped, s.suite, s.ciphertext"
    " FROM wrapped_part w JOIN sealed_part s USING (org_id, offer_id, field_group, release_id)"
    " JOIN offer o USING (org_id, offer_id)"
    " WHERE w.org_id = $1 AND w.key_id = $2 FOR UPDATE OF w"
)
_REWRAPPED: Final = (
    "INSERT INTO wrapped_part (org_id, offer_id, field_group, key_id, release_id, wrapped, received_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp()) ON CONFLICT DO NOTHING"
)
_GONE: Final = "DELETE FROM wrapped_part WHERE org_id = $1 AND key_id = $2"


@dataclass(frozen=True, slots=True)
class Retired:
    """What became of what had been wrapped for the key: wrapped for the newest one, or not to be opened as it was."""

    rewrapped: int
    unopenable: int


async def retire_key(pool: Pool, provider: Provider, key_id: KeyId, now: datetime, *, revoked: bool) -> Retired:
    """Wrap what is held under this key for the newest one, then destroy the key. Safe to repeat after a crash.

    `revoked`: the operator has revoked it, so that nothing more comes for it and there is nothing to wait for.

    Raises:
        KeyMissing: no such opening key is here.
        KeyStillNeeded: it is the newest one, or something wrapped for it may still be on its way.
    """
    card = _card_to_retire(provider, key_id, now, revoked=revoked)
    async with pool.acquire() as connection, connection.transaction():
        retired = await _rewrap(connection, provider, key_id)
    destroy_key(provider.keys, card)
    return retired


def _card_to_retire(provider: Provider, key_id: KeyId, now: datetime, *, revoked: bool) -> KeyCard:
    cards = [card for card in read_cards(provider.keys) if card.kind is KeyKind.SEALING and card.org_id == provider.org]
    card = next((one for one in cards if one.key_id == key_id), None)
    if card is None:
        raise KeyMissing(f"There is no opening key {key_id} here.", remedy="`handoff keys list` shows what there is.")
    newer = [one.created_at for one in cards if one.created_at > card.created_at]
    if not newer:
        raise KeyStillNeeded("This is the newest opening key.")
    free_at = min(newer) + timedelta(days=opening_key_kept_days)
    if not revoked and now < free_at:
        raise KeyStillNeeded(f"Something wrapped for this key may be on its way until {free_at:%Y-%m-%d}.")
    return card


async def _rewrap(connection: Connection, provider: Provider, key_id: KeyId) -> Retired:
    rewrapped = unopenable = 0
    for row in await connection.fetch(_HELD, provider.org, key_id):
        group = FieldGroup(row["field_group"])
        sealed = SealedGroup(field_group=group, suite=row["suite"], ciphertext=row["ciphertext"])
        held = WrappedKey(field_group=group, recipient=provider.org, key_id=key_id, wrapped=row["wrapped"])
        try:
            fresh = provider.key_ring.rewrapped(ReferralId(row["referral_id"]), sealed, held)
        except SealBroken:
            unopenable += 1
            continue
        rewrapped += 1
        about = (provider.org, row["offer_id"], group)
        await connection.execute(_REWRAPPED, *about, fresh.key_id, row["release_id"], fresh.wrapped)
    await connection.execute(_GONE, provider.org, key_id)
    return Retired(rewrapped, unopenable)
