"""What was erased before its quarter was told is counted in it, by numbers that say nothing of anybody."""

from datetime import UTC, datetime, timedelta
from typing import Final

from broker.domain.quarters import Quarter
from broker.policies import shipped_pack
from broker.schemas.ids import new_offer_id
from broker.store.policies import begin
from broker.store.public_counts import LATER, TOO_LATE
from broker.store.public_reports import Report, reports
from broker.store.questions import add_entry
from broker.store.retaining import retain
from broker.trail.entries import Step, entry, fresh_salt
from tests.trail.conftest import BROKER, Trail
from tests.trail.test_erasing import left, organisation, referral_of, step

KEPT_DAYS: Final = 30
"""By a victim service provider (broker/limits/retention.py)."""


async def _asked(trail: Trail, source: str, days: float) -> str:
    """A referral that ended so many days ago; the one who was asked has answered only now."""
    referral, offer = await referral_of(trail, source, days=days), new_offer_id()
    await trail.connection.execute(
        "INSERT INTO offer (offer_id, referral_id, category, provider, state, rung, made_at, changed_at, answer_by)"
        " SELECT $1, $2, 'SHELTER', 'org-b', 'ACCEPTED', 'A3', received_at, received_at, received_at FROM referral"
        " WHERE referral_id = $2",
        *(offer, referral),
    )
    facts = {"at": datetime.now(UTC), "actor": "org-b", "offer": offer, "from": "MADE", "to": "ACCEPTED"}
    await add_entry(trail.connection, entry(Step.OFFER_MOVED, referral, facts, fresh_salt()))
    return referral


async def _erased(trail: Trail) -> None:
    for _ in range(3):
        await trail.seal()
        async with trail.connection.transaction():
            await retain(trail.connection, shipped_pack(), BROKER)
        await step(trail)


async def _told(trail: Trail, quarter: Quarter) -> Report:
    async with trail.connection.transaction():
        found = await reports(trail.connection, quarter.ends + timedelta(days=3))
    return next(one for one in found if one.quarter == quarter)


async def test_erased_referrals_are_counted_in_their_quarter(trail: Trail) -> None:
    """Twelve of a shelter that are gone, and one of the police that is there; then nothing is left of the counts."""
    async with trail.connection.transaction():
        await begin(trail.connection, fresh_salt())
    await trail.as_superuser("UPDATE policy_activation SET activated_at = now() - interval '1 year'")
    shelter = await organisation(trail, "org-shelter", "VSP_SHELTER")
    police = await organisation(trail, "org-police", "LAW_ENFORCEMENT")
    days = KEPT_DAYS + 1.0
    quarter = Quarter.of(datetime.now(UTC) - timedelta(days=days))
    gone = [await _asked(trail, shelter, days) for _ in range(12)]
    kept = await _asked(trail, police, days)
    await _erased(trail)
    assert [await left(trail, one) for one in gone] == [{}] * 12
    everything = str([tuple(row) for row in await trail.connection.fetch("SELECT * FROM erased_count")])
    assert all(name not in everything for name in (*gone, kept, "org-"))
    report = await _told(trail, quarter)
    assert (report.kinds.total, report.kinds.cells["SHELTER"], report.urgencies.cells["P1"]) == (13, 13, 13)
    assert (report.times.cells[LATER], report.deadlines.cells[TOO_LATE]) == (13, 13)
    assert await trail.connection.fetch("SELECT * FROM erased_count") == []


async def test_what_is_erased_after_its_quarter_was_told_leaves_no_count(trail: Trail) -> None:
    """The report stays as it was, and nobody could use the count any more."""
    async with trail.connection.transaction():
        await begin(trail.connection, fresh_salt())
    await trail.as_superuser("UPDATE policy_activation SET activated_at = now() - interval '1 year'")
    days = KEPT_DAYS + 1.0
    quarter = Quarter.of(datetime.now(UTC) - timedelta(days=days))
    late = await _asked(trail, await organisation(trail, "org-shelter", "VSP_SHELTER"), days)
    before = await _told(trail, quarter)
    await _erased(trail)
    assert await left(trail, late) == {}
    assert await trail.connection.fetch("SELECT * FROM erased_count") == []
    assert await _told(trail, quarter) == before
