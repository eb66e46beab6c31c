"""Consent on the real broker: without it nobody is asked, when it comes things go on, when it ends they stop."""

import json
from typing import Any

import pytest

from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.contact_made import ContactMade
from broker.schemas.ids import ReferralId, new_consent_id, new_incident_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_held import ReferralHeld
from broker.schemas.vocabulary import WithdrawReason
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    HOTLINE,
    MAPLE,
    POLICE,
    accepted,
    consent_of,
    granted,
    read,
    release,
    release_wire,
    request,
    revoked,
    screened,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def under(county: County, record: ConsentRecord, **changes: object) -> ReferralId:
    """A referral of the hotline's that stands on this release, taken in; the release itself is not published here."""
    referral = new_referral_id()
    await county.say(HOTLINE, request(**changes), referral, consent=consent_of(record))
    await county.settled()
    return referral


async def given(county: County, *recipients: str, **changes: object) -> ConsentRecord:
    """A release that the broker knows."""
    record = release(*recipients, **changes)  # type: ignore[arg-type]
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    return record


def narrowed(record: ConsentRecord, version: int, *recipients: str, **changes: object) -> ConsentNarrowed:
    """A later version of a release, to these recipients only."""
    wire = release_wire(*recipients, **changes) | {  # type: ignore[arg-type]
        "consentId": record.consent_id,
        "subject": record.subject.model_dump(mode="json", by_alias=True, exclude_none=True),
        "version": version,
        "supersedes": {"consentId": record.consent_id, "version": version - 1},
    }
    return read(ConsentNarrowed, {"askedInPrivate": True, "record": wire})


def held(county: County, referral: str) -> list[str]:
    """Why the source was told that its referral waits."""
    return [fact.reason.value for fact in county.facts(ReferralHeld, org=HOTLINE, about=referral)]


async def test_a_referral_waits_for_the_release_that_it_names_and_goes_on_by_itself(served: County) -> None:
    """The referral is read first: held, nobody asked, the source told why; the release comes, and two are asked."""
    record = release()
    referral = await under(served, record)
    assert held(served, referral) == ["CONSENT_NOT_SEEN"]
    assert (await served.need(referral))["state"] == "CONSENT_HOLD"
    assert not served.facts(OfferMade, about=referral)
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    assert len(served.facts(OfferMade, about=referral)) == 2
    assert (await served.need(referral))["state"] == "OFFERED"


async def test_a_referral_waits_for_the_very_version_that_it_names(served: County) -> None:
    """Version 1 is known, the referral stands on version 2: held until that one comes."""
    record = await given(served)
    referral = new_referral_id()
    await served.say(HOTLINE, request(), referral, consent=(record.consent_id, 2))
    await served.settled()
    assert not served.facts(OfferMade, about=referral)
    await served.say(HOTLINE, narrowed(record, 2, MAPLE), record.consent_id)
    await served.settled()
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [MAPLE]


async def test_only_whom_the_survivor_named_is_asked(served: County) -> None:
    """VAWA-06: two of three shelters are named; the third is passed over for that reason, and the trail says so."""
    referral = await under(served, await given(served, BIRCH, CEDAR), priority="P0")
    assert {heard.org for heard, _ in served.events(OfferMade, about=referral)} == {BIRCH, CEDAR}
    assert await passed_over(served, referral) == {MAPLE: "RECIPIENT_NOT_NAMED"}


async def passed_over(county: County, referral: str) -> dict[str, str]:
    """Who was not asked in the last round, and why."""
    found = "SELECT preimage FROM trail_entry WHERE referral_id = $1 AND kind = 'offers.made' ORDER BY idx DESC LIMIT 1"
    told: dict[str, str] = json.loads(await county.pool.fetchval(found, referral))["passedOver"]
    return told


async def test_a_referral_without_any_release_is_held(served: County) -> None:
    """VAWA-01a: a hotline says nothing of its client to anybody without her release."""
    referral = new_referral_id()
    await served.say(HOTLINE, request(), referral)
    await served.settled()
    assert held(served, referral) == ["NO_RELEASE"]
    assert not served.facts(OfferMade, about=referral)


