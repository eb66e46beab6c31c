"""Each disclosure has two entries: the step, and what exactly left, which is opened to its two agencies alone."""

from base64 import b64encode

import pytest
from pydantic_core import from_json

from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.envelope import binary_headers, record_digest
from broker.schemas.event import Flow
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import Priority
from broker.store.questions import add_entry, trail_of
from broker.store.reconciling import differences
from broker.trail.entries import Step, commitment, entry, fresh_salt
from tests.broker.county import County
from tests.broker.facts import BIRCH, HOTLINE, POLICE, accepted, consent_of, granted, release, revoked
from tests.broker.test_release import _until_completed, accepting, sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")

DISCLOSING = (OfferMade, DisclosureReleased, DisclosureKeyed, OfferWithdrawn, DisclosureRevoked)
FOUND = "SELECT kind, salt, preimage FROM trail_entry WHERE referral_id = $1 ORDER BY idx"


async def contents_are_entered(county: County, referral: ReferralId) -> dict[str, list[str]]:
    """What was told of a referral has its entry, digest, agencies and step, and nothing else has; groups by type."""
    rows = await county.pool.fetch(FOUND, referral)
    texts = [(row, from_json(row["preimage"])) for row in rows]
    told = {text["message"]: text for row, text in texts if row["kind"] == Step.CONTENT}
    heard = [one for one in county.heard if one.envelope.subject == referral]
    left = {one.envelope.id: one for one in heard if isinstance(one.fact, DISCLOSING) or _by_release(one.fact)}
    assert told.keys() == left.keys()
    for message, one in left.items():
        exact = record_digest(binary_headers(one.envelope.attributes()), one.fact.wire())
        assert (told[message]["sha256"], told[message]["to"]) == (exact.hex(), one.org)
    named = [name for row, text in texts if row["kind"] != Step.CONTENT for name in text.get("content", ())]
    made = [
        b64encode(commitment(row["kind"], row["preimage"], row["salt"])).decode()
        for row in rows
        if row["kind"] == Step.CONTENT
    ]
    assert sorted(named) == sorted(made)
    return {text["type"]: text["groups"] for text in told.values()}


def _by_release(fact: object) -> bool:
    """Whether a source was told more than receipt and closure."""
    return isinstance(fact, ReferralStatus | ReferralClosed) and fact.state is not None


async def test_offer_release_and_keys_have_their_contents(served: County) -> None:
    """The digest of the exact event, the two agencies and the groups; who reads the story is not shown them."""
    referral = new_referral_id()
    asked, parts = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    org, offer = await accepting(served, referral)
    await served.say(POLICE, wraps(served, referral, parts, org), referral)
    await served.settled()
    await _until_completed(served, org, offer, referral)
    groups = await contents_are_entered(served, referral)
    handed_over = [part.field_group for part, _ in parts]
    assert (groups[DisclosureReleased.TYPE], groups[DisclosureKeyed.TYPE]) == (handed_over, handed_over)
    assert "FG01" in groups[OfferMade.TYPE]
    async with served.pool.acquire() as connection, connection.transaction():
        story = await trail_of(connection, referral, "role:auditor", fresh_salt())
    assert Step.CONTENT not in {line.kind for line in story}


async def test_what_is_taken_back_has_its_contents(served: County) -> None:
    """One says yes, the other's offer is withdrawn; then the survivor takes her release back."""
    referral, record = new_referral_id(), release()
    asked, parts = sealing(referral)
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    await served.say(HOTLINE, asked.model_copy(update={"priority": Priority.P0}), referral, consent=consent_of(record))
    await served.settled()
    asked_now = served.events(OfferMade, about=referral)
    assert len(asked_now) > 1
    heard, made = asked_now[0]
    await served.say(HOTLINE, wraps(served, referral, parts, heard.org), referral)
    await served.say(heard.org, accepted(made.offer_id), referral)
    await served.settled()
    await served.say(HOTLINE, revoked(record.version), record.consent_id)
    await served.settled()
    groups = await contents_are_entered(served, referral)
    assert (groups[OfferWithdrawn.TYPE], groups[DisclosureRevoked.TYPE]) == ([], [p.field_group for p, _ in parts])


async def test_what_a_source_hears_by_release_has_its_contents(served: County) -> None:
    """The shelter is the discloser then, and the police the recipient; what they hear always has no second entry."""
    referral = new_referral_id()
    asked, _ = sealing(referral)
    await served.say(POLICE, asked, referral)
    await served.settled()
    [(heard, made)] = served.events(OfferMade, about=referral)
    scope = {"fieldGroups": ["FG25"], "maxTier": 4}
    record = release(POLICE, by=heard.org, purposes=["STATUS_FEEDBACK"], dataScope=scope)
    await served.post(served.letter(heard.org, granted(record), record.consent_id, flow=Flow.PROVIDER_TO_BROKER))
    await served.settled()
    await served.say(heard.org, accepted(made.offer_id), referral, consent=consent_of(record))
    await served.settled()
    await _until_completed(served, heard.org, made.offer_id, referral, consent=consent_of(record))
    groups = await contents_are_entered(served, referral)
    assert groups[ReferralClosed.TYPE] == ["FG25"]
    rows = await served.pool.fetch(FOUND, referral)
    closed = [from_json(row["preimage"]) for row in rows if ReferralClosed.TYPE.encode() in row["preimage"]]
    assert [(one["from"], one["to"]) for one in closed] == [(heard.org, POLICE)]


async def test_a_content_without_its_step_and_a_step_without_its_content_are_differences(served: County) -> None:
    """Reconciliation names both; it says nothing of the county's own disclosures."""
    referral, lost = new_referral_id(), fresh_salt()
    facts = {"message": "msg-1", "type": OfferMade.TYPE, "from": HOTLINE, "to": BIRCH, "groups": [], "sha256": "00"}
    alone = entry(Step.CONTENT, referral, facts, fresh_salt())
    names = {"need": "SHELTER", "content": [b64encode(lost).decode()]}
    async with served.pool.acquire() as connection:
        transaction = connection.transaction(isolation="repeatable_read")
        await transaction.start()
        await add_entry(connection, alone)
        await add_entry(connection, entry(Step.DISCLOSURE_RECALLED, referral, names, fresh_salt()))
        _, found = await differences(connection)
        await transaction.rollback()
        _, before = await differences(connection)
    told = {(one.name, one.table, one.trail) for one in found if one.what == "content"}
    assert told == {("msg-1", "entered", None), (lost.hex(), None, "named")}
    assert [one for one in before if one.what == "content"] == []
