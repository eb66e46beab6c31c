"""A referral should never have gone out: nothing more of it leaves, and everybody who got something is asked for it."""

import pytest

from broker.schemas.consent_record import ConsentRecord
from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import EVERY_ACTION, DisclosureRevoked
from broker.schemas.event import Flow
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_recalled import RecallReason, ReferralRecalled
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import DeclineFamily, Outcome, Service, WithdrawReason
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    HOTLINE,
    MAPLE,
    POLICE,
    SHERIFF,
    accepted,
    consent_of,
    declined,
    granted,
    release,
    request,
    revoked,
)
from tests.broker.letters import until
from tests.broker.test_recalls import HELD, handed_over, let_pass, recall

pytestmark = pytest.mark.asyncio(loop_scope="session")

WRONG_PERSON = ReferralRecalled(reason=RecallReason.WRONG_PERSON)


async def _recalled(county: County, referral: ReferralId, fact: ReferralRecalled = WRONG_PERSON) -> None:
    await county.say(HOTLINE, fact, referral)
    await county.settled()


async def test_whoever_got_something_is_told_why_and_asked_for_all_of_it(served: County) -> None:
    """The offer is withdrawn, the need entered in error; what was handed over is asked back with the reason."""
    referral, org, offer = await handed_over(served, release(BIRCH, CEDAR))
    await _recalled(served, referral)
    assert (await served.need(referral))["state"] == "ENTERED_IN_ERROR"
    [withdrawn] = served.facts(OfferWithdrawn, org=org, about=referral)
    assert withdrawn.reason is WithdrawReason.REFERRAL_RECALLED
    [told] = served.facts(DisclosureRevoked, org=org, about=referral)
    assert (set(told.field_groups), told.requested_actions) == (set(HELD), EVERY_ACTION)
    assert (told.reason, told.offer_id) == (RecallReason.WRONG_PERSON, offer)
    assert len(served.facts(ReferralClosed, org=HOTLINE, about=referral)) == 1
    await served.say(org, RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.COMPLIED), referral)
    await served.settled()
    assert (await recall(served, referral))["outcome"] == "COMPLIED"

    async def destroyed() -> bool:
        held = "SELECT (SELECT count(*) FROM sealed_group WHERE referral_id = $1) + (SELECT count(*) FROM wrapped_key"
        return bool(await served.pool.fetchval(f"{held} WHERE referral_id = $1)", referral) == 0)

    await until(destroyed)


async def _finished(county: County, referral: ReferralId, org: OrgId, offer: OfferId) -> None:
    for fact in (
        ContactMade(offer_id=offer),
        ServiceStarted(offer_id=offer, service=Service.EMERGENCY_SHELTER),
        ServiceCompleted(offer_id=offer, outcome=Outcome.SHELTERED),
    ):
        await county.say(org, fact, referral)
    await county.settled()
    assert (await county.need(referral))["state"] == "COMPLETED"


async def test_a_mistake_can_be_said_after_the_service_has_ended_and_once(served: County) -> None:
    """Terminal states are final for everything else. The second time there is nothing left to recall."""
    referral, org, offer = await handed_over(served, release(BIRCH, CEDAR))
    await _finished(served, referral, org, offer)
    await _recalled(served, referral)
    assert (await served.need(referral))["state"] == "ENTERED_IN_ERROR"
    assert len(served.facts(DisclosureRevoked, org=org, about=referral)) == 1
    again = await served.say(HOTLINE, WRONG_PERSON, referral)
    await served.settled()
    assert served.refusal(again) == ("TRANSITION_IMPOSSIBLE", "subject")
    assert len(served.facts(DisclosureRevoked, org=org, about=referral)) == 1


async def test_only_the_source_can_recall_its_referral(served: County) -> None:
    """Another agency's word is answered as if there were no such referral, and changes nothing."""
    referral, org, _ = await handed_over(served, release(BIRCH, CEDAR))
    foreign = await served.say(SHERIFF, WRONG_PERSON, referral)
    await served.settled()
    assert served.refusal(foreign) == ("REFERRAL_UNKNOWN", "subject")
    assert (await served.need(referral))["state"] == "CONTACT_PENDING"
    assert not served.facts(DisclosureRevoked, org=org, about=referral)


async def test_who_gave_it_back_is_asked_as_well_as_who_has_it_now(served: County) -> None:
    """Two shelters have been handed something, one after the other: both are past recipients."""
    record = release(BIRCH, CEDAR)
    referral, first, offer = await handed_over(served, record)
    await served.say(first, declined(offer), referral)
    await served.settled()
    [(heard, made)] = [one for one in served.events(OfferMade, about=referral) if one[0].org != first]
    await served.say(heard.org, accepted(made.offer_id), referral)
    await served.settled()
    assert served.facts(DisclosureReleased, org=heard.org, about=referral)
    await _recalled(served, referral)
    asked = {(one.org, fact.reason) for one, fact in served.events(DisclosureRevoked, about=referral)}
    assert asked == {(first, RecallReason.WRONG_PERSON), (heard.org, RecallReason.WRONG_PERSON)}


