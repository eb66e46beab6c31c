"""The first call of the night: a bed, a lawyer and a doctor, each reached in another way and each answering in it."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from broker.client import AgencyClient
from broker.local.demo import county
from broker.local.demo.channels import ADDRESSES
from broker.local.demo.fhir_server import Resource
from broker.local.demo.own_system import Notice
from broker.local.footprints import files_below, footprints
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.group_vocabulary import IncidentDateBand
from broker.schemas.ids import IncidentId, OfferId
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.vocabulary import DeclineReason, Priority, ScreeningInstrument, ScreeningResult, Service

if TYPE_CHECKING:
    from broker.app import OfferSeen
    from broker.local.demo.story import Story

_THIN: Final = {"type", "timestamp", "data"}, {"offerId", "reference", "environment"}
_WORDS_THAT_TELL: Final = ("shelter", "legal", "protection", "order", "violence", "police", "http")


async def first_call(story: "Story", police: AgencyClient) -> None:
    """From the kitchen to the bed; what the police may hear of it."""
    await _an_officer_asks(story, police)
    await _one_has_no_bed_and_one_accepts(story)
    await _nobody_else_can_open(story)
    await _a_lawyer_by_mail(story)
    await _what_the_police_may_not_hear(story)
    await _a_doctor_by_fhir(story)


async def _an_officer_asks(story: "Story", police: AgencyClient) -> None:
    story.teller.chapter("1. 02:10, a kitchen. An officer asks for a bed, a lawyer and a doctor.")
    story.teller.aside("She is asked alone, and agrees to four organisations being asked, by name.")
    incident_id = await _asked(story, police)
    story.check("the broker has durably taken the referral and said so", holds=True)
    clinic = await story.offer(county.CLINIC)
    story.check("a medical need now has made an offer to the clinic by itself", holds=True)
    await _a_nurse_sees_a_task(story, clinic.offer_id)
    story.teller.aside("The danger screen is done, in private: screened in, and tonight is not safe.")
    screened = RiskScreened(
        instrument=ScreeningInstrument.LAP_11,
        instrument_version="2019",
        result=ScreeningResult.SCREENED_IN_PROTOCOL,
        unsafe_tonight=True,
        private_setting=True,
        screened_at=datetime.now(UTC),
    )
    await police.accepted(await police.screen_risk(incident_id, screened))
    offers = [await story.offer(org) for org in (county.BIRCH, county.CEDAR)]
    story.check("the screen has raised the urgency, so two shelters are asked at once", holds=len(offers) == 2)
    said = [offer.offer.wire() for offer in offers if offer.offer is not None]
    story.check("no offer says who she is", holds=len(said) == 2 and not any(map(story.mentions, said)))


async def _asked(story: "Story", police: AgencyClient) -> IncidentId:
    """Publish her consent, what happened, and the referral."""
    purposes = ("SHELTER_PLACEMENT", "PROTECTION_ORDER", "MEDICAL_FOLLOW_UP")
    named = (county.BIRCH, county.CEDAR, county.LEGAL_AID, county.CLINIC)
    consent = county.release(county.POLICE, "POLICY-ONLY", named, purposes)
    await police.accepted(await police.grant_consent(consent, asked_in_private=True))
    incident = await police.report_incident(
        IncidentReported(occurred=IncidentDateBand.TODAY, jurisdiction_code="US-CA", medical_need_now=True)
    )
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
        incident_id=IncidentId(incident.subject),
        **county.REQUEST,
    )
    story.referral = asked.referral_id
    await police.accepted(asked.requested)
    return IncidentId(incident.subject)


async def _a_nurse_sees_a_task(story: "Story", offer_id: OfferId) -> None:
    """The clinic is reached by FHIR; she answers there, and knows no broker."""
    nurse, server = story.machines.nurse, story.machines.clinic
    found: list[Resource] = []

    async def there() -> bool:
        task = await nurse.task(offer_id)
        found[:] = [task] if task is not None else []
        return bool(found)

    await story.until("a Task comes up on the clinic's own FHIR server", there)
    [task] = found
    nameless = not server.now("Patient") and not story.mentions(json.dumps(task).encode())
    story.check(
        "a Task is on the clinic's own FHIR server: requested, and about nobody yet",
        holds=nameless and task["status"] == "requested",
    )
    await nurse.accept(task)
    story.teller.aside("A nurse sets the Task to accepted, there. The clinic's Tasks are looked at every few seconds.")


async def _one_has_no_bed_and_one_accepts(story: "Story") -> None:
    story.teller.chapter("2. Birch house has no bed. Cedar house says yes: a person does, never a machine.")
    birch, cedar = story.inbox(county.BIRCH), story.inbox(county.CEDAR)
    await birch.decline((await story.offer(county.BIRCH)).offer_id, DeclineReason.NO_CAPACITY_BEDS)
    offer = await story.offer(county.CEDAR)
    story.check("before the acceptance nothing was released", holds=not offer.released)
    await _by_webhook_and_door(story, offer.offer_id)
    await story.until("the sealed envelope reaches Cedar house", lambda: story.released(county.CEDAR))
    opened = await cedar.open_groups(offer.offer_id, reader=AcceptedBy.STAFF)
    names = [str(getattr(one.content, "alias", "")) for one in opened]
    story.teller.aside(f"Cedar house opens it with its own key and reads: {county.ALIAS in names and county.ALIAS}")
    story.check("the shelter that accepted can read whom to expect", holds=county.ALIAS in names)
    groups = {str(one.field_group) for one in opened}
    story.check(
        "it has what a shelter needs and not the lawyer's papers",
        holds={"FG03", "FG04"} <= groups and "FG16" not in groups,
    )


async def _by_webhook_and_door(story: "Story", offer_id: OfferId) -> None:
    """Cedar house's own system hears by webhook, fetches the offer from the door, and brings a person's yes there."""
    cedar = story.machines.cedar
    await story.until("a webhook reaches Cedar house's own system", lambda: any(cedar.about(offer_id)))
    [notice, *_] = cedar.about(offer_id)
    story.check("the webhook is signed, and says that something waits and nothing of what", holds=_is_thin(notice))
    status, seen = await story.door.offer(offer_id)
    waits = status == 200 and seen["standing"] == "WAITING" and "EMERGENCY_SHELTER" in seen["offer"]["services"]
    story.check("what it is, its system fetches from the zone's door, signed", holds=waits)
    status, _ = await story.door.answer(OfferAccepted.TYPE, offer_id, acceptedBy=AcceptedBy.STAFF.value)
    story.teller.aside("A worker at Cedar house reads it there and presses yes; the door is told so, signed.")
    story.check("the door has stored the yes", holds=status == 202)


def _is_thin(notice: Notice) -> bool:
    said = json.loads(notice.body)
    return (set(said), set(said["data"])) == _THIN


async def _nobody_else_can_open(story: "Story") -> None:
    story.teller.chapter("3. Nobody else can open it: not the other providers, not the broker, not Kafka.")
    released: DisclosureReleased = story.told(county.CEDAR, DisclosureReleased)[-1]
    keyed: DisclosureKeyed = story.told(county.CEDAR, DisclosureKeyed)[-1]
    for org in (county.BIRCH, county.LEGAL_AID, county.CLINIC):
        provider = story.inboxes.providers[org]
        assert story.referral is not None
        texts = [provider.opened(story.referral, sealed, keyed.wraps) for sealed in released.sealed]
        story.check(f"{org} holds no key that opens any of it", holds=texts == [None] * len(texts))
    # Zones are left out: keys are no data, and what an agency keeps is its own.
    files = files_below(story.settings.home, without=("zones",))
    found = await asyncio.to_thread(footprints, files, (county.ALIAS, county.NUMBER))
    story.check("her name and number stand in no file of Kafka, PostgreSQL, the mails or the logs", holds=not found)


async def _a_lawyer_by_mail(story: "Story") -> None:
    story.teller.chapter("4. The lawyer has no system: a mail says that something is waiting, and no more.")
    offer = await story.offer(county.LEGAL_AID)
    await the_mail(story, ADDRESSES[county.LEGAL_AID], offer)
    await _can_read(story, offer, "FG16")


async def the_mail(story: "Story", to: str, offer: "OfferSeen") -> None:
    """The mail about an offer, which is checked to say nothing; it stays as a file."""
    await story.until(f"a mail to {to} is there", lambda: bool(story.machines.letters(to, offer.reference)))
    path, letter = story.machines.letters(to, offer.reference)[0]
    text = str(letter.get_payload())
    bare = not any(word in text.lower() for word in _WORDS_THAT_TELL) and not story.mentions(text.encode())
    story.teller.aside(f"{letter['Subject']} · {text.splitlines()[0]}   ({path})")
    story.check("the mail says that something is waiting, its reference, and nothing else", holds=bare)


async def _can_read(story: "Story", offer: "OfferSeen", group: str) -> None:
    inbox = story.inbox(county.LEGAL_AID)
    await inbox.accept(offer.offer_id)
    await story.until("what was released reaches legal aid", partial(story.released, county.LEGAL_AID))
    opened = {str(one.field_group) for one in await inbox.open_groups(offer.offer_id, reader=AcceptedBy.STAFF)}
    story.check(f"in the inbox legal aid says yes, and can read what concerns it ({group})", holds=group in opened)


async def _what_the_police_may_not_hear(story: "Story") -> None:
    story.teller.chapter("5. Cedar house reaches her; the service begins. The police hear that it goes on.")
    cedar, offer = story.inbox(county.CEDAR), await story.offer(county.CEDAR, of_any_standing=True)
    before = len(story.told(county.POLICE, ReferralStatus))
    await cedar.contact_made(offer.offer_id)
    await cedar.service_started(offer.offer_id, Service.EMERGENCY_SHELTER)
    await story.until(
        "two more notices reach the police", lambda: len(story.told(county.POLICE, ReferralStatus)) >= before + 2
    )
    told = story.told(county.POLICE, ReferralStatus)
    story.check(
        "without her release to them, no notice says what the shelter did",
        holds=all(fact.state is None and fact.decline_family is None for fact in told),
    )


async def _a_doctor_by_fhir(story: "Story") -> None:
    story.teller.chapter("6. What the nurse said in her own server has come back as the clinic's yes.")
    offer = await story.offer(county.CLINIC, of_any_standing=True)
    said = [OfferId(offer.offer_id)]
    await story.until(
        "the clinic's acceptance reaches the broker",
        lambda: any(fact.offer_id in said for fact in story.told(county.CLINIC, OfferAccepted)),
    )
    story.check("an accepted Task became an acceptance by a person of the staff", holds=True)
    nurse, patients = story.machines.nurse, [""]

    async def there() -> bool:
        task = await nurse.task(offer.offer_id)
        patients[:] = [str(task["for"].get("reference", "")) if task is not None else ""]
        return patients[0].startswith("Patient/")

    await story.until("who she is reaches the clinic's own server", there)
    stated = await nurse.statements(patients[0])
    story.teller.aside(f"The clinic's server has a {patients[0]} now, and a statement of {', '.join(sorted(stated))}")
    story.check("the clinic can read what concerns it (FG17), and not the lawyer's papers", holds=_for_a_clinic(stated))


def _for_a_clinic(stated: set[str]) -> bool:
    return "FG17" in stated and "FG16" not in stated
