"""Several needs in one referral, on the real broker: each with its own urgency, releases, deadline and outcome."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.schemas.contact_made import ContactMade
from broker.schemas.ids import OrgId, ReferralId, new_consent_id, new_incident_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import Outcome, Service
from broker.store.questions import state_of
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CLINIC,
    HOTLINE,
    LEGAL_AID,
    POLICE,
    accepted,
    consent_of,
    declined,
    granted,
    release,
    request,
    revoked,
    screened,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOTH = ["EMERGENCY_SHELTER", "PROTECTION_ORDER_HELP"]
LATER = [{"category": "LEGAL_AID", "priority": "P3", "neededBy": "2027-01-15T09:00:00Z"}]


async def asked(county: County, *, under: Any = None, source: OrgId = POLICE, **changes: Any) -> ReferralId:
    """A bed tonight and a lawyer next month, taken in."""
    referral = new_referral_id()
    wanted = {"priority": "P0", "services": BOTH, "urgency": LATER} | changes
    await county.say(source, request(**wanted), referral, consent=consent_of(under) if under else None)
    await county.settled()
    return referral


async def states(county: County, referral: str) -> dict[str, str]:
    """Where each need stands."""
    rows = await county.pool.fetch("SELECT category, state FROM need WHERE referral_id = $1", referral)
    return {row["category"]: row["state"] for row in rows}


async def test_each_kind_of_help_is_sought_with_its_own_urgency(served: County) -> None:
    """Three shelters at once within a quarter of an hour; one lawyer, asked for next month, with days to answer."""
    referral = await asked(served)
    offers = await served.offers(referral)
    now = datetime.now(UTC)
    shelters = [one for one in offers if one["category"] == "SHELTER"]
    [lawyer] = [one for one in offers if one["category"] == "LEGAL_AID"]
    assert len(shelters) == 3
    assert max(one["answer_by"] for one in shelters) <= now + timedelta(minutes=15)
    assert lawyer["answer_by"] > now + timedelta(days=1)
    [told] = served.facts(OfferMade, org=LEGAL_AID, about=referral)
    assert told.priority == "P3"
    assert told.need_summary is None or told.need_summary.needed_by in (None, datetime(2027, 1, 15, 9, tzinfo=UTC))
    [bed] = served.facts(OfferMade, org=BIRCH, about=referral)
    assert bed.priority == "P0"
    shelter, legal = await served.need(referral, "SHELTER"), await served.need(referral, "LEGAL_AID")
    assert shelter["expires_at"] <= now + timedelta(hours=4)
    assert legal["expires_at"] > now + timedelta(days=9)
    assert legal["due_at"] > now + timedelta(minutes=14), "the lawyer is not reminded at a shelter's pace"


async def test_what_a_human_must_do_is_as_urgent_as_the_need(served: County) -> None:
    """The only lawyer declines: a coordinator has it among the routine work, not among tonight's."""
    referral = await asked(served)
    [offer] = served.facts(OfferMade, org=LEGAL_AID, about=referral)
    await served.say(LEGAL_AID, declined(offer.offer_id), referral)
    await served.settled()
    rows = await served.pool.fetch("SELECT reason, priority FROM work_item WHERE referral_id = $1", referral)
    assert [tuple(row) for row in rows] == [("NOBODY_LEFT", "P3")]


@pytest.mark.parametrize("screen_first", [True, False])
async def test_a_screen_raises_every_need_and_lowers_none(served: County, screen_first: bool) -> None:
    """Danger is of the survivor: whatever was routine becomes as urgent as the screen demands."""
    referral, tied = new_referral_id(), new_incident_id()
    wanted = request(priority="P1", services=BOTH, urgency=LATER, incidentId=tied)
    events = [(screened(unsafeTonight=False), tied), (wanted, referral)]
    for fact, subject in events if screen_first else reversed(events):
        await served.say(POLICE, fact, subject)
        await served.settled()
    needs = [await served.need(referral, category) for category in ("SHELTER", "LEGAL_AID")]
    assert [need["priority"] for need in needs] == ["P1", "P1"]
    assert all(need["expires_at"] <= datetime.now(UTC) + timedelta(hours=4) for need in needs)


@pytest.mark.parametrize("ended", ["SHELTER", "LEGAL_AID"])
async def test_the_end_of_one_release_ends_only_the_need_that_rests_on_it(served: County, ended: str) -> None:
    """Two releases of one survivor, one for each kind of help; either can be taken back and the other goes on."""
    subject = {"subjectRef": f"sub-{new_consent_id()}", "kind": "ADULT"}
    bed = release(BIRCH, purposes=["SHELTER_PLACEMENT"], subject=subject)
    law = release(LEGAL_AID, purposes=["PROTECTION_ORDER"], subject=subject)
    for record in (bed, law):
        await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    referral = await asked(served, under=bed, source=HOTLINE)
    assert await states(served, referral) == {"SHELTER": "OFFERED", "LEGAL_AID": "OFFERED"}
    await served.say(HOTLINE, revoked(), (bed if ended == "SHELTER" else law).consent_id)
    await served.settled()
    going_on, org = ("LEGAL_AID", LEGAL_AID) if ended == "SHELTER" else ("SHELTER", BIRCH)
    assert await states(served, referral) == {ended: "REVOKED", going_on: "OFFERED"}
    closed = served.facts(ReferralClosed, org=HOTLINE, about=referral)
    assert [fact.category.value for fact in closed] == [ended]
    [offer] = served.facts(OfferMade, org=org, about=referral)
    await served.say(org, accepted(offer.offer_id), referral)
    await served.settled()
    assert (await states(served, referral))[going_on] == "CONTACT_PENDING"


async def test_each_need_has_its_own_outcome_and_the_whole_follows_from_them(served: County) -> None:
    """The bed is taken and served to its end; the lawyer is still asked: the referral goes on, and says so."""
    referral = await asked(served)
    [offer] = served.facts(OfferMade, org=BIRCH, about=referral)
    steps: list[Any] = [
        accepted(offer.offer_id),
        ContactMade(offer_id=offer.offer_id),
        ServiceStarted(offer_id=offer.offer_id, service=Service.EMERGENCY_SHELTER),
    ]
    for fact in steps:
        await served.say(BIRCH, fact, referral)
        await served.settled()
    async with served.pool.acquire() as connection:
        assert await state_of(connection, referral) == "IN_SERVICE"
        await served.say(BIRCH, ServiceCompleted(offer_id=offer.offer_id, outcome=Outcome.SHELTERED), referral)
        await served.settled()
        assert await states(served, referral) == {"SHELTER": "COMPLETED", "LEGAL_AID": "OFFERED"}
        assert await state_of(connection, referral) == "OFFERED"


async def test_a_kind_without_urgency_of_its_own_is_as_urgent_as_the_referral(served: County) -> None:
    """The default, and care that is added where somebody needs a medical facility now."""
    referral = await asked(served, services=["EMERGENCY_SHELTER"], urgency=[], priority="P2", medicalFacilityNeed=True)
    assert [(await served.need(referral, kind))["priority"] for kind in ("SHELTER", "HEALTHCARE")] == ["P2", "P2"]
    assert served.facts(OfferMade, org=CLINIC, about=referral)[0].priority == "P2"
