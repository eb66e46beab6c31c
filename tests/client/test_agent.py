"""The agent lets in whoever was chosen while nobody sits at a desk, whatever becomes of its process meanwhile."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from broker.agency.attending import look
from broker.agency.errors import RecipientUnknown
from broker.client import RecipientChosen
from broker.composition import Process
from broker.local.processes import environment_of
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import Flow
from broker.schemas.ids import ReferralId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_cancelled import CancelReason
from tests.client.county import ALIAS, BIRCH, POLICE, SAFE_CONTACT, County, asked
from tests.client.test_kept_files import files, zone_of
from tests.client.test_late_sealing import SECONDS, answer, events_on, first, opened_by
from tests.client.test_publishing import on_topic
from tests.client.test_referrals import GROUPS, chosen

AGENT = (sys.executable, "-m", "broker.cli", "agent", "--org", POLICE)


@asynccontextmanager
async def agent(county: County) -> AsyncIterator[asyncio.subprocess.Process]:
    """The agent of the police as a process of its own; killed, if it still runs then."""
    process = await asyncio.create_subprocess_exec(
        *AGENT,
        env=environment_of(county.settings, Process.RELAY),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def accepted_referral(county: County) -> ReferralId:
    """A referral by a process that has ended since, and the shelter's yes."""
    async with county.client(POLICE) as client:
        referral = (await client.request_referral(groups=GROUPS, **asked())).referral_id
    offer = OfferMade.read((await first(county, BIRCH, OfferMade, referral)).data)
    await answer(county, BIRCH, referral, OfferAccepted(offer_id=offer.offer_id, accepted_by=AcceptedBy.STAFF))
    return referral


async def test_the_agent_lets_in_whoever_accepts_through_a_kill_and_ends_when_told(served: County) -> None:
    """Chosen before it runs, and after it was killed: each provider gets its keys once, and the log names nobody."""
    before = await accepted_referral(served)
    async with agent(served):
        released = DisclosureReleased.read((await first(served, BIRCH, DisclosureReleased, before)).data)
        assert opened_by(served, BIRCH, before, released)["FG03"]["handle"] == SAFE_CONTACT["handle"]
    async with agent(served) as again:
        after = await accepted_referral(served)
        released = DisclosureReleased.read((await first(served, BIRCH, DisclosureReleased, after)).data)
        assert opened_by(served, BIRCH, after, released)["FG04"] == ALIAS
        async with served.client(POLICE) as client:
            for referral in (before, after):
                await client.accepted(await client.cancel_referral(referral, CancelReason.SAFE_ELSEWHERE))
        async with asyncio.timeout(SECONDS):
            while files(zone_of(served)):  # noqa: ASYNC110  another process removes them
                await asyncio.sleep(0.05)
        again.send_signal(signal.SIGINT)
        output, _ = await again.communicate()
    assert again.returncode == 0, output
    assert f"{after}: keys wrapped for {BIRCH}".encode() in output
    assert not [secret for secret in (ALIAS["alias"], SAFE_CONTACT["handle"]) if secret.encode() in output]
    told = [one.envelope.subject for one in await events_on(served, Flow.BROKER_TO_PROVIDER, BIRCH, DisclosureReleased)]
    assert sorted(told) == sorted([before, after])


async def test_a_newer_directory_is_taken_in_without_a_restart(county: County) -> None:
    """A choice of an organisation that had no key here is answered as soon as the directory lists it."""
    path = zone_of(county) / "directory.json"
    whole = path.read_bytes()
    async with county.client(POLICE) as client:
        referral = await client.request_referral(groups=GROUPS, **asked())
        path.write_bytes(whole.replace(f'"{BIRCH}#seal-1"'.encode(), f'"{BIRCH}#seal-0"'.encode()))
        client.look_again()
        notice = chosen(referral.referral_id)
        assert isinstance(notice.fact, RecipientChosen)
        fact = notice.fact.model_copy(update={"key_ids": (f"{BIRCH}#seal-1",)})
        with pytest.raises(RecipientUnknown):
            await client.late.seal_chosen(notice.event_id, referral.referral_id, fact)
        assert len(await _sealed(county)) == 0
        path.write_bytes(whole)
        await look(client, referral.requested.at)
        assert await client.late.waiting() == []
    assert len(await _sealed(county)) == 1


async def _sealed(county: County) -> list[object]:
    return [record for record in await on_topic(county, POLICE) if b'"wraps"' in (record.value or b"")]