async def test_a_revocation_takes_every_open_offer_back(served: County) -> None:
    """NNEDV-04: before anybody has accepted, each provider is told; a later acceptance is refused, the source hears."""
    record = await given(served)
    referral = await under(served, record)
    offers = {fact.offer_id: heard.org for heard, fact in served.events(OfferMade, about=referral)}
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    withdrawn = served.facts(OfferWithdrawn, about=referral)
    assert {fact.offer_id for fact in withdrawn} == set(offers)
    assert {fact.reason for fact in withdrawn} == {WithdrawReason.CONSENT_ENDED}
    late = [await served.say(org, accepted(offer), referral) for offer, org in offers.items()]
    await served.settled()
    assert {served.refusal(event) for event in late} == {("OFFER_WITHDRAWN", "offerId")}
    assert (await served.need(referral))["state"] == "REVOKED"
    assert len(served.facts(ReferralClosed, org=HOTLINE, about=referral)) == 1


async def test_a_revocation_after_acceptance_reaches_whoever_accepted(served: County) -> None:
    """The provider that has something is told to delete it, and can do nothing more with the referral."""
    record = await given(served)
    referral = await under(served, record)
    heard, made = served.events(OfferMade, about=referral)[0]
    await served.say(heard.org, accepted(made.offer_id), referral)
    await served.settled()
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    ends = {fact.offer_id: fact.reason for fact in served.facts(OfferWithdrawn, org=heard.org, about=referral)}
    assert ends == {made.offer_id: WithdrawReason.CONSENT_ENDED}
    call = await served.say(heard.org, ContactMade(offer_id=made.offer_id), referral)
    await served.settled()
    assert served.refusal(call) == ("OFFER_WITHDRAWN", "offerId")


async def test_a_revocation_that_comes_before_its_consent_blocks_it(served: County) -> None:
    """F8: the two were published in one order and are read in the other; nobody is ever asked under it."""
    record = release()
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    referral = await under(served, record)
    assert not served.facts(OfferMade, about=referral)
    assert (await served.need(referral))["state"] == "CONSENT_HOLD"


async def test_of_versions_in_any_order_the_newest_counts(served: County) -> None:
    """F8: v3, v1, v2 come in this order; v3 names Maple only, and so it stays."""
    record = release()
    for event in (narrowed(record, 3, MAPLE), granted(record), narrowed(record, 2, BIRCH, CEDAR)):
        await served.say(HOTLINE, event, record.consent_id)
        await served.settled()
    referral = await under(served, record, priority="P0")
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [MAPLE]


async def test_a_partial_revocation_takes_back_only_its_part(served: County) -> None:
    """One organisation is taken out: its offer ends, the other one's stays, and a third that is named is asked."""
    record = await given(served)
    referral = await under(served, record)
    out, stays = [heard.org for heard, _ in served.events(OfferMade, about=referral)]
    await served.say(HOTLINE, revoked(scope="RECIPIENT", scopeValues=[out]), record.consent_id)
    await served.settled()
    assert [heard.org for heard, _ in served.events(OfferWithdrawn, about=referral)] == [out]
    standing = {offer["provider"]: offer["state"] for offer in await served.offers(referral)}
    third = next(org for org in (BIRCH, CEDAR, MAPLE) if org not in (out, stays))
    assert standing == {out: "WITHDRAWN", stays: "MADE", third: "MADE"}


async def test_a_narrower_version_takes_the_place_of_the_older_one(served: County) -> None:
    """Supersession: whom it does not name any more is told to stop, the other offer stays."""
    record = await given(served, BIRCH, CEDAR)
    referral = await under(served, record, priority="P0")
    await served.say(HOTLINE, narrowed(record, 2, CEDAR), record.consent_id)
    await served.settled()
    assert [heard.org for heard, _ in served.events(OfferWithdrawn, about=referral)] == [BIRCH]
    standing = {offer["provider"]: offer["state"] for offer in await served.offers(referral)}
    assert standing == {BIRCH: "WITHDRAWN", CEDAR: "MADE"}


