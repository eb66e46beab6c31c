"""The door of the zone to the demonstration's own system, which signs by code of its own."""

from broker.local.demo.own_system import Door
from broker.schemas.offer_accepted import OfferAccepted
from tests.adapters.door.doorway import Doorway
from tests.adapters.door.own_system import OwnSystem


async def test_the_door_hands_it_an_offer_and_takes_its_answer(doorway: Doorway, haven: OwnSystem) -> None:
    """By its own signatures, which share no code with the door's; with another secret it is nobody."""
    offer_id = await doorway.offered(haven.org)
    door = Door(doorway.base.removeprefix("http://"), haven.org, haven.secret)
    status, seen = await door.offer(offer_id)
    assert (status, seen["standing"]) == (200, "WAITING")
    status, _ = await door.answer(OfferAccepted.TYPE, offer_id, acceptedBy="STAFF")
    assert status == 202
    assert [kind for _, kind in await doorway.stored()] == [OfferAccepted.TYPE]
    stranger = Door(door.address, door.org, "whsec_" + "A" * 43 + "=")
    status, problem = await stranger.offer(offer_id)
    assert (status, problem["code"]) == (401, "SIGNATURE_INVALID")
    assert haven.secret not in repr(door)
