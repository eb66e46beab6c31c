"""Other calls of the night: nobody was named; and twice she takes back what she agreed to, in time and too late."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from broker.client import AgencyClient
from broker.errors import HandoffError
from broker.local.demo import county
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_revoked import ConsentRevoked, RevocationForm, RevokedBy
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.vocabulary import Priority, Service

if TYPE_CHECKING:
    from broker.app import OfferSeen
    from broker.local.demo.story import Story


async def nobody_was_named(story: "Story", south: AgencyClient) -> None:
    """Where an agency shares by agreement, the keys are wrapped for whoever accepts."""
    story.teller.chapter("7. Another night: nobody was named, so the keys are wrapped only for whoever accepts.")
    asked = await south.request_referral(
        priority=Priority.P1,
        services=(Service.EMERGENCY_SHELTER,),
        groups={"FG03": county.SAFE_CONTACT, "FG04": {"alias": county.ALIAS}},
        **county.REQUEST,
    )
    story.referral = asked.referral_id
    await south.accepted(asked.requested)
    inbox, offer = story.inbox(county.BIRCH), await story.offer(county.BIRCH)
    await inbox.accept(offer.offer_id)
    async for notice in south.notices(keep_place=False):
        if isinstance(notice.fact, RecipientChosen) and notice.subject == asked.referral_id:
            await south.seal_chosen(notice)
            break
    await story.until("the envelope follows the keys", lambda: story.released(county.BIRCH))
    story.check("the chosen shelter can open what it could not before", holds=True)


async def taken_back(story: "Story", hotline: AgencyClient) -> None:
    """Before anything was released."""
    story.teller.chapter("8. A call to the hotline. She agrees, then takes it back, by telephone.")
    consent = await _named(story, hotline)
    offer = await story.offer(county.BIRCH)
    began = await _revoke(hotline, consent)
    await story.until("the offers are taken back", lambda: _is_over(story, offer))
    story.teller.aside(f"taken back {time.monotonic() - began:.1f} s after the broker had the revocation")
    told = [one for one in story.told(county.BIRCH, DisclosureReleased) if one.offer_id == offer.offer_id]
    refused = not await _can_accept(story, offer)
    story.check("nothing was released, and an acceptance now is refused", holds=not told and refused)


async def taken_back_too_late(story: "Story", hotline: AgencyClient) -> None:
    """After it was read: what had left is accounted for."""
    story.teller.chapter("9. Another call. This time Birch house has read the envelope when she takes it back.")
    consent = await _named(story, hotline)
    birch, offer = story.inbox(county.BIRCH), await story.offer(county.BIRCH)
    await birch.accept(offer.offer_id)
    await story.until("the sealed envelope reaches Birch house", lambda: story.released(county.BIRCH))
    await birch.open_groups(offer.offer_id, reader=AcceptedBy.STAFF)
    await _revoke(hotline, consent)

    async def asked() -> bool:
        return bool((await birch.find(offer.offer_id)).taken_back)

    await story.until("Birch house is asked to give it up, on top of its list", asked)
    story.check("nothing opens any more", holds=not await _can_open(story, offer))
    await birch.revocation_acknowledged(offer.offer_id, RevocationOutcome.COMPLIED)
    story.teller.aside("Birch house has shredded its notes, and says so")
    await story.until("its word reaches the broker", lambda: bool(story.told(county.BIRCH, RevocationAcknowledged)))
    story.check("what had left is accounted for", holds=True)


async def _named(story: "Story", hotline: AgencyClient) -> ConsentRecord:
    """A referral of the hotline's under a release to the two shelters."""
    consent = county.release(county.HOTLINE, "VAWA", (county.BIRCH, county.CEDAR), ("SHELTER_PLACEMENT",))
    await hotline.accepted(await hotline.grant_consent(consent, asked_in_private=True))
    asked = await hotline.request_referral(
        priority=Priority.P1,
        services=(Service.EMERGENCY_SHELTER,),
        groups={"FG03": county.SAFE_CONTACT, "FG04": {"alias": county.ALIAS}},
        consent=consent,
        **county.FROM_THE_HOTLINE,
    )
    story.referral = asked.referral_id
    await hotline.accepted(asked.requested)
    return consent


async def _revoke(hotline: AgencyClient, consent: ConsentRecord) -> float:
    """By telephone; returns when the broker had it."""
    revoked = ConsentRevoked(version=1, revoked_at=datetime.now(UTC), by=RevokedBy.SUBJECT, form=RevocationForm.ORAL)
    await hotline.accepted(await hotline.revoke_consent(consent.consent_id, revoked))
    return time.monotonic()


async def _is_over(story: "Story", offer: "OfferSeen") -> bool:
    return all(one.offer_id != offer.offer_id for one in await story.inbox(county.BIRCH).offers())


async def _can_open(story: "Story", offer: "OfferSeen") -> bool:
    try:
        return bool(await story.inbox(county.BIRCH).open_groups(offer.offer_id, reader=AcceptedBy.STAFF))
    except HandoffError:
        return False


async def _can_accept(story: "Story", offer: "OfferSeen") -> bool:
    try:
        await story.inbox(county.BIRCH).accept(offer.offer_id)
    except HandoffError as error:
        story.teller.aside(f"Birch house tries to accept and is told: {error}")
        return False
    return True
