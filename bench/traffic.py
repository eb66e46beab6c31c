"""The traffic that every measurement reads: consents, referrals and answers of a small county, as Kafka records."""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from pydantic_core import to_json

from broker.schemas.clear_groups import AccessNeeds, NeedSummary, WorkerContact
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.envelope import Envelope, binary_record
from broker.schemas.event import EventData, Flow
from broker.schemas.ids import ConsentId, KeyId, OrgId, ReferralId, new_consent_id, new_event_id, new_referral_id
from broker.schemas.profile import Profile
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.sealed import CIPHERTEXT_CHARACTERS, SealedGroup
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import (
    OrgClass,
    Priority,
    RecipientCategory,
    Service,
    VictimAgreed,
)
from broker.seal.keys import SigningKey
from broker.seal.signature import SIGNATURE_HEADER, sign
from broker.store.directory import OrganisationCard

HOTLINE = OrgId("org-hotline")
POLICE = (OrgId("org-police-north"), OrgId("org-police-south"))
SHELTERS = tuple(OrgId(f"org-shelter-{name}") for name in ("birch", "cedar", "maple", "rowan"))
SEALED_TEXT = "A" * min(CIPHERTEXT_CHARACTERS)
"""As long as a sealed group of the smallest size class; the broker does not look inside."""


Keys = Mapping[OrgId, SigningKey]
"""Each organisation's signing key, the broker's too."""


def new_keys(broker: OrgId) -> Keys:
    """A key for everybody."""
    return {org: SigningKey.new(KeyId(f"{org}#bench")) for org in (broker, HOTLINE, *POLICE, *SHELTERS)}


@dataclass(frozen=True, slots=True)
class Sent:
    """One record as it goes to Kafka."""

    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes


def cards() -> list[OrganisationCard]:
    """The organisations of the county."""
    until = datetime.now(UTC) + timedelta(days=365)
    agencies = [
        OrganisationCard(org_id=org, name=org, org_class=OrgClass.LAW_ENFORCEMENT, agreement_until=until)
        for org in POLICE
    ]
    hotline = OrganisationCard(org_id=HOTLINE, name=HOTLINE, org_class=OrgClass.HOTLINE_VSP, agreement_until=until)
    shelters = [
        OrganisationCard(
            org_id=org,
            name=org,
            org_class=OrgClass.VSP_SHELTER,
            category=RecipientCategory.SHELTER,
            profile=Profile(services=(Service.EMERGENCY_SHELTER, Service.SAFE_HOTEL)),
            agreement_until=until,
        )
        for org in SHELTERS
    ]
    return [*agencies, hotline, *shelters]


def requests(count: int, topics: Topics, keys: Keys | None = None) -> list[Sent]:
    """`count` referrals, half of them under a consent of their own that is published before: 1.5 × `count` records."""
    pairs = list(_asked(count, topics, keys))
    return [consent for consent, _ in pairs if consent is not None] + [referral for _, referral in pairs]


def as_they_come(count: int, topics: Topics, keys: Keys | None = None) -> list[Sent]:
    """The same in the order of a day: each consent right before its referral."""
    return [record for pair in _asked(count, topics, keys) for record in pair if record is not None]


def _asked(count: int, topics: Topics, keys: Keys | None) -> Iterator[tuple[Sent | None, Sent]]:
    draw = random.Random(7)
    for number in range(count):
        org = draw.choice(POLICE) if number % 2 else HOTLINE
        consent, granted = None, None
        if org == HOTLINE:
            record = consent_record(org)
            consent = record.consent_id
            fact = ConsentGranted(asked_in_private=True, record=record)
            granted = _record(topics, Flow.SOURCE_TO_BROKER, org, consent, fact, keys)
        yield granted, _record(topics, Flow.SOURCE_TO_BROKER, org, new_referral_id(), _request(draw), keys, consent)


