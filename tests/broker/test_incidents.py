"""Incidents and danger screens on the real broker: more urgency, another need, never less and never wider."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.schemas.ids import new_incident_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from tests.broker.county import County
from tests.broker.facts import CLINIC, POLICE, SHERIFF, incident, request, screened

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _priority(county: County, referral: str) -> str:
    return str(await county.pool.fetchval("SELECT priority FROM referral WHERE referral_id = $1", referral))


@pytest.mark.parametrize("screen_first", [True, False])
async def test_a_screen_raises_urgency_whichever_comes_first(served: County, screen_first: bool) -> None:
    """P2 becomes P0: three are asked at once instead of one, with the sooner deadline; no field more is shown."""
    referral, tied = new_referral_id(), new_incident_id()
    events = [(screened(), tied), (request(priority="P2", incidentId=tied), referral)]
    for fact, subject in events if screen_first else reversed(events):
        await served.say(POLICE, fact, subject)
        await served.settled()
    assert await _priority(served, referral) == "P0"
    offers = await served.offers(referral, state="MADE")
    assert len(offers) == 3
    assert max(offer["answer_by"] for offer in offers) <= datetime.now(UTC) + timedelta(minutes=15)
    assert ("priority.raised" in await served.steps(referral)) == (not screen_first)


@pytest.mark.parametrize("screen_first", [True, False])
async def test_a_screen_never_lowers_urgency(served: County, screen_first: bool) -> None:
    """A referral that its source calls P0 stays so, whatever a screen says that would be P1."""
    referral, tied = new_referral_id(), new_incident_id()
    events = [(screened(unsafeTonight=False), tied), (request(priority="P0", incidentId=tied), referral)]
    for fact, subject in events if screen_first else reversed(events):
        await served.say(POLICE, fact, subject)
        await served.settled()
    assert await _priority(served, referral) == "P0"


async def test_a_screen_that_found_no_danger_changes_nothing(served: County) -> None:
    """Not screened in: the source's own judgment stands."""
    referral, tied = new_referral_id(), new_incident_id()
    await served.say(POLICE, request(priority="P3", incidentId=tied), referral)
    quiet = screened(result="NOT_SCREENED_IN", unsafeTonight=False)
    await served.say(POLICE, quiet, tied)
    await served.settled()
    assert await _priority(served, referral) == "P3"


@pytest.mark.parametrize("incident_first", [True, False])
async def test_a_person_who_is_hurt_gets_a_clinic_asked_too(served: County, incident_first: bool) -> None:
    """A medical need makes a healthcare offer of its own, whichever of referral and incident comes first."""
    referral, tied = new_referral_id(), new_incident_id()
    events = [(incident(hurt=True), tied), (request(incidentId=tied), referral)]
    for fact, subject in events if incident_first else reversed(events):
        await served.say(POLICE, fact, subject)
        await served.settled()
    made = served.events(OfferMade, org=CLINIC, about=referral)
    assert [fact.category.value for _, fact in made] == ["HEALTHCARE"]
    assert (await served.need(referral, "HEALTHCARE"))["state"] == "OFFERED"


async def test_an_incident_without_injury_asks_no_clinic(served: County) -> None:
    """Nothing is added that nobody needs."""
    referral, tied = new_referral_id(), new_incident_id()
    await served.say(POLICE, incident(hurt=False), tied)
    await served.say(POLICE, request(incidentId=tied), referral)
    await served.settled()
    assert not served.events(OfferMade, org=CLINIC, about=referral)


async def test_a_neighbours_incident_is_answered_like_one_that_does_not_exist(served: County) -> None:
    """Another department's screen changes nothing of ours, and learns nothing of us."""
    referral, tied = new_referral_id(), new_incident_id()
    await served.say(POLICE, incident(hurt=False), tied)
    await served.say(POLICE, request(priority="P3", incidentId=tied), referral)
    await served.settled()
    foreign = await served.say(SHERIFF, screened(), tied)
    await served.settled()
    assert served.refusal(foreign) == ("INCIDENT_UNKNOWN", "subject")
    assert await _priority(served, referral) == "P3"


async def test_a_referral_under_a_neighbours_incident_is_not_tied_to_it(served: County) -> None:
    """The sheriff names the police's incident: its screens do not move his referral, nor his referral its needs."""
    referral, tied = new_referral_id(), new_incident_id()
    await served.say(POLICE, incident(hurt=True), tied)
    await served.settled()
    await served.say(SHERIFF, request(priority="P3", incidentId=tied), referral)
    await served.say(POLICE, screened(), tied)
    await served.settled()
    assert await _priority(served, referral) == "P3"
    assert not served.events(OfferMade, org=CLINIC, about=referral)
