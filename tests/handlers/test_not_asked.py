"""Where nobody could ask the survivor safely, help goes on by the worker's number and her identity waits (D1)."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from broker.domain.matching import Provider
from broker.handlers.arrival import Arrival
from broker.handlers.desk import Desk, Draw
from broker.handlers.directory import Directory
from broker.handlers.stories import STORIES
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.vocabulary import NeedState, RecipientCategory, Service
from broker.trail.entries import Step
from tests.domain.cast import NOW, POLICE, SHELTER, pack

REFERRAL = ReferralId("ref-0f3d7c5e-6a51-4c11-9f0b-0f4f3a3f6f10")
SEALED = {**ReferralRequested.EXAMPLE["sealed"][0], "fieldGroup": "FG03"}

_serial = count(1)


def _uuid() -> str:
    return str(UUID(int=next(_serial), version=4))


def desk() -> Desk:
    """A county of one police department and one shelter."""
    shelter = Provider(
        SHELTER.org, SHELTER.org_class, RecipientCategory.SHELTER, frozenset({Service.EMERGENCY_SHELTER})
    )
    directory = Directory(
        version=1,
        good_until=NOW + timedelta(days=1),
        parties={POLICE.org: POLICE, SHELTER.org: SHELTER},
        providers={RecipientCategory.SHELTER: (shelter,)},
        sealing_keys={},
        signing_keys={},
        policy=pack().reference,
    )
    draw = Draw(lambda: EventId(_uuid()), lambda: OfferId(f"off-{_uuid()}"), lambda: bytes(32))
    return Desk(NOW, {pack().reference: pack()}, directory, draw, OrgId("org-broker"))


def tell(at: Desk, party: Any, fact: EventData) -> None:
    """One event, worked as the broker works it."""
    envelope = Envelope(EventId(_uuid()), party.org, fact.TYPE, REFERRAL, NOW - timedelta(seconds=1))
    with at.event(envelope.id, party.org):
        STORIES[type(fact)](Arrival(envelope, fact, party), at)


def request(**changes: Any) -> ReferralRequested:
    """A referral to a shelter with a sealed contact, from an officer who could not ask her."""
    wire: Mapping[str, Any] = {
        **ReferralRequested.EXAMPLE,
        "services": ["EMERGENCY_SHELTER"],
        "victimAgreed": "NOT_ASKED_UNSAFE",
        "excludedRecipients": [],
        "sealed": [SEALED],
        **changes,
    }
    return ReferralRequested.model_validate({name: value for name, value in wire.items() if name not in LEFT_OUT})


LEFT_OUT = ("incidentId", "agreedAt", "urgency")


def test_an_acceptance_without_her_word_keeps_the_need_open_and_her_identity_sealed() -> None:
    """The shelter that says yes calls the officer back; nothing sealed is released, nothing is closed."""
    at = desk()
    tell(at, POLICE, request())
    offers = [message for message in at.written.outbox if message.envelope.type == OfferMade.TYPE]
    assert len(offers) == 1
    offer_id = next(iter(at.referrals[REFERRAL].offers))
    tell(at, SHELTER, OfferAccepted.model_validate({**OfferAccepted.EXAMPLE, "offerId": offer_id}))
    need = at.referrals[REFERRAL].needs[RecipientCategory.SHELTER]
    assert need.state is NeedState.CONTACT_PENDING
    assert need.provider == SHELTER.org
    assert not need.released
    assert need.due_at is not None
    steps = [entry.kind for entry in at.written.trail]
    assert Step.DISCLOSURE_DENIED in steps
    assert Step.DISCLOSURE_RELEASED not in steps


def test_a_no_that_is_known_makes_no_offer() -> None:
    """D1, NO: nobody is asked anything."""
    at = desk()
    tell(at, POLICE, request(victimAgreed="NO"))
    assert all(message.envelope.type != OfferMade.TYPE for message in at.written.outbox)
    assert at.referrals[REFERRAL].needs[RecipientCategory.SHELTER].state is NeedState.CONSENT_HOLD
