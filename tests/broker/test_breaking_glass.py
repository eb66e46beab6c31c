"""An emergency opens one referral to one provider, at once and for a while, and is answered for (domain.md §5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.schemas.break_glass_vocabulary import BreakGlassId, new_break_glass_id
from broker.schemas.breakglass_approved import BreakGlassApproved
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.breakglass_reviewed import BreakGlassReviewed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.ids import EventId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.refusal import RefusalCode as Code
from broker.schemas.vocabulary import OrgClass
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    HOTLINE,
    LEGAL_AID,
    POLICE,
    SHELTERS,
    SHERIFF,
    accepted,
    card,
    read,
    request,
)
from tests.broker.letters import until
from tests.broker.test_release import sealing, wraps

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSPITAL = OrgId("org-hospital")


def invoked(glass: BreakGlassId, to: OrgId, **changes: Any) -> BreakGlassInvoked:
    """Now, for two hours."""
    now = datetime.now(UTC)
    times = {"invokedAt": now.isoformat(), "expiresAt": (now + timedelta(hours=2)).isoformat()}
    return read(
        BreakGlassInvoked, {**BreakGlassInvoked.EXAMPLE, "breakGlassId": glass, "recipient": to, **times} | changes
    )


def approved(glass: BreakGlassId, by: str = "wrk-0c55") -> BreakGlassApproved:
    """A second person's word."""
    return read(BreakGlassApproved, {"breakGlassId": glass, "approvedBy": by})


def reviewed(glass: BreakGlassId, by: str = "wrk-a3d9") -> BreakGlassReviewed:
    """What the review found."""
    return read(BreakGlassReviewed, {**BreakGlassReviewed.EXAMPLE, "breakGlassId": glass, "reviewedBy": by})


async def unasked(county: County, by: OrgId = POLICE, **changes: Any) -> tuple[ReferralId, Any]:
    """A referral of somebody whom nobody could ask, with three sealed groups and their keys."""
    referral = new_referral_id()
    asked, parts = sealing(referral, victimAgreed="NOT_ASKED_UNSAFE", **changes)
    await county.say(by, asked, referral)
    await county.settled()
    return referral, parts


async def taken(county: County, referral: ReferralId) -> OrgId:
    """One of the shelters that were asked accepts."""
    org, offer = next((org, one) for org in SHELTERS for one in county.facts(OfferMade, about=referral, org=org))
    await county.say(org, accepted(offer.offer_id), referral)
    await county.settled()
    return org


async def due_now(county: County, glass: BreakGlassId) -> None:
    """Time passes for one emergency."""
    await county.pool.execute(
        "UPDATE break_glass SET due_at = now() - interval '1 second' WHERE break_glass_id = $1", glass
    )


async def refusal(county: County, event: EventId) -> tuple[str, str | None] | None:
    """With which code it was refused."""
    await county.settled()
    return county.refusal(event)


async def test_identity_goes_to_the_one_provider_and_the_privacy_officer_is_told(served: County) -> None:
    """Before: held. After: exactly the groups of the emergency, with its id; the trail and a human have it at once."""
    referral, parts = await unasked(served)
    org = await taken(served, referral)
    assert not served.facts(RecipientChosen, about=referral)
    glass = new_break_glass_id()
    await served.say(POLICE, invoked(glass, org), referral)
    await served.settled()
    [chosen] = served.facts(RecipientChosen, about=referral)
    assert set(chosen.field_groups) == {"FG03", "FG04"}
    await served.say(POLICE, wraps(served, referral, parts, org), referral)
    await served.settled()
    [released] = served.facts(DisclosureReleased, about=referral, org=org)
    assert {one.field_group for one in released.sealed} == {"FG03", "FG04"}
    assert released.break_glass_id == glass
    assert await served.work(referral) == ["BREAK_GLASS_USED"]
    assert "breakglass.invoked" in await served.steps(referral)
    await served.say(POLICE, approved(glass), referral)
    await served.say(POLICE, reviewed(glass), referral)
    await served.settled()
    assert {"breakglass.approved", "breakglass.reviewed"} <= set(await served.steps(referral))
    row = await served.pool.fetchrow("SELECT * FROM break_glass WHERE break_glass_id = $1", glass)
    assert row is not None
    assert (row["outcome"], row["subject_informed"], row["due_at"]) == ("JUSTIFIED", "YES", None)
    open_work = "SELECT count(*) FROM work_item WHERE referral_id = $1 AND resolved_at IS NULL"
    assert await served.pool.fetchval(open_work, referral) == 0


