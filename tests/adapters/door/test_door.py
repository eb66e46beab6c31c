"""The door: a provider's own system fetches what is its own and answers it once, and nobody else gets anything."""

import asyncio
from collections import Counter

import asyncpg
import pytest
from pydantic_core import from_json

from adapters.provider import Provider
from adapters.standing import Standing
from broker.local.databases import ZoneDatabase
from broker.schemas.contact_made import ContactMade
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_event_id, new_offer_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.schemas.vocabulary import DeclineReason
from tests.adapters.door.doorway import Doorway, yes
from tests.adapters.door.own_system import OwnSystem, Said
from tests.adapters.network import ALIAS, SAFE_CONTACT, Installation, until


async def test_a_system_fetches_answers_and_opens_with_its_own_key(
    doorway: Doorway, haven: OwnSystem, installation: Installation
) -> None:
    """From the offer to what was released: never opened at the door, and written down before it is handed out."""
    async with installation.running():
        offer_id, referral = await installation.voice.offer(haven.org)
        await until(lambda: fetched(haven, offer_id))
        first = (await haven.offer(offer_id)).content
        assert (first["standing"], first["sealed"], first["wraps"]) == ("WAITING", [], [])
        assert first["offer"]["services"]
        said = await haven.answer(yes(offer_id))
        assert (said.status, said.content["standing"], said.content["repeated"]) == (202, "CONTACT_PENDING", False)
        await installation.voice.release(haven.org, offer_id, referral)

        async def released() -> bool:
            return bool((await haven.offer(offer_id)).content["released"])

        await until(released)
        answers = await installation.voice.answers(haven.org, count=2)
    assert [answer.envelope.type for answer in answers][1] == OfferAccepted.TYPE
    before = await installation.pool.fetchval("SELECT max(reading_id) FROM reading")
    pulled = await haven.offer(offer_id)
    assert SAFE_CONTACT["handle"] not in pulled.text
    assert ALIAS["alias"] not in pulled.text
    assert pulled.headers["cache-control"] == "no-store"
    assert from_json(opened_by(doorway.providers[haven.org], referral, pulled)["FG04"]) == ALIAS
    [reading] = await installation.rows(
        "SELECT reader, groups, contact_shown FROM reading WHERE reading_id > $1", before
    )
    assert (reading["reader"], from_json(reading["groups"]), reading["contact_shown"]) == (
        "SYSTEM",
        ["FG03", "FG04"],
        True,
    )


async def fetched(system: OwnSystem, offer_id: OfferId) -> bool:
    """Whether the door has the offer yet."""
    return (await system.offer(offer_id)).status == 200


def opened_by(provider: Provider, referral: ReferralId, pulled: Said) -> dict[str, bytes]:
    """What the provider's own system makes of what it was handed."""
    wraps = [WrappedKey.model_validate(one) for one in pulled.content["wraps"]]
    found = {}
    for one in pulled.content["sealed"]:
        sealed = SealedGroup.model_validate(one)
        own = [wrap for wrap in wraps if wrap.field_group == sealed.field_group]
        plain = provider.opened(referral, sealed, own)
        assert plain is not None
        found[str(sealed.field_group)] = plain
    return found


async def test_names_for_the_conflict_check_are_handed_out_once(
    doorway: Doorway, haven: OwnSystem, brook: OwnSystem, installation: Installation
) -> None:
    """By an act of their own, to their own organisation, written down; then their key is gone from the zone."""
    names = {"opposingPartyName": "Wolfsbane"}
    async with installation.running():
        offer_id, referral = await installation.voice.offer(haven.org)
        await until(lambda: fetched(haven, offer_id))
        assert (await haven.conflict_check(offer_id)).code == "NOTHING_TO_CHECK"
        await haven.answer(yes(offer_id))
        await installation.voice.release(haven.org, offer_id, referral, {"FG04": ALIAS, "FG14": names})

        async def released() -> bool:
            return len(await installation.rows("SELECT 1 FROM wrapped_part")) == 2

        await until(released)
    assert [one["fieldGroup"] for one in (await haven.offer(offer_id)).content["sealed"]] == ["FG04"]
    assert (await brook.conflict_check(offer_id)).code == "OFFER_UNKNOWN"
    before = await installation.pool.fetchval("SELECT max(reading_id) FROM reading")
    pulled = await haven.conflict_check(offer_id)
    assert names["opposingPartyName"] not in pulled.text
    [opened] = opened_by(doorway.providers[haven.org], referral, pulled).values()
    assert from_json(opened) == names
    [reading] = await installation.rows("SELECT reader, groups FROM reading WHERE reading_id > $1", before)
    assert (reading["reader"], from_json(reading["groups"])) == ("SYSTEM", ["FG14"])
    again = await haven.conflict_check(offer_id)
    assert (again.status, again.code) == (409, "NOTHING_TO_CHECK")
    kept = await installation.rows("SELECT field_group FROM wrapped_part")
    assert [row["field_group"] for row in kept] == ["FG04"]


