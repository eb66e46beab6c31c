"""A survivor takes consent back: every recipient is told what is asked, and its answer is awaited."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.domain.work_list import Resolution
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import EVERY_ACTION, DisclosureRevoked
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.store import work
from broker.store.standing import standing
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, GROUPS, HOTLINE, MAPLE, accepted, consent_of, granted, release, revoked
from tests.broker.letters import until
from tests.broker.test_consents import narrowed
from tests.broker.test_release import SECRETS, sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELD = {**SECRETS, "FG10": {"band": "HIGH"}}
"""Two groups that a shelter cannot do without, and one that it can."""


async def handed_over(county: County, record: ConsentRecord) -> tuple[ReferralId, OrgId, OfferId]:
    """A referral under this release whose sealed groups have gone to the shelter that accepted."""
    referral = new_referral_id()
    asked, parts = sealing(referral, HELD)
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    await county.say(HOTLINE, asked, referral, consent=consent_of(record))
    await county.say(HOTLINE, wraps(county, referral, parts, BIRCH, CEDAR), referral)
    await county.settled()
    [(heard, made)] = county.events(OfferMade, about=referral)
    await county.say(heard.org, accepted(made.offer_id), referral)
    await county.settled()
    assert county.facts(DisclosureReleased, org=heard.org, about=referral)
    return referral, heard.org, made.offer_id


async def recall(county: County, referral: str) -> dict[str, Any]:
    """What is on file of what was asked back."""
    row = await county.pool.fetchrow("SELECT * FROM recall WHERE referral_id = $1", referral)
    assert row is not None, "nothing was asked back"
    return dict(row)


async def let_pass(county: County, referral: str) -> None:
    """As if the recipient's time were over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    await county.pool.execute("UPDATE recall SET due_at = $1 WHERE referral_id = $2", past, referral)


async def run_out(county: County, record: ConsentRecord) -> None:
    """As if its time had passed since: a version that is known already is read anew from here on."""
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    await county.pool.execute("UPDATE disclosure SET released_at = released_at - interval '5 minutes'")
    await county.pool.execute(
        "UPDATE consent SET record = jsonb_set(record, '{validity,notAfter}', to_jsonb($2::text)), version = 2"
        " WHERE consent_id = $1",
        record.consent_id,
        past,
    )


async def test_the_recipient_is_told_what_is_asked_and_its_answer_is_kept(served: County) -> None:
    """An oral revocation of all: the shelter that has the groups hears which, by when; its word closes the matter."""
    record = release(BIRCH, CEDAR)
    referral, org, offer = await handed_over(served, record)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    [(heard, told)] = served.events(DisclosureRevoked, about=referral)
    assert (heard.org, told.offer_id, set(told.field_groups), told.requested_actions) == (
        org, offer, set(HELD), EVERY_ACTION,
    )  # fmt: skip
    assert told.answer_by - datetime.now(UTC) > timedelta(hours=23), "P2 has a day (domain.md §4.4)"
    assert (await served.need(referral))["state"] == "REVOKED"
    await served.say(org, RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.COMPLIED), referral)
    await served.settled()
    open_still = await recall(served, referral)
    assert (open_still["outcome"], open_still["due_at"]) == ("COMPLIED", None)
    steps = await served.steps(referral)
    assert steps.index("disclosure.recalled") < steps.index("recall.answered")


async def test_a_part_that_is_taken_back_is_asked_for_and_the_rest_is_kept(served: County) -> None:
    """One field group is revoked: only that one is asked back, and the shelter keeps working with the rest."""
    record = release(BIRCH, CEDAR)
    referral, org, _ = await handed_over(served, record)
    await served.say(HOTLINE, revoked(scope="FIELD_GROUP", scopeValues=["FG10"]), record.consent_id)
    await served.settled()
    [told] = served.facts(DisclosureRevoked, org=org, about=referral)
    assert told.field_groups == ("FG10",)
    need = await served.need(referral)
    assert (need["provider"], need["state"]) == (org, "CONTACT_PENDING")


