"""What cannot be: each impossible step has a code of its own, and what belongs to others is as if it did not exist."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.schemas.capacity_updated import CapacityUpdated
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.contact_made import ContactMade
from broker.schemas.ids import EventId, OrgId, new_event_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import RefusalCode
from broker.schemas.sealed import WRAPPED_CHARACTERS
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import OrgClass, Outcome, RecipientCategory, Service
from broker.store.directory import suspend
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    HOTLINE,
    NOTE,
    POLICE,
    SHELTERS,
    SHERIFF,
    accepted,
    card,
    declined,
    granted,
    read,
    release,
    request,
    revoked,
)
from tests.broker.refusals import CONSENTS, RECORDS

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCELLED = read(ReferralCancelled, dict(ReferralCancelled.EXAMPLE))
Step = Callable[[County], Awaitable[EventId]]


async def _asked(county: County, **changes: Any) -> tuple[Any, Any, Any]:
    """A referral with one offer: the referral, its provider, the offer."""
    referral = new_referral_id()
    await county.say(POLICE, request(priority="P2", **changes), referral)
    await county.settled()
    [(heard, made)] = county.events(OfferMade, about=referral)
    return referral, heard.org, made.offer_id


async def _a_note_where_the_law_knows_none(county: County) -> EventId:
    noted = request(victimAgreed="NOT_ASKED_UNSAFE", necessity=NOTE)
    return await county.say(POLICE, noted, new_referral_id())


async def _id_with_other_content(county: County) -> EventId:
    event = await county.say(POLICE, request(), new_referral_id(), id=new_event_id())
    return await county.say(POLICE, request(), new_referral_id(), id=event)


async def _referral_asked_twice(county: County) -> EventId:
    referral, _, _ = await _asked(county)
    return await county.say(POLICE, request(), referral)


async def _anothers_referral_id(county: County) -> EventId:
    referral, _, _ = await _asked(county)
    return await county.say(SHERIFF, request(), referral)


async def _cancelling_nothing(county: County) -> EventId:
    return await county.say(POLICE, CANCELLED, new_referral_id())


async def _cancelling_anothers(county: County) -> EventId:
    referral, _, _ = await _asked(county)
    return await county.say(SHERIFF, CANCELLED, referral)


async def _cancelling_after_the_end(county: County) -> EventId:
    referral, org, offer = await _asked(county)
    started = ServiceStarted(offer_id=offer, service=Service.EMERGENCY_SHELTER)
    completed = ServiceCompleted(offer_id=offer, outcome=Outcome.SHELTERED)
    for fact in (accepted(offer), ContactMade(offer_id=offer), started, completed):
        await county.say(org, fact, referral)
    await county.settled()
    return await county.say(POLICE, CANCELLED, referral)


async def _contact_before_acceptance(county: County) -> EventId:
    referral, org, offer = await _asked(county)
    return await county.say(org, ContactMade(offer_id=offer), referral)


async def _outcome_before_service(county: County) -> EventId:
    referral, org, offer = await _asked(county)
    await county.say(org, accepted(offer), referral)
    return await county.say(org, ServiceCompleted(offer_id=offer, outcome=Outcome.SHELTERED), referral)


async def _contact_by_the_loser(county: County) -> EventId:
    referral = new_referral_id()
    await county.say(POLICE, request(), referral)
    await county.settled()
    first, second = county.events(OfferMade, about=referral)
    await county.say(first[0].org, accepted(first[1].offer_id), referral)
    await county.settled()
    return await county.say(second[0].org, ContactMade(offer_id=second[1].offer_id), referral)


async def _accepting_after_declining(county: County) -> EventId:
    referral, org, offer = await _asked(county)
    await county.say(org, declined(offer), referral)
    return await county.say(org, accepted(offer), referral)


async def _accepting_what_was_cancelled(county: County) -> EventId:
    referral, org, offer = await _asked(county)
    await county.say(POLICE, CANCELLED, referral)
    await county.settled()
    return await county.say(org, accepted(offer), referral)


async def _anothers_offer(county: County) -> EventId:
    referral, org, offer = await _asked(county)
    return await county.say(next(one for one in SHELTERS if one != org), accepted(offer), referral)


async def _keys_for_a_group_that_is_not_there(county: County) -> EventId:
    referral, _, _ = await _asked(county)
    return await county.say(POLICE, _wraps("FG16", BIRCH, "seal-1"), referral)


async def _keys_for_no_key_of_the_recipient(county: County) -> EventId:
    referral, _, _ = await _asked(county)
    return await county.say(POLICE, _wraps("FG03", BIRCH, "of-nobody"), referral)


def _wraps(group: str, org: str, key: str) -> ReferralSealed:
    wrapped = {"fieldGroup": group, "recipient": org, "keyId": f"{org}#{key}", "wrapped": "A" * WRAPPED_CHARACTERS}
    return read(ReferralSealed, {"wraps": [wrapped]})


async def _revoking_anothers_consent(county: County) -> EventId:
    record = release()
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    return await county.say(POLICE, revoked(), record.consent_id)


async def _a_version_with_other_content(county: County) -> EventId:
    record = release(BIRCH)
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    other = release(CEDAR, consentId=record.consent_id)
    return await county.say(HOTLINE, granted(other), record.consent_id)


async def _anothers_beds(county: County) -> EventId:
    return await county.say(BIRCH, _count(datetime.now(UTC)), CEDAR)


async def _beds_of_tomorrow(county: County) -> EventId:
    return await county.say(BIRCH, _count(datetime.now(UTC) + timedelta(days=1)), BIRCH)


def _count(as_of: datetime) -> CapacityUpdated:
    return read(CapacityUpdated, {**CapacityUpdated.EXAMPLE, "asOf": as_of.isoformat()})


STEPS: tuple[tuple[Step, RefusalCode, str | None], ...] = (
    (_id_with_other_content, RefusalCode.ID_REUSED, "id"),
    (_a_note_where_the_law_knows_none, RefusalCode.NECESSITY_NOT_LAWFUL, "necessity"),
    (_referral_asked_twice, RefusalCode.REFERRAL_EXISTS, "subject"),
    (_anothers_referral_id, RefusalCode.REFERRAL_EXISTS, "subject"),
    (_cancelling_nothing, RefusalCode.REFERRAL_UNKNOWN, "subject"),
    (_cancelling_anothers, RefusalCode.REFERRAL_UNKNOWN, "subject"),
    (_cancelling_after_the_end, RefusalCode.TRANSITION_IMPOSSIBLE, "subject"),
    (_contact_before_acceptance, RefusalCode.TRANSITION_IMPOSSIBLE, "offerId"),
    (_outcome_before_service, RefusalCode.TRANSITION_IMPOSSIBLE, None),
    (_contact_by_the_loser, RefusalCode.OFFER_WITHDRAWN, "offerId"),
    (_accepting_after_declining, RefusalCode.OFFER_ALREADY_ANSWERED, "offerId"),
    (_accepting_what_was_cancelled, RefusalCode.OFFER_WITHDRAWN, "offerId"),
    (_anothers_offer, RefusalCode.OFFER_UNKNOWN, "offerId"),
    (_keys_for_a_group_that_is_not_there, RefusalCode.SEALED_GROUP_UNKNOWN, "wraps"),
    (_keys_for_no_key_of_the_recipient, RefusalCode.KEY_UNKNOWN, "wraps"),
    (_revoking_anothers_consent, RefusalCode.CONSENT_UNKNOWN, "subject"),
    (_a_version_with_other_content, RefusalCode.CONSENT_VERSION_CONFLICT, "record.version"),
    (_anothers_beds, RefusalCode.NOT_YOURS, "subject"),
    (_beds_of_tomorrow, RefusalCode.TIME_IMPLAUSIBLE, "asOf"),
)


@pytest.mark.parametrize(("step", "code", "field"), STEPS, ids=[step.__name__[1:] for step, _, _ in STEPS])
async def test_an_impossible_step_is_refused_with_its_code(
    served: County, step: Step, code: RefusalCode, field: str | None
) -> None:
    """Whoever tried hears why, and nothing has changed by it: the refused event is in no inbox."""
    event = await step(served)
    await served.settled()
    assert served.refusal(event) == (code.value, field)
    if code is not RefusalCode.ID_REUSED:
        assert not await served.pool.fetchval("SELECT 1 FROM inbox WHERE event_id = $1", event)


ELSEWHERE = {
    RefusalCode.SOURCE_UNKNOWN: "below: a suspended organisation",
    RefusalCode.INCIDENT_UNKNOWN: "test_incidents.py",
    RefusalCode.OFFER_TAKEN: "test_offers.py: the first of fifty",
    RefusalCode.OFFER_EXPIRED: "test_offers.py: an answer after the deadline",
    RefusalCode.ANSWER_NOT_OFFERED: "tests/adapters: what a kind of provider does not answer never leaves its zone",
    RefusalCode.BROKER_FAULT: "below: a record that no table can hold",
    RefusalCode.SURVIVOR_DID_NOT_GRANT: "test_who_consented.py",
    RefusalCode.IDENTITY_NOT_CHECKED: "test_who_consented.py",
    RefusalCode.NOT_INFORMED: "test_who_consented.py",
    RefusalCode.BREAK_GLASS_NOT_ALLOWED: "test_breaking_glass.py",
    RefusalCode.BREAK_GLASS_SUSPENDED: "test_breaking_glass.py",
    RefusalCode.BREAK_GLASS_UNKNOWN: "test_breaking_glass.py",
    RefusalCode.BREAK_GLASS_OVER: "test_breaking_glass.py",
    RefusalCode.SECOND_PERSON_NEEDED: "test_breaking_glass.py",
}


async def test_every_refusal_code_is_proven_somewhere() -> None:
    """A new code needs a record that is refused with it."""
    proven = {bad.code for bad in (*RECORDS, *CONSENTS)} | {code for _, code, _ in STEPS}
    assert set(RefusalCode) - proven == set(ELSEWHERE)


async def test_a_suspended_organisation_is_neither_heard_nor_asked(served: County) -> None:
    """From one moment to the next and without a restart; what it is offered is for others now."""
    counselling = (OrgClass.COUNSELING_NON_HIPAA, RecipientCategory.COUNSELING, Service.CRISIS_COUNSELING)
    counsellor = card(OrgId("org-counsel"), *counselling)
    await served.onboard(counsellor)
    referral = new_referral_id()
    await served.say(POLICE, request(services=["CRISIS_COUNSELING"]), referral)
    await served.settled()
    [(heard, made)] = served.events(OfferMade, about=referral)
    assert heard.org == counsellor.org_id
    async with served.pool.acquire() as connection:
        assert await suspend(connection, counsellor.org_id, bytes(32))
    place = await served.post(served.letter(counsellor.org_id, accepted(made.offer_id), referral))
    later = new_referral_id()
    await served.say(POLICE, request(services=["CRISIS_COUNSELING"]), later)
    await served.settled()
    code = await served.pool.fetchval(
        "SELECT code FROM quarantine WHERE topic = $1 AND partition = $2 AND record_offset = $3", *place
    )
    assert code == RefusalCode.SOURCE_UNKNOWN
    assert (await served.need(referral, "COUNSELING"))["provider"] is None
    assert not served.events(OfferMade, about=later)
    assert (await served.need(later, "COUNSELING"))["state"] == "NO_MATCH"


async def test_a_record_that_no_table_can_hold_blocks_nobody(served: County) -> None:
    """PostgreSQL takes no zero character: the one record is found among its batch, the others are taken."""
    before, after = new_referral_id(), new_referral_id()
    captured = {**ConsentGranted.EXAMPLE["record"]["capturedBy"], "workerRef": "wrk\u0000"}
    record = release(capturedBy=captured)
    letters = [
        served.letter(HOTLINE, request(), before),
        served.letter(HOTLINE, granted(record), record.consent_id),
        served.letter(HOTLINE, request(), after),
    ]
    for letter in letters:
        await served.post(letter, partition=0)
    await served.settled()
    assert served.refusal(letters[1].event_id) == ("BROKER_FAULT", None)
    assert [(await served.need(referral))["state"] for referral in (before, after)] == ["CONSENT_HOLD"] * 2
