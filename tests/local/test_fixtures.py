"""Every test has topics and databases that no other test can see or spoil."""

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from broker.local.databases import ZoneDatabase
from tests.conftest import KafkaForTest


async def test_a_record_goes_through_real_kafka(kafka: KafkaForTest) -> None:
    """What is sent with all acknowledgments is read again, on a topic that bears the test's prefix."""
    topic = f"{kafka.prefix}source.{kafka.org('police')}"
    await kafka.create_topics(topic, partitions=3)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"value", key=b"key")
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"key", b"value")
    assert list(await kafka.topics()) == [topic]


async def test_the_everyday_role_owns_nothing_and_is_no_superuser(database: ZoneDatabase) -> None:
    """Tests run under production's roles: what the owner has not granted, the everyday role may not do."""
    owner = await asyncpg.connect(database.owner_dsn)
    everyday = await asyncpg.connect(database.app_dsn)
    try:
        await owner.execute("CREATE TABLE entry (said text); GRANT SELECT, INSERT ON entry TO handoff_app")
        await everyday.execute("INSERT INTO entry VALUES ('once')")
        for forbidden in ("UPDATE entry SET said = 'other'", "DROP TABLE entry", "CREATE TABLE other (said text)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await everyday.execute(forbidden)
        flags = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert [await one.fetchval(flags) for one in (owner, everyday)] == [False, False]
    finally:
        await owner.close()
        await everyday.close()


async def test_no_role_enters_another_zone_s_database(database: ZoneDatabase, make_database: object) -> None:
    """The provider zone's role cannot connect to the broker's database, nor the other way round."""
    assert callable(make_database)
    other: ZoneDatabase = await make_database()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(other.app_dsn, database=_name(database))


def _name(database: ZoneDatabase) -> str:
    return database.app_dsn.partition("?")[0].rpartition("/")[2]