async def test_without_a_written_reading_nothing_sealed_is_handed_out(
    doorway: Doorway, haven: OwnSystem, installation: Installation, database: ZoneDatabase
) -> None:
    """Who cannot be written down as a reader reads nothing."""
    async with installation.running():
        offer_id, referral = await installation.voice.offer(haven.org)
        await until(lambda: fetched(haven, offer_id))
        await haven.answer(yes(offer_id))
        await installation.voice.release(haven.org, offer_id, referral)

        async def released() -> bool:
            return bool(await installation.rows("SELECT 1 FROM wrapped_part"))

        await until(released)
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("ALTER TABLE reading ADD CHECK (false) NOT VALID")
    await owner.close()
    said = await haven.offer(offer_id)
    assert (said.status, said.code) == (500, "ZONE_FAULT")
    assert "ciphertext" not in said.text


async def test_another_provider_s_offer_is_not_there(doorway: Doorway, haven: OwnSystem, brook: OwnSystem) -> None:
    """404, and byte for byte what an offer gives that nobody has: nobody learns that it exists (S4)."""
    offer_id = await doorway.offered(haven.org)
    foreign, unknown = await brook.offer(offer_id), await brook.offer(new_offer_id())
    assert (foreign.status, foreign.code) == (404, "OFFER_UNKNOWN")
    assert foreign.text == unknown.text == (await brook.offer("off-nothing")).text
    assert (await brook.answer(yes(offer_id))).text == unknown.text
    assert await doorway.stored() == []
    assert (await haven.offer(offer_id)).status == 200


async def test_nobody_signs_for_another(doorway: Doorway, haven: OwnSystem, brook: OwnSystem) -> None:
    """S9, S11: a forged signature, none, another organisation's, and one for other words are all refused alike."""
    offer_id = await doorway.offered(haven.org)
    path = f"/offers/{offer_id}"
    brook_as_haven = OwnSystem(doorway.session, doorway.base, haven.org, brook.secret)
    stranger = OwnSystem(doorway.session, doorway.base, OrgId("org-stranger"), brook.secret)
    for forger in (brook_as_haven, OwnSystem(doorway.session, doorway.base, haven.org), stranger):
        assert (await forger.offer(offer_id)).code == "SIGNATURE_INVALID"
        assert (await forger.answer(yes(offer_id))).code == "SIGNATURE_INVALID"
    for_another = haven.signed(f"GET /offers/{new_offer_id()}")
    assert (await haven.request("GET", path, headers=for_another)).code == "SIGNATURE_INVALID"
    assert (await haven.request("GET", path + "?x=1", headers=haven.signed(f"GET {path}"))).code == "SIGNATURE_INVALID"
    assert (await haven.request("GET", path)).status in {400, 401}
    whole = haven.signed(f"GET {path}")
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        lacking = {key: value for key, value in whole.items() if key != name}
        said = await haven.request("GET", path, headers=lacking)
        assert (said.status, said.code, said.content["field"]) == (401, "SIGNATURE_MISSING", name)
    for name, value in {"webhook-id": "a.b", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"}.items():
        said = await haven.request("GET", path, headers={**whole, name: value})
        assert said.code in {"HEADER_INVALID", "SIGNATURE_INVALID"}
        assert value not in said.text
    assert await doorway.stored() == []


async def test_a_replay_is_the_same_answer_and_later_nothing(doorway: Doorway, haven: OwnSystem) -> None:
    """S2: within five minutes it counts once; after six, after a day, from the future, it is refused; signed anew it
    is still the same answer."""
    offer_id, message_id, began = await doorway.offered(haven.org), new_event_id(), doorway.clock()
    first = await haven.answer(yes(offer_id), message_id=message_id, at=began)
    again = await haven.answer(yes(offer_id), message_id=message_id, at=began)
    assert [first.content["repeated"], again.content["repeated"]] == [False, True]
    for ahead in (6 * 60, 24 * 3600, -6 * 60):
        doorway.ahead = ahead
        late = await haven.answer(yes(offer_id), message_id=message_id, at=began)
        assert (late.status, late.code) == (401, "SIGNATURE_STALE")
    doorway.ahead = 24 * 3600
    anew = await haven.answer(yes(offer_id), message_id=message_id, at=doorway.clock())
    assert anew.content["repeated"]
    assert await doorway.stored() == [(message_id, OfferAccepted.TYPE)]


async def test_an_id_is_one_answer(doorway: Doorway, haven: OwnSystem) -> None:
    """Other content under an id that was used, and an id that is none, are refused."""
    offer_id, other, message_id = await doorway.offered(haven.org), await doorway.offered(haven.org), new_event_id()
    await haven.answer(yes(offer_id), message_id=message_id)
    for fact in (OfferAccepted(offer_id=offer_id, accepted_by=AcceptedBy.ON_CALL), yes(other)):
        said = await haven.answer(fact, message_id=message_id)
        assert (said.status, said.code) == (409, "ID_REUSED")
    assert (await haven.answer(yes(other), message_id="msg_1")).code == "HEADER_INVALID"
    assert len(await doorway.stored()) == 1


async def test_of_fifty_that_accept_at_once_one_has(doorway: Doorway, haven: OwnSystem) -> None:
    """The others are told so; fifty times the same yes is one; fifty offers are fifty answers (lessons.md §5)."""
    one, same = await doorway.offered(haven.org), await doorway.offered(haven.org)
    many = [await doorway.offered(haven.org) for _ in range(50)]
    racing = await asyncio.gather(*(haven.answer(yes(one)) for _ in range(50)))
    assert Counter(said.status for said in racing) == {202: 1, 409: 49}
    assert {said.code for said in racing if said.status == 409} == {"OFFER_ALREADY_ANSWERED"}
    message_id = new_event_id()
    repeated = await asyncio.gather(*(haven.answer(yes(same), message_id=message_id) for _ in range(50)))
    assert Counter((said.status, said.content["repeated"]) for said in repeated) == {(202, True): 49, (202, False): 1}
    each = await asyncio.gather(*(haven.answer(yes(offer_id)) for offer_id in many))
    assert {said.status for said in each} == {202}
    assert len(await doorway.stored()) == 1 + 1 + 50


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing.EXPIRED, "OFFER_EXPIRED"),
        (Standing.WITHDRAWN, "OFFER_WITHDRAWN"),
        (Standing.DECLINED, "OFFER_ALREADY_ANSWERED"),
        (Standing.CONTACT_PENDING, "OFFER_ALREADY_ANSWERED"),
        (Standing.COMPLETED, "TRANSITION_IMPOSSIBLE"),
    ],
)
async def test_an_answer_that_comes_too_late_is_told_why(
    standing: Standing, code: str, doorway: Doorway, haven: OwnSystem
) -> None:
    """F17: with what to do; the offer stands as it stood."""
    offer_id = await doorway.offered(haven.org, standing)
    said = await haven.answer(yes(offer_id))
    assert (said.status, said.code) == (409, code)
    assert (await haven.offer(offer_id)).content["standing"] == standing.value


