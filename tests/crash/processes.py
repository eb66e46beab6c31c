"""The network's processes as children that can be killed at any moment, and are started again at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from broker.composition import Process
from broker.local.child import GuardedChild
from broker.local.processes import served
from broker.settings import Settings

COPIES: Final = {
    "broker-1": Process.BROKER,
    "broker-2": Process.BROKER,
    "relay": Process.RELAY,
    "clock": Process.CLOCK,
    "sequencer": Process.SEQUENCER,
    "adapter": Process.ADAPTER,
}
"""Two copies of the broker: one goes on while the other is gone."""

_EXPECTED: Final = (
    " ERROR aiokafka",
    " ERROR asyncio: Resetting connection with an active transaction",
    " ERROR asyncio: Future exception was never retrieved",
)
"""aiokafka complains while Kafka starts, asyncpg of a connection that was lost, and both leave futures to nobody.

A task's exception that nobody retrieved is no such thing: a loop of ours would have died unnoticed.
"""

_LEFT_BEHIND: Final = " ERROR asyncio: Task was destroyed but it is pending!"
"""The line after it tells whose: a producer given up while Kafka hangs leaves requests of aiokafka to nobody."""


@dataclass(slots=True)
class Network:
    """Every process of the network, by name."""

    settings: Settings
    children: dict[str, GuardedChild] = field(default_factory=dict)
    kills: int = 0

    def log(self, name: str) -> Path:
        """What a process printed."""
        return self.settings.home / "logs" / f"{name}.log"

    async def start(self, name: str) -> None:
        """Start one."""
        self.children[name] = await asyncio.to_thread(served, self.settings, COPIES[name], self.log(name))

    async def kill(self, name: str) -> None:
        """End one as a power cut would, and start it again."""
        assert self.children[name].running(), f"{name} had ended by itself"
        await asyncio.to_thread(self.children[name].kill)
        self.kills += 1
        await self.start(name)

    def ended(self) -> str:
        """Whoever runs no more although nobody ended it, with its last words; none is an empty text."""
        gone = [name for name, child in self.children.items() if not child.running()]
        return "\n".join(f"{name}: {self.log(name).read_text('utf-8')[-1000:]}" for name in gone)

    def complaints(self) -> str:
        """Every error of ours that they logged, and every traceback, a line each; none is an empty text."""
        lines = [line for name in self.children for line in self.log(name).read_text("utf-8").splitlines()]
        told = list(zip(lines, [*lines[1:], ""], strict=True))
        return "\n".join(f"{line} {after}" for line, after in told if _is_ours(line, after))


def _is_ours(line: str, after: str) -> bool:
    if any(expected in line for expected in _EXPECTED) or (_LEFT_BEHIND in line and "/aiokafka/" in after):
        return False
    return " ERROR " in line or line.startswith("Traceback")


@asynccontextmanager
async def working(settings: Settings, *names: str) -> AsyncIterator[Network]:
    """These processes while the block lasts; all of them, if none is named."""
    network = Network(settings)
    try:
        for name in names or COPIES:
            await network.start(name)
        yield network
    finally:
        for child in network.children.values():
            await asyncio.to_thread(child.stop)
