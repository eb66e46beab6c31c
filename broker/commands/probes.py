"""Asks a Kafka and a PostgreSQL who they are; what cannot be known is not guessed."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from broker import limits
from broker.bus.login import login_refused
from broker.errors import KafkaLoginRefused, KafkaUnreachable, PostgresUnreachable
from broker.settings import Settings

_API_VERSIONS, _VERSION = 18, 3
_FINALIZED_FEATURES = 2
_FEATURE_LEVELS = {33: "4.4", 25: "4.0"}
"""Kafka tells no release, only `metadata.version` levels; these two are known from formatting a folder with them."""


@dataclass(frozen=True, slots=True)
class KafkaFound:
    """A Kafka that let us in: its cluster's id, how many brokers it has, and its feature level (None: not told)."""

    cluster_id: str
    brokers: int
    feature_level: int | None

    @property
    def release(self) -> str:
        """As much of the release as the feature level tells."""
        if self.feature_level is None:
            return "release not told"
        known = max((level for level in _FEATURE_LEVELS if level <= self.feature_level), default=None)
        if known is None:
            return f"older than 4.0 (feature level {self.feature_level})"
        exact = _FEATURE_LEVELS[known] if known == self.feature_level else f"{_FEATURE_LEVELS[known]} or later"
        return f"{exact} (feature level {self.feature_level})"


@dataclass(frozen=True, slots=True)
class PostgresFound:
    """A PostgreSQL that let us in, and the role that we are there."""

    version: str
    version_number: int
    role: str
    superuser: bool


async def find_kafka(settings: Settings) -> KafkaFound:
    """Connect with the settings' security and ask.

    Raises:
        KafkaLoginRefused: it answers, and does not let us in.
        KafkaUnreachable: anything else; it names the kind of failure.
    """
    assert settings.kafka_bootstrap is not None
    options = settings.kafka_client_options()
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, **options)
    try:
        async with asyncio.timeout(limits.reach_seconds_max):
            level = await _feature_level(settings.kafka_bootstrap, options.get("ssl_context"))
            await admin.start()
            cluster = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError) as error:
        if await _login_refused(settings.kafka_bootstrap, options):
            raise KafkaLoginRefused from None
        raise KafkaUnreachable(f"Kafka does not answer ({type(error).__name__}).") from None
    finally:
        await admin.close()
    return KafkaFound(cluster["cluster_id"], len(cluster["brokers"]), level)


async def _login_refused(bootstrap: str, options: dict[str, Any]) -> bool:
    try:
        async with asyncio.timeout(limits.reach_seconds_max):
            return "sasl_mechanism" in options and await login_refused(bootstrap, options)
    except TimeoutError:
        return False


async def find_postgres(dsn: str) -> PostgresFound:
    """Connect and ask. Raises `PostgresUnreachable`, which names the kind of failure and never the address."""
    try:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn, timeout=limits.reach_seconds_max)
    except (asyncpg.PostgresError, OSError, TimeoutError, ValueError) as error:
        raise PostgresUnreachable(f"PostgreSQL does not let us in ({type(error).__name__}).") from None
    try:
        row = await connection.fetchrow(
            "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,"
            " current_user AS role, rolsuper AS superuser FROM pg_roles WHERE rolname = current_user"
        )
    finally:
        await connection.close()
    assert row is not None
    return PostgresFound(row["version"].split()[0], row["number"], row["role"], row["superuser"])


async def _feature_level(bootstrap: str, tls: Any) -> int | None:
    """The level that the cluster has agreed on (ApiVersions 3; Kafka answers it before any login)."""
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
    try:
        writer.write(_question())
        size = int.from_bytes(await reader.readexactly(4), "big")
        return _finalized(_Cursor(await reader.readexactly(size)))
    except asyncio.IncompleteReadError:
        return None
    finally:
        writer.close()
        await writer.wait_closed()


def _question() -> bytes:
    software = bytes((8,)) + b"handoff" + bytes((2,)) + b"1"
    question = struct.pack(">hhih", _API_VERSIONS, _VERSION, 1, -1) + b"\0" + software + b"\0"
    return struct.pack(">i", len(question)) + question


def _finalized(answer: "_Cursor") -> int | None:
    answer.take(4)
    if answer.int16() != 0:
        return None
    for _ in range(answer.count()):
        answer.take(6)
        answer.skip_tags()
    answer.take(4)
    for _ in range(answer.varint()):
        tag, content = answer.varint(), _Cursor(answer.take(answer.varint()))
        if tag == _FINALIZED_FEATURES:
            return _metadata_version(content)
    return None


def _metadata_version(features: "_Cursor") -> int | None:
    for _ in range(features.count()):
        name, level = features.take(features.count()), features.int16()
        features.take(2)
        features.skip_tags()
        if name == b"metadata.version":
            return level
    return None


class _Cursor:
    """Reads Kafka's flexible wire format (KIP-482) from left to right."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, count: int) -> bytes:
        self._at += count
        return self._content[self._at - count : self._at]

    def int16(self) -> int:
        return int.from_bytes(self.take(2), "big", signed=True)

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def count(self) -> int:
        """Of a compact array or string: stored one higher, nought being null."""
        return max(self.varint() - 1, 0)

    def skip_tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())
