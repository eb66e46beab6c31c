"""One producer for each cluster, kept open; a bounded number; made anew after failures.

They are not idempotent, on purpose. aiokafka's idempotent producer sends a record again until it is told to stop,
minutes after the attempt that brought it was over and past any revocation; another one gives up in time, and a
repeat is known by its id (docs/decisions/0111).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from broker import limits
from broker.bus.stopping import stopped

log = logging.getLogger(__name__)

Options = Mapping[str, Any]
"""Keyword arguments of an aiokafka client. They hold a password: never shown."""


@dataclass(slots=True)
class _Cluster:
    producer: AIOKafkaProducer | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)


class Producers:
    """The producers of one process, the least recently used first."""

    def __init__(self) -> None:
        self._clusters: dict[frozenset[tuple[str, Any]], _Cluster] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._clusters)

    async def of(self, options: Options) -> AIOKafkaProducer:
        """The producer of a cluster, connected. May be cancelled at any time.

        Raises:
            KafkaError, OSError: it cannot be reached.
        """
        key = frozenset(options.items())
        cluster = self._clusters.pop(key) if key in self._clusters else _Cluster()
        self._clusters[key] = cluster
        self._make_room()
        async with cluster.opening:
            if cluster.producer is None:
                cluster.producer = await self._opened(options)
            return cluster.producer

    def renew(self, options: Options, failed: AIOKafkaProducer) -> None:
        """Have the next attempt begin with a fresh producer, unless another one has seen to that already."""
        cluster = self._clusters.get(frozenset(options.items()))
        if cluster is not None and cluster.producer is failed:
            cluster.producer = None
            self._close(failed)

    async def stop(self) -> None:
        """Close all."""
        for key in tuple(self._clusters):
            self._forget(key)
        await asyncio.gather(*self._closing)

    def _make_room(self) -> None:
        idle = [key for key, cluster in self._clusters.items() if not cluster.opening.locked()]
        for key in idle[: max(0, len(self._clusters) - limits.own_kafka_clusters_max)]:
            self._forget(key)

    async def _opened(self, options: Options) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **options,
            acks="all",
            enable_idempotence=False,
            request_timeout_ms=int(limits.own_kafka_send_seconds_max * 1000),
        )
        try:
            await producer.start()
        except BaseException:
            self._close(producer)
            raise
        return producer

    def _forget(self, key: frozenset[tuple[str, Any]]) -> None:
        producer = self._clusters.pop(key).producer
        if producer is not None:
            self._close(producer)

    def _close(self, producer: AIOKafkaProducer) -> None:
        """Close it beside whatever goes on: what others have under way by it ends first, in time."""
        closing = asyncio.create_task(stopped(producer, 2 * limits.own_kafka_send_seconds_max), name="kafka-close")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