async def test_nobody_else_is_let_in(served: County) -> None:
    """An emergency for one shelter opens nothing to the one that accepted."""
    referral, _ = await unasked(served)
    org = await taken(served, referral)
    other = next(shelter for shelter in SHELTERS if shelter != org)
    await served.say(POLICE, invoked(new_break_glass_id(), other), referral)
    await served.settled()
    assert not served.facts(RecipientChosen, about=referral)


async def test_a_hospital_asks_whom_it_could_not_ask_before(served: County) -> None:
    """164.512(j): without an authorization nobody is asked; in the emergency that one provider is."""
    await served.onboard(card(HOSPITAL, OrgClass.HOSPITAL_HIPAA))
    referral, _ = await unasked(served, HOSPITAL)
    assert not served.facts(OfferMade, about=referral)
    emergency = invoked(
        new_break_glass_id(), CEDAR, basis="HIPAA_164_512_J", fieldGroups=["FG01", "FG02", "FG03", "FG04"]
    )
    await served.say(HOSPITAL, emergency, referral)
    await served.settled()
    assert served.facts(OfferMade, about=referral, org=CEDAR)
    assert not [one for org in SHELTERS if org != CEDAR for one in served.facts(OfferMade, about=referral, org=org)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipient": LEGAL_AID}, "recipient"),
        ({"recipient": "org-nowhere"}, "recipient"),
        ({"basis": "HIPAA_164_512_J"}, "basis"),
        ({"category": "LEGAL_AID"}, "category"),
        ({"expiresAt": (datetime.now(UTC) + timedelta(hours=5)).isoformat()}, "expiresAt"),
    ],
    ids=["a class that it opens to nobody", "nobody", "another's basis", "a need that it has not", "too long"],
)
async def test_what_the_policy_does_not_allow_is_refused(served: County, changes: dict[str, Any], field: str) -> None:
    """By name of the field, and nothing is kept of it."""
    referral, _ = await unasked(served)
    event = await served.say(POLICE, invoked(new_break_glass_id(), BIRCH, **changes), referral)
    assert await refusal(served, event) == (Code.BREAK_GLASS_NOT_ALLOWED, field)
    assert await served.pool.fetchval("SELECT count(*) FROM break_glass WHERE referral_id = $1", referral) == 0


async def test_a_victim_service_provider_has_none(served: County) -> None:
    """VAWA knows no general emergency: off by default (§5)."""
    referral, _ = await unasked(served, HOTLINE)
    event = await served.say(HOTLINE, invoked(new_break_glass_id(), BIRCH), referral)
    assert await refusal(served, event) == (Code.BREAK_GLASS_NOT_ALLOWED, "recipient")


async def test_her_no_and_her_exclusions_outrank_it(served: County) -> None:
    """An emergency stands in for asking her, never for her answer."""
    excluded, _ = await unasked(served, excludedRecipients=[CEDAR])
    event = await served.say(POLICE, invoked(new_break_glass_id(), CEDAR), excluded)
    assert await refusal(served, event) == (Code.BREAK_GLASS_NOT_ALLOWED, "recipient")
    declined = new_referral_id()
    await served.say(POLICE, request(victimAgreed="NO"), declined)
    event = await served.say(POLICE, invoked(new_break_glass_id(), BIRCH), declined)
    assert await refusal(served, event) == (Code.BREAK_GLASS_NOT_ALLOWED, "recipient")


