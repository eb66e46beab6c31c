"""`handoff tail`: an agency without Kafka hears the broker as it speaks, and believes nobody else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from broker.agency.by_http import Door
from broker.agency.errors import BrokerUnreachable, DoorRefused
from broker.agency.notices import Hearing, Notice
from broker.composition import zone_folder
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.ids import KeyId, new_referral_id
from broker.seal.keys import SigningKey
from broker.web.serving import served as open_at
from broker.zone import load_zone
from tests.broker.county import County
from tests.broker.facts import POLICE, request
from tests.client.shell import handoff, told
from tests.web.agency import Agency

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def ear(served: County, door: str, session: aiohttp.ClientSession) -> AsyncIterator[Door]:
    """The police department, which listens at the door."""
    zone = load_zone(zone_folder(served.settings, POLICE), POLICE, datetime.now(UTC))
    yield Door(session, door, Hearing(zone, served.topics))


async def accepted(ear: Door, event_id: str, *, follow: bool) -> Notice | None:
    """The notice that an event has been accepted."""
    async for notice in ear.notices(follow=follow):
        if isinstance(notice.fact, EventAccepted) and notice.fact.event_id == event_id:
            return notice
    return None


async def test_a_notice_is_heard_when_it_comes(served: County, ear: Door) -> None:
    """Whoever listens already hears what is published later."""
    letter = served.letter(POLICE, request(), new_referral_id())
    async with asyncio.timeout(60):
        listening = asyncio.create_task(accepted(ear, letter.event_id, follow=True))
        await served.post(letter)
        notice = await listening
    assert notice is not None
    assert notice.subject.encode() == letter.key


async def test_the_command_tells_what_there_is(
    served: County, door: str, police: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line each: when, about what, which code and what to do about it."""
    referral = new_referral_id()
    await served.say(POLICE, request(), referral, id=None)
    await served.say(POLICE, request(), referral)
    await served.settled()
    monkeypatch.setenv("HANDOFF_HOME", str(served.settings.home))
    monkeypatch.setenv("HANDOFF_TOPIC_PREFIX", served.settings.topic_prefix)
    done = await handoff("tail", "--door", door + "/", "--org", POLICE, "--once")
    assert done.exit_code == 0, told(done)
    lines = [line for line in done.output.splitlines() if referral in line]
    assert any("event.accepted: the broker has taken event" in line for line in lines)
    assert any("REFERRAL_EXISTS" in line and "Give every new referral a new random id." in line for line in lines)
    away = await handoff("tail", "--door", "http://127.0.0.1:1", "--org", POLICE, "--once")
    assert isinstance(away.exception, BrokerUnreachable)


async def test_what_the_broker_did_not_sign_is_not_told(served: County, ear: Door) -> None:
    """A door that is not the network's, or somebody between, can leave out and never put in."""
    letter = served.letter(POLICE, request(), new_referral_id())
    await served.post(letter)
    await served.settled()

    async def altering(scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(scope)
        path = asked.url.path + (f"?{asked.url.query}" if asked.url.query else "")
        headers = {name: asked.headers[name] for name in ("wh-timestamp", "wh-signature")}
        async with ear.session.get(ear.address + path, headers=headers) as answer:
            page = await answer.json()
        for one in page["notices"]:
            one["value"] = one["value"].replace('"duplicate":false', '"duplicate":true')
        response: Response = JSONResponse(page)
        await response(scope, receive, send)

    assert await accepted(ear, letter.event_id, follow=False) is not None
    async with open_at(altering, "127.0.0.1:0", "HANDOFF_WEB_ADDRESS") as (host, port):
        false = replace(ear, address=f"http://{host}:{port}")
        assert await accepted(false, letter.event_id, follow=False) is None


async def test_a_key_that_the_network_does_not_know_hears_nothing(ear: Door) -> None:
    """And is told why, and what to do."""
    stranger = SigningKey.new(KeyId(f"{POLICE}#nobody"))
    hearing = replace(ear.hearing, zone=replace(ear.hearing.zone, signing_key=stranger))
    with pytest.raises(DoorRefused, match="KEY_UNKNOWN") as refused:
        await accepted(replace(ear, hearing=hearing), "x", follow=False)
    assert refused.value.remedy == "Have the operator register the key's card."
