"""What a client publishes is on the topic, signed and in its place, exactly once as far as anybody can tell."""

from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from broker.agency.errors import EventRefusedBeforeSending, NotAccepted, NotOnboarded
from broker.bus.stopping import stopped
from broker.errors import KafkaUnreachable
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.envelope import read_envelope
from broker.schemas.event import FROM_SOURCE
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.ids import OrgId, new_event_id, new_incident_id, new_referral_id
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.referral_cancelled import CancelReason
from broker.schemas.refusal import RefusalCode
from broker.schemas.risk_screened import RiskScreened
from broker.seal.signature import VerifiedSignature, verify
from broker.zone import load_zone
from tests.client.county import HOTLINE, POLICE, County, release

INCIDENT = IncidentReported(occurred="TODAY", jurisdiction_code="US-CA")


async def on_topic(county: County, org: OrgId = HOTLINE) -> list[ConsumerRecord[bytes, bytes]]:
    """Everything that the agency has published, on either of its topics."""
    topics = [county.topics.name(flow, org) for flow in FROM_SOURCE]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=county.settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        records: list[ConsumerRecord[bytes, bytes]] = []
        while sum(ends.values()) > len(records):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records.extend(batch)
        return records
    finally:
        await stopped(consumer)


async def test_a_published_event_is_on_the_topic_under_its_subject_and_signed_by_the_agency(county: County) -> None:
    """What Kafka holds is a whole event that the agency's registered key has signed."""
    async with county.client() as client:
        published = await client.report_incident(INCIDENT)
    (record,) = await on_topic(county)
    assert (record.partition, record.offset) == (published.partition, published.offset)
    assert record.key == published.subject.encode()
    received = read_envelope(record.key, record.headers, record.value)
    assert received.envelope.id == published.event_id
    zone = load_zone(county.settings.home / "zones" / HOTLINE, HOTLINE, datetime.now(UTC))
    keys = {zone.signing_key.key_id: zone.signing_key.public}
    assert isinstance(verify(record.headers, record.value or b"", HOTLINE, keys.get), VerifiedSignature)


async def test_an_event_published_twice_under_its_id_leaves_once(county: County) -> None:
    """The same id is the same event, whenever it is published again."""
    event_id, incident = new_event_id(), new_incident_id()
    async with county.client() as client:
        first = await client.report_incident(INCIDENT, incident_id=incident, event_id=event_id)
        again = await client.report_incident(INCIDENT, incident_id=incident, event_id=event_id)
        assert again == first == await client.publish_again(event_id)
    assert len(await on_topic(county)) == 1


async def test_the_same_bytes_leave_under_the_same_id_and_time_in_another_process(county: County) -> None:
    """After a crash the publisher can repeat itself: the broker sees one event."""
    event_id, incident, at = new_event_id(), new_incident_id(), datetime.now(UTC)
    for _ in range(2):
        async with county.client() as client:
            await client.publish(INCIDENT, subject=incident, event_id=event_id, time=at)
    first, second = await on_topic(county)
    assert (first.value, first.headers) == (second.value, second.headers)


async def test_another_event_under_a_used_id_is_refused_before_it_leaves(county: County) -> None:
    """An id that was used is never used for anything else."""
    event_id = new_event_id()
    async with county.client() as client:
        await client.report_incident(INCIDENT, event_id=event_id)
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await client.report_incident(INCIDENT, event_id=event_id)
    assert refused.value.code is RefusalCode.ID_REUSED
    assert len(await on_topic(county)) == 1


