"""The tables say what the trail says; what was changed behind its back is named."""

import pytest

from broker.schemas.consent_revoked import values_digest
from broker.schemas.ids import new_referral_id
from broker.store.questions import add_entry
from broker.store.rebuilding import CONSENTING, HANDING_OVER
from broker.store.reconciling import differences
from broker.trail.entries import Entry, Step, fresh_salt
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, HOTLINE, POLICE, accepted, release, request, revoked
from tests.broker.letters import until
from tests.broker.test_recalls import handed_over


async def test_tables_and_trail_agree_until_somebody_changes_a_table(own_county: County) -> None:
    """Referrals that are offered and taken: no difference. Then a need, an offer and a whole row are tampered with."""
    first, second = new_referral_id(), new_referral_id()
    async with own_county.broker():
        for referral in (first, second):
            await own_county.say(POLICE, request(), referral)
        await own_county.settled()
        await until(lambda: own_county.pool.fetchval("SELECT count(*) >= 2 FROM offer"))
        [offer, *_] = await own_county.offers(first)
        await own_county.say(offer["provider"], accepted(offer["offer_id"]), first)
        await own_county.settled()
    async with own_county.pool.acquire() as connection:
        compared, found = await differences(connection)
        assert (found, compared >= 4) == ([], True)
        state = (await own_county.need(first))["state"]
        await connection.execute("UPDATE need SET state = 'COMPLETED' WHERE referral_id = $1", first)
        await connection.execute("UPDATE offer SET state = 'EXPIRED' WHERE offer_id = $1", offer["offer_id"])
        await connection.execute("DELETE FROM need WHERE referral_id = $1", second)
        _, found = await differences(connection)
    told = {(one.what, one.referral_id, one.name): (one.table, one.trail) for one in found}
    assert told.pop(("need", first, "SHELTER")) == ("COMPLETED", state)
    assert told.pop(("offer", first, offer["offer_id"])) == ("EXPIRED", "ACCEPTED")
    [(gone, states)] = told.items()
    assert (gone, states[0]) == (("need", second, "SHELTER"), None)


async def _told(county: County) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    async with county.pool.acquire() as connection:
        _, found = await differences(connection)
    return {(one.what, one.name): (one.table, one.trail) for one in found}


async def test_what_was_handed_over_and_consented_to_is_compared(own_county: County) -> None:
    """A disclosure taken away or put in, another recipient, another consent, a recall that nobody answered: named."""
    record = release(BIRCH, CEDAR)
    async with own_county.broker():
        referral, org, offer = await handed_over(own_county, record)
        await own_county.say(HOTLINE, revoked(scope="FIELD_GROUP", scopeValues=["FG10"]), record.consent_id)
        await own_county.settled()
    assert await _told(own_county) == {}
    other = CEDAR if org == BIRCH else BIRCH
    version = f"{record.consent_id}/{record.version}"
    under = f"under {version}"
    revoked_so = f"FIELD_GROUP {values_digest(record.consent_id, ['FG10'])}"
    for statement, expected in {
        "DELETE FROM disclosure WHERE field_group = 'FG03'": {
            ("disclosure", f"{offer} FG03"): (None, f"to {org} {under}"),
        },
        f"UPDATE disclosure SET recipient = '{other}' WHERE field_group = 'FG03'": {
            ("disclosure", f"{offer} FG03"): (f"to {other} {under}", f"to {org} {under}"),
        },
        "UPDATE disclosure SET consent_version = 9 WHERE field_group = 'FG03'": {
            ("disclosure", f"{offer} FG03"): (f"to {org} under {record.consent_id}/9", f"to {org} {under}"),
        },
        "INSERT INTO disclosure (offer_id, field_group, referral_id, recipient, released_at)"
        f" VALUES ('{offer}', 'FG05', '{referral}', '{org}', now())": {
            ("disclosure", f"{offer} FG05"): (f"to {org} under no consent", None),
        },
        f"UPDATE offer SET provider = '{other}'": {("provider of the offer", offer): (other, org)},
        "UPDATE recall SET outcome = 'COMPLIED'": {("recall", offer): ("COMPLIED", "awaited")},
        "DELETE FROM recall": {("recall", offer): (None, "awaited")},
        "UPDATE consent SET status = 'revoked'": {("consent", version): ("revoked", "active")},
        "UPDATE consent SET revocations = '[]'": {
            ("revocations", record.consent_id): ("none", revoked_so),
        },
        "UPDATE consent SET version = 2": {
            ("consent", version): (None, "recorded"),
            ("consent", f"{record.consent_id}/2"): ("active", None),
            ("revocations", record.consent_id): (revoked_so, "none"),
        },
    }.items():
        assert await _after(own_county, statement) == expected, statement
    for forged in ("'{recipients,0,orgId}', '\"org-elsewhere\"'", "'{recipients}', '1'"):
        found = await _after(own_county, f"UPDATE consent SET record = jsonb_set(record, {forged})")
        assert set(found) == {("record of the consent", version)}
    assert await _told(own_county) == {}


async def test_a_consent_that_is_revoked_stands_as_revoked(own_county: County) -> None:
    """What a whole revocation makes of a version is no difference; that somebody has it active again is one."""
    record = release(BIRCH, CEDAR)
    async with own_county.broker():
        await handed_over(own_county, record)
        await own_county.say(HOTLINE, revoked(), record.consent_id)
        await own_county.settled()
    assert await _told(own_county) == {}
    name = f"{record.consent_id}/{record.version}"
    assert await _after(own_county, "UPDATE consent SET status = 'active'") == {
        ("consent", name): ("active", "revoked")
    }


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("step", sorted({*HANDING_OVER, *CONSENTING, Step.CONTENT, Step.OFFER_MOVED}))
@pytest.mark.parametrize("text", ["{}", '{"offers": 1, "need": [], "content": ["*"], "consent": 3}', "[]", "no JSON"])
async def test_a_text_that_cannot_be_understood_is_named(served: County, step: Step, text: str) -> None:
    """Whoever writes a row past the broker must not keep everybody from comparing the rest."""
    try:
        async with served.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            await add_entry(connection, Entry(step, None, fresh_salt(), text.encode()))
            _, found = await differences(connection)
            raise _Undone
    except _Undone:
        assert [one.trail for one in found if one.name.startswith(f"{step} ")] == ["lacks a word"]


class _Undone(Exception):
    """What a test had tampered with is as before."""


async def _after(county: County, statement: str) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """What is told after a table was tampered with, which is undone then."""
    told: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    try:
        async with county.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            changed = await connection.execute(statement)
            assert changed[-1] != "0", statement
            _, found = await differences(connection)
            told = {(one.what, one.name): (one.table, one.trail) for one in found}
            raise _Undone
    except _Undone:
        return told