async def test_answers_in_another_order_lose_none(doorway: Doorway, haven: OwnSystem) -> None:
    """F17: contact before acceptance is refused and may be said again; a decline undoes no acceptance by accident."""
    offer_id = await doorway.offered(haven.org)
    contact = ContactMade(offer_id=offer_id)
    message_id = new_event_id()
    assert (await haven.answer(contact, message_id=message_id)).code == "TRANSITION_IMPOSSIBLE"
    assert (await haven.answer(yes(offer_id))).status == 202
    assert (await haven.answer(contact, message_id=message_id)).status == 202
    no = OfferDeclined(offer_id=offer_id, reason=DeclineReason.NO_CAPACITY_STAFF)
    assert (await haven.answer(no)).code == "OFFER_ALREADY_ANSWERED"
    given_back = await haven.answer(no, also={"givingBack": True})
    assert given_back.content["standing"] == "GIVEN_BACK"
    assert [kind for _, kind in await doorway.stored()] == [OfferAccepted.TYPE, ContactMade.TYPE, OfferDeclined.TYPE]


async def test_what_was_taken_back_is_acknowledged_once(doorway: Doorway, haven: OwnSystem) -> None:
    """Under one id, however often it is said; where nothing was taken back there is nothing to say."""
    offer_id = await doorway.offered(haven.org, Standing.WITHDRAWN)
    complied = RevocationAcknowledged(offer_id=offer_id, outcome=RevocationOutcome.COMPLIED)
    assert (await haven.answer(complied)).code == "OFFER_UNKNOWN"
    await doorway.installation.pool.execute(
        "INSERT INTO recall (org_id, offer_id, groups, answer_by, received_at)"
        " VALUES ($1, $2, '[\"FG03\"]', now(), now())",
        haven.org,
        offer_id,
    )
    message_id = new_event_id()
    said = [await haven.answer(complied, message_id=message_id) for _ in range(2)]
    assert [one.content["repeated"] for one in said] == [False, True]
    assert await doorway.stored() == [(message_id, RevocationAcknowledged.TYPE)]
