"""Keys and ciphertexts lie apart on every way; when the keys have gone, no key there is opens what was kept."""

from contextlib import suppress
from itertools import product
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete

from broker.composition import kafka_of
from broker.errors import SettingsInvalid
from broker.limits import keys_retention_hours_max
from broker.onboarding import HOUR_MS, RETENTION_MS, create_topics
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.envelope import read_envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import Refused
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.seal.errors import SealBroken
from broker.settings import load_settings
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, HOTLINE
from tests.broker.test_release import ring
from tests.broker.test_shredding import hours_pass, looked, named, taken_on

_KEYS: Final = (Flow.KEYS_TO_BROKER, Flow.KEYS_TO_PROVIDER)
_CIPHERTEXTS: Final = (Flow.SOURCE_TO_BROKER, Flow.BROKER_TO_PROVIDER)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def partitions(county: County, *flows: Flow) -> list[TopicPartition]:
    """All partitions of these topics of the source and of both shelters."""
    known = {topic for org in (HOTLINE, BIRCH, CEDAR) for topic in county.topics.of_organisation(org, provider=True)}
    names = [name for name in sorted(known) if (place := county.topics.parse(name)) and place[0] in flows]
    return [TopicPartition(name, number) for name in names for number in range(county.settings.topic_partitions)]


async def past_retention(county: County) -> None:
    """As Kafka does when a topic's time is over: every record with keys is deleted."""
    admin = AIOKafkaAdminClient(**kafka_of(county.settings))
    await admin.start()
    try:
        known = set(await admin.list_topics())
        places = [place for place in partitions(county, *_KEYS) if place.topic in known]
        await admin.delete_records({place: RecordsToDelete(before_offset=-1) for place in places})
    finally:
        await admin.close()


async def kept(county: County) -> list[tuple[str, EventData]]:
    """What each record that Kafka has on these topics at this moment is about, and what it says."""
    known = set(await county.ear.topics())
    places = [place for place in partitions(county, *_KEYS, *_CIPHERTEXTS) if place.topic in known]
    consumer = AIOKafkaConsumer(**kafka_of(county.settings), group_id=None)
    await consumer.start()
    found = []
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    with suppress(Refused):
                        received = read_envelope(record.key, record.headers, record.value)
                        found.append((received.envelope.subject, received.event_class.read(received.data)))
    finally:
        await consumer.stop()
    return found


async def test_no_topic_and_no_record_towards_a_provider_has_both_halves(served: County) -> None:
    """Each half is its own event on its own topic, and each comes once."""
    referral, _, parts = await named(served)
    org, _ = await taken_on(served, referral)
    [(sealed, released)] = served.events(DisclosureReleased, org=org, about=referral)
    [(keys, keyed)] = served.events(DisclosureKeyed, org=org, about=referral)
    assert sealed.place[0] == served.topics.name(Flow.BROKER_TO_PROVIDER, org)
    assert keys.place[0] == served.topics.name(Flow.KEYS_TO_PROVIDER, org)
    assert not [wrap for wrap in keyed.wraps if wrap.wrapped.encode() in sealed.record]
    assert not [part for part in released.sealed if part.ciphertext.encode() in keys.record]
    assert len(released.sealed) == len(keyed.wraps) == len(parts)


async def retention(county: County, topic: str) -> tuple[int, int]:
    """How long Kafka keeps a topic's records, and what a segment of it holds at most: both in milliseconds."""
    admin = AIOKafkaAdminClient(**kafka_of(county.settings))
    await admin.start()
    try:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    [resource] = vars(answer)["resources"]
    settings = {entry[0]: entry[1] for entry in resource[4]}
    return int(settings["retention.ms"]), int(settings["segment.ms"])