async def test_a_suspended_release_counts_as_a_no(served: County) -> None:
    """A doubt about safety: what is open is taken back, whoever accepted is told, and nobody new is asked."""
    record = await given(served, BIRCH)
    taken, offered = await under(served, record), await under(served, record)
    [made] = served.facts(OfferMade, about=taken)
    await served.say(BIRCH, accepted(made.offer_id), taken)
    await served.settled()
    await served.say(HOTLINE, narrowed(record, 2, BIRCH, status="suspended"), record.consent_id)
    await served.settled()
    for referral in (taken, offered):
        assert [heard.org for heard, _ in served.events(OfferWithdrawn, org=BIRCH, about=referral)] == [BIRCH]
        assert (await served.need(referral))["state"] == "REVOKED"
    assert not served.facts(OfferMade, about=await under(served, record))


async def test_a_suspended_release_that_is_cleared_serves_again(served: County) -> None:
    """The next version is active: what waited goes on by itself."""
    record = await given(served, BIRCH, status="suspended")
    referral = await under(served, record)
    assert (await served.need(referral))["state"] == "CONSENT_HOLD"
    await served.say(HOTLINE, narrowed(record, 2, BIRCH), record.consent_id)
    await served.settled()
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [BIRCH]


@pytest.mark.parametrize("status", ["active", "suspended"])
async def test_a_denial_that_was_there_first_counts_for_every_release(served: County, status: str) -> None:
    """A doubt about a denial opens nothing: suspended or not, the one whom she barred is never asked."""
    whose = {"subjectRef": f"sub-{new_consent_id()}", "kind": "ADULT"}
    denial = release(BIRCH, decision="deny", status=status, subject=whose)
    await served.say(HOTLINE, granted(denial), denial.consent_id)
    await served.settled()
    referral = await under(served, await given(served, BIRCH, CEDAR, subject=whose), priority="P0")
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [CEDAR]


async def test_a_denial_that_is_taken_back_bars_nobody_any_more(served: County) -> None:
    """Wholly revoked it says nothing; what waits under a release of the same survivor goes on."""
    record = await given(served, BIRCH)
    denial = release(BIRCH, decision="deny", subject={"subjectRef": record.subject.subject_ref, "kind": "ADULT"})
    await served.say(HOTLINE, granted(denial), denial.consent_id)
    await served.settled()
    referral = await under(served, record)
    assert not served.facts(OfferMade, about=referral)
    await served.say(HOTLINE, revoked(), denial.consent_id)
    await served.settled()
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [BIRCH]


async def test_after_a_partial_revocation_the_sources_own_next_version_is_taken(served: County) -> None:
    """Version 1 is narrowed by a revocation; the source numbers what she signs next as 2, and that one counts."""
    record = await given(served, BIRCH, CEDAR)
    await served.say(HOTLINE, revoked(scope="RECIPIENT", scopeValues=[BIRCH]), record.consent_id)
    next_one = await served.say(HOTLINE, narrowed(record, 2, MAPLE), record.consent_id)
    await served.settled()
    assert served.refusal(next_one) is None
    referral = await under(served, record, priority="P0")
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [MAPLE]


@pytest.mark.parametrize(("scope", "asked"), [("ALL", []), ("RECIPIENT", [CEDAR])])
async def test_a_revocation_counts_for_a_version_that_comes_after_it(
    served: County, scope: str, asked: list[str]
) -> None:
    """F8: it names version 2, which comes later than it, and in the meantime holds for version 1 as well."""
    record = await given(served, BIRCH, CEDAR)
    taken_back = revoked(2, scope=scope, **({} if scope == "ALL" else {"scopeValues": [BIRCH]}))
    await served.say(HOTLINE, taken_back, record.consent_id)
    await served.settled()
    before = await under(served, record, priority="P0")
    assert [heard.org for heard, _ in served.events(OfferMade, about=before)] == asked
    await served.say(HOTLINE, narrowed(record, 2, BIRCH, CEDAR), record.consent_id)
    await served.settled()
    after = await under(served, record, priority="P0")
    assert [heard.org for heard, _ in served.events(OfferMade, about=after)] == asked


async def test_a_partial_revocation_that_comes_before_its_consent_narrows_it(served: County) -> None:
    """F8: the rest of what she signed is not lost, the part is."""
    record = release(BIRCH, CEDAR)
    await served.say(HOTLINE, revoked(scope="RECIPIENT", scopeValues=[BIRCH]), record.consent_id)
    await served.settled()
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    referral = await under(served, record, priority="P0")
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [CEDAR]


