"""A recipient that never answers holds up no erasure: keys go at once, a court waits for nobody, people close it."""

from datetime import UTC, datetime

import pytest

from broker.policies import shipped_pack
from broker.schemas.ids import OrgId
from broker.store import auditing
from broker.store.asking import Asking
from broker.store.closing import Closed, ClosingReason, approve_closing, request_closing, unanswered
from broker.store.erasing import ErasureBasis, approve_erasure, listed_erasures, request_erasure
from broker.store.retaining import retain
from broker.trail.errors import ClosingNotShared, ClosingTooEarly, ClosingUnknown
from broker.trail.handoff_verify import HOLDS
from tests.trail.conftest import BROKER, Trail
from tests.trail.test_erasing import APPROVES, ASKS, approved, checked, left, organisation, referral_of, step


async def silent(trail: Trail, *, days: float = 0, reminded: bool = True, waits: bool = False) -> str:
    """A referral whose recipient has not said what became of what it was to give up; `waits`: it may still in time."""
    source = await organisation(trail, f"org-a{datetime.now(UTC):%f}", "HOTLINE_VSP")
    referral = await referral_of(trail, source, "REVOKED", days)
    await trail.connection.execute(
        "INSERT INTO offer (offer_id, referral_id, category, provider, state, rung, answer_by, made_at, changed_at)"
        " VALUES ('off-' || $1, $1, 'SHELTER', 'org-b', 'ACCEPTED', 1, now(), now(), now())",
        referral,
    )
    await trail.connection.execute(
        "INSERT INTO recall (offer_id, referral_id, groups, asked_at, due_at, reminded, changed_at)"
        " VALUES ('off-' || $1, $1, '[]', now() - interval '3 days',"
        " CASE WHEN $3 THEN now() + interval '1 hour' END, $2, now())",
        *(referral, reminded, waits),
    )
    await trail.connection.execute(
        "INSERT INTO work_item (work_id, referral_id, category, reason, owner, priority, raised_at)"
        " VALUES ('wrk-' || $1, $1, 'SHELTER', 'REVOCATION_UNANSWERED', 'org-broker', 'P1', now())",
        referral,
    )
    return referral


async def unreviewed(trail: Trail, *, days: float = 0) -> str:
    """A referral whose emergency nobody has reviewed in time."""
    source = await organisation(trail, "org-police", "HOTLINE_VSP")
    referral = await referral_of(trail, source, "COMPLETED", days)
    await trail.connection.execute(
        "INSERT INTO break_glass (break_glass_id, referral_id, category, source, recipient, groups, reason, basis,"
        " invoked_by, narrative_ref, invoked_at, expires_at, approve_by, review_by, subject_informed, void, overdue)"
        " VALUES ('bgl-1', $1, 'SHELTER', $2, 'org-b', '[]', 'LIFE_THREAT_IMMINENT', 'AGENCY_POLICY', 'wrk-1',"
        " 'nar-1', now() - interval '9 days', now(), now(), now(), 'NOT_YET', true, true)",
        *(referral, source),
    )
    return referral


async def closed(trail: Trail, name: str) -> Closed:
    """Two roles agree to wait no longer."""
    connection = trail.connection
    async with connection.transaction():
        asked = await request_closing(connection, name, ClosingReason.NO_ANSWER, ASKS)
    async with connection.transaction():
        return await approve_closing(connection, asked, APPROVES)


async def turns(trail: Trail, count: int = 4) -> None:
    """The clock's turns, each sealed."""
    for _ in range(count):
        await trail.seal()
        await step(trail)


async def kinds(trail: Trail) -> list[str]:
    """The kinds of all entries, in order."""
    return [row["kind"] for row in await trail.connection.fetch("SELECT kind FROM trail_entry ORDER BY idx")]


async def test_keys_go_with_the_approval_whoever_still_owes_an_answer(trail: Trail) -> None:
    """The survivor asked: nothing opens any more, and the rest goes once the recipient's silence is closed."""
    referral = await silent(trail)
    await approved(trail, referral)
    await turns(trail)
    rest = await left(trail, referral)
    assert not {"wrapped_key", "sealed_group"} & rest.keys()
    assert rest["referral"] == 1, "the recall that is open is still known"
    assert (await kinds(trail)).count("payload.shredded") == 1
    [line] = await listed_erasures(trail.connection)
    assert line.waits_for == "ANSWERS"
    assert await closed(trail, f"off-{referral}") is Closed.UNCONFIRMED
    await turns(trail)
    assert await left(trail, referral) == {}
    assert await trail.connection.fetchval("SELECT count(*) FROM closing") == 0
    [line] = await listed_erasures(trail.connection)
    assert (line.waits_for, line.finished_at is not None) == (None, True)
    assert (await checked(trail, "after")).code == HOLDS