async def test_without_a_second_person_it_ends_and_is_asked_back(served: County) -> None:
    """Thirty minutes, and another one than who invoked it; late is too late, and a human is told."""
    referral, parts = await unasked(served)
    org = await taken(served, referral)
    glass = new_break_glass_id()
    await served.say(POLICE, invoked(glass, org), referral)
    await served.say(POLICE, wraps(served, referral, parts, org), referral)
    alone = await served.say(POLICE, approved(glass, "wrk-7f21"), referral)
    assert await refusal(served, alone) == (Code.SECOND_PERSON_NEEDED, "approvedBy")
    assert served.facts(DisclosureReleased, about=referral, org=org)
    await due_now(served, glass)

    async def void() -> bool:
        return "breakglass.void" in await served.steps(referral)

    await until(void)
    await served.settled()
    [asked_back] = served.facts(DisclosureRevoked, about=referral, org=org)
    assert set(asked_back.field_groups) == {"FG03", "FG04"}
    assert "BREAK_GLASS_UNAPPROVED" in await served.work(referral)
    late = await served.say(POLICE, approved(glass), referral)
    assert await refusal(served, late) == (Code.BREAK_GLASS_OVER, "breakGlassId")


async def test_an_overdue_review_suspends_the_organisation_until_it_is_in(served: County) -> None:
    """§5: no further emergency of that organisation's, whatever the referral; the review lifts it."""
    referral, _ = await unasked(served, SHERIFF)
    glass = new_break_glass_id()
    await served.say(SHERIFF, invoked(glass, BIRCH), referral)
    await served.say(SHERIFF, approved(glass), referral)
    await served.settled()
    await due_now(served, glass)

    async def overdue() -> bool:
        return "breakglass.overdue" in await served.steps(referral)

    await until(overdue)
    assert "BREAK_GLASS_UNREVIEWED" in await served.work(referral)
    another, _ = await unasked(served, SHERIFF)
    event = await served.say(SHERIFF, invoked(new_break_glass_id(), BIRCH), another)
    assert await refusal(served, event) == (Code.BREAK_GLASS_SUSPENDED, None)
    own = await served.say(SHERIFF, reviewed(glass, "wrk-7f21"), referral)
    assert await refusal(served, own) == (Code.SECOND_PERSON_NEEDED, "reviewedBy")
    await served.say(SHERIFF, reviewed(glass), referral)
    await served.settled()
    event = await served.say(SHERIFF, invoked(new_break_glass_id(), BIRCH), another)
    assert await refusal(served, event) is None


async def test_what_ran_out_opens_nothing_more_and_asks_nothing_back(served: County) -> None:
    """Four hours at most: an acceptance after that brings no identity."""
    referral, _ = await unasked(served)
    glass = new_break_glass_id()
    offers = [(org, one) for org in SHELTERS for one in served.facts(OfferMade, about=referral, org=org)]
    await served.say(POLICE, invoked(glass, offers[0][0]), referral)
    await served.say(POLICE, approved(glass), referral)
    await served.settled()
    await served.pool.execute(
        "UPDATE break_glass SET expires_at = now() - interval '1 second' WHERE break_glass_id = $1", glass
    )
    await served.say(offers[0][0], accepted(offers[0][1].offer_id), referral)
    await served.settled()
    assert not served.facts(RecipientChosen, about=referral)
    assert not served.facts(DisclosureRevoked, about=referral)


async def test_an_emergency_of_another_referral_or_source_is_unknown(served: County) -> None:
    """As if it did not exist."""
    referral, _ = await unasked(served)
    other, _ = await unasked(served)
    glass = new_break_glass_id()
    await served.say(POLICE, invoked(glass, BIRCH), referral)
    elsewhere = await served.say(POLICE, approved(glass), other)
    assert await refusal(served, elsewhere) == (Code.BREAK_GLASS_UNKNOWN, "breakGlassId")
    foreign = await served.say(SHERIFF, approved(glass), referral)
    assert await refusal(served, foreign) == (Code.REFERRAL_UNKNOWN, "subject")
