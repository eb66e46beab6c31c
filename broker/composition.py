"""Puts the broker's own processes together. Nothing here, nor anything it imports, can open what was sealed.

The provider zone is put together in `broker.app`, which a process of the broker never imports; a test holds that.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from broker import serving
from broker.bus.publisher import Publisher, Sign
from broker.domain.policy import PolicyPack
from broker.errors import PostgresUnreachable, SettingsInvalid
from broker.handlers.directory import Directory
from broker.judging_again import Judge
from broker.pipeline import Parts
from broker.reading import Verify, signature_check
from broker.schemas.ids import KeyId
from broker.schemas.profile import Profile
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import OrgClass, RecipientCategory
from broker.seal import base64url
from broker.seal.cards import KeyCard, KeyKind
from broker.seal.key_files import read_cards
from broker.seal.keys import (
    LogKey,
    OperatorKey,
    PublicSigningKey,
    SigningKey,
    load_log_keys,
    load_operator_key,
    load_signing_key,
)
from broker.seal.signature import sign
from broker.seal.signed_directory import signed_directory
from broker.settings import Settings
from broker.sql.bulk import Connection, Pool
from broker.sql.migrate import migrate
from broker.sql.transient import TRANSIENT
from broker.store import tables
from broker.store.directory import listed
from broker.store.policies import Packs, begin, text_in_force
from broker.trail.entries import fresh_salt
from broker.trail.notes import Signs, Verifier
from broker.trail.publishing import refuse_older
from broker.trail.sequencer import Place, sequence
from broker.zone import (
    KEYS_FOLDER,
    LOG_KEYS_FOLDER,
    OPERATOR_KEYS_FOLDER,
    POLICY_CARDS_FOLDER,
    DirectoryEntry,
    DirectoryKey,
    NetworkDirectory,
    keys_of_cards,
)

POOL_CONNECTIONS_MAX = 8
PLANNING = {"random_page_cost": "1.1"}
"""PostgreSQL plans as for a spinning disk unless it is told otherwise, and would read whole tables for each batch."""
GC_ALLOCATIONS = 500_000
"""Several batches' worth, so that only what outlives its batch is ever looked through: at one batch's worth the
collector takes a sixth of the broker's time, at Python's own 700 more."""


class Process(StrEnum):
    """What can be served alone, in any number of copies."""

    BROKER = "broker"
    RELAY = "relay"
    CLOCK = "clock"
    SEQUENCER = "sequencer"
    ADAPTER = "adapter"
    WEB = "web"


BROKER_PROCESSES = (Process.BROKER, Process.RELAY, Process.CLOCK, Process.SEQUENCER)


def topics_of(settings: Settings) -> Topics:
    """The topic names of this installation."""
    return Topics(settings.environment, settings.topic_prefix)


def kafka_of(settings: Settings) -> dict[str, Any]:
    """What every Kafka client of this installation is made with."""
    return {"bootstrap_servers": settings.kafka_bootstrap, **settings.kafka_client_options()}


def zone_folder(settings: Settings, org: str) -> Path:
    """The folder of an organisation's zone: its keys and what it knows of the network."""
    return settings.zones / org


async def _as_it_is(connection: Connection) -> None:
    """A connection goes back as it is: nothing of ours outlives a transaction, and asyncpg's reset is a round trip."""


@asynccontextmanager
async def broker_pool(settings: Settings) -> AsyncIterator[Pool]:
    """Connections to the broker's database as its everyday role.

    Raises:
        PostgresUnreachable: nobody answers there.
    """
    if settings.postgres_dsn is None:
        raise SettingsInvalid("HANDOFF_POSTGRES_DSN is not set and no embedded PostgreSQL runs.")
    try:
        pool = await asyncpg.create_pool(
            settings.postgres_dsn.get_secret_value(),
            min_size=1,
            max_size=POOL_CONNECTIONS_MAX,
            reset=_as_it_is,
            server_settings=PLANNING,
        )
    except TRANSIENT as error:
        raise PostgresUnreachable from error
    async with pool:
        yield pool


