"""The codes of ended offers go after a provider's schedule, all of them, and what went is written down."""

import json

import asyncpg
import pytest

from adapters.keeping import KEPT_BY, Keeping
from adapters.provider import CARD_FILE, load_providers
from broker import limits
from broker.domain.retention import schedule_of
from broker.policies import shipped_pack
from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.vocabulary import DeclineReason, OrgClass, RecipientCategory
from tests.adapters.network import Installation, Run, until
from tests.conftest import KafkaForTest

SHELTER = RecipientCategory.SHELTER


async def _ended(installation: Installation, org: OrgId) -> tuple[OfferId, ReferralId, OfferId]:
    """An offer that was accepted, released, read and given back, its referral; and one that still waits."""
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(org)
        (done, referral), (waiting, _) = [await voice.offer(org) for _ in range(2)]

        async def both() -> bool:
            return len(await inbox.offers()) == 2

        await until(both)
        await inbox.accept(done)
        await voice.release(org, done, referral)

        async def released() -> bool:
            return (await inbox.find(done)).released

        await until(released)
        await inbox.open_groups(done, reader=AcceptedBy.STAFF)
        await inbox.give_back(done, DeclineReason.NO_CAPACITY_BEDS)
        await until(installation.confirmed)
    await installation.pool.execute(
        "UPDATE offer SET content = NULL WHERE offer_id = $1 AND standing = 'GIVEN_BACK'", done
    )
    for table in ("sealed_part", "wrapped_part"):
        await installation.pool.execute(f"DELETE FROM {table}")
    await installation.pool.execute("UPDATE offer SET changed_at = changed_at - interval '31 days'")
    return done, referral, waiting


async def test_codes_go_when_they_were_kept_long_enough(installation: Installation, kafka: KafkaForTest) -> None:
    """Of an ended offer nothing is left in any table; while it may be taken back it stays, and what waits; reported."""
    haven = await installation.serve(kafka.org("haven"), SHELTER, OrgClass.VSP_SHELTER)
    done, referral, waiting = await _ended(installation, haven)
    keeping = Keeping(installation.pool, load_providers(installation.zones)[haven])
    assert await keeping.erase() == 0, "under a release in force a survivor may still take it back"
    assert await keeping.erased() == []
    await installation.pool.execute("UPDATE disclosure SET expires_at = clock_timestamp() - interval '1 second'")
    assert await keeping.erase() == 1
    everything = await installation.all_text()
    assert done not in everything
    assert referral not in everything
    assert waiting in everything
    [told] = await keeping.erased()
    assert (told.rule, told.days, told.offers, told.readings) == ("VICTIM_SERVICES", 30, 1, 1)
    assert told.answers >= 2
    assert await keeping.erase() == 0
    assert len(await keeping.erased()) == 1


async def test_a_running_zone_does_it_by_itself(installation: Installation, kafka: KafkaForTest) -> None:
    """Nobody has to think of it; of what nobody knows the class of, nothing goes."""
    haven = await installation.serve(kafka.org("haven"), SHELTER, OrgClass.VSP_SHELTER)
    unknown = await installation.serve(kafka.org("unknown"))
    for org in (haven, unknown):
        await _ended(installation, org)
    await installation.pool.execute("UPDATE disclosure SET expires_at = clock_timestamp() - interval '1 second'")
    async with installation.running():

        async def gone() -> bool:
            return bool(await installation.rows("SELECT 1 FROM erasure WHERE org_id = $1", haven))

        await until(gone)
    left = await installation.rows("SELECT org_id, count(*) AS offers FROM offer GROUP BY 1 ORDER BY 2")
    assert [tuple(row) for row in left] == [(haven, 1), (unknown, 2)]


async def test_the_everyday_role_takes_no_note_of_a_reading_away(installation: Installation) -> None:
    """It can delete none itself, nor say that something went; what it calls lets everything be for a day at least."""
    for statement in (
        "DELETE FROM reading",
        "DELETE FROM attempt",
        "DELETE FROM erasure",
        "INSERT INTO erasure SELECT 1, 'org-a', 'OWN', 1, 1, 1, 1, 1, now()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await installation.pool.execute(statement)
    await installation.pool.execute(
        "INSERT INTO offer (org_id, offer_id, referral_id, reference, standing, received_at, changed_at)"
        " VALUES ('org-a', 'o', 'r', 'K7QF-2MXD', 'DECLINED', now(), now() - interval '1 hour')"
    )
    assert await installation.pool.fetchval("SELECT erase_codes('org-a', 0, 'OWN', 10)") == 0


@pytest.mark.parametrize("org_class", OrgClass)
def test_providers_keep_by_the_rules_of_the_network(org_class: OrgClass) -> None:
    """The zone, which knows no policy pack, keeps as long as the broker does for an organisation of this class."""
    pack = shipped_pack()
    broker = schedule_of(org_class, pack.regimes.get(org_class, ()), limits.trail_days)
    assert KEPT_BY.get(org_class, "OTHERS") == broker.rule


async def test_the_shorter_rule_wins_and_the_shell_tells_it(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """Of one's own and one's class's; without either nothing goes, and the command says what to do."""
    clinic = kafka.org("clinic")
    await installation.serve(clinic, RecipientCategory.HEALTHCARE)
    unknown, nothing = await run("retention", "show"), await run("retention", "run")
    assert unknown.output == nothing.output
    assert '"orgClass"' in unknown.output
    card = installation.zones / clinic / CARD_FILE
    card.write_text(json.dumps(json.loads(card.read_text()) | {"orgClass": OrgClass.HEALTH_CLINIC_HIPAA}))
    assert json.loads((await run("retention", "show", "--json")).output) == {"days": 2192, "rule": "HIPAA"}
    assert "2192 days (HIPAA" in (await run("retention", "set", "3660")).output
    assert "400 days (OWN" in (await run("retention", "set", "400")).output
    done = await run("retention", "run")
    assert (done.exit_code, "codes of 0 offers" in done.output) == (0, True)
    assert (await run("retention", "list")).output == "Nothing has gone yet.\n"
    assert json.loads((await run("retention", "list", "--json")).output) == []
