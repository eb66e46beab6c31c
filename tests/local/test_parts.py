"""Real Kafka and PostgreSQL: two copies side by side, data kept over any end, one part killed and started again."""

import asyncio
import socket
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from broker.local.parts import LocalParts, local_parts, parts_for, superuser_dsn
from broker.local.ports import answers
from tests.local.processes import below, gone, owner_of
from tests.parts import local_settings

_TOPIC = "source.org-police"


async def _send(bootstrap: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if _TOPIC not in await admin.list_topics():
            await admin.create_topics([NewTopic(_TOPIC, 1, 1)])
    finally:
        await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(_TOPIC, value)


async def _sent(bootstrap: str) -> list[bytes | None]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        partition = TopicPartition(_TOPIC, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        return [(await consumer.getone()).value for _ in range(end)]


async def test_two_copies_run_side_by_side_and_a_killed_one_is_gone_whole(home: Path) -> None:
    """Two folders, two owners: own ports, own data. kill -9 of one ends all its processes and no other's, and the
    next start in its folder finds the port and every record, for which another taking the port is no obstacle."""
    other = home.with_name("other")
    async with parts_for(local_settings(other)) as theirs:
        assert theirs.kafka_bootstrap is not None
        await _send(theirs.kafka_bootstrap, b"theirs")
        with owner_of(home, "kafka") as (owner, told):
            async with parts_seen(home) as ours:
                assert ours != theirs.kafka_bootstrap
                await _send(ours, b"ours")
            everything = below(owner.pid)
            assert set(told["pids"].values()) <= set(everything)
            owner.kill()
            assert all([await asyncio.to_thread(gone, pid) for pid in everything])
        async with parts_for(local_settings(home)) as again:
            assert again.kafka_bootstrap == ours
            assert await _sent(ours) == [b"ours"]
        assert await _sent(theirs.kafka_bootstrap) == [b"theirs"]
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", int(ours.rpartition(":")[2])))
            taken.listen()
            async with parts_for(local_settings(home)) as elsewhere:
                assert elsewhere.kafka_bootstrap not in (None, ours)
                assert await _sent(elsewhere.kafka_bootstrap or "") == [b"ours"]


class parts_seen:  # noqa: N801  used as a function
    """Kafka's address as a second shell sees it."""

    def __init__(self, home: Path) -> None:
        """Of the folder `home`."""
        self._home = home

    async def __aenter__(self) -> str:
        """Look it up."""
        from broker.local.parts import attached

        return attached(local_settings(self._home)).kafka_bootstrap or ""

    async def __aexit__(self, *_: object) -> None:
        """Nothing to end."""


async def test_a_killed_part_comes_back_at_the_same_address_with_its_data(own_parts: LocalParts) -> None:
    """Kafka and PostgreSQL each survive kill -9; clients need not be told a new address."""
    bootstrap, dsn = own_parts.kafka_bootstrap, own_parts.broker_database.owner_dsn
    await _send(bootstrap, b"kept")
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept (said text); INSERT INTO kept VALUES ('yes')")
    await connection.close()
    own_parts.kafka.kill()
    own_parts.postgres.kill()
    assert not own_parts.running()
    assert not answers("127.0.0.1", int(bootstrap.rpartition(":")[2]))
    await asyncio.gather(asyncio.to_thread(own_parts.kafka.start), asyncio.to_thread(own_parts.postgres.start))
    assert own_parts.kafka_bootstrap == bootstrap
    assert await _sent(bootstrap) == [b"kept"]
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT said FROM kept") == "yes"
    await connection.close()


async def test_the_superuser_of_our_own_postgresql_alone_is_known(home: Path) -> None:
    """For showing what even a superuser cannot hide; nobody's of another server, and nobody's where nothing runs."""
    settings = local_settings(home)
    running = local_parts(settings, kafka=False)
    parts = await asyncio.to_thread(running.__enter__)
    try:
        dsn = superuser_dsn(parts.addresses().completing(settings))
        assert dsn is not None
        connection = await asyncpg.connect(dsn.get_secret_value())
        role = await connection.fetchrow(
            "SELECT rolsuper, current_database() FROM pg_roles WHERE rolname = current_user"
        )
        await connection.close()
        assert role is not None
        assert tuple(role) == (True, "handoff_broker")
        elsewhere = SecretStr("postgresql://handoff@database.example/handoff")
        assert superuser_dsn(settings.model_copy(update={"postgres_dsn": elsewhere})) is None
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)
    assert superuser_dsn(settings) is None
