"""One night in the county, step by step, on the real parts; each step is checked, and a step that fails says which.

People are simulated by calls of the very inbox and client that real ones use. Nothing is told that did not pass a topic
or was not seen in an inbox.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from broker.client import AgencyClient
from broker.local.demo import county
from broker.local.demo.later_that_night import a_girl_and_her_mother, an_emergency
from broker.local.demo.teller import Teller
from broker.local.footprints import files_below, footprints
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked, RevocationForm, RevokedBy
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.group_vocabulary import IncidentDateBand
from broker.schemas.ids import IncidentId, OrgId, ReferralId
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.offer_made import OfferMade
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.vocabulary import DeclineReason, Priority, ScreeningInstrument, ScreeningResult, Service
from broker.settings import Settings

if TYPE_CHECKING:
    from broker.app import Inbox, Inboxes, OfferSeen

PATIENCE_SECONDS: Final = 30.0
STAFF: Final = AcceptedBy.STAFF


class StepFailed(Exception):
    """A step of the story did not come out as it must."""


@dataclass(slots=True)
class Story:
    """The night. `settings` have addresses; every process of the network runs."""

    settings: Settings
    teller: Teller
    inboxes: "Inboxes"
    failures: list[str] = field(default_factory=list)
    referral: ReferralId | None = None
    checks: int = 0

    async def play(self) -> None:
        """The whole of it; `failures` says afterwards what did not hold."""
        async with (
            AgencyClient.of_settings(self.settings, county.POLICE, name="demo") as police,
            AgencyClient.of_settings(self.settings, county.HOTLINE, name="demo") as hotline,
            AgencyClient.of_settings(self.settings, county.POLICE_SOUTH, name="demo") as south,
        ):
            await self._an_officer_asks(police)
            await self._one_has_no_bed_and_one_accepts()
            await self._nobody_else_can_open()
            await self._a_lawyer_and_a_doctor()
            await self._what_the_police_may_not_hear()
            await self._nobody_was_named(south)
            await self._taken_back(hotline)
            await self._taken_back_too_late(hotline)
            await an_emergency(self, south)
            await a_girl_and_her_mother(self, hotline)

    # --- the steps -----------------------------------------------------------------------------------------------

    async def _an_officer_asks(self, police: AgencyClient) -> None:
        self.teller.chapter("1. 02:10, a kitchen. An officer asks for a bed, a lawyer and a doctor.")
        self.teller.aside("She is asked alone, and agrees to six organisations being asked, by name.")
        purposes = ("SHELTER_PLACEMENT", "PROTECTION_ORDER", "MEDICAL_FOLLOW_UP")
        named = (county.BIRCH, county.CEDAR, county.LEGAL_AID, county.CLINIC)
        consent = county.release(county.POLICE, "POLICY-ONLY", named, purposes)
        await police.accepted(await police.grant_consent(consent, asked_in_private=True))
        incident = await police.report_incident(
            IncidentReported(occurred=IncidentDateBand.TODAY, jurisdiction_code="US-CA", medical_need_now=True)
        )
        incident_id = IncidentId(incident.subject)
        asked = await police.request_referral(
            priority=Priority.P2,
            services=(Service.EMERGENCY_SHELTER, Service.PROTECTION_ORDER_HELP),
            groups={
                "FG03": county.SAFE_CONTACT,
                "FG04": {"alias": county.ALIAS},
                "FG16": {"order_type": "NONE"},
                "FG17": {"needs_now": ["WOUND_CARE"]},
            },
            consent=consent,
            incident_id=incident_id,
            **county.REQUEST,
        )
        self.referral = asked.referral_id
        await police.accepted(asked.requested)
        self.check("the broker has durably taken the referral and said so", holds=True)
        await self.offer(county.CLINIC)
        self.check("a medical need now has made an offer to the clinic by itself", holds=True)
        self.teller.aside("The danger screen is done, in private: screened in, and tonight is not safe.")
        screened = RiskScreened(
            instrument=ScreeningInstrument.LAP_11,
            instrument_version="2019",
            result=ScreeningResult.SCREENED_IN_PROTOCOL,
            unsafe_tonight=True,
            private_setting=True,
            screened_at=datetime.now(UTC),
        )
        await police.accepted(await police.screen_risk(incident_id, screened))
        offers = [await self.offer(org) for org in (county.BIRCH, county.CEDAR)]
        self.check("the screen has raised the urgency, so two shelters are asked at once", holds=len(offers) == 2)
        self.check("no offer says who she is", holds=not any(self._mentions(offer.offer) for offer in offers))

    async def _one_has_no_bed_and_one_accepts(self) -> None:
        self.teller.chapter("2. Birch house has no bed. Cedar house says yes: a person does, never a machine.")
        birch, cedar = self.inbox(county.BIRCH), self.inbox(county.CEDAR)
        await birch.decline((await self.offer(county.BIRCH)).offer_id, DeclineReason.NO_CAPACITY_BEDS)
        offer = await self.offer(county.CEDAR)
        self.check("before the acceptance nothing was released", holds=not offer.released)
        await cedar.accept(offer.offer_id)
        await self.until("the sealed envelope reaches Cedar house", lambda: self.released(county.CEDAR))
        opened = await cedar.open_groups(offer.offer_id, reader=STAFF)
        names = [str(getattr(one.content, "alias", "")) for one in opened]
        self.teller.aside(f"Cedar house opens it with its own key and reads: {county.ALIAS in names and county.ALIAS}")
        self.check("the shelter that accepted can read whom to expect", holds=county.ALIAS in names)
        groups = {str(one.field_group) for one in opened}
        self.check(
            "it has what a shelter needs and not the lawyer's papers",
            holds={"FG03", "FG04"} <= groups and "FG16" not in groups,
        )

    async def _nobody_else_can_open(self) -> None:
        self.teller.chapter("3. Nobody else can open it: not the other providers, not the broker, not Kafka.")
        released: DisclosureReleased = self._told(county.CEDAR, DisclosureReleased)[-1]
        keyed: DisclosureKeyed = self._told(county.CEDAR, DisclosureKeyed)[-1]
        for org in (county.BIRCH, county.LEGAL_AID, county.CLINIC):
            provider = self.inboxes.providers[org]
            assert self.referral is not None
            texts = [provider.opened(self.referral, sealed, keyed.wraps) for sealed in released.sealed]
            self.check(f"{org} holds no key that opens any of it", holds=texts == [None] * len(texts))
        # Zones are left out: keys are no data, and what an agency keeps is its own.
        files = files_below(self.settings.home, without=("zones",))
        found = await asyncio.to_thread(footprints, files, (county.ALIAS, county.NUMBER))
        self.check("her name and number stand in no file of Kafka, PostgreSQL or the logs", holds=not found)

    async def _a_lawyer_and_a_doctor(self) -> None:
        self.teller.chapter("4. The lawyer and the clinic answer for themselves, on the same referral.")
        for org, group in ((county.LEGAL_AID, "FG16"), (county.CLINIC, "FG17")):
            inbox, offer = self.inbox(org), await self.offer(org)
            await inbox.accept(offer.offer_id)
            await self.until(f"what was released reaches {org}", partial(self.released, org))
            opened = {str(one.field_group) for one in await inbox.open_groups(offer.offer_id, reader=STAFF)}
            self.check(f"{org} can read what concerns it ({group})", holds=group in opened)

    async def _what_the_police_may_not_hear(self) -> None:
        self.teller.chapter("5. Cedar house reaches her; the service begins. The police hear that it goes on.")
        cedar, offer = self.inbox(county.CEDAR), await self.offer(county.CEDAR, of_any_standing=True)
        before = len(self._told(county.POLICE, ReferralStatus))
        await cedar.contact_made(offer.offer_id)
        await cedar.service_started(offer.offer_id, Service.EMERGENCY_SHELTER)
        await self.until(
            "two more notices reach the police", lambda: len(self._told(county.POLICE, ReferralStatus)) >= before + 2
        )
        told = self._told(county.POLICE, ReferralStatus)
        self.check(
            "without her release to them, no notice says what the shelter did",
            holds=all(fact.state is None and fact.decline_family is None for fact in told),
        )

    async def _nobody_was_named(self, south: AgencyClient) -> None:
        self.teller.chapter("6. Another night: nobody was named, so the keys are wrapped only for whoever accepts.")
        asked = await south.request_referral(
            priority=Priority.P1,
            services=(Service.EMERGENCY_SHELTER,),
            groups={"FG03": county.SAFE_CONTACT, "FG04": {"alias": county.ALIAS}},
            **county.REQUEST,
        )
        self.referral = asked.referral_id
        await south.accepted(asked.requested)
        inbox, offer = self.inbox(county.BIRCH), await self.offer(county.BIRCH)
        await inbox.accept(offer.offer_id)
        async for notice in south.notices(keep_place=False):
            if isinstance(notice.fact, RecipientChosen) and notice.subject == asked.referral_id:
                await south.seal_chosen(notice)
                break
        await self.until("the envelope follows the keys", lambda: self.released(county.BIRCH))
        self.check("the chosen shelter can open what it could not before", holds=True)

    async def _taken_back(self, hotline: AgencyClient) -> None:
        self.teller.chapter("7. A call to the hotline. She agrees, then takes it back, by telephone.")
        consent = await self._named(hotline)
        offer = await self.offer(county.BIRCH)
        began = await self._revoke(hotline, consent)
        await self.until("the offers are taken back", lambda: self._is_over(county.BIRCH, offer))
        self.teller.aside(f"taken back {time.monotonic() - began:.1f} s after the broker had the revocation")
        told = [one for one in self._told(county.BIRCH, DisclosureReleased) if one.offer_id == offer.offer_id]
        refused = not await self._can_accept(offer)
        self.check("nothing was released, and an acceptance now is refused", holds=not told and refused)

    async def _taken_back_too_late(self, hotline: AgencyClient) -> None:
        self.teller.chapter("8. Another call. This time Birch house has read the envelope when she takes it back.")
        consent = await self._named(hotline)
        birch, offer = self.inbox(county.BIRCH), await self.offer(county.BIRCH)
        await birch.accept(offer.offer_id)
        await self.until("the sealed envelope reaches Birch house", lambda: self.released(county.BIRCH))
        await birch.open_groups(offer.offer_id, reader=STAFF)
        await self._revoke(hotline, consent)

        async def asked() -> bool:
            return bool((await birch.find(offer.offer_id)).taken_back)

        await self.until("Birch house is asked to give it up, on top of its list", asked)
        self.check("nothing opens any more", holds=not await self._can_open(offer))
        await birch.revocation_acknowledged(offer.offer_id, RevocationOutcome.COMPLIED)
        self.teller.aside("Birch house has shredded its notes, and says so")
        await self.until("its word reaches the broker", lambda: bool(self._told(county.BIRCH, RevocationAcknowledged)))
        self.check("what had left is accounted for", holds=True)

    async def _named(self, hotline: AgencyClient) -> ConsentRecord:
        """A referral of the hotline's under a release to the two shelters."""
        consent = county.release(county.HOTLINE, "VAWA", (county.BIRCH, county.CEDAR), ("SHELTER_PLACEMENT",))
        await hotline.accepted(await hotline.grant_consent(consent, asked_in_private=True))
        asked = await hotline.request_referral(
            priority=Priority.P1,
            services=(Service.EMERGENCY_SHELTER,),
            groups={"FG03": county.SAFE_CONTACT, "FG04": {"alias": county.ALIAS}},
            consent=consent,
            **{**county.REQUEST, "worker_contact": {"role": "ADVOCATE_ON_CALL", "callback": "+15555550101"}},
        )
        self.referral = asked.referral_id
        await hotline.accepted(asked.requested)
        return consent

    @staticmethod
    async def _revoke(hotline: AgencyClient, consent: ConsentRecord) -> float:
        """By telephone; returns when the broker had it."""
        revoked = ConsentRevoked(
            version=1, revoked_at=datetime.now(UTC), by=RevokedBy.SUBJECT, form=RevocationForm.ORAL
        )
        await hotline.accepted(await hotline.revoke_consent(consent.consent_id, revoked))
        return time.monotonic()

    # --- looking -------------------------------------------------------------------------------------------------

    def inbox(self, org: OrgId) -> "Inbox":
        """The inbox of a provider of the county."""
        return self.inboxes.of(org)

    async def offer(self, org: OrgId, *, of_any_standing: bool = False) -> "OfferSeen":
        """This referral's offer in an inbox, once it is there."""
        found: list[OfferSeen] = []

        async def there() -> bool:
            offers = await self.inbox(org).offers(everything=of_any_standing)
            found[:] = [offer for offer in offers if offer.referral_id == self.referral]
            return bool(found)

        await self.until(f"an offer reaches {org}", there)
        return found[0]

    async def released(self, org: OrgId) -> bool:
        """Whether a provider has been handed what identifies her."""
        offers = await self.inbox(org).offers(everything=True)
        return any(offer.released for offer in offers if offer.referral_id == self.referral)

    async def _is_over(self, org: OrgId, offer: "OfferSeen") -> bool:
        return all(one.offer_id != offer.offer_id for one in await self.inbox(org).offers())

    async def _can_open(self, offer: "OfferSeen") -> bool:
        from broker.errors import HandoffError

        try:
            return bool(await self.inbox(county.BIRCH).open_groups(offer.offer_id, reader=STAFF))
        except HandoffError:
            return False

    async def _can_accept(self, offer: "OfferSeen") -> bool:
        from broker.errors import HandoffError

        try:
            await self.inbox(county.BIRCH).accept(offer.offer_id)
        except HandoffError as error:
            self.teller.aside(f"Birch house tries to accept and is told: {error}")
            return False
        return True

    def _told(self, org: OrgId, kind: type[Any]) -> list[Any]:
        return [fact for flow, to, fact in self.teller.heard if to == org and isinstance(fact, kind)]

    @staticmethod
    def _mentions(fact: OfferMade | None) -> bool:
        text = fact.wire() if fact is not None else b""
        return county.ALIAS.encode() in text or county.NUMBER.encode() in text

    async def until(self, what: str, holds: Callable[[], Awaitable[bool] | bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            now = holds()
            if now if isinstance(now, bool) else await now:
                return
            await asyncio.sleep(0.1)
        self.check(f"{what} within {PATIENCE_SECONDS:.0f} s", holds=False)
        raise StepFailed(what)

    def check(self, what: str, *, holds: bool) -> None:
        self.checks += 1
        self.teller.verdict(what, good=holds)
        if not holds:
            self.failures.append(what)
