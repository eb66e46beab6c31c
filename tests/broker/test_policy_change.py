"""A policy pack is put in force while the broker works: what is open is decided anew, what was decided stays."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.commands.policy import NotConfirmed, NotEnoughSigners
from broker.composition import Process, running_broker, zone_folder
from broker.policies import shipped_text
from broker.schemas.ids import KeyId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_held import ReferralHeld
from broker.seal.errors import PolicyNotVerified
from broker.seal.keys import PolicyKey
from broker.seal.signature_line import POLICY
from broker.store.policies import PolicyNotActivated, settle, unsettled
from broker.zone import load_zone
from tests.broker.county import County
from tests.broker.facts import NOTE, POLICE, SHELTERS, accepted, request
from tests.broker.letters import until

OFFICERS = tuple(PolicyKey.new(KeyId(f"org-county#policy-{number}")) for number in (1, 2))
STRANGER = PolicyKey.new(KeyId("org-stranger#policy-1"))
POLICE_MAY = b'from = ["LAW_ENFORCEMENT", "PROSECUTION", "PROBATION_PAROLE", "HOTLINE_NON_VSP"]\nto = ["VSP_*"'


def pack(version: str, *, police_may_tell: bool = True) -> bytes:
    """The usual pack in a version of the county's own."""
    text = shipped_text().replace(b'version = "1.0.1"', f'version = "{version}"'.encode())
    assert POLICE_MAY in text
    return text if police_may_tell else text.replace(POLICE_MAY, POLICE_MAY.replace(b'"LAW_ENFORCEMENT", ', b""))