async def test_kafka_forgets_keys_sooner_than_ciphertexts(served: County) -> None:
    """Set when the topic is made; in segments of an hour, because Kafka deletes whole ones."""
    for keys_flow, ciphertexts_flow in zip(_KEYS, _CIPHERTEXTS, strict=True):
        keys, segment = await retention(served, served.topics.name(keys_flow, BIRCH))
        assert keys == keys_retention_hours_max * HOUR_MS < RETENTION_MS
        assert segment == HOUR_MS
        ciphertexts, _ = await retention(served, served.topics.name(ciphertexts_flow, BIRCH))
        assert ciphertexts == RETENTION_MS


async def test_an_operator_may_have_keys_forgotten_sooner_and_never_later(served: County) -> None:
    """HANDOFF_KEYS_RETENTION_HOURS: three days and less; more, or none, is refused by name."""
    topic = served.topics.name(Flow.KEYS_TO_PROVIDER, OrgId("org-shelter-brief"))
    await create_topics(kafka_of(served.settings), [topic], partitions=1, replicas=1, hours={topic: 5})
    assert await retention(served, topic) == (5 * HOUR_MS, HOUR_MS)
    for hours in (0, keys_retention_hours_max + 1):
        with pytest.raises(SettingsInvalid, match="HANDOFF_KEYS_RETENTION_HOURS"):
            load_settings(keys_retention_hours=hours, _env_file=None)


async def test_after_the_destruction_no_key_opens_what_was_kept(served: County) -> None:
    """Of copies of the source's and the providers' topics and of the broker's tables, taken then: no key of a shelter
    opens a group, by any wrapped key that is left anywhere in them, under any name. Of earlier copies, both open all.
    """
    referral, _, parts = await named(served)
    await taken_on(served, referral)
    groups = {part.field_group for part, _ in parts}
    ciphertexts, wraps = await _copies(served, referral)
    assert _opened(served, referral, ciphertexts, wraps) == set(product((BIRCH, CEDAR), groups)), "the test can fail"
    await past_retention(served)
    await hours_pass(served, referral, 25)
    await looked(served)
    ciphertexts, left = await _copies(served, referral)
    assert {part.field_group for part in ciphertexts} == groups, "ciphertexts are kept"
    assert _opened(served, referral, ciphertexts, left) == set()


async def _copies(county: County, referral: ReferralId) -> tuple[set[SealedGroup], list[WrappedKey]]:
    """The ciphertexts of a referral, and every wrapped key of whatever referral, in what is kept."""
    records = await kept(county)
    own = [fact for subject, fact in records if subject == referral]
    ciphertexts = {
        part for fact in own if isinstance(fact, ReferralRequested | DisclosureReleased) for part in fact.sealed
    }
    rows = await county.pool.fetch("SELECT * FROM sealed_group WHERE referral_id = $1", referral)
    ciphertexts |= {SealedGroup.model_validate({name: row[name] for name in SealedGroup.model_fields}) for row in rows}
    wraps = [wrap for _, fact in records if isinstance(fact, ReferralSealed | DisclosureKeyed) for wrap in fact.wraps]
    rows = await county.pool.fetch("SELECT * FROM wrapped_key")
    return ciphertexts, [
        *wraps,
        *(WrappedKey.model_validate({name: row[name] for name in WrappedKey.model_fields}) for row in rows),
    ]


def _opened(
    county: County, referral: ReferralId, ciphertexts: set[SealedGroup], wraps: list[WrappedKey]
) -> set[tuple[OrgId, FieldGroup]]:
    """Which shelter can read which groups, whatever name a wrapped key is given."""
    found = set()
    for part, org in product(ciphertexts, (BIRCH, CEDAR)):
        keys = ring(county, org)
        for wrap, key_id in product({wrap.wrapped for wrap in wraps}, keys.key_ids):
            renamed = WrappedKey(field_group=part.field_group, recipient=org, key_id=key_id, wrapped=wrap)
            with suppress(SealBroken):
                keys.open(referral, part, [renamed])
                found.add((org, part.field_group))
    return found
