"""One courier as a process of its own that kills itself with -9 at a named point: JSON settings in the first argument.

`after claim`: the lease is committed, nothing is sent (K5). `after request`: the receiver has it, its answer is not
read (K6). `after answer`: it is read, and not stored (K7). `after store`: it is stored, nothing else is done (K8).
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.channels import Registry
from adapters.claiming import Claimed, Claimer
from adapters.courier import Courier, CourierParts
from adapters.inbox.inboxes import database
from adapters.provider import load_providers
from adapters.storing import Done, Storer
from adapters.transports.inbox import InboxTransport
from adapters.transports.transport import Channel, Handover, Outcome, Transport
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import MsgStatus
from tests.adapters.network import BROKER
from tests.adapters.scripted import ScriptedTransport


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dying_claimer() -> None:
    whole = Claimer.claim

    async def claim(self: Claimer, room: Mapping[OrgId, int], count: int) -> Claimed:
        claimed = await whole(self, room, count)
        if claimed.claims:
            _die()
        return claimed

    Claimer.claim = claim  # type: ignore[method-assign]


def _dying_storer(*, before: bool) -> None:
    whole = Storer.store

    async def store(self: Storer, done: Sequence[Done]) -> int:
        if before:
            _die()
        told = await whole(self, done)
        _die()
        return told

    Storer.store = store  # type: ignore[method-assign]


class _DiesAfterRequest(ScriptedTransport):
    """Dies when the receiver has the message."""

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        await super().attempt(channel, handover)
        _die()
        raise AssertionError


async def _run(told: dict[str, str]) -> None:
    point = told["point"]
    scripted: Transport = _DiesAfterRequest() if point == "after request" else ScriptedTransport()
    if point == "after claim":
        _dying_claimer()
    elif point in ("after answer", "after store"):
        _dying_storer(before=point == "after answer")
    providers = load_providers(Path(told["zones"]))
    registry = Registry({one.NAME: one for one in (scripted, InboxTransport())}, providers)
    async with database(told["dsn"]) as pool:
        await Courier(CourierParts(pool, registry, providers, MsgStatus.ACTUAL, BROKER)).run()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