async def test_a_denial_outranks_a_release_of_the_same_survivor(served: County) -> None:
    """A deny record published later takes the offer back, whatever the release allows."""
    record = await given(served, BIRCH)
    referral = await under(served, record)
    denial = release(BIRCH, decision="deny", subject={"subjectRef": record.subject.subject_ref, "kind": "ADULT"})
    await served.say(HOTLINE, granted(denial), denial.consent_id)
    await served.settled()
    assert [heard.org for heard, _ in served.events(OfferWithdrawn, about=referral)] == [BIRCH]


async def test_a_denial_counts_for_a_referral_that_a_screen_makes_urgent(served: County) -> None:
    """A referral that is found through its incident is judged by all that its survivor said, the denial included."""
    record, tied = await given(served, BIRCH, CEDAR), new_incident_id()
    denial = release(CEDAR, decision="deny", subject={"subjectRef": record.subject.subject_ref, "kind": "ADULT"})
    await served.say(HOTLINE, granted(denial), denial.consent_id)
    await served.settled()
    referral = await under(served, record, priority="P2", incidentId=tied)
    await served.say(HOTLINE, screened(), tied)
    await served.settled()
    assert (await served.pool.fetchval("SELECT priority FROM referral WHERE referral_id = $1", referral)) == "P0"
    assert [heard.org for heard, _ in served.events(OfferMade, about=referral)] == [BIRCH]


async def test_a_cancelled_referral_ends_for_everybody_once(served: County) -> None:
    """Offers are taken back, the source hears of the closure; to cancel it again is impossible."""
    referral = new_referral_id()
    await served.say(POLICE, request(), referral)
    cancelled = read(ReferralCancelled, dict(ReferralCancelled.EXAMPLE))
    await served.say(POLICE, cancelled, referral)
    await served.settled()
    assert {fact.reason for fact in served.facts(OfferWithdrawn, about=referral)} == {WithdrawReason.REFERRAL_CANCELLED}
    assert (await served.need(referral))["state"] == "CANCELLED"
    again = await served.say(POLICE, cancelled, referral)
    await served.settled()
    assert served.refusal(again) == ("TRANSITION_IMPOSSIBLE", "subject")
    assert len(served.facts(ReferralClosed, about=referral)) == 1


async def test_a_revocation_ends_what_waits_for_keys(served: County) -> None:
    """Accepted, the source was asked for keys, and then she takes it back: nothing is ever released."""
    record = await given(served, BIRCH)
    referral = await under(served, record)
    [(_, made)] = served.events(OfferMade, about=referral)
    await served.say(BIRCH, accepted(made.offer_id), referral)
    await served.settled()
    assert len(served.facts(RecipientChosen, org=HOTLINE, about=referral)) == 1
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    need = await served.need(referral)
    assert (need["state"], need["released"], need["due_at"]) == ("REVOKED", False, None)


async def test_a_release_for_another_purpose_helps_nobody(served: County) -> None:
    """VAWA-08: legal advice was allowed, a bed was asked for."""
    referral = await under(served, await given(served, BIRCH, CEDAR, MAPLE, purposes=["LEGAL_ADVICE"]))
    assert not served.facts(OfferMade, about=referral)
    assert held(served, referral) == ["PURPOSE_MISMATCH"]


@pytest.mark.parametrize(
    "poison",
    [
        {"version": 2**31},
        {"capturedBy": {"orgId": HOTLINE, "workerRef": "wrk-\u0000", "setting": "IN_PERSON_PRIVATE"}},
    ],
    ids=["a version beyond any", "a null character"],
)
async def test_a_record_that_no_database_holds_is_refused_alone(served: County, poison: dict[str, Any]) -> None:
    """F11: its publisher is told, and what came with it is taken in."""
    record, sound = release(**poison), release()
    event = await served.say(HOTLINE, granted(record), record.consent_id)
    await served.say(HOTLINE, granted(sound), sound.consent_id)
    await served.settled()
    assert served.refusal(event) is not None
    assert await served.pool.fetchval("SELECT count(*) FROM consent WHERE consent_id = $1", sound.consent_id) == 1
