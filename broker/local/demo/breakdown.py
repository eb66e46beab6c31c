"""Cedar house's system is away when five calls come in: its breaker opens, and what waits takes the next channel.

The limits are production's. Five failures in a row open a breaker; what is urgent leaves a failing channel when it is
due again, some five seconds later, and does not wait for the probe of the next minute.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from broker import limits
from broker.client import AgencyClient
from broker.local.demo import county
from broker.local.demo.channels import ADDRESSES, MAIL_AFTER_IT, WEBHOOK
from broker.local.demo.first_call import the_mail
from broker.schemas.ids import ReferralId
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeliveryState, Priority, Service

if TYPE_CHECKING:
    from broker.local.demo.story import Story

CALLS: Final = limits.channel_failures_max
"""As many as open a breaker by failing once each."""

DIVERTED_SECONDS: Final = 60.0
"""Six as a rule. On a machine so slow that the first is tried twice before the fifth has failed, that one waits half a
minute more."""


async def a_machine_breaks_down(story: "Story", hotline: AgencyClient) -> Sequence[ReferralId]:
    """The calls, of which the webhooks come to nothing."""
    story.teller.chapter(f"11. Cedar house's own system breaks down, and {CALLS} calls come in for it.")
    await story.machines.cedar.go_away()
    consents = [county.release(county.HOTLINE, "VAWA", (county.CEDAR,), ("SHELTER_PLACEMENT",)) for _ in range(CALLS)]
    granted = [await hotline.grant_consent(consent, asked_in_private=True) for consent in consents]
    for consent in granted:
        await hotline.accepted(consent)
    asked = [
        await hotline.request_referral(
            priority=Priority.P1,
            services=(Service.EMERGENCY_SHELTER,),
            groups={"FG03": county.SAFE_CONTACT, "FG04": {"alias": county.ALIAS}},
            consent=consent,
            **county.FROM_THE_HOTLINE,
        )
        for consent in consents
    ]
    for one in asked:
        await hotline.accepted(one.requested)
    story.teller.aside("Nobody answers at Cedar house's address. Each webhook is tried again in some seconds.")
    return [one.referral_id for one in asked]


async def another_way_was_taken(story: "Story", calls: Sequence[ReferralId]) -> None:
    """The breaker is open, the mails are there, and a person has answered one of the calls."""
    story.teller.chapter("13. Meanwhile Cedar house was told all the same, by its second channel.")
    await story.until("the breaker of the webhook opens", lambda: _is_open(story))
    webhook = await story.channels.at(WEBHOOK)
    story.teller.aside(f"webhook: failing, {webhook.failures} in a row; next tried {webhook.probe_at:%H:%M:%S}Z")
    story.check("after five failures in a row its breaker is open: one probe a minute", holds=await _is_open(story))
    await story.until("every offer has taken the next channel", lambda: _all_diverted(story, calls), DIVERTED_SECONDS)
    story.check(f"all {len(calls)} offers took the next channel instead of waiting for it", holds=True)
    story.referral = calls[0]
    offer = await story.offer(county.CEDAR)
    await the_mail(story, ADDRESSES[county.CEDAR], offer)
    await story.inbox(county.CEDAR).accept(offer.offer_id)
    await story.until("the sealed envelope reaches Cedar house", lambda: story.released(county.CEDAR))
    story.check("whoever read the mail looked into the inbox and said yes", holds=True)
    await story.machines.cedar.listen()
    story.teller.aside("Its system is up again; the first message after the next probe closes the breaker.")


async def _is_open(story: "Story") -> bool:
    return (await story.channels.at(WEBHOOK)).probe_at is not None


async def _all_diverted(story: "Story", calls: Sequence[ReferralId]) -> bool:
    arrived = await story.deliveries.deliveries((DeliveryState.DELIVERED,))
    offers = [one for one in arrived if one["referral_id"] in calls and one["type"] == OfferMade.TYPE]
    return len(offers) == len(calls) and all(one["place"] == MAIL_AFTER_IT for one in offers)
