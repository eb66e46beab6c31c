"""Keys come on a topic of their own, so they may be read before the referral: they wait for it, and not for ever."""

import pytest

from broker.limits import early_keys_minutes
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.event import Flow
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.ids import new_referral_id
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, HOTLINE, POLICE, consent_of, granted, release
from tests.broker.letters import until
from tests.broker.test_release import accepting, sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")

_WAITING = "SELECT count(*) FROM early_keys WHERE referral_id = $1"


async def test_keys_that_are_read_first_take_effect_when_the_referral_comes(served: County) -> None:
    """They are told accepted once, and not before; whoever accepts has its own at once."""
    referral, record = new_referral_id(), release(BIRCH, CEDAR)
    asked, parts = sealing(referral)
    await served.say(HOTLINE, granted(record), record.consent_id)
    keys = await served.say(HOTLINE, wraps(served, referral, parts, BIRCH, CEDAR), referral, times=2)
    await served.settled()
    assert await served.pool.fetchval(_WAITING, referral) == 2
    assert served.refusal(keys) is None
    assert not served.facts(EventAccepted, about=referral)
    await served.say(HOTLINE, asked, referral, consent=consent_of(record))
    await served.settled()
    assert await served.pool.fetchval(_WAITING, referral) == 0
    told = [one.duplicate for one in served.facts(EventAccepted, about=referral) if one.event_id == keys]
    assert sorted(told) == [False, True], "published twice: once it took effect, once it was a repeat"
    org, _ = await accepting(served, referral)
    [keyed] = served.facts(DisclosureKeyed, org=org, about=referral)
    assert {wrap.field_group for wrap in keyed.wraps} == {part.field_group for part, _ in parts}


async def test_keys_of_a_referral_that_never_comes_are_refused_and_forgotten(served: County) -> None:
    """Their source is told, by the place where they lie; nothing of them stays but that place and why."""
    referral = new_referral_id()
    _, parts = sealing(referral)
    letter = served.letter(POLICE, wraps(served, referral, parts, BIRCH), referral)
    place = await served.post(letter)
    await served.settled()
    assert served.refusal(letter.event_id) is None
    await served.pool.execute(
        "UPDATE early_keys SET received_at = received_at - make_interval(mins => $2) WHERE referral_id = $1",
        referral,
        early_keys_minutes,
    )

    async def told() -> bool:
        await served.settled()
        return served.refusal(letter.event_id) is not None

    await until(told)
    assert served.refusal(letter.event_id) == ("REFERRAL_UNKNOWN", "subject")
    assert await served.pool.fetchval(_WAITING, referral) == 0
    kept = "SELECT code FROM quarantine WHERE topic = $1 AND partition = $2 AND record_offset = $3"
    assert await served.pool.fetchval(kept, *place) == "REFERRAL_UNKNOWN"


async def test_a_strangers_keys_for_a_referral_are_refused_as_if_it_were_not_there(served: County) -> None:
    """Whoever knows its id can add nothing to what its source has wrapped, before it comes or after."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    _, others = sealing(referral)
    early = await served.say(HOTLINE, wraps(served, referral, others, BIRCH, CEDAR), referral)
    await served.settled()
    await served.say(POLICE, asked, referral)
    late = await served.say(HOTLINE, wraps(served, referral, others, BIRCH, CEDAR), referral)
    await served.settled()
    assert served.refusal(early) == served.refusal(late) == ("REFERRAL_UNKNOWN", "subject")
    org, _ = await accepting(served, referral)
    assert not served.facts(DisclosureKeyed, about=referral)
    await served.say(POLICE, wraps(served, referral, parts, org), referral)
    await served.settled()
    assert len(served.facts(DisclosureKeyed, org=org, about=referral)) == 1


async def test_keys_beside_ciphertexts_are_refused_and_so_is_the_reverse(served: County) -> None:
    """A copy of either topic alone opens nothing: that is what the two are for."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    for fact, flow in (
        (wraps(served, referral, parts, BIRCH), Flow.SOURCE_TO_BROKER),
        (asked, Flow.KEYS_TO_BROKER),
    ):
        letter = served.letter(POLICE, fact, referral, flow=flow)
        await served.post(letter)
        await served.settled()
        assert served.refusal(letter.event_id) == ("TYPE_NOT_YOURS", "type")
