"""After a yes: the sealed groups go to that provider alone, and the source hears no more than it may."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_core import to_json

from broker.composition import zone_folder
from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import Flow
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.sealed import SealedGroup
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import Outcome, Service
from broker.seal.errors import NotForThisKey
from broker.seal.opening import KeyRing, load_opening_keys
from broker.seal.sealing import ContentKey, seal_group, wrap_key
from broker.zone import KEYS_FOLDER
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    HOTLINE,
    NAME,
    POLICE,
    accepted,
    consent_of,
    granted,
    release,
    request,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRETS: Mapping[str, Mapping[str, Any]] = {
    "FG03": {"mode": "DIRECT", "handle": "+15555550142", "channel": "VOICE"},
    "FG04": {"alias": NAME},
}
Sealed = list[tuple[SealedGroup, ContentKey]]


def ring(county: County, org: OrgId) -> KeyRing:
    """A provider's opening keys."""
    return load_opening_keys(zone_folder(county.settings, org) / KEYS_FOLDER, org)


def public_of(county: County, org: OrgId) -> Any:
    """The public half of a provider's key."""
    return next(iter(ring(county, org)._keys.values())).public


def sealing(
    referral: ReferralId, secrets: Mapping[str, Mapping[str, Any]] = SECRETS, **changes: Any
) -> tuple[ReferralRequested, Sealed]:
    """A request whose groups are really sealed, with their content keys."""
    parts = [seal_group(referral, FieldGroup(code), to_json(content)) for code, content in secrets.items()]
    wire = [part.model_dump(mode="json", by_alias=True) for part, _ in parts]
    return request(priority="P2", sealed=wire, **changes), parts


def wraps(county: County, referral: ReferralId, parts: Sealed, *orgs: OrgId) -> ReferralSealed:
    """Every content key, wrapped for each of these organisations."""
    wrapped = [wrap_key(referral, part, key, public_of(county, org)) for part, key in parts for org in orgs]
    return ReferralSealed(wraps=tuple(wrapped))


async def accepting(county: County, referral: ReferralId, **how: Any) -> tuple[OrgId, OfferId]:
    """The one provider that was asked says yes."""
    [(heard, made)] = county.events(OfferMade, about=referral)
    await county.say(heard.org, accepted(made.offer_id), referral, **how)
    await county.settled()
    return heard.org, made.offer_id


async def test_late_sealing_names_the_chosen_one_and_waits_for_its_keys(served: County) -> None:
    """Under an agreement nobody is named before: the source is told who accepted, wraps, and then it goes."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    org, offer = await accepting(served, referral)
    [chosen] = served.facts(RecipientChosen, org=POLICE, about=referral)
    assert (chosen.recipient, chosen.offer_id, set(chosen.key_ids)) == (org, offer, set(ring(served, org).key_ids))
    assert set(chosen.field_groups) == set(SECRETS)
    assert not served.facts(DisclosureReleased, about=referral)
    assert (await served.need(referral))["next_action"] == "CHASE_KEYS"
    await served.say(POLICE, wraps(served, referral, parts, org), referral)
    await served.settled()
    [(heard, released)] = served.events(DisclosureReleased, about=referral)
    assert heard.org == org
    [keyed] = served.facts(DisclosureKeyed, org=org, about=referral)
    assert keyed.released == heard.envelope.id
    opened = {part.field_group: ring(served, org).open(referral, part, keyed.wraps) for part in released.sealed}
    assert opened == {code: to_json(content) for code, content in SECRETS.items()}


async def test_keys_that_came_in_part_go_in_part_and_the_rest_is_asked_for(served: County) -> None:
    """What is there is not held back, what is missing has a deadline and an owner, and each group goes once."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    org, offer = await accepting(served, referral)
    await served.say(POLICE, wraps(served, referral, parts[:1], org), referral)
    await served.settled()
    chosen = served.facts(RecipientChosen, org=POLICE, about=referral)
    first, second = (part.field_group for part, _ in parts)
    assert [set(one.field_groups) for one in chosen] == [{first, second}, {second}]
    assert (await served.need(referral))["owner"] is not None
    await served.say(POLICE, wraps(served, referral, parts[1:], org), referral)
    await served.settled()
    released = served.facts(DisclosureReleased, org=org, about=referral)
    assert [[part.field_group for part in one.sealed] for one in released] == [[first], [second]]
    assert {one.offer_id for one in released} == {offer}
    assert len(served.facts(RecipientChosen, org=POLICE, about=referral)) == len(chosen)


