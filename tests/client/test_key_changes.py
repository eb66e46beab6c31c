"""Keys change while referrals are under way: a newer one takes over, a stolen one opens nothing that comes after."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker.agency.attending import NAME, attend
from broker.agency.errors import NotAccepted
from broker.composition import Process, broker_pool, running_broker
from broker.schemas.event import Flow
from broker.schemas.ids import KeyId, OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.refusal import RefusalCode
from broker.seal.opening import OpeningKey
from broker.zone import KEYS_FOLDER, load_zone
from tests.client.county import BIRCH, HOTLINE, POLICE, SAFE_CONTACT, County, asked
from tests.client.shell import handoff, in_environment
from tests.client.test_late_sealing import SECONDS, answer, events_on, first, handed, opened_by
from tests.client.test_referrals import GROUPS, granted

OLD, NEW = KeyId(f"{BIRCH}#seal-1"), KeyId(f"{BIRCH}#seal-2")


@pytest.fixture
async def clocked(whole_county: County, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[County]:
    """The county with the processes of its broker that decide and send, and the operator's shell."""
    in_environment(whole_county, monkeypatch)
    assert whole_county.settings.postgres_dsn is not None
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", whole_county.settings.postgres_dsn.get_secret_value())
    async with running_broker(whole_county.settings, Process.BROKER, Process.RELAY, Process.CLOCK):
        yield whole_county


@asynccontextmanager
async def attended(county: County, org: OrgId) -> AsyncIterator[None]:
    """The agency's agent at work."""
    async with county.client(org, name=NAME) as client:
        attending = asyncio.create_task(attend(client))
        try:
            yield
        finally:
            attending.cancel()
            await asyncio.wait({attending})


async def said(*args: str | Path) -> str:
    """What the operator's command says."""
    result = await handoff(*args)
    assert result.exit_code == 0, f"{result.output}{result.exception}"
    return result.output


async def newer_key(county: County, tmp_path: Path) -> str:
    """The shelter makes a newer sealing key, and the operator registers it."""
    folder = county.settings.zones / BIRCH / KEYS_FOLDER
    card = OpeningKey.new(NEW).keep(folder, datetime.now(UTC))
    (tmp_path / "card.json").write_text(card.wire())
    return await said("org", "rotate-key", tmp_path / "card.json")


async def offered(county: County, referral: ReferralId) -> OfferId:
    """The shelter's offer."""
    return OfferMade.read((await first(county, BIRCH, OfferMade, referral)).data).offer_id


async def yes(county: County, referral: ReferralId) -> None:
    """The shelter accepts."""
    fact = OfferAccepted(offer_id=await offered(county, referral), accepted_by=AcceptedBy.STAFF)
    await answer(county, BIRCH, referral, fact)


async def chosen_for(county: County, referral: ReferralId, org: OrgId, count: int) -> list[RecipientChosen]:
    """The choices that the source was told, as soon as there are so many."""
    async with asyncio.timeout(SECONDS):
        while True:
            told = await events_on(county, Flow.BROKER_TO_SOURCE, org, RecipientChosen)
            found = [RecipientChosen.read(one.data) for one in told if one.envelope.subject == referral]
            if len(found) >= count:
                return found


async def work_list() -> list[dict[str, Any]]:
    """What waits for a human."""
    return [json.loads(line) for line in (await said("work", "list", "--json")).splitlines()]


async def test_a_newer_key_takes_over_and_the_older_opens_until_its_end(clocked: County, tmp_path: Path) -> None:
    """What was wrapped for the older key is handed on, what is wrapped afterwards is for the newer one."""
    async with clocked.client() as client:
        consent = await granted(client, BIRCH)
        before = (await client.request_referral(groups=GROUPS, consent=consent, **asked())).referral_id
        await offered(clocked, before)
        assert f"{NEW} is registered; ending in 14 days: {OLD}" in await newer_key(clocked, tmp_path)
        listed = load_zone(clocked.settings.zones / HOTLINE, HOTLINE, datetime.now(UTC)).directory.entry(BIRCH)
        assert [(key.key_id, key.not_after is not None) for key in listed.sealing_keys] == [(OLD, True), (NEW, False)]
        client.look_again()
        after = (await client.request_referral(groups=GROUPS, consent=consent, **asked())).referral_id
        for referral, key_id in ((before, OLD), (after, NEW)):
            await yes(clocked, referral)
            both = await handed(clocked, BIRCH, referral)
            assert {wrap.key_id for wrap in both.wraps} == {key_id}
            assert opened_by(clocked, BIRCH, referral, both)["FG03"]["handle"] == SAFE_CONTACT["handle"]


async def test_what_was_wrapped_for_a_stolen_key_is_wrapped_anew_before_it_goes(
    clocked: County, tmp_path: Path
) -> None:
    """Sealed at once and not accepted yet, or accepted and not sealed yet: neither goes under the stolen key."""
    async with clocked.client() as hotline, clocked.client(POLICE) as police:
        consent = await granted(hotline, BIRCH)
        named = (await hotline.request_referral(groups=GROUPS, consent=consent, **asked())).referral_id
        late = (await police.request_referral(groups=GROUPS, **asked())).referral_id
        await yes(clocked, late)
        assert [one.key_ids for one in await chosen_for(clocked, late, POLICE, 1)] == [(OLD,)]
        await offered(clocked, named)
        await newer_key(clocked, tmp_path)
        told = await said("org", "revoke-key", OLD)
        assert f"{OLD} is revoked; {len(GROUPS)} wrapped keys destroyed" in told
        assert "Asked anew for wrapped keys: 1 referrals" in told
        assert (await handoff("org", "revoke-key", OLD)).exit_code == 1
        # This client has not taken in the newer directory: it wraps for the key that it knows, and is refused.
        with pytest.raises(NotAccepted) as refused:
            await police.accepted(await police.seal_for(late, BIRCH))
        assert refused.value.code is RefusalCode.KEY_UNKNOWN
        assert [one.key_ids for one in await chosen_for(clocked, late, POLICE, 2)] == [(OLD,), (NEW,)]
        await yes(clocked, named)
    async with attended(clocked, HOTLINE), attended(clocked, POLICE):
        for referral in (named, late):
            both = await handed(clocked, BIRCH, referral)
            assert {wrap.key_id for wrap in both.wraps} == {NEW}
            assert opened_by(clocked, BIRCH, referral, both)["FG03"]["handle"] == SAFE_CONTACT["handle"]
    async with clocked.client(POLICE) as police:
        assert await police.late.waiting() == []
    assert await work_list() == []


async def test_what_was_handed_over_under_a_stolen_key_comes_before_a_human(clocked: County, tmp_path: Path) -> None:
    """It cannot be called back: the source, and through it the survivor, must hear of it."""
    async with clocked.client() as client:
        consent = await granted(client, BIRCH)
        referral = (await client.request_referral(groups=GROUPS, consent=consent, **asked())).referral_id
        await yes(clocked, referral)
        await handed(clocked, BIRCH, referral)
    told = await said("org", "revoke-key", OLD)
    assert f"Tell {HOTLINE}: {referral} SHELTER, handed over: FG03, FG04" in told
    [work] = await work_list()
    assert (work["reason"], work["referral_id"], work["owner"]) == ("KEY_REVOKED", referral, HOTLINE)
    async with broker_pool(clocked.settings) as pool:
        assert await pool.fetchval("SELECT count(*) FROM wrapped_key WHERE key_id = $1", OLD) == 0
    assert "work.raised" in await said("trail", "show", referral)
