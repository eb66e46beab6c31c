"""An opening key is destroyed when it is time: the work goes on, and no copy of what it opened opens any more."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from adapters.errors import KeyStillNeeded
from adapters.provider import load_provider
from adapters.retiring import retire_key
from broker.limits import opening_key_kept_days
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.envelope import read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.ids import KeyId, OrgId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.person_groups import PersonHandle
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.seal import base64url
from broker.seal.errors import KeyMissing, SealBroken
from broker.seal.opening import OpeningKey, load_opening_keys
from tests.adapters.network import ALIAS, Installation, until
from tests.adapters.test_opening import accepted, released
from tests.conftest import KafkaForTest

LATER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Copy:
    """What somebody has kept of a hand-over: both of its halves."""

    sealed: tuple[SealedGroup, ...]
    wraps: tuple[WrappedKey, ...]


async def copies(installation: Installation, org: OrgId) -> list[Copy]:
    """What Kafka keeps of what was handed over, whatever the provider does: ciphertexts there, keys here."""
    voice = installation.voice
    names = [voice.topics.name(flow, org) for flow in (Flow.BROKER_TO_PROVIDER, Flow.KEYS_TO_PROVIDER)]
    consumer = AIOKafkaConsumer(*names, **voice.kafka, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    halves: dict[type[EventData], list[Any]] = {DisclosureReleased: [], DisclosureKeyed: []}

    async def there() -> bool:
        for records in (await consumer.getmany(timeout_ms=50)).values():
            for one in (read_envelope(record.key, record.headers, record.value) for record in records):
                if one.event_class in halves:
                    halves[one.event_class].append(one.event_class.read(one.data))
        return all(halves.values())

    try:
        await until(there)
    finally:
        await consumer.stop()
    pairs = zip(halves[DisclosureReleased], halves[DisclosureKeyed], strict=True)
    return [Copy(released.sealed, keyed.wraps) for released, keyed in pairs]


async def test_the_work_goes_on_and_no_kept_copy_opens(installation: Installation, kafka: KafkaForTest) -> None:
    """After the key is destroyed the inbox opens as before, and the records in Kafka open with no key there is."""
    haven = await installation.serve(kafka.org("haven"))
    keys, old = installation.zones / haven / "keys", installation.voice.opening[haven]
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        await installation.voice.release(haven, offer_id, referral)
        await released(inbox, offer_id)
    kept = await copies(installation, haven)
    before = load_opening_keys(keys, haven)
    assert all(before.open(referral, part, one.wraps) for one in kept for part in one.sealed)
    OpeningKey.new(KeyId(f"{haven}#seal-2")).keep(keys, datetime.now(UTC) + LATER)
    now = datetime.now(UTC)
    provider = load_provider(installation.zones / haven, now)
    retired = await retire_key(installation.pool, provider, old.key_id, now, revoked=True)
    assert (retired.rewrapped, retired.unopenable) == (2, 0)
    async with installation.running() as zone:
        opened = await zone.inbox(haven).open_groups(offer_id, reader=AcceptedBy.STAFF)
    assert [one.content.alias for one in opened if isinstance(one.content, PersonHandle)] == [ALIAS["alias"]]
    ring = load_opening_keys(keys, haven)
    assert ring.key_ids == {f"{haven}#seal-2"}
    for one, key_id in product(kept, ring.key_ids):
        renamed = [wrap.model_copy(update={"key_id": key_id}) for wrap in one.wraps]
        for part in one.sealed:
            for wraps in (one.wraps, renamed):
                with pytest.raises(SealBroken):
                    ring.open(referral, part, wraps)
    private = base64url.encode(old.x25519.private_bytes_raw())
    assert not [path for path in installation.zones.rglob("*") if path.is_file() and private in path.read_text()]
    assert old.key_id not in {row["key_id"] for row in await installation.rows("SELECT key_id FROM wrapped_part")}


async def test_a_key_that_may_still_be_needed_is_not_destroyed(installation: Installation, kafka: KafkaForTest) -> None:
    """The newest one never; an older one only when nothing that was wrapped for it can be on its way."""
    haven = await installation.serve(kafka.org("haven"))
    keys, old = installation.zones / haven / "keys", installation.voice.opening[haven].key_id
    now = datetime.now(UTC)

    async def retire(key_id: str, now: datetime, *, revoked: bool = False) -> None:
        provider = load_provider(installation.zones / haven, now)
        await retire_key(installation.pool, provider, KeyId(key_id), now, revoked=revoked)

    with pytest.raises(KeyStillNeeded):
        await retire(old, now, revoked=True)
    OpeningKey.new(KeyId(f"{haven}#seal-2")).keep(keys, datetime.now(UTC) + LATER)
    with pytest.raises(KeyStillNeeded):
        await retire(old, now + timedelta(days=opening_key_kept_days - 1))
    with pytest.raises(KeyMissing):
        await retire(f"{haven}#sign", now)
    await retire(old, now + timedelta(days=opening_key_kept_days + 1))
    with pytest.raises(KeyMissing):
        await retire(old, now, revoked=True)
