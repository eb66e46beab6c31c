"""A5: after an erasure no byte of a referral is in any file of the broker's zone, of Kafka, of its log or its logs."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from broker.composition import BROKER_PROCESSES, broker_pool, kafka_of, log_keys, running_broker
from broker.local.footprints import Hidden, files_below, footprints
from broker.local.parts import LocalParts
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.referral_recalled import RecallReason, ReferralRecalled
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.seal.cards import KeyKind
from broker.seal.key_files import read_cards
from broker.settings import Settings
from broker.trail.exporting import export
from broker.trail.handoff_verify import HOLDS, verify
from broker.trail.notes import Verifier
from tests.broker.county import County, county
from tests.broker.facts import BIRCH, CEDAR, HOTLINE, release
from tests.broker.letters import until
from tests.broker.shell import at_home, run
from tests.broker.test_recalls import handed_over
from tests.crash.test_canary import CIPHERTEXT_CHARACTERS, UNCOMPRESSED, on_every_database
from tests.crash.test_outages import settings_of

ZONES: Final = "zones"
"""Other organisations' zones: what they hold is theirs to erase."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What must be nowhere afterwards: ids, ciphertexts, wrapped keys, the texts of the trail and their salts."""

    referral: ReferralId
    hidden: list[Hidden]


async def test_after_an_erasure_no_byte_is_left_anywhere(
    own_parts: LocalParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found in the tables, in the write-ahead log and in Kafka before; in no file after the operator's four steps.

    The four are those of docs/trail.md, "Erasing": the erasure itself, tables written anew, the write-ahead log turned
    over, and Kafka's own time over, which the test makes short.
    """
    settings = settings_of(own_parts)
    dsn = own_parts.addresses().completing(settings).postgres_sequencer_dsn
    settings = settings.model_copy(update={"postgres_sequencer_dsn": dsn})
    await _superuser(own_parts, "ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()")
    async with county(settings) as founded:
        await on_every_database(own_parts, UNCOMPRESSED)
        at_home(founded, monkeypatch)
        assert settings.postgres_owner_dsn is not None
        monkeypatch.setenv("HANDOFF_POSTGRES_OWNER_DSN", settings.postgres_owner_dsn.get_secret_value())
        async with running_broker(settings, *BROKER_PROCESSES):
            trace = await _passed_through(founded)
            await _superuser(own_parts, "CHECKPOINT")
            home = own_parts.home.path
            before = await _found(home, trace.hidden)
            assert {"kafka", "postgres"} <= {path.relative_to(home).parts[0] for path, _ in before}
            assert {number for _, number in before} == set(range(len(trace.hidden)))
            await _erased(founded, trace.referral)
            await _kafkas_time_is_over(settings)
            await _verified(settings)
        assert (await run("retention", "scrub")).exit_code == 0
    await _superuser(own_parts, "SELECT pg_switch_wal()", "CHECKPOINT")
    await until(lambda: _nothing(home / "kafka", trace.hidden), seconds=120)
    await asyncio.to_thread(own_parts.stop)
    assert await _found(home, trace.hidden) == []


async def _passed_through(founded: County) -> Trace:
    """A referral that was handed over, then recalled and given up; what it left behind."""
    referral, org, offer = await handed_over(founded, release(BIRCH, CEDAR))
    fetch = founded.pool.fetch
    hidden: list[Hidden] = [referral, offer]
    for row in await fetch("SELECT ciphertext FROM sealed_group WHERE referral_id = $1", referral):
        hidden.append(row["ciphertext"][:CIPHERTEXT_CHARACTERS])
    for row in await fetch("SELECT wrapped FROM wrapped_key WHERE referral_id = $1", referral):
        hidden.append(row["wrapped"])
    assert len(hidden) > 4
    await founded.say(HOTLINE, ReferralRecalled(reason=RecallReason.WRONG_PERSON), referral)
    await founded.settled()
    await founded.say(OrgId(org), RevocationAcknowledged(offer_id=offer, outcome=RevocationOutcome.COMPLIED), referral)
    await founded.settled()
    [first, *_, last] = await fetch(
        "SELECT salt, preimage FROM trail_entry WHERE referral_id = $1 ORDER BY idx", referral
    )
    hidden += [*first, *last]
    return Trace(referral, hidden)


async def _erased(founded: County, referral: ReferralId) -> None:
    """By command, in two roles; the clock does the rest."""
    asked = await run("retention", "erase", referral, "--basis", "SURVIVOR_ASKED", "--by", "role:records")
    assert asked.exit_code == 0, asked.output
    erasure = next(word for word in asked.output.split() if word.startswith("ers-"))
    assert (await run("retention", "approve", erasure, "--by", "role:privacy-officer")).exit_code == 0
    finished = "SELECT finished_at FROM erasure WHERE erasure_id = $1"
    await until(lambda: founded.pool.fetchval(finished, erasure))
    assert "SURVIVOR_ASKED" in (await run("retention", "list")).output


async def _kafkas_time_is_over(settings: Settings) -> None:
    """As if days had passed: what Kafka has kept long enough goes, in every topic."""
    admin = AIOKafkaAdminClient(**kafka_of(settings))
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if not name.startswith("__")]
        over = {"retention.ms": "1"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, over) for name in names])
    finally:
        await admin.close()


async def _verified(settings: Settings) -> None:
    """The auditor's bundle holds, and explains what is gone."""
    folder = settings.home / "bundle"
    async with broker_pool(settings) as pool, pool.acquire() as connection:

        async def covered() -> bool:
            return bool(
                await pool.fetchval(
                    "SELECT (SELECT max(size) FROM log_checkpoint) > (SELECT max(l.idx) FROM log_entry l"
                    " JOIN trail_entry e ON e.idx = l.entry_idx WHERE e.kind = 'texts.erased')"
                )
            )

        await until(covered)
        await export(connection, folder, lambda *_: None)
    cards = [card for card in read_cards(log_keys(settings)) if card.kind is KeyKind.LOG]
    found = await asyncio.to_thread(verify, folder, [Verifier(settings.origin, card.public).vkey for card in cards])
    assert (found.code, found.erased > 5) == (HOLDS, True), found.wrong


async def _superuser(parts: LocalParts, *statements: str) -> None:
    name = parts.broker_database.app_dsn.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(parts.superuser_dsn, database=name)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _found(folder: Path, hidden: list[Hidden]) -> list[tuple[Path, int]]:
    return await asyncio.to_thread(lambda: footprints(files_below(folder, without=[ZONES]), hidden))


async def _nothing(folder: Path, hidden: list[Hidden]) -> bool:
    return not await _found(folder, hidden)
