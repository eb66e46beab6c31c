"""Every story of the broker played on a desk in memory, each event once; which steps each one wrote."""

from collections import defaultdict
from datetime import timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from broker.domain.consent import Party
from broker.domain.matching import Provider
from broker.handlers.arrival import Arrival
from broker.handlers.cases import Referral
from broker.handlers.desk import Desk, Draw
from broker.handlers.directory import Directory
from broker.handlers.stories import STORIES
from broker.schemas.breakglass_approved import BreakGlassApproved
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.breakglass_reviewed import BreakGlassReviewed
from broker.schemas.capacity_updated import CapacityUpdated
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.contact_attempted import ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.delivery_failed import DeliveryFailed
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.disclosures_listed import DisclosuresListed
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.ids import EventId, KeyId, OfferId, OrgId, new_referral_id
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import Refused
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import RecipientCategory, Service
from broker.trail.entries import Step
from tests.domain.cast import CONSENT, HOSPITAL, HOTLINE, NOW, OTHER_SHELTER, POLICE, SHELTER, pack, record

Wrote = dict[type[EventData], set[Step]]

_LEFT_OUT: Final = ("incidentId", "agreedAt", "urgency")
_serial = count(1)


def _uuid() -> str:
    return str(UUID(int=next(_serial), version=4))


class Played:
    """A desk with two shelters, a hotline, a hospital and the police, and what was written by which event."""

    def __init__(self) -> None:
        self.wrote: Wrote = defaultdict(set)
        services = frozenset({Service.EMERGENCY_SHELTER})
        shelters = (SHELTER, OTHER_SHELTER)
        providers = tuple(Provider(one.org, one.org_class, RecipientCategory.SHELTER, services) for one in shelters)
        directory = Directory(
            version=1,
            good_until=NOW + timedelta(days=365),
            parties={one.org: one for one in (POLICE, HOTLINE, HOSPITAL, *shelters)},
            providers={RecipientCategory.SHELTER: providers},
            sealing_keys={one.org: (KeyId(f"{one.org}#seal-1"),) for one in shelters},
            signing_keys={},
            policy=pack().reference,
        )
        draw = Draw(lambda: EventId(_uuid()), lambda: OfferId(f"off-{_uuid()}"), lambda: bytes(32))
        self.desk = Desk(NOW, {pack().reference: pack()}, directory, draw, OrgId("org-broker"))

    def say(self, who: Party, fact: EventData, subject: str, consent: bool = False) -> None:
        """One event, worked as the broker works it; a refusal fails the play."""
        before = len(self.desk.written.trail)
        named = (CONSENT, 1) if consent else (None, None)
        envelope = Envelope(
            EventId(_uuid()), who.org, fact.TYPE, subject, self.desk.now, consentid=named[0], consentver=named[1]
        )
        try:
            with self.desk.event(envelope.id, who.org):
                STORIES[type(fact)](Arrival(envelope, fact, who), self.desk)
        except Refused as refused:
            raise AssertionError(f"{fact.TYPE} was refused: {refused.code.value} {refused.field}") from None
        self.wrote[type(fact)] |= {entry.kind for entry in self.desk.written.trail[before:]}

    def asked(self, who: Party, consent: bool = False, **changes: Any) -> Referral:
        """A referral to a shelter, with one sealed group."""
        name = new_referral_id()
        sealed = [{**ReferralRequested.EXAMPLE["sealed"][0], "fieldGroup": "FG03"}]
        wire = {
            **ReferralRequested.EXAMPLE,
            "services": ["EMERGENCY_SHELTER"],
            "victimAgreed": "YES",
            "excludedRecipients": [],
            "sealed": sealed,
            **changes,
        }
        kept = {name: value for name, value in wire.items() if name not in _LEFT_OUT}
        self.say(who, ReferralRequested.model_validate(kept), name, consent)
        return self.desk.referrals[name]

    def answer(self, referral: Referral, kind: type[EventData], which: int = 0, **changes: Any) -> None:
        """The provider of one of its offers says so."""
        offer = [*referral.offers.values()][which]
        by = self.desk.directory.parties[offer.provider]
        self.say(by, kind.model_validate({**kind.EXAMPLE, "offerId": offer.offer_id, **changes}), referral.referral_id)

    def sealed(self, who: Party, referral: Referral) -> None:
        """Its keys for whoever was asked."""
        [wrap, *_] = ReferralSealed.EXAMPLE["wraps"]
        wraps = [
            {**wrap, "fieldGroup": "FG03", "recipient": one.provider, "keyId": f"{one.provider}#seal-1"}
            for one in referral.offers.values()
        ]
        self.say(who, ReferralSealed.model_validate({**ReferralSealed.EXAMPLE, "wraps": wraps}), referral.referral_id)