async def test_an_organisation_that_nobody_knows_takes_the_whole_release(served: County) -> None:
    """One letter is missing in its id: all is asked back, and the trail says as what the revocation was taken."""
    record = release(BIRCH, CEDAR)
    referral, org, _ = await handed_over(served, record)
    await served.say(HOTLINE, revoked(scope="RECIPIENT", scopeValues=["org-shelter-brich"]), record.consent_id)
    await served.settled()
    [told] = served.facts(DisclosureRevoked, org=org, about=referral)
    assert set(told.field_groups) == set(HELD)
    found = "SELECT preimage FROM trail_entry WHERE kind = 'consent.revoked' ORDER BY idx DESC LIMIT 1"
    entered = json.loads(await served.pool.fetchval(found))
    assert (entered["consent"], entered["scope"], entered["taken"]) == (
        f"{record.consent_id}/1", "RECIPIENT", "NOT_UNDERSTOOD",
    )  # fmt: skip


async def test_an_organisation_of_the_network_that_the_release_does_not_name_takes_nothing(served: County) -> None:
    """Nothing is asked back of whoever is named."""
    record = release(BIRCH, CEDAR)
    referral, org, _ = await handed_over(served, record)
    await served.say(HOTLINE, revoked(scope="RECIPIENT", scopeValues=[MAPLE]), record.consent_id)
    await served.settled()
    assert not served.facts(DisclosureRevoked, org=org, about=referral)


def excluding(*paths: str) -> dict[str, Any]:
    """The usual groups without these fields."""
    return {"dataScope": {"fieldGroups": list(GROUPS), "maxTier": 4, "excludedFields": list(paths)}}


@pytest.mark.parametrize(("before", "lost"), [((), ["FG10"]), (("$.FG10.overrideFlags",), [])])
async def test_a_field_that_is_excluded_later_takes_its_group_back(
    served: County, before: tuple[str, ...], lost: list[str]
) -> None:
    """VAWA-07: what was sealed with it is asked back as a whole; what was sealed without it already is kept."""
    record = release(BIRCH, CEDAR, **excluding(*before))
    referral, org, _ = await handed_over(served, record)
    version = narrowed(record, 2, BIRCH, CEDAR, **excluding("riskSummary.overrideFlags"))
    await served.say(HOTLINE, version, record.consent_id)
    await served.settled()
    told = served.facts(DisclosureRevoked, org=org, about=referral)
    assert [group for one in told for group in one.field_groups] == lost


async def test_a_field_that_is_excluded_before_the_hand_over_keeps_its_group_back(served: County) -> None:
    """VAWA-07: sealed under the first version with what the second excludes, so it does not go at all."""
    record, referral = release(BIRCH, CEDAR), new_referral_id()
    asked, parts = sealing(referral, HELD)
    await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    await served.say(HOTLINE, asked, referral, consent=consent_of(record))
    await served.say(HOTLINE, wraps(served, referral, parts, BIRCH, CEDAR), referral)
    version = narrowed(record, 2, BIRCH, CEDAR, **excluding("riskSummary.overrideFlags"))
    await served.say(HOTLINE, version, record.consent_id)
    await served.settled()
    [(heard, made)] = served.events(OfferMade, about=referral)
    await served.say(heard.org, accepted(made.offer_id), referral)
    await served.settled()
    [released] = served.facts(DisclosureReleased, org=heard.org, about=referral)
    assert {part.field_group for part in released.sealed} == {"FG03", "FG04"}


async def test_an_exclusion_that_names_nothing_is_refused(served: County) -> None:
    """VAWA-07: by whichever way it comes, for no one would leave anything out."""
    record = release(BIRCH, **excluding("riskSummary.flags"))
    event = await served.say(HOTLINE, granted(record), record.consent_id)
    await served.settled()
    assert served.refusal(event) == ("PROPERTY_INVALID", "record.dataScope.excludedFields")