@pytest.mark.parametrize("held_by", ["recall", "review"])
async def test_a_courts_order_waits_for_nobodys_answer(trail: Trail, held_by: str) -> None:
    """Two roles ask and approve, as for every erasure; then all of it goes."""
    referral = await (silent(trail) if held_by == "recall" else unreviewed(trail))
    erasure = await request_erasure(trail.connection, referral, ErasureBasis.COURT_ORDER, ASKS)
    await approve_erasure(trail.connection, erasure, APPROVES)
    await turns(trail)
    assert await left(trail, referral) == {}


@pytest.mark.parametrize("held_by", ["recall", "review"])
async def test_a_schedule_goes_on_when_two_people_have_closed_what_nobody_answers(trail: Trail, held_by: str) -> None:
    """Kept for eleven years by a recipient's silence, before: now until somebody closes it, with its own entries."""
    referral = await (silent(trail, days=4000) if held_by == "recall" else unreviewed(trail, days=4000))
    for whole in (False, True):
        if whole:
            [line] = await unanswered(trail.connection, ASKS)
            outcome = Closed.UNCONFIRMED if held_by == "recall" else Closed.UNREVIEWED
            assert await closed(trail, line.name) is outcome
            assert {"closing.requested", "closing.approved"} <= set(await kinds(trail))
        async with trail.connection.transaction():
            await retain(trail.connection, shipped_pack(), BROKER)
        await turns(trail, 3)
        assert (await left(trail, referral) == {}) is whole


async def test_it_takes_two_roles_and_the_last_deadline(trail: Trail) -> None:
    """Who asked cannot agree; what may still be answered in time cannot be closed; nobody closes it twice."""
    connection = trail.connection
    early, referral = await silent(trail, waits=True), await silent(trail)
    for name in (f"off-{early}", "off-nobody", "bgl-nobody"):
        with pytest.raises(ClosingTooEarly):
            await request_closing(connection, name, ClosingReason.NO_ANSWER, ASKS)
    asked = await request_closing(connection, f"off-{referral}", ClosingReason.ORGANISATION_GONE, ASKS)
    with pytest.raises(ClosingTooEarly):
        await request_closing(connection, f"off-{referral}", ClosingReason.NO_ANSWER, "role:other")
    with pytest.raises(ClosingNotShared):
        await approve_closing(connection, asked, ASKS)
    await approve_closing(connection, asked, APPROVES)
    with pytest.raises(ClosingUnknown):
        await approve_closing(connection, asked, APPROVES)
    assert "work.resolved" in await kinds(trail), "nobody has to look at it any more"
    assert [line.name for line in await unanswered(connection, ASKS)] == []


async def test_an_answer_that_came_meanwhile_leaves_nothing_to_close(trail: Trail) -> None:
    """Between the two people the recipient answers."""
    referral = await silent(trail)
    asked = await request_closing(trail.connection, f"off-{referral}", ClosingReason.NO_ANSWER, ASKS)
    await trail.connection.execute("UPDATE recall SET outcome = 'COMPLIED'")
    with pytest.raises(ClosingUnknown):
        async with trail.connection.transaction():
            await approve_closing(trail.connection, asked, APPROVES)
    assert "closing.approved" not in await kinds(trail)


async def test_what_is_asked_anew_is_waited_for_anew(trail: Trail) -> None:
    """More is taken back after the closing: the recipient owes a new answer, and the erasure waits for it."""
    referral = await silent(trail)
    await closed(trail, f"off-{referral}")
    await trail.connection.execute("UPDATE recall SET asked_at = clock_timestamp()")
    await approved(trail, referral)
    [line] = await listed_erasures(trail.connection)
    assert line.waits_for == "ANSWERS"


async def test_what_was_closed_stays_among_what_is_owed(trail: Trail) -> None:
    """The auditor's report names it as never confirmed; nobody is called to do anything about it."""
    referral = await silent(trail)
    owed = [row.owed for row in (await auditing.overdue(trail.connection, Asking("role:auditor"))).rows]
    assert owed == ["REVOCATION"]
    await closed(trail, f"off-{referral}")
    [row] = (await auditing.overdue(trail.connection, Asking("role:auditor"))).rows
    assert (row.owed, row.by, row.referral) == ("REVOCATION_UNCONFIRMED", OrgId("org-b"), referral)
    assert await auditing.owed_now(trail.connection) == []
