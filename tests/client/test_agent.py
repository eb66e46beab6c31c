"""The agent lets in whoever was chosen while nobody sits at a desk, whatever becomes of its process meanwhile."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord

from broker.agency.attending import look
from broker.agency.errors import RecipientUnknown
from broker.client import RecipientChosen
from broker.composition import Process
from broker.local.processes import environment_of
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import Flow
from broker.schemas.ids import KeyId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_cancelled import CancelReason
from broker.schemas.referral_sealed import ReferralSealed
from broker.seal.opening import OpeningKey
from tests.client.county import ALIAS, BIRCH, POLICE, SAFE_CONTACT, County, asked
from tests.client.test_kept_files import files, zone_of
from tests.client.test_late_sealing import SECONDS, answer, events_on, first, handed, opened_by
from tests.client.test_publishing import on_topic
from tests.client.test_referrals import GROUPS, chosen
from tests.client.test_zone import changed, signer

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
        released = await handed(served, BIRCH, before)
        assert opened_by(served, BIRCH, before, released)["FG03"]["handle"] == SAFE_CONTACT["handle"]
    async with agent(served) as again:
        after = await accepted_referral(served)
        released = await handed(served, BIRCH, after)
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
    """A choice of an organisation whose new key is not known here is answered as soon as the directory lists it."""
    zone, key = zone_of(county), OpeningKey.new(KeyId(f"{BIRCH}#seal-2"))
    async with county.client(POLICE) as client:
        referral = await client.request_referral(groups=GROUPS, **asked())
        notice = chosen(referral.referral_id)
        assert isinstance(notice.fact, RecipientChosen)
        fact = notice.fact.model_copy(update={"key_ids": (key.key_id,)})
        with pytest.raises(RecipientUnknown):
            await client.late.seal_chosen(notice.event_id, referral.referral_id, fact)
        listed = json.loads(key.card(datetime.now(UTC)).wire())
        added = {"keyId": listed["keyId"], "publicKey": listed["publicKey"]}
        changed(zone, signer(county), lambda directory: directory["organisations"][2]["sealingKeys"].append(added))
        await look(client, datetime.now(UTC))
        assert await client.late.waiting() == []
    [sealed] = await _sealed(county)
    assert {wrap.key_id for wrap in ReferralSealed.read(sealed.value or b"").wraps} == {key.key_id}


async def _sealed(county: County) -> list[ConsumerRecord[bytes, bytes]]:
    return [record for record in await on_topic(county, POLICE) if b'"wraps"' in (record.value or b"")]