@asynccontextmanager
async def broker_parts(
    settings: Settings,
    sign: Sign | None = None,
    check_of: Callable[[Directory], Verify] | None = signature_check,
) -> AsyncIterator[Parts]:
    """Everything that the broker's processes share. `sign` and `check_of` are other than the default in bench/ only."""
    packs = Packs(partial(pinned_policy_keys, settings))
    async with broker_pool(settings) as pool:
        async with pool.acquire() as connection:
            reference = await begin(connection, fresh_salt())
            await packs.learn(connection, {reference})
        check_environment(packs[reference], settings)
        publisher = Publisher(kafka_of(settings), sign)
        await publisher.start()
        try:
            yield Parts(
                pool=pool,
                publisher=publisher,
                topics=topics_of(settings),
                packs=packs,
                broker_org=settings.broker_org,
                check_of=check_of,
            )
        finally:
            await publisher.stop()


def check_environment(pack: PolicyPack, settings: Settings) -> None:
    """Refuse a pack that is not for this environment.

    Raises:
        SettingsInvalid: a pack for exercises alone, say, where the events are actual.
    """
    if settings.environment not in pack.environments:
        raise SettingsInvalid(f"The policy pack {pack.name} is not for the environment {settings.environment.value}.")


def judge_of(settings: Settings) -> Judge:
    """What a process needs to judge quarantined records again."""
    packs = Packs(partial(pinned_policy_keys, settings))
    return Judge(topics_of(settings), packs, settings.broker_org, signature_check)


def policy_cards(settings: Settings) -> Path:
    """Where the cards of the privacy officers are pinned whose signature makes a policy pack believed here."""
    return zone_folder(settings, settings.broker_org) / POLICY_CARDS_FOLDER


def pinned_policy_keys(settings: Settings) -> dict[KeyId, PublicSigningKey]:
    """The keys of the privacy officers whose signature makes a policy pack believed here; none where none is pinned."""
    return keys_of_cards(policy_cards(settings), KeyKind.POLICY)


def broker_signer(settings: Settings) -> Sign:
    """The broker's own signature, by the newest signing key of its zone."""
    folder = zone_folder(settings, settings.broker_org) / KEYS_FOLDER
    key = load_signing_key(folder, settings.broker_org, datetime.now(UTC))
    return lambda headers, value: sign(headers, value, key)


async def network_directory(settings: Settings, connection: Connection) -> NetworkDirectory:
    """The directory that agencies' clients read: everybody's public keys, nobody's private ones."""
    entries = [
        DirectoryEntry(
            org_id=row["org_id"],
            name=row["name"],
            org_class=OrgClass(row["org_class"]),
            category=None if row["category"] is None else RecipientCategory(row["category"]),
            profile=Profile.model_validate(row["profile"]),
            sealing_keys=tuple(_listed(key) for key in row["keys"] if key["kind"] == KeyKind.SEALING),
            signing_keys=tuple(_listed(key) for key in row["keys"] if key["kind"] == KeyKind.SIGNING),
        )
        for row in await listed(connection)
        if not row["suspended"]
    ]
    return NetworkDirectory(
        broker=settings.broker_org,
        issued_at=datetime.now(UTC),
        organisations=tuple(entries),
        policy=await text_in_force(connection),
    )


async def signed_network_directory(settings: Settings, connection: Connection, operator_keys: Path) -> bytes:
    """The directory as a file, signed with the operator's newest key of this folder.

    Raises:
        KeyMissing: there is none; `handoff keys new --kind directory` makes one.
    """
    key = load_operator_key(operator_keys, settings.broker_org, datetime.now(UTC))
    return signed_directory((await network_directory(settings, connection)).wire().encode(), key)


def operator_keys(settings: Settings) -> Path:
    """Where the operator's keys for directories rest on this machine, apart from what the broker's processes read."""
    return zone_folder(settings, settings.broker_org) / OPERATOR_KEYS_FOLDER


