"""Records on their way: what a test puts into Kafka, what an organisation received, and waiting for a promise."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OrgId
from broker.seal.keys import SigningKey
from broker.seal.signature import SIGNATURE_HEADER, sign

DEADLINE_SECONDS: Final = 60.0
"""Far beyond what anything takes; a promise that is not kept by then is broken."""

Headers = list[tuple[str, bytes | None]]


async def until(holds: Callable[[], Awaitable[Any]], *, seconds: float = DEADLINE_SECONDS) -> Any:
    """Ask until the answer is true, and give it; a promise not kept in time fails the test."""
    end = asyncio.get_running_loop().time() + seconds
    while not (found := await holds()):
        assert asyncio.get_running_loop().time() < end, f"it did not happen in {seconds:.0f} seconds"
        await asyncio.sleep(0.02)
    return found


@dataclass(frozen=True, slots=True)
class Letter:
    """One record as it goes to Kafka; `changed` makes another of it."""

    topic: str
    key: bytes | None
    headers: Headers
    value: bytes | None

    @property
    def event_id(self) -> EventId:
        """The id that the record says."""
        found = dict(self.headers)["ce_id"]
        assert found is not None
        return EventId(found.decode())

    def header(self, name: str, text: bytes | None) -> "Letter":
        """With this header instead of the one of its name, if there was one."""
        kept = [(known, content) for known, content in self.headers if known != name]
        return Letter(self.topic, self.key, [*kept, (name, text)], self.value)

    def signed(self, key: SigningKey) -> "Letter":
        """Signed anew, where that is possible."""
        bare = [(name, text) for name, text in self.headers if name != SIGNATURE_HEADER and text is not None]
        return self.header(SIGNATURE_HEADER, sign(bare, self.value or b"", key))


@dataclass(frozen=True, slots=True)
class Heard:
    """One event that an organisation received from the broker."""

    org: OrgId
    place: tuple[str, int, int]
    envelope: Envelope
    fact: EventData
    record: bytes
    """Everything of the record, for scans."""
