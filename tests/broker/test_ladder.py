"""The ladder on the real broker: each step once, however many clocks there are, and visible to whoever looks."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.composition import Process
from broker.local.processes import served as serve
from broker.schemas.ids import OrgId, ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.profile import Profile
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from broker.store.directory import OrganisationCard
from tests.broker.county import County
from tests.broker.facts import POLICE, request
from tests.broker.letters import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLOCKWORK = OrgId("org-counseling-elm")


async def requested(county: County, **changes: object) -> ReferralId:
    """A referral of the police that has been taken in."""
    referral = new_referral_id()
    await county.say(POLICE, request(**changes), referral)
    await county.settled()
    return referral


async def made_hours_ago(county: County, referrals: list[ReferralId], hours: float) -> None:
    """As if the offers had been made then: the database's clock is the only one that counts, so its rows are older."""
    past = datetime.now(UTC) - timedelta(hours=hours)
    await county.pool.execute(
        "UPDATE offer SET made_at = $1, answer_by = $1::timestamptz + interval '8 hours'"
        " WHERE referral_id = ANY($2::text[])",
        *(past, referrals),
    )
    await county.pool.execute(
        "UPDATE need SET due_at = now(), next_action = 'CLIMB_LADDER' WHERE referral_id = ANY($1::text[])", referrals
    )


async def test_each_step_is_taken_once_however_many_clocks_there_are(served: County) -> None:
    """F18: twelve silent providers, three clocks: three reminders each, three rows, three entries; no more come."""
    referrals = [await requested(served, priority="P2") for _ in range(12)]
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(served.broker(Process.CLOCK))
        await climbed_once(served, referrals)


async def test_clocks_that_are_processes_of_their_own_take_each_step_once(served: County, tmp_path: Path) -> None:
    """F18 with two `handoff serve clock` beside the broker's own: nothing but the database is between them."""
    referrals = [await requested(served, priority="P2") for _ in range(12)]
    started = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL($1::int[])"
    before = [row["pid"] for row in await served.pool.fetch("SELECT pid FROM pg_stat_activity")]
    clocks = []
    try:
        for name in ("one", "other"):
            clocks.append(await asyncio.to_thread(serve, served.settings, Process.CLOCK, tmp_path / f"{name}.log"))

        async def both_connected() -> bool:
            return bool(await served.pool.fetchval(started, before) >= len(clocks))

        await until(both_connected)
        await climbed_once(served, referrals)
        assert all(clock.running() for clock in clocks)
    finally:
        for clock in clocks:
            await asyncio.to_thread(clock.stop)


async def climbed_once(served: County, referrals: list[ReferralId]) -> None:
    """Five hours go by with nobody answering: whatever the clocks do, each step is taken once."""
    await made_hours_ago(served, referrals, 5)
    count = "SELECT count(*) FROM escalation WHERE referral_id = ANY($1::text[])"

    async def all_taken() -> bool:
        return bool(await served.pool.fetchval(count, referrals) == 3 * len(referrals))

    await until(all_taken)
    await served.pool.execute("UPDATE need SET due_at = now() WHERE referral_id = ANY($1::text[])", referrals)

    async def nothing_due() -> bool:
        due = "SELECT count(*) FROM need WHERE referral_id = ANY($1::text[]) AND due_at <= now()"
        return not await served.pool.fetchval(due, referrals)

    await until(nothing_due)
    await served.settled()
    for referral in referrals:
        told = served.facts(OfferReminded, about=referral)
        assert [(one.level, one.owed) for one in told] == [("L0", "A1"), ("L1", "A2"), ("L0", "A3")]
        assert (await served.steps(referral)).count("need.escalated") == 3
        assert await served.work(referral) == ["OFFER_UNSEEN"]


async def test_a_receipt_ends_what_is_owed_until_then(served: County) -> None:
    """Seen at once: after five hours only the decision is asked for, and no human is told."""
    referral = await requested(served, priority="P2")
    [(heard, made)] = served.events(OfferMade, about=referral)
    await served.say(heard.org, OfferReceipted(offer_id=made.offer_id), referral)
    await served.settled()
    await made_hours_ago(served, [referral], 5)

    async def told() -> bool:
        await served.settled()
        return bool(served.facts(OfferReminded, about=referral))

    await until(told)
    assert [(one.level, one.owed) for one in served.facts(OfferReminded, about=referral)] == [("L0", "A3")]
    assert await served.work(referral) == []


async def test_a_providers_own_calendar_moves_its_deadline(served: County) -> None:
    """Two weekday-less days: open on one weekday alone, it has two weeks for two business days."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%a").upper()
    closed = tuple(day for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN") if day != tomorrow)
    await served.onboard(
        OrganisationCard(
            org_id=CLOCKWORK,
            name=CLOCKWORK,
            org_class=OrgClass.COUNSELING_NON_HIPAA,
            category=RecipientCategory.COUNSELING,
            profile=Profile.model_validate({"services": [Service.CRISIS_COUNSELING], "closedOn": closed}),
            agreement_until=datetime.now(UTC) + timedelta(days=30),
        )
    )
    referral = await requested(served, services=["CRISIS_COUNSELING"], priority="P3")
    [offer] = await served.offers(referral)
    assert offer["answer_by"] - offer["made_at"] == timedelta(days=8)
