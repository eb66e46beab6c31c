"""A transport for tests: it posts over HTTP to a server on this machine, and does nothing that others do not do.

Small and quick, so that what is measured with it is the courier. It passes the contract suite like any other.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from adapters.transports.transport import Channel, Delivered, Handover, Outcome, Refused, Transport, TryAgain
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import Contract, EventData
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn


class ScriptedSettings(Contract):
    """Where the server listens on the loopback interface."""

    port: int
    path: str = "/"


PAUSING = (401, 410)
LATER = (408, 425, 429)


@dataclass(slots=True)
class _Answer:
    status: int
    retry_after: timedelta | None


class ScriptedTransport(Transport):
    """One POST for each attempt, its body the message id; connections are kept for the next one."""

    NAME: ClassVar[str] = "scripted"
    SETTINGS: ClassVar[type[Contract]] = ScriptedSettings
    CARRIES: ClassVar[frozenset[type[EventData]]] = frozenset(
        {OfferMade, OfferReminded, OfferWithdrawn, OfferExpired, DisclosureReleased, DisclosureRevoked}
    )

    def __init__(self) -> None:
        self._idle: defaultdict[int, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = defaultdict(list)

    async def stop(self) -> None:
        """Close what is kept."""
        for streams in self._idle.values():
            for _, writer in streams:
                writer.close()
        self._idle.clear()

    async def check(self, channel: Channel) -> None:
        """Any port of this machine will do."""

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        """Post the id; the status says what came of it."""
        assert isinstance(channel.settings, ScriptedSettings)
        try:
            answer = await self._post(channel.settings, handover)
        except ConnectionRefusedError:
            return TryAgain("AWAY")
        except (OSError, asyncio.IncompleteReadError):
            return TryAgain("BROKEN", unknown=True)
        code = f"HTTP_{answer.status}"
        if 200 <= answer.status < 300:
            return Delivered(code)
        if answer.status >= 500 or answer.status in LATER:
            return TryAgain(code, after=answer.retry_after)
        return Refused(code, pause=answer.status in PAUSING)

    async def _post(self, settings: ScriptedSettings, handover: Handover) -> _Answer:
        kept = self._idle[settings.port]
        reader, writer = kept.pop() if kept else await asyncio.open_connection("127.0.0.1", settings.port)
        try:
            body = handover.message_id
            writer.write(
                f"POST {settings.path} HTTP/1.1\r\nHost: localhost\r\nX-Type: {handover.type}\r\n"
                f"X-Offer: {handover.offer_id}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except BaseException:
            writer.close()
            raise
        kept.append((reader, writer))
        after = next((line.partition(":")[2] for line in head if line.lower().startswith("retry-after:")), None)
        return _Answer(int(head[0].split()[1]), timedelta(seconds=float(after)) if after is not None else None)