async def test_open_offers_are_taken_back_and_nobody_else_is_asked(served: County) -> None:
    """Nothing brings it back: neither a decline that comes late nor a wider release."""
    record, referral = release(BIRCH, CEDAR, MAPLE), new_referral_id()
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    await served.say(HOTLINE, request(), referral, consent=consent_of(record))
    await served.settled()
    offered = served.events(OfferMade, about=referral)
    await _recalled(served, referral, ReferralRecalled(reason=RecallReason.WRONG_RECIPIENT))
    assert len(served.facts(OfferWithdrawn, about=referral)) == len(offered)
    late = await served.say(offered[0][0].org, accepted(offered[0][1].offer_id), referral)
    wider = record.model_copy(update={"version": 2})
    await served.say(HOTLINE, granted(wider), record.consent_id)
    await served.settled()
    assert served.refusal(late) == ("OFFER_WITHDRAWN", "offerId")
    assert len(served.events(OfferMade, about=referral)) == len(offered)
    assert (await served.need(referral))["state"] == "ENTERED_IN_ERROR"
    assert not served.facts(DisclosureRevoked, about=referral), "an offer has nothing to open"


async def test_who_does_not_answer_is_reminded_with_the_reason_and_then_a_human_has_it(served: County) -> None:
    """Chased like a revocation: the same time, the same list, the same late answer that settles it."""
    referral, org, offer = await handed_over(served, release(BIRCH, CEDAR))
    await _recalled(served, referral)
    await let_pass(served, referral)

    async def reminded() -> bool:
        await served.settled()
        return len(served.facts(DisclosureRevoked, org=org, about=referral)) == 2

    await until(reminded)
    told = served.facts(DisclosureRevoked, org=org, about=referral)
    wrong = RecallReason.WRONG_PERSON
    assert [(one.reminder, one.reason) for one in told] == [(False, wrong), (True, wrong)]
    await let_pass(served, referral)
    found = "SELECT count(*) FROM work_item WHERE referral_id = $1 AND reason = 'REVOCATION_UNANSWERED'"
    await until(lambda: served.pool.fetchval(found, referral))
    await served.say(org, RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.COMPLIED), referral)
    await served.settled()
    assert await served.pool.fetchval(f"{found} AND resolved_at IS NULL", referral) == 0


@pytest.mark.parametrize(
    ("outcome", "asked"), [(RevocationOutcome.COMPLIED, 1), (RevocationOutcome.RETAINED_LEGAL_DUTY, 2)]
)
async def test_who_kept_something_after_a_revocation_must_hear_that_it_is_wrong(
    served: County, outcome: RevocationOutcome, asked: int
) -> None:
    """Who has given everything up has nothing to correct; who retained it is asked anew, with the reason."""
    record: ConsentRecord = release(BIRCH, CEDAR)
    referral, org, offer = await handed_over(served, record)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    await served.say(org, RevocationAcknowledged(offer_id=offer, outcome=outcome), referral)
    await served.settled()
    await _recalled(served, referral)
    told = served.facts(DisclosureRevoked, org=org, about=referral)
    assert [one.reason for one in told] == [None, RecallReason.WRONG_PERSON][:asked]
    assert (await recall(served, referral))["outcome"] == (outcome.value if asked == 1 else None)


@pytest.mark.parametrize(
    ("reason", "family"),
    [
        ("NO_CAPACITY_BEDS", DeclineFamily.CAPACITY),
        ("HOUSEHOLD_TOO_LARGE", DeclineFamily.NOT_A_FIT),
        ("OUTSIDE_HOURS", DeclineFamily.PROCESS),
        ("RESIDENT_CONFLICT", DeclineFamily.WITHHELD),
    ],
)
async def test_a_decline_is_told_by_family_and_only_under_the_decliners_own_release(
    served: County, reason: str, family: DeclineFamily
) -> None:
    """One shelter declines with a release that names the police, the next without: one family, and no word of the
    other; a safety reason would tell who lives there (domain.md §10.5)."""
    referral = new_referral_id()
    await served.say(POLICE, request(priority="P2"), referral)
    await served.settled()
    [(heard, made)] = served.events(OfferMade, about=referral)
    record = release(
        POLICE, by=heard.org, purposes=["STATUS_FEEDBACK"], dataScope={"fieldGroups": ["FG25"], "maxTier": 4}
    )
    await served.post(served.letter(heard.org, granted(record), record.consent_id, flow=Flow.PROVIDER_TO_BROKER))
    await served.settled()
    await served.say(heard.org, declined(made.offer_id, reason), referral, consent=consent_of(record))
    await served.settled()
    [(other, second)] = [one for one in served.events(OfferMade, about=referral) if one[0].org != heard.org]
    await served.say(other.org, declined(second.offer_id, reason), referral, consent=consent_of(record))
    await served.settled()
    told = served.facts(ReferralStatus, org=POLICE, about=referral)
    assert [one.decline_family for one in told if one.decline_family] == [family]
    assert [one.acknowledgment for one in told if one.acknowledgment] == []