async def test_what_the_broker_would_refuse_does_not_leave(county: County) -> None:
    """Type, time, environment and consent are judged before anything is sent, with the broker's own codes."""
    soon, past = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    receipt = OfferReceipted.model_validate(OfferReceipted.EXAMPLE)
    refused = []
    async with county.client() as client:
        for fact, how in (
            (receipt, {"subject": new_referral_id()}),
            (INCIDENT, {"subject": new_referral_id()}),
            (INCIDENT, {"subject": new_incident_id(), "expires_at": past}),
            (INCIDENT, {"subject": new_incident_id(), "time": soon}),
        ):
            with pytest.raises(EventRefusedBeforeSending) as error:
                await client.publish(fact, **how)
            refused.append(error.value.code)
            assert error.value.remedy
    assert refused == [
        RefusalCode.TYPE_NOT_YOURS,
        RefusalCode.ATTRIBUTE_INVALID,
        RefusalCode.EXPIRED,
        RefusalCode.TIME_IMPLAUSIBLE,
    ]
    assert not await on_topic(county)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"days": 60}, RefusalCode.NOT_TIME_LIMITED),
        ({"discloser": POLICE}, RefusalCode.DISCLOSER_NOT_YOU),
    ],
)
async def test_a_release_that_may_not_be_relied_on_does_not_leave(
    county: County, changes: dict[str, object], code: RefusalCode
) -> None:
    """VAWA-03 and the discloser are checked before the broker can see the release."""
    async with county.client() as client:
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await client.grant_consent(release(**changes), asked_in_private=True)  # type: ignore[arg-type]
    assert refused.value.code is code


async def test_a_question_that_was_not_asked_in_private_does_not_leave(county: County) -> None:
    """Consent and danger screens that others could hear are refused with what to do (domain.md §6.1)."""
    async with county.client() as client:
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await client.grant_consent(release(), asked_in_private=False)
        assert refused.value.code is RefusalCode.SETTING_NOT_PRIVATE
        assert "private" in refused.value.advice.meaning
        overheard = RiskScreened.model_construct(
            **{**dict(RiskScreened.model_validate(RiskScreened.EXAMPLE)), "private_setting": False}
        )
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await client.screen_risk(new_incident_id(), overheard)
        assert refused.value.code is RefusalCode.SETTING_NOT_PRIVATE


async def test_the_broker_confirms_or_refuses_each_event_to_whoever_waits(served: County) -> None:
    """A receipt or a coded refusal comes for every event, and a refusal says what to do."""
    async with served.client() as client:
        granted = await client.grant_consent(release(), asked_in_private=True)
        assert await client.accepted(granted) == EventAccepted(event_id=granted.event_id)
        nobody = await client.cancel_referral(new_referral_id(), CancelReason.SOURCE_WITHDREW)
        with pytest.raises(NotAccepted) as refused:
            await client.accepted(nobody)
        assert refused.value.code is RefusalCode.REFERRAL_UNKNOWN
        assert refused.value.remedy == refused.value.advice.remedy != ""
        assert await client.wait_for(granted.event_id) == EventAccepted(event_id=granted.event_id)


async def test_the_answer_to_an_event_of_another_process_is_found(served: County) -> None:
    """Whoever knows an event's id can ask what became of it, however long ago it was published."""
    async with served.client() as client:
        published = await client.report_incident(INCIDENT)
        await client.accepted(published)
    async with served.client() as later:
        assert (await later.wait_for(published.event_id)).event_id == published.event_id


async def test_an_agency_without_topics_is_told_so_when_it_connects(county: County) -> None:
    """Who would publish into nothing hears of it at once."""
    elsewhere = County(county.settings.model_copy(update={"topic_prefix": "t-nowhere."}))
    with pytest.raises(NotOnboarded):
        async with elsewhere.client():
            pass


async def test_a_kafka_that_does_not_answer_is_said_within_seconds(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever for a connection."""
    monkeypatch.setattr("broker.agency.sending.kafka_connect_seconds_max", 0.5)
    client = County(county.settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})).client()
    with pytest.raises(KafkaUnreachable):
        async with client:
            pass


async def test_no_error_and_no_repr_shows_a_value(county: County) -> None:
    """What somebody typed wrongly is named by its place, never repeated."""
    async with county.client() as client:
        with pytest.raises(EventRefusedBeforeSending) as refused:
            client.plan_referral(
                groups={"FG04": {"alias": "Quillfeather", "motherOfQuillfeather": "Quillfeather"}},
                priority="P1",
                services=["EMERGENCY_SHELTER"],
                need_summary={"adults": 1},
                access_needs={},
                jurisdiction_code="US-CA",
                victim_agreed="YES",
            )
        assert refused.value.code is RefusalCode.PROPERTY_UNKNOWN
        assert refused.value.field == "seal.FG04.(unknown property)"
        assert "Quillfeather" not in f"{refused.value!r}{refused.value}{client!r}"


def test_the_example_of_a_release_is_one() -> None:
    """The tests' release is a whole consent event."""
    assert ConsentGranted(asked_in_private=True, record=release()).record.version == 1
