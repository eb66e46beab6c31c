"""A provider sees the same whether a group that it is not given exists or not: nothing it receives tells them apart."""

from typing import Any

import pytest
from pydantic_core import from_json, to_json

from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.seal.sealing import seal_group
from tests.broker.county import County
from tests.broker.facts import BIRCH, HOTLINE, accepted, consent_of, granted, release, request
from tests.broker.letters import Heard
from tests.broker.test_release import SECRETS, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEALTH = {"FG17": {"needsNow": ["STRANGULATION_WORKUP"]}}
COVERED = ["FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG23", "FG24"]
_OWN = ("offerId", "answerBy", "consent", "released")


async def _handed_over(county: County, content: dict[str, Any], **terms: Any) -> list[Heard]:
    """What Birch receives of a referral with these sealed groups: the offer, and what follows its yes."""
    referral = new_referral_id()
    scope = {"fieldGroups": COVERED, "maxTier": 4}
    record = release(BIRCH, **{"dataScope": scope, **terms})
    parts = [seal_group(referral, FieldGroup(code), to_json(text)) for code, text in content.items()]
    await county.say(HOTLINE, granted(record), record.consent_id)
    asked = request(sealed=[part.model_dump(mode="json", by_alias=True) for part, _ in parts])
    await county.say(HOTLINE, asked, referral, consent=consent_of(record))
    await county.say(HOTLINE, wraps(county, referral, parts, BIRCH), referral)
    await county.settled()
    return await _said_yes(county, referral)


async def _said_yes(county: County, referral: ReferralId) -> list[Heard]:
    [(offered, offer)] = county.events(OfferMade, org=BIRCH, about=referral)
    await county.say(BIRCH, accepted(offer.offer_id), referral)
    await county.settled()
    [(released, _)] = county.events(DisclosureReleased, org=BIRCH, about=referral)
    [(keyed, _)] = county.events(DisclosureKeyed, org=BIRCH, about=referral)
    return [offered, released, keyed]


def seen(heard: Heard) -> tuple[Any, ...]:
    """All that could tell two messages apart, but for ids and times: attributes, content, and sizes of ciphertexts."""
    wire = {name: part for name, part in from_json(heard.fact.wire()).items() if name not in _OWN}
    for part in wire.get("sealed", ()):
        part["ciphertext"] = len(part["ciphertext"])
    for wrap in wire.get("wraps", ()):
        wrap["wrapped"] = len(wrap["wrapped"])
    return heard.envelope.type, set(heard.envelope.attributes()), set(from_json(heard.fact.wire())), wire


async def test_what_was_withheld_leaves_no_trace_in_what_is_received(served: County) -> None:
    """With and without a health group that the release does not cover: the same offer and the same hand-over."""
    without = await _handed_over(served, dict(SECRETS))
    with_health = await _handed_over(served, {**SECRETS, **HEALTH})
    assert [seen(one) for one in with_health] == [seen(one) for one in without]
    assert all(b"FG17" not in one.record for one in with_health)


async def test_every_message_about_a_person_carries_its_duties(served: County) -> None:
    """§4.3 step 8: the notice on the offer and on the hand-over, no passing on, and until when it may be relied on."""
    offered, released, _ = await _handed_over(served, dict(SECRETS))
    assert isinstance(offered.fact, OfferMade)
    assert isinstance(released.fact, DisclosureReleased)
    assert (offered.fact.notice_code, released.fact.notice_code) == ("VAWA-LOCAL", "VAWA-LOCAL")
    assert released.fact.redisclosure_prohibited
    assert released.fact.consent is not None


async def test_the_notice_does_not_name_a_record_that_is_not_given(served: County) -> None:
    """A release may ask for the notice of 42 CFR Part 2; where no such record goes, the notice would tell of one."""
    notice = {"prohibited": True, "notice": "PART2-2.32-A1"}
    told = await _handed_over(served, dict(SECRETS), redisclosure=notice)
    usual = await _handed_over(served, dict(SECRETS))
    assert [seen(one) for one in told] == [seen(one) for one in usual]