async def test_who_does_not_answer_is_reminded_and_then_a_human_has_it(served: County) -> None:
    """Overdue once: asked again. Overdue twice: on the work list, until the late answer comes and settles it."""
    record = release(BIRCH, CEDAR)
    referral, org, offer = await handed_over(served, record)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    await let_pass(served, referral)
    await until(lambda: _reminded(served, referral))
    await served.settled()
    assert [told.reminder for told in served.facts(DisclosureRevoked, org=org, about=referral)] == [False, True]
    assert await served.work(referral) == []
    await let_pass(served, referral)
    await until(lambda: _on_the_list(served, referral))
    assert (await recall(served, referral))["due_at"] is None
    duty = RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.RETAINED_LEGAL_DUTY)
    await served.say(org, duty, referral)
    await served.settled()
    assert (await recall(served, referral))["outcome"] == "RETAINED_LEGAL_DUTY"
    assert not await _on_the_list(served, referral)


async def test_a_recall_that_a_human_handled_comes_back_until_it_is_answered(served: County) -> None:
    """Twice overdue and on the list; a human says that it is handled, nothing was confirmed: it is due again."""
    record = release(BIRCH, CEDAR)
    referral, _, _ = await handed_over(served, record)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    await let_pass(served, referral)
    await until(lambda: _reminded(served, referral))
    await let_pass(served, referral)
    await until(lambda: _on_the_list(served, referral))
    async with served.pool.acquire() as connection:
        for line in [line for line in await work.open_work(connection) if line.referral_id == referral]:
            await work.resolve(connection, line.work_id, "desk:one", Resolution.HANDLED)
        due_at = (await recall(served, referral))["due_at"]
        assert timedelta(hours=7) < due_at - datetime.now(UTC) < timedelta(hours=9)
        assert (await standing(connection, served.settings.broker_org)).idle_recalls == 0
    await let_pass(served, referral)
    await until(lambda: _on_the_list(served, referral))


async def _reminded(county: County, referral: str) -> bool:
    return bool((await recall(county, referral))["reminded"])


async def _on_the_list(county: County, referral: str) -> bool:
    found = "SELECT count(*) FROM work_item WHERE referral_id = $1 AND reason = $2 AND resolved_at IS NULL"
    return bool(await county.pool.fetchval(found, referral, "REVOCATION_UNANSWERED"))


async def test_only_a_recipient_can_answer(served: County) -> None:
    """Another provider's word about it is refused like one about an offer that is not there; so is one unasked."""
    record = release(BIRCH, CEDAR)
    referral, org, offer = await handed_over(served, record)
    answer = RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.COMPLIED)
    unasked = await served.say(org, answer, referral)
    await served.settled()
    assert served.refusal(unasked) == ("TRANSITION_IMPOSSIBLE", "offerId")
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    foreign = await served.say(CEDAR if org == BIRCH else BIRCH, answer, referral)
    await served.settled()
    assert served.refusal(foreign) == ("OFFER_UNKNOWN", "offerId")
    assert (await recall(served, referral))["outcome"] is None


async def test_another_release_that_ran_out_does_not_hide_a_revocation(served: County) -> None:
    """Of two releases of one survivor's, the older has run out; the one that was relied on is taken back."""
    record = release(BIRCH, CEDAR)
    whose = record.subject.model_dump(mode="json", by_alias=True, exclude_none=True)
    other = release(BIRCH, CEDAR, days=0.042, subject=whose)
    await served.say(HOTLINE, granted(other), other.consent_id)
    referral, org, _ = await handed_over(served, record)
    await run_out(served, other)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    assert len(served.facts(DisclosureRevoked, org=org, about=referral)) == 1


async def test_a_release_that_only_ran_out_is_not_asked_back(served: County) -> None:
    """Expiry stops what is still to be sent; what was handed over while it lasted stays (domain.md §4.4)."""
    record = release(BIRCH, CEDAR)
    referral, _, _ = await handed_over(served, record)
    await run_out(served, record)
    other = release(BIRCH, subject=record.subject.model_dump(mode="json", by_alias=True, exclude_none=True))
    await served.say(HOTLINE, granted(other), other.consent_id)
    await served.settled()
    assert not served.facts(DisclosureRevoked, about=referral)