def ensure_operator_key(settings: Settings) -> list[KeyCard]:
    """The cards of the operator's keys for directories; the first key is made where there is none yet."""
    folder = operator_keys(settings)
    cards = [card for card in read_cards(folder) if card.kind is KeyKind.DIRECTORY] if folder.exists() else []
    if not cards:
        key = OperatorKey.new(KeyId(f"{settings.broker_org}#directory-1"))
        cards = [key.keep(folder, datetime.now(UTC))]
    return cards


def _listed(key: dict[str, Any]) -> DirectoryKey:
    times = {name: key[name] for name in ("created_at", "not_after", "revoked_at")}
    return DirectoryKey(key_id=key["key_id"], public_key=base64url.encode(key["public"]), **times)


def ensure_broker_key(settings: Settings) -> list[KeyCard]:
    """The cards of the broker's signing keys; the first key is made where there is none yet."""
    folder = zone_folder(settings, settings.broker_org) / KEYS_FOLDER
    cards = [card for card in read_cards(folder) if card.kind is KeyKind.SIGNING] if folder.exists() else []
    if not cards:
        key = SigningKey.new(KeyId(f"{settings.broker_org}#1"))
        cards = [key.keep(folder, datetime.now(UTC))]
    return cards


def log_keys(settings: Settings) -> Path:
    """Where the keys rest that sign the trail's checkpoints: apart, for the sequencer alone."""
    return zone_folder(settings, settings.broker_org) / LOG_KEYS_FOLDER


def ensure_log_key(settings: Settings) -> list[KeyCard]:
    """The cards of the keys for checkpoints; the first key is made where there is none yet."""
    folder = log_keys(settings)
    cards = [card for card in read_cards(folder) if card.kind is KeyKind.LOG] if folder.exists() else []
    if not cards:
        cards = [LogKey.new(KeyId(f"{settings.broker_org}#log-1")).keep(folder, datetime.now(UTC))]
    return cards


def sequencer_place(settings: Settings) -> Place:
    """Which log is written here, with whose keys, and where it is published."""

    def signers() -> dict[Verifier, Signs]:
        held = load_log_keys(log_keys(settings), settings.broker_org, datetime.now(UTC))
        return {Verifier(settings.origin, key.public.public): key for key in held}

    return Place(settings.origin, settings.log, signers)


@asynccontextmanager
async def running_sequencer(settings: Settings) -> AsyncIterator[None]:
    """The trail is sealed while the block lasts, or this one waits for another sequencer to end."""
    if settings.postgres_sequencer_dsn is None:
        raise SettingsInvalid("HANDOFF_POSTGRES_SEQUENCER_DSN is not set and no embedded PostgreSQL runs.")
    place = sequencer_place(settings)
    place.signers()
    dsn = settings.postgres_sequencer_dsn.get_secret_value()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(sequence(dsn, place), name="sequencer")
        try:
            yield
        finally:
            task.cancel()


async def prepare_broker(settings: Settings) -> None:
    """Bring the broker's tables up to date, as their owner."""
    if settings.postgres_owner_dsn is not None:
        await migrate(settings.postgres_owner_dsn.get_secret_value(), tables.ZONE)


def tune_memory() -> None:
    """Collect garbage rarely: a batch makes tens of thousands of objects that die with it, without cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS, 20, 50)


@asynccontextmanager
async def running_broker(settings: Settings, *processes: Process) -> AsyncIterator[None]:
    """These processes of the broker, in this one, while the block lasts.

    Raises:
        LogShrunk, LogAltered: the database is older than the log that was published here, or another one.
    """
    tune_memory()
    async with broker_parts(settings, broker_signer(settings)) as parts, AsyncExitStack() as stack:
        async with parts.pool.acquire() as connection:
            await refuse_older(connection, settings.log)
        await stack.enter_async_context(serving.seal_watch(parts))
        if Process.RELAY in processes:
            await stack.enter_async_context(serving.relay(parts))
        if Process.CLOCK in processes:
            await stack.enter_async_context(serving.clock(parts))
        if Process.SEQUENCER in processes:
            await stack.enter_async_context(running_sequencer(settings))
        if Process.BROKER in processes:
            await stack.enter_async_context(serving.intake(parts, kafka_of(settings)))
        yield