@pytest.fixture
def shell(own_county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """The county's settings as a shell has them."""
    settings = own_county.settings
    assert settings.postgres_dsn is not None
    monkeypatch.setenv("HANDOFF_HOME", str(settings.home))
    monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", str(settings.kafka_bootstrap))
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", settings.postgres_dsn.get_secret_value())
    monkeypatch.setenv("HANDOFF_TOPIC_PREFIX", settings.topic_prefix)


@pytest.fixture
async def policed(own_county: County, shell: None) -> AsyncIterator[County]:
    """A county whose broker works, and whose two officers are pinned."""
    settings = own_county.settings
    async with own_county.broker():
        for officer in OFFICERS:
            card = settings.home / f"{officer.key_id}.json"
            card.write_text(officer.card(datetime.now(UTC)).wire())
            assert (await said("pin", str(card))).exit_code == 0
        yield own_county


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Writes a pack and the signatures on it, and what was `added` since; gives the file's name."""

    def write(text: bytes, *signers: PolicyKey, added: bytes = b"") -> str:
        file = tmp_path / "pack.toml"
        file.write_bytes(text + added)
        (tmp_path / "pack.toml.sig").write_bytes(b"".join(POLICY.line(text, key) for key in signers))
        return str(file)

    return write


async def said(*words: str, answer: str | None = None) -> Result:
    """`handoff policy ...`, as a process of its own would."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["policy", *words], input=answer)


async def activated(file: str) -> str:
    """Put in force, without being asked; returns what was said."""
    result = await said("activate", file, "--yes")
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


async def under(county: County, referral: str) -> str:
    """The version of the pack that a referral is decided under."""
    policy = await county.pool.fetchval("SELECT policy FROM referral WHERE referral_id = $1", referral)
    return str(policy).split("/")[1]


async def test_a_stricter_pack_takes_back_what_is_open_and_asks_nothing_back(
    policed: County, written: Callable[..., str]
) -> None:
    """One officer suffices. An offer is withdrawn, the next referral held; who was handed something keeps it."""
    offered, taken, later = (new_referral_id() for _ in range(3))
    for referral in (offered, taken):
        await policed.say(POLICE, request(), referral)
    await policed.settled()
    org, offer = next((org, one) for org in SHELTERS for one in policed.facts(OfferMade, about=taken, org=org))
    await policed.say(org, accepted(offer.offer_id), taken)
    await policed.settled()
    output = await activated(written(pack("1.1.0", police_may_tell=False), OFFICERS[0]))
    assert "Would no longer be permitted:" in output
    assert "Open needs that may be decided otherwise: 2 of 2" in output
    assert "Everything that is open is decided under it" in output
    await policed.settled()
    assert policed.facts(OfferWithdrawn, about=offered)
    assert "policy.changed" in await policed.steps(offered)
    assert "disclosure.recalled" not in await policed.steps(taken)
    assert [await under(policed, one) for one in (offered, taken)] == ["1.1.0", "1.1.0"]
    await policed.say(POLICE, request(), later)
    await policed.settled()
    assert not policed.facts(OfferMade, about=later)
    assert policed.facts(ReferralHeld, about=later)


async def test_a_looser_pack_wants_two_officers_and_lets_what_waited_go_on(
    policed: County, written: Callable[..., str]
) -> None:
    """The same officer twice is one; with two, the held referral is offered without anybody touching it."""
    await activated(written(pack("1.1.0", police_may_tell=False), OFFICERS[0]))
    referral = new_referral_id()
    await policed.say(POLICE, request(), referral)
    await policed.settled()
    assert not policed.facts(OfferMade, about=referral)
    for signers in ((OFFICERS[0],), (OFFICERS[0], OFFICERS[0]), (OFFICERS[1], STRANGER)):
        refused = await said("activate", written(pack("1.2.0"), *signers), "--yes")
        assert isinstance(refused.exception, NotEnoughSigners)
        assert "Would be permitted, and is not now:" in refused.output
    file = written(pack("1.2.0"), *OFFICERS)
    assert isinstance((await said("activate", file, answer="n")).exception, NotConfirmed)
    assert await under(policed, referral) == "1.1.0"
    await activated(file)
    await policed.settled()
    assert policed.facts(OfferMade, about=referral)
    entry = await policed.pool.fetchval(
        "SELECT preimage FROM trail_entry WHERE kind = 'policy.activated' ORDER BY idx DESC LIMIT 1"
    )
    assert b'"looser":true' in entry
    assert all(officer.key_id.encode() in entry for officer in OFFICERS)


async def test_a_pack_that_nobody_here_vouches_for_is_not_even_compared(
    policed: County, written: Callable[..., str]
) -> None:
    """Unsigned, signed by a stranger, or changed by a byte after it was signed."""
    for signers in ((), (STRANGER,)):
        refused = await said("activate", written(pack("1.1.0"), *signers), "--yes")
        assert isinstance(refused.exception, PolicyNotVerified)
    changed = await said("activate", written(pack("1.1.0"), OFFICERS[0], added=b"\n"), "--yes")
    assert isinstance(changed.exception, PolicyNotVerified)
    assert await policed.pool.fetchval("SELECT count(*) FROM policy_activation") == 1


async def test_one_version_is_one_text_and_agencies_have_it_too(policed: County, written: Callable[..., str]) -> None:
    """What stands on decisions as a version means one thing for ever; the signed directory carries it to clients."""
    await activated(written(pack("1.1.0"), OFFICERS[0]))
    again = await said("activate", written(pack("1.1.0") + b"\n# other words\n", OFFICERS[0]), "--yes")
    assert isinstance(again.exception, PolicyNotActivated)
    assert "is in force already" in await activated(written(pack("1.1.0"), OFFICERS[0]))
    zone = load_zone(zone_folder(policed.settings, POLICE), POLICE, datetime.now(UTC))
    assert zone.pack.version == "1.1.0"


async def test_a_county_of_the_united_kingdom_begins_under_its_own_pack(
    own_county: County, shell: None, written: Callable[..., str]
) -> None:
    """Activated before any process has run. What nobody could ask her about goes by a note, whose reference is kept."""
    output = await activated("uk-dpa-safeguarding")
    assert "uk-dpa-safeguarding/1.0.1/" in output
    referral, bare = new_referral_id(), new_referral_id()
    async with own_county.broker():
        await own_county.say(POLICE, request(victimAgreed="NOT_ASKED_UNSAFE", necessity=NOTE), referral)
        await own_county.say(POLICE, request(victimAgreed="NOT_ASKED_UNSAFE"), bare)
        await own_county.settled()
        for name in (referral, bare):
            org, offer = next(
                (org, one) for org in SHELTERS for one in own_county.facts(OfferMade, about=name, org=org)
            )
            await own_county.say(org, accepted(offer.offer_id), name)
        await own_county.settled()
    [chosen] = own_county.facts(RecipientChosen, about=referral)
    assert {"FG03", "FG04"} <= set(chosen.field_groups)
    assert not own_county.facts(RecipientChosen, about=bare)
    submitted = await own_county.pool.fetchval(
        "SELECT preimage FROM trail_entry WHERE kind = 'referral.submitted' AND referral_id = $1", referral
    )
    assert str(NOTE["noteRef"]).encode() in submitted
    stricter = await said("activate", written(pack("1.1.0"), OFFICERS[0]), "--yes")
    assert isinstance(stricter.exception, PolicyNotVerified)


async def test_a_process_whose_pack_does_not_verify_does_not_work(own_county: County) -> None:
    """Whoever can write the tables cannot write the law: the process names the reason and ends."""
    async with own_county.broker(Process.CLOCK):
        pass
    await own_county.pool.execute("UPDATE policy_text SET content = content || '\\x0a'::bytea")
    with pytest.raises(PolicyNotVerified):
        async with running_broker(own_county.settings, Process.CLOCK):
            pass


async def test_a_process_at_work_ends_where_it_cannot_believe_the_next_pack(own_county: County) -> None:
    """It does not go on under the old one either: that one is not in force any more."""
    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(30), own_county.broker(Process.CLOCK):
            async with own_county.pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "INSERT INTO policy_text (reference, content) VALUES ('forged/9.0.0/0', $1)", pack("9.0.0")
                )
                await connection.execute("INSERT INTO policy_activation (reference) VALUES ('forged/9.0.0/0')")
                await connection.execute("UPDATE directory_version SET version = version + 1")
            await asyncio.Event().wait()
    assert ended.value.subgroup(PolicyNotVerified) is not None


async def test_a_batch_that_began_before_the_change_is_waited_for(policed: County, written: Callable[..., str]) -> None:
    """It may bring a referral under the older pack; only when it is over, everything open is under the new one."""
    older = await policed.pool.fetchval("SELECT reference FROM policy_activation")
    referral = new_referral_id()
    await policed.say(POLICE, request(), referral)
    await policed.settled()

    async def under_the_new_one() -> bool:
        return await under(policed, referral) == "1.1.0"

    async with policed.pool.acquire() as slow:
        begun = slow.transaction()
        await begun.start()
        await slow.execute("SELECT 1")
        activation = asyncio.create_task(said("activate", written(pack("1.1.0"), OFFICERS[0]), "--yes"))
        await until(under_the_new_one)
        await slow.execute("UPDATE referral SET policy = $1 WHERE referral_id = $2", older, referral)
        assert await policed.pool.fetchval("SELECT settled_at FROM policy_activation ORDER BY seq DESC LIMIT 1") is None
        await begun.commit()
    assert "Everything that is open is decided under it" in (await activation).output
    assert await under_the_new_one()


async def test_a_referral_that_somebody_holds_is_not_passed_over(own_county: County) -> None:
    """A change is not over while one open referral is under the older pack, even where another has it locked."""
    referral, newer = new_referral_id(), "us-federal-vawa/9.0.0/0"
    async with own_county.broker():
        await own_county.say(POLICE, request(), referral)
        await own_county.settled()
    pool = own_county.pool
    await pool.execute("INSERT INTO policy_text (reference, content) VALUES ($1, '')", newer)
    seq = await pool.fetchval("INSERT INTO policy_activation (reference) VALUES ($1) RETURNING seq", newer)
    async with pool.acquire() as settling, pool.acquire() as holding:

        async def over() -> bool:
            await settle(settling, newer, seq, datetime(2026, 1, 1, tzinfo=UTC))
            found = "SELECT settled_at IS NOT NULL FROM policy_activation WHERE seq = $1"
            return bool(await settling.fetchval(found, seq))

        async with holding.transaction():
            await holding.execute("SELECT 1 FROM referral WHERE referral_id = $1 FOR UPDATE", referral)
            assert await unsettled(settling, newer, 1) == []
            assert not await over()
        assert await unsettled(settling, newer, 1) == [referral]
        assert not await over()
        await settling.execute("UPDATE referral SET policy = $1 WHERE referral_id = $2", newer, referral)
        assert await over()
