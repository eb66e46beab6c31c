"""A provider's own Kafka: a topic of its own in the run's real one, behind a proxy that can fall silent or go away."""

import asyncio
import secrets
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.adapters.receivers.receiver import Behaviour, Receiver
from tests.parts import shared_parts


class KafkaReceiver(Receiver):
    """The topic, and the way to it. One node never says that it cannot just now."""

    TRANSPORT: ClassVar[str] = "kafka"
    CAN: ClassVar[frozenset[Behaviour]] = frozenset(Behaviour) - {Behaviour.TRY_LATER}

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._kafka = shared_parts().kafka_bootstrap
        self._way = _Way(self._kafka, tls)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        self.topic = f"own-{secrets.token_hex(6)}"

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._admin.create_topics([NewTopic(self.topic, 1, 1)])
        await self._way.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._way.close()
        await self._admin.delete_topics([self.topic])
        await self._admin.close()

    @property
    def bootstrap(self) -> str:
        """Where it is reached."""
        return self._way.address

    def settings(self) -> Mapping[str, Any]:
        """A channel that signs nothing: which key signs is the zone's matter."""
        return {"bootstrap": self.bootstrap, "topic": self.topic, "protection": "PLAINTEXT", "signed": False}

    async def behave(self, how: Behaviour) -> None:
        """Do this from now on. What it refuses is too large for the topic, whatever it is."""
        limited = {"max.message.bytes": "1"} if how is Behaviour.REFUSE else {}
        await self._admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.topic, configs=limited)])
        await self._way.close()
        self._way.silent = how is Behaviour.HANG
        if how is not Behaviour.AWAY:
            await self._way.open()

    async def received(self) -> Sequence[str]:
        """By the `id` of each event."""
        return [dict(record.headers)["ce_id"].decode() for record in await self.records()]

    async def records(self) -> list[ConsumerRecord[bytes, bytes]]:
        """Everything on the topic so far."""
        partition = TopicPartition(self.topic, 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, group_id=None, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            found: list[ConsumerRecord[bytes, bytes]] = []
            while len(found) < end:
                found += (await consumer.getmany(partition, timeout_ms=1000)).get(partition, [])
            return found
        finally:
            await consumer.stop()


class _Way:
    """A proxy that Kafka's own answers lead to: where they name Kafka's port, they name this one instead."""

    def __init__(self, kafka: str, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._host, _, port = kafka.rpartition(":")
        self._kafka_port, self._port = int(port), 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.silent = False

    @property
    def address(self) -> str:
        """`host:port`, the same however often it was closed."""
        return f"{self._host}:{self._port}"

    async def open(self) -> None:
        """Let clients through, or, where it is silent, only accept them."""
        self._server = await asyncio.start_server(self._through, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Nobody listens, and whoever was connected is not any more."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        onward: asyncio.StreamWriter | None = None
        try:
            if self.silent:
                await asyncio.Event().wait()
            answers, onward = await asyncio.open_connection("127.0.0.1", self._kafka_port)
            await asyncio.gather(_copy(reader, onward), _copy(answers, writer, self._kafka_port, self._port))
        except (OSError, asyncio.CancelledError):
            return  # a cut connection is what it is for
        finally:
            writer.close()
            if onward is not None:
                onward.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = 0, other: int = 0) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk.replace(port.to_bytes(4, "big"), other.to_bytes(4, "big")) if port else chunk)
        await writer.drain()
    writer.close()
