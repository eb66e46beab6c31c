"""Erasure: two roles, announced and sealed before anything goes, finished after any crash, without a false alarm."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import pytest

from broker import limits
from broker.policies import shipped_pack
from broker.schemas.ids import OrgId, ReferralId, new_consent_id, new_referral_id
from broker.store.erasing import ErasureBasis, approve_erasure, erase, listed_erasures, request_erasure
from broker.store.questions import add_entry
from broker.store.retaining import retain, schedules, set_schedule
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.errors import ErasureNotShared, ErasureTooEarly, ErasureUnknown
from broker.trail.exporting import export
from broker.trail.handoff_verify import HOLDS, Found, verify
from tests.trail.conftest import BROKER, Trail

ASKS: Final = "role:records"
APPROVES: Final = "role:privacy-officer"
DAY: Final = timedelta(days=1)


async def organisation(trail: Trail, org: str, org_class: str) -> str:
    """An organisation of this class."""
    await trail.connection.execute(
        "INSERT INTO organisation (org_id, name, org_class, profile, agreement_until, suspended)"
        " VALUES ($1, $1, $2, '{}', now() + interval '1 year', false)",
        *(org, org_class),
    )
    return org


async def referral_of(trail: Trail, source: str, state: str = "CANCELLED", days: float = 0) -> ReferralId:
    """A referral with three entries, some ciphertext and its key, whose need reached this state so many days ago."""
    referral, at = new_referral_id(), datetime.now(UTC) - days * DAY
    connection = trail.connection
    await connection.execute(
        "INSERT INTO referral (referral_id, source, priority, policy, victim_agreed, request, excluded, groups,"
        " received_at) VALUES ($1, $2, 'P1', 'p', 'YES', '{}', '[]', '[]', $3)",
        *(referral, source, at),
    )
    await connection.execute(
        "INSERT INTO need (referral_id, category, state, services, changed_at, priority, expires_at, engaged, released)"
        " VALUES ($1, 'SHELTER', $2, '[]', $3, 'P1', $3, false, false)",
        *(referral, state, at),
    )
    await connection.execute("INSERT INTO sealed_group VALUES ($1, 'FG03', 'v1', 'AAAA')", referral)
    await connection.execute("INSERT INTO wrapped_key VALUES ($1, 'FG03', 'org-b', 'org-b#1', 'BBBB')", referral)
    for state in ("SUBMITTED", "MATCHING", "CANCELLED"):
        facts = {"at": at, "actor": source, "need": "SHELTER", "way": [state]}
        await add_entry(connection, entry(Step.NEED_MOVED, referral, facts, fresh_salt()))
    return referral


async def approved(trail: Trail, referral: str) -> str:
    """An erasure that two roles agreed on."""
    erasure = await request_erasure(trail.connection, referral, ErasureBasis.SURVIVOR_ASKED, ASKS)
    await approve_erasure(trail.connection, erasure, APPROVES)
    return erasure


async def step(trail: Trail) -> int:
    """One turn, as a clock takes it."""
    async with trail.connection.transaction():
        return await erase(trail.connection, BROKER)


async def checked(trail: Trail, name: str) -> Found:
    """What the verifier says of an export as it is now."""
    await export(trail.connection, trail.home / name, lambda *_: None)
    return await asyncio.to_thread(verify, trail.home / name, trail.vkeys)


async def left(trail: Trail, referral: str) -> dict[str, int]:
    """How many rows of each table still know this referral."""
    tables = ("referral", "need", "sealed_group", "wrapped_key", "trail_entry", "erasure")
    found = {}
    for table in tables:
        count = f"SELECT count(*) FROM {table} WHERE referral_id = $1"
        found[table] = await trail.connection.fetchval(count, referral)
    return {table: count for table, count in found.items() if count}


async def test_an_erasure_is_announced_sealed_and_only_then_done(trail: Trail) -> None:
    """Keys go with the announcement, texts and rows after it is sealed; the verifier explains every missing text."""
    referral = await referral_of(trail, await organisation(trail, "org-a", "LAW_ENFORCEMENT"))
    await trail.seal(5)
    await approved(trail, referral)
    assert await step(trail) == 1
    assert await left(trail, referral) == {"referral": 1, "need": 1, "trail_entry": 3, "erasure": 1}
    assert await step(trail) == 0, "not sealed yet"
    await trail.seal()
    assert (await checked(trail, "announced")).code == HOLDS
    assert await step(trail) == 1
    assert await left(trail, referral) == {}
    found = await checked(trail, "erased")
    assert (found.code, found.erased, found.wrong) == (HOLDS, 3, [])
    [(_, told)] = found.erasures
    assert APPROVES in told
    assert "SURVIVOR_ASKED" in told
    [line] = await listed_erasures(trail.connection)
    assert (line.texts, line.referral_id, line.finished_at is not None) == (3, None, True)


async def test_it_takes_two_roles_and_nothing_open(trail: Trail) -> None:
    """Who asked cannot approve; what is open, owes a confirmation or rests on a release in force is not erased."""
    source = await organisation(trail, "org-a", "LAW_ENFORCEMENT")
    for state in ("OFFERED", "IN_SERVICE"):
        with pytest.raises(ErasureTooEarly):
            await request_erasure(trail.connection, await referral_of(trail, source, state), ErasureBasis.LAW, ASKS)
    held = await referral_of(trail, source)
    consent, until = new_consent_id(), (datetime.now(UTC) + DAY).isoformat()
    await trail.connection.execute(
        "INSERT INTO consent (consent_id, version, discloser, status, record, received_at)"
        " VALUES ($1, 1, 'org-a', 'active', jsonb_build_object('validity', jsonb_build_object('notAfter', $2::text)),"
        " now())",
        *(consent, until),
    )
    await trail.connection.execute(
        "INSERT INTO disclosure (offer_id, field_group, referral_id, recipient, consent_id, consent_version, policy,"
        " released_at) VALUES ('off-1', 'FG03', $1, 'org-b', $2, 1, 'p', now())",
        *(held, consent),
    )
    with pytest.raises(ErasureTooEarly):
        await request_erasure(trail.connection, held, ErasureBasis.LAW, ASKS)
    over = await referral_of(trail, source)
    erasure = await request_erasure(trail.connection, over, ErasureBasis.LAW, ASKS)
    with pytest.raises(ErasureTooEarly):
        await request_erasure(trail.connection, over, ErasureBasis.LAW, "role:other")
    with pytest.raises(ErasureNotShared):
        await approve_erasure(trail.connection, erasure, ASKS)
    await trail.seal()
    assert await step(trail) == 0
    assert (await left(trail, over))["wrapped_key"] == 1, "nothing goes before it is approved"
    await approve_erasure(trail.connection, erasure, APPROVES)
    with pytest.raises(ErasureUnknown):
        await approve_erasure(trail.connection, erasure, APPROVES)


async def test_a_crash_at_any_step_is_finished_by_the_next_turn(trail: Trail) -> None:
    """Each step dies before its commit, twice; what is found afterwards holds, and the same turns end it."""
    referral = await referral_of(trail, await organisation(trail, "org-a", "LAW_ENFORCEMENT"))
    await trail.seal()
    await approved(trail, referral)
    for name in ("announcing", "deleting"):
        await trail.seal()
        before = await left(trail, referral)
        for _ in range(2):
            with pytest.raises(asyncpg.QueryCanceledError):
                async with trail.connection.transaction():
                    assert await erase(trail.connection, BROKER) == 1
                    raise asyncpg.QueryCanceledError
        assert await left(trail, referral) == before
        assert (await checked(trail, name)).code == HOLDS
        assert await step(trail) == 1
    assert await left(trail, referral) == {}
    assert (await checked(trail, "over")).code == HOLDS


async def test_what_is_written_meanwhile_is_announced_in_its_turn(trail: Trail) -> None:
    """An auditor reads between announcement and deletion: that entry goes, too, by an announcement of its own."""
    referral = await referral_of(trail, await organisation(trail, "org-a", "LAW_ENFORCEMENT"))
    await trail.seal()
    await approved(trail, referral)
    assert await step(trail) == 1
    facts = {"at": datetime.now(UTC), "actor": "role:auditor"}
    await add_entry(trail.connection, entry(Step.TRAIL_READ, referral, facts, fresh_salt()))
    for _ in range(3):
        await trail.seal()
        await step(trail)
    assert await left(trail, referral) == {}
    found = await checked(trail, "late")
    assert (found.code, found.erased, len(found.erasures)) == (HOLDS, 4, 2)


async def test_the_database_deletes_only_what_a_sealed_entry_names(trail: Trail) -> None:
    """The everyday role deletes no text itself; the one function refuses what is not announced, or not sealed yet."""
    await trail.seal(3)
    refused: list[tuple[str, type[Exception]]] = [
        ("DELETE FROM trail_entry", asyncpg.InsufficientPrivilegeError),
        ("SELECT erase_texts(1)", asyncpg.RaiseError),
    ]
    facts = {"at": datetime.now(UTC), "actor": BROKER, "entries": [0, 1, 99], "basis": "LAW", "approver": APPROVES}
    number = await add_entry(trail.connection, entry(Step.TEXTS_ERASED, None, facts, fresh_salt()))
    refused.append((f"SELECT erase_texts({number})", asyncpg.RaiseError))
    for statement, error in refused:
        with pytest.raises(error):
            await trail.connection.execute(statement)
    await trail.seal()
    assert await trail.connection.fetchval("SELECT erase_texts($1)", number) == 2
    sequencer = await asyncpg.connect(trail.sequencer_dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await sequencer.execute("SELECT erase_texts(1)")
    finally:
        await sequencer.close()


async def test_what_was_kept_long_enough_goes_by_its_sources_schedule(trail: Trail) -> None:
    """A hotline's after a month, a hospital's after six years, others' after two; a shorter rule of one's own wins."""
    classes = {"HOTLINE_VSP": 30, "HOSPITAL_HIPAA": 6 * 365 + 2, "LAW_ENFORCEMENT": 730, "COURT": 10}
    due: list[str] = []
    kept: list[str] = []
    for number, (org_class, days) in enumerate(classes.items()):
        org = await organisation(trail, f"org-{number}", org_class)
        due.append(await referral_of(trail, org, days=days + 1))
        kept += [await referral_of(trail, org, days=days - 1), await referral_of(trail, org, "OFFERED", days + 1)]
    async with trail.connection.transaction():
        await set_schedule(trail.connection, OrgId("org-3"), 10)
    pack = shipped_pack()
    told = {one.org: (one.days, one.rule) for one in await schedules(trail.connection, pack)}
    assert list(told.values()) == [(30, "VICTIM_SERVICES"), (2192, "HIPAA"), (730, "OTHERS"), (10, "OWN")]
    await trail.seal()
    for _ in range(3):
        async with trail.connection.transaction():
            await retain(trail.connection, pack, BROKER)
        await step(trail)
        await trail.seal()
    assert [await left(trail, one) for one in due] == [{}] * len(due)
    assert all([await left(trail, one) for one in kept])
    found = await checked(trail, "kept")
    assert (found.code, found.erased) == (HOLDS, 3 * len(due))
    assert any("schedule:VICTIM_SERVICES" in text for _, text in found.erasures)


async def test_old_entries_of_no_referral_and_ended_consents_go_in_their_time(trail: Trail) -> None:
    """An erasure leaf never goes: without it the verifier could not explain; a consent shrinks to its tombstone."""
    await organisation(trail, "org-a", "HOTLINE_VSP")
    facts: dict[str, Any] = {"at": datetime.now(UTC), "actor": "role:operator"}
    for kind in (Step.POLICY_ACTIVATED, Step.TEXTS_ERASED):
        await add_entry(trail.connection, entry(kind, None, {**facts, "entries": []}, fresh_salt()))
    await trail.seal()
    past = limits.trail_days_unbound + 1
    await trail.as_superuser(f"UPDATE trail_entry SET written_at = now() - interval '{past} days'")
    await trail.connection.execute(
        "INSERT INTO consent (consent_id, version, discloser, subject_ref, status, record, received_at) VALUES"
        " ('c', 1, 'org-a', 'sub-1', 'active', '{\"validity\": {\"notAfter\": \"2020-01-01T00:00:00Z\"}}', now()),"
        " ('d', 1, 'org-a', NULL, 'active', '{}', now() - interval '20 years')"
    )
    for _ in range(2):
        async with trail.connection.transaction():
            await retain(trail.connection, shipped_pack(), BROKER)
        await trail.seal()
        await step(trail)
    kinds = [row["kind"] for row in await trail.connection.fetch("SELECT kind FROM trail_entry ORDER BY idx")]
    assert "policy.activated" not in kinds
    assert kinds[0] == "texts.erased"
    assert "consents.forgotten" in kinds
    rows = [tuple(row) for row in await trail.connection.fetch("SELECT consent_id, subject_ref, record FROM consent")]
    assert rows == [("c", None, "{}")]
    assert (await checked(trail, "old")).code == HOLDS
