"""Which story each event type starts. A new event that the broker reacts to is one line here."""

from collections.abc import Callable, Mapping
from typing import Any

from broker.handlers import (
    breaking_glass,
    capacity_updated,
    consent_recorded,
    consent_revoked,
    delivery_reported,
    disclosures_listed,
    handing_over,
    incident_reported,
    offer_answered,
    recalling,
    referral_cancelled,
    referral_recalled,
    referral_requested,
    referral_sealed,
    risk_screened,
    service_followed,
)
from broker.handlers.arrival import Arrival
from broker.handlers.desk import Desk
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
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted

Story = Callable[[Arrival[Any], Desk], None]

STORIES: Mapping[type[EventData], Story] = {
    ConsentGranted: consent_recorded.handle,
    ConsentNarrowed: consent_recorded.handle,
    ConsentRevoked: consent_revoked.handle,
    IncidentReported: incident_reported.handle,
    RiskScreened: risk_screened.handle,
    ReferralRequested: referral_requested.handle,
    ReferralSealed: referral_sealed.handle,
    ReferralCancelled: referral_cancelled.handle,
    DeliverySucceeded: delivery_reported.succeeded,
    DeliveryFailed: delivery_reported.failed,
    ReferralRecalled: referral_recalled.handle,
    OfferReceipted: offer_answered.receipted,
    OfferAccepted: offer_answered.accepted,
    OfferDeclined: offer_answered.declined,
    OfferWaitlisted: offer_answered.waitlisted,
    ContactAttempted: service_followed.attempted,
    ContactMade: service_followed.made,
    ContactUnreachable: service_followed.unreachable,
    HandoffStarted: handing_over.started,
    HandoffCompleted: handing_over.completed,
    HandoffFailed: handing_over.failed,
    ServiceStarted: service_followed.started,
    ServiceCompleted: service_followed.completed,
    ServiceEnded: service_followed.ended,
    RevocationAcknowledged: recalling.acknowledged,
    CapacityUpdated: capacity_updated.handle,
    BreakGlassInvoked: breaking_glass.invoked,
    BreakGlassApproved: breaking_glass.approved,
    BreakGlassReviewed: breaking_glass.reviewed,
    DisclosuresListed: disclosures_listed.handle,
}