def revoked_later(count: int, topics: Topics, keys: Keys) -> tuple[list[Sent], list[Sent]]:
    """`count` releases with a referral under each, and the revocations of all of them."""
    draw = random.Random(11)
    granted: list[Sent] = []
    revoked: list[Sent] = []
    for _ in range(count):
        record = consent_record(HOTLINE)
        fact = ConsentGranted(asked_in_private=True, record=record)
        granted.append(_record(topics, Flow.SOURCE_TO_BROKER, HOTLINE, record.consent_id, fact, keys))
        asked = _request(draw)
        granted.append(
            _record(topics, Flow.SOURCE_TO_BROKER, HOTLINE, new_referral_id(), asked, keys, record.consent_id)
        )
        taken_back = ConsentRevoked.read(to_json({**ConsentRevoked.EXAMPLE, "version": 1}))
        revoked.append(_record(topics, Flow.SOURCE_TO_BROKER, HOTLINE, record.consent_id, taken_back, keys))
    return granted, revoked


def consent_record(org: OrgId) -> ConsentRecord:
    """A release of the hotline's for every shelter, an hour old, a week long."""
    example: dict[str, Any] = dict(ConsentGranted.EXAMPLE["record"])
    now = datetime.now(UTC) - timedelta(hours=1)
    example |= {
        "consentId": new_consent_id(),
        "discloser": {"orgId": org},
        "recipients": [{"kind": "ORG", "orgId": shelter} for shelter in SHELTERS],
        "excludedRecipients": [],
        "purposes": ["SHELTER_PLACEMENT"],
        "dataScope": {
            "fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG23", "FG24"],
            "maxTier": 4,
        },
        "validity": {"notBefore": now.isoformat(), "notAfter": (now + timedelta(days=7)).isoformat()},
    }
    example["subject"] = {"subjectRef": f"sub-{new_consent_id()}", "kind": "ADULT"}
    example.pop("supersedes", None)
    return ConsentRecord.model_validate(example)


def _request(draw: random.Random) -> ReferralRequested:
    return ReferralRequested(
        priority=draw.choice((Priority.P1, Priority.P2, Priority.P2, Priority.P3)),
        services=(Service.EMERGENCY_SHELTER,),
        need_summary=NeedSummary(adults=1, children=draw.randint(0, 3), safe_tonight=False),
        access_needs=AccessNeeds(preferred_language=draw.choice(("en", "es")), interpreter=True),
        jurisdiction_code="US-CA",
        victim_agreed=VictimAgreed.YES,
        worker_contact=WorkerContact(role=WorkerContact.EXAMPLE["role"], callback="+15555550100"),
        sealed=tuple(SealedGroup(field_group=group, ciphertext=SEALED_TEXT) for group in ("FG03", "FG04", "FG10")),
    )


def answer(topics: Topics, provider: OrgId, referral: ReferralId, fact: EventData, keys: Keys | None = None) -> Sent:
    """One answer of a provider."""
    return _record(topics, Flow.PROVIDER_TO_BROKER, provider, referral, fact, keys)


def _record(
    topics: Topics,
    flow: Flow,
    org: OrgId,
    subject: str,
    fact: EventData,
    keys: Keys | None,
    consent: ConsentId | None = None,
) -> Sent:
    envelope = Envelope(
        id=new_event_id(),
        org=org,
        type=fact.TYPE,
        subject=subject,
        time=datetime.now(UTC),
        consentid=consent,
        consentver=1 if consent else None,
    )
    headers, value = binary_record(envelope, fact.wire())
    if keys is not None:
        headers.append((SIGNATURE_HEADER, sign(headers, value, keys[org])))
    return Sent(topics.name(flow, org), subject.encode(), headers, value)


async def produce(kafka: dict[str, Any], records: Sequence[Sent]) -> None:
    """Put the records into Kafka, all of them confirmed."""
    producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        pending = [await producer.send(r.topic, r.value, key=r.key, headers=r.headers) for r in records]
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
