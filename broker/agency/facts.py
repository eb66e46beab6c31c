"""The facts that an agency publishes about its own doing, one method each: consent, incident, screen, taking back."""

from abc import ABC, abstractmethod

from broker.agency.publishing import Published
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.event import EventData
from broker.schemas.ids import ConsentId, EventId, IncidentId, ReferralId, new_incident_id
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.referral_cancelled import CancelReason, ReferralCancelled
from broker.schemas.referral_recalled import RecallReason, ReferralRecalled
from broker.schemas.risk_screened import RiskScreened


class Facts(ABC):
    """Publishes each kind of fact about its subject. What `publish` raises, each of these raises."""

    @abstractmethod
    async def publish(self, fact: EventData, *, subject: str, event_id: EventId | None = None) -> Published:
        """Publish an event."""

    async def grant_consent(
        self, record: ConsentRecord, *, asked_in_private: bool, event_id: EventId | None = None
    ) -> Published:
        """Publish a consent record: its first version as granted, a later one in place of the one before.

        Raises:
            EventRefusedBeforeSending: SETTING_NOT_PRIVATE where it was not asked in private, or what domain.md §2.2
                and §4.2 forbid; and as `publish`.
        """
        kind = ConsentGranted if record.version == 1 else ConsentNarrowed
        fact = kind.model_construct(asked_in_private=asked_in_private, record=record)
        return await self.publish(fact, subject=record.consent_id, event_id=event_id)

    async def revoke_consent(
        self, consent_id: ConsentId, revoked: ConsentRevoked, *, event_id: EventId | None = None
    ) -> Published:
        """Publish a revocation; an oral one is enough (VAWA-16). Nothing is sealed under the consent from now on."""
        return await self.publish(revoked, subject=consent_id, event_id=event_id)

    async def report_incident(
        self, incident: IncidentReported, *, incident_id: IncidentId | None = None, event_id: EventId | None = None
    ) -> Published:
        """Publish an incident; `Published.subject` is its id, which referrals and screens name."""
        return await self.publish(incident, subject=incident_id or new_incident_id(), event_id=event_id)

    async def screen_risk(
        self, incident_id: IncidentId, screened: RiskScreened, *, event_id: EventId | None = None
    ) -> Published:
        """Publish the result of a danger screen of an incident; it may raise urgency and never widens anything."""
        return await self.publish(screened, subject=incident_id, event_id=event_id)

    async def cancel_referral(
        self, referral_id: ReferralId, reason: CancelReason, *, event_id: EventId | None = None
    ) -> Published:
        """Take a referral back."""
        return await self.publish(ReferralCancelled(reason=reason), subject=referral_id, event_id=event_id)

    async def recall_referral(
        self, referral_id: ReferralId, reason: RecallReason, *, event_id: EventId | None = None
    ) -> Published:
        """Say that a referral should never have gone out: everybody who got something of it is asked to give it up.

        What is right is published as a new referral, with a new id.
        """
        return await self.publish(ReferralRecalled(reason=reason), subject=referral_id, event_id=event_id)