async def test_a_named_release_hands_over_at_once_and_to_the_chosen_one_alone(served: County) -> None:
    """Keys were wrapped for both that were named; each gets its own, and the other's ring opens nothing."""
    referral, record = new_referral_id(), release(BIRCH, CEDAR)
    asked, parts = sealing(referral)
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    await served.say(HOTLINE, asked, referral, consent=consent_of(record))
    await served.say(HOTLINE, wraps(served, referral, parts, BIRCH, CEDAR), referral)
    await served.settled()
    org, _ = await accepting(served, referral)
    [(heard, released)] = served.events(DisclosureReleased, about=referral)
    assert heard.org == org
    [(where, keyed)] = served.events(DisclosureKeyed, about=referral)
    assert (where.org, {wrap.recipient for wrap in keyed.wraps}) == (org, {org})
    assert released.redisclosure_prohibited
    other = CEDAR if org == BIRCH else BIRCH
    with pytest.raises(NotForThisKey):
        ring(served, other).open(referral, released.sealed[0], keyed.wraps)
    assert not served.facts(RecipientChosen, about=referral), "who accepted is told only where the keys are missing"


async def _until_completed(county: County, org: OrgId, offer: OfferId, referral: str, **how: Any) -> None:
    for fact in (
        ContactMade(offer_id=offer),
        ServiceStarted(offer_id=offer, service=Service.EMERGENCY_SHELTER),
        ServiceCompleted(offer_id=offer, outcome=Outcome.SHELTERED),
    ):
        await county.say(org, fact, referral, **how)
    await county.settled()


async def test_the_police_hear_receipt_and_closure_and_nothing_between(served: County) -> None:
    """VAWA-12: what a shelter does is the survivor's to tell. Coarse words only, and no acknowledgment above A2."""
    referral = new_referral_id()
    await served.say(POLICE, request(priority="P2"), referral)
    await served.settled()
    org, offer = await accepting(served, referral)
    await _until_completed(served, org, offer, referral)
    for told in served.facts(ReferralStatus, org=POLICE, about=referral):
        assert (told.state, told.acknowledgment, told.decline_family) == (None, None, None)
    [closed] = served.facts(ReferralClosed, org=POLICE, about=referral)
    assert (closed.state, closed.outcome, closed.closure) == (None, None, None)
    assert (await served.need(referral))["state"] == "COMPLETED"


async def test_with_the_survivors_release_the_police_hear_more(served: County) -> None:
    """The shelter publishes a release for STATUS_FEEDBACK that names the police, and names it on its answers."""
    referral = new_referral_id()
    await served.say(POLICE, request(priority="P2"), referral)
    await served.settled()
    [(heard, made)] = served.events(OfferMade, about=referral)
    record = release(
        POLICE, by=heard.org, purposes=["STATUS_FEEDBACK"], dataScope={"fieldGroups": ["FG25"], "maxTier": 4}
    )
    await served.post(served.letter(heard.org, granted(record), record.consent_id, flow=Flow.PROVIDER_TO_BROKER))
    await served.settled()
    await served.say(heard.org, accepted(made.offer_id), referral, consent=consent_of(record))
    await served.settled()
    await _until_completed(served, heard.org, made.offer_id, referral, consent=consent_of(record))
    rungs = [told.acknowledgment for told in served.facts(ReferralStatus, org=POLICE, about=referral)]
    assert [rung.value for rung in rungs if rung] == ["A3", "A4", "A5"]
    [closed] = served.facts(ReferralClosed, org=POLICE, about=referral)
    assert (closed.state, closed.outcome) == ("COMPLETED", Outcome.SHELTERED)


async def test_a_release_of_another_provider_opens_nothing(served: County) -> None:
    """A shelter names a release that is not its own: the police hear as little as before."""
    referral, record = new_referral_id(), release(POLICE, purposes=["STATUS_FEEDBACK"])
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.say(POLICE, request(priority="P2"), referral)
    await served.settled()
    org, offer = await accepting(served, referral, consent=consent_of(record))
    await _until_completed(served, org, offer, referral, consent=consent_of(record))
    [closed] = served.facts(ReferralClosed, org=POLICE, about=referral)
    assert (closed.state, closed.outcome) == (None, None)


async def test_the_trail_has_each_step_and_no_value(served: County) -> None:
    """HIPAA-05: each disclosure is accounted for, in order; no name, number, ciphertext or key in any entry."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    org, offer = await accepting(served, referral)
    await served.say(POLICE, wraps(served, referral, parts, org), referral)
    await served.settled()
    await _until_completed(served, org, offer, referral)
    steps = await served.steps(referral)
    story = ["referral.submitted", "offers.made", "recipient.named", "keys.received", "disclosure.released"]
    assert [step for step in steps if step in story] == story
    assert steps.count("feedback.decided") >= 3
    everything = await served.pool.fetch("SELECT preimage FROM trail_entry")
    text = b"\n".join(bytes(row["preimage"]) for row in everything)
    for value in (NAME, "+15555550142", "+15555550177", parts[0][0].ciphertext, "wrapped", "preferredLanguage"):
        assert value.encode() not in text