def played() -> Wrote:
    """Which steps each event of the broker's stories wrote."""
    play = Played()
    for part in (_early_answers, _service, _transfer, _consents, _ends, played_emergency):
        part(play)
    return play.wrote


def _example(kind: type[EventData]) -> EventData:
    return kind.model_validate(kind.EXAMPLE)


def _early_answers(play: Played) -> None:
    count_of_now = {**CapacityUpdated.EXAMPLE, "asOf": NOW.isoformat()}
    play.say(SHELTER, CapacityUpdated.model_validate(count_of_now), SHELTER.org)
    play.say(POLICE, _example(IncidentReported), f"inc-{_uuid()}")
    play.say(POLICE, _example(RiskScreened), f"inc-{_uuid()}")
    referral = play.asked(POLICE)
    play.answer(referral, DeliverySucceeded)
    play.answer(referral, OfferReceipted)
    play.answer(referral, OfferWaitlisted)
    play.answer(referral, OfferDeclined, 1)
    play.answer(play.asked(POLICE), DeliveryFailed)


def _service(play: Played) -> None:
    referral = play.asked(POLICE)
    play.answer(referral, OfferAccepted)
    play.sealed(POLICE, referral)
    for kind in (ContactAttempted, ContactMade, ServiceStarted, ServiceCompleted):
        play.answer(referral, kind)
    for end in (ContactUnreachable, ServiceEnded):
        other = play.asked(POLICE)
        play.answer(other, OfferAccepted)
        play.answer(other, end)


def _transfer(play: Played) -> None:
    for end in (HandoffCompleted, HandoffFailed):
        referral = play.asked(POLICE)
        play.answer(referral, OfferAccepted, liveTransfer=True)
        play.answer(referral, HandoffStarted)
        play.answer(referral, end)


def _consents(play: Played) -> None:
    granted = record(HOTLINE, SHELTER, OTHER_SHELTER)
    play.say(HOTLINE, ConsentGranted(asked_in_private=True, record=granted), CONSENT)
    referral = play.asked(HOTLINE, consent=True)
    play.answer(referral, OfferAccepted)
    play.sealed(HOTLINE, referral)
    scope = {"fieldGroups": ["FG01", "FG02"], "maxTier": 4}
    before = {"consentId": CONSENT, "version": 1}
    narrowed = record(HOTLINE, SHELTER, OTHER_SHELTER, version=2, dataScope=scope, supersedes=before)
    play.say(HOTLINE, ConsentNarrowed(asked_in_private=True, record=narrowed), CONSENT)
    play.say(HOTLINE, ConsentRevoked.model_validate({**ConsentRevoked.EXAMPLE, "version": 2}), CONSENT)
    play.answer(referral, RevocationAcknowledged)


def _ends(play: Played) -> None:
    play.say(POLICE, _example(ReferralCancelled), play.asked(POLICE).referral_id)
    referral = play.asked(POLICE)
    play.answer(referral, OfferAccepted)
    play.sealed(POLICE, referral)
    play.say(POLICE, _example(DisclosuresListed), referral.referral_id)
    play.say(POLICE, _example(ReferralRecalled), referral.referral_id)


def played_emergency(play: Played) -> Referral:
    """An emergency that is invoked, approved and reviewed."""
    referral, now = play.asked(POLICE, victimAgreed="NOT_ASKED_UNSAFE"), play.desk.now
    times = {"invokedAt": now.isoformat(), "expiresAt": (now + timedelta(hours=2)).isoformat()}
    glass = {**BreakGlassInvoked.EXAMPLE, "category": "SHELTER", "recipient": SHELTER.org, **times}
    play.say(POLICE, BreakGlassInvoked.model_validate(glass), referral.referral_id)
    named = {"breakGlassId": glass["breakGlassId"]}
    for kind in (BreakGlassApproved, BreakGlassReviewed):
        play.say(POLICE, kind.model_validate({**kind.EXAMPLE, **named}), referral.referral_id)
    return referral
