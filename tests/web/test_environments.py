"""Practice and the live network refuse each other: by what an event says of itself, and by whose keys they know."""

from datetime import UTC, datetime

import aiohttp
import pytest

from broker.agency.sending import Sender
from broker.composition import kafka_of
from broker.schemas.ids import KeyId, new_referral_id
from broker.schemas.vocabulary import MsgStatus
from broker.seal.keys import SigningKey
from broker.settings import Settings
from broker.web.app import WebParts, agencies_door
from broker.web.serving import served as open_at
from tests.broker.county import county
from tests.broker.facts import POLICE
from tests.broker.refusals import good
from tests.web.agency import Agency


@pytest.mark.parametrize(
    ("here", "there"), [(MsgStatus.ACTUAL, MsgStatus.EXERCISE), (MsgStatus.EXERCISE, MsgStatus.ACTUAL)]
)
async def test_neither_takes_what_is_meant_for_the_other(settings: Settings, here: MsgStatus, there: MsgStatus) -> None:
    """Its own events are taken; the other's are not, nor is anything that is signed by a key of the other."""
    own = settings.model_copy(update={"environment": here})
    async with county(own) as network:
        kafka = kafka_of(own)
        sender = Sender(kafka)
        app = agencies_door(WebParts(network.pool, kafka, network.topics, sender, own.log))
        async with (
            open_at(app, "127.0.0.1:0", "HANDOFF_WEB_ADDRESS") as (host, port),
            aiohttp.ClientSession() as session,
        ):
            police = Agency(session, f"http://{host}:{port}", network.keys[POLICE])
            assert (await police.publish(good(network, new_referral_id()))).status == 202
            foreign = await police.publish(good(network, new_referral_id(), msgstatus=there))
            assert (foreign.status, foreign.content["code"]) == (400, "WRONG_ENVIRONMENT")
            stranger = SigningKey.new(KeyId(f"{POLICE}#{there.value}-1"))
            signed = await police.publish(good(network, new_referral_id()).signed(stranger))
            assert (signed.status, signed.content["code"]) == (401, "KEY_UNKNOWN")
            police.key = stranger
            assert (await police.ask("/notices", datetime.now(UTC))).content["code"] == "KEY_UNKNOWN"
        await sender.stop()
