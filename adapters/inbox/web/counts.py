"""How many offers have come since a page was shown: one question per process and half second, however many pages ask.

A page that is open learns a number and nothing else; it changes nothing by itself (pages.md §1 point 3). While no page
is open, nothing is asked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from adapters.standing import Standing
from broker import limits
from broker.schemas.ids import OfferId, OrgId
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

_WAITING: Final = (
    "SELECT o.org_id, o.offer_id, o.received_at, clock_timestamp() AS now FROM (SELECT 1) AS always"
    " LEFT JOIN offer o ON o.standing = $1"
)
_STORED_WITHIN: Final = timedelta(milliseconds=250)
"""An offer's time is that of the transaction that stored it, and it is seen when that has ended: a little later."""

_Key = tuple[OrgId, OfferId]


@dataclass(slots=True)
class _Listeners:
    """The pages of one organisation that are open."""

    pages: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Counts:
    """The counts of one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._came: dict[_Key, datetime] = {}
        """When each offer that waits could be seen first."""
        self._asked_at: datetime | None = None
        self._open: dict[OrgId, _Listeners] = {}
        self._asking: asyncio.Task[None] | None = None

    async def since(self, org: OrgId, shown_at: datetime) -> AsyncIterator[int]:
        """How many offers wait that a page of `shown_at` (UTC) does not show: now, at each change, and now and then.

        It ends by itself after a while: a page that is still open asks again, and must still be signed in.
        """
        loop = asyncio.get_running_loop()
        until, told = loop.time() + limits.counts_stream_seconds_max, loop.time()
        with self._listening(org) as listeners:
            last: int | None = None
            while loop.time() < until:
                changed = listeners.changed
                number = self._number(org, shown_at) if self._asked_at is not None else None
                if number is not None and (number != last or loop.time() - told >= limits.counts_repeat_seconds):
                    yield number
                    last, told = number, loop.time()
                try:
                    async with asyncio.timeout(limits.counts_repeat_seconds):
                        await changed.wait()
                except TimeoutError:
                    continue

    def _number(self, org: OrgId, shown_at: datetime) -> int:
        return sum(1 for (of, _), came in self._came.items() if of == org and came > shown_at)

    @contextmanager
    def _listening(self, org: OrgId) -> Iterator[_Listeners]:
        listeners = self._open.setdefault(org, _Listeners())
        listeners.pages += 1
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_again_and_again(), name="counts")
        try:
            yield listeners
        finally:
            listeners.pages -= 1
            if not listeners.pages:
                self._open.pop(org, None)
            if not self._open and self._asking is not None:
                self._asking.cancel()
                self._asking = self._asked_at = None

    async def _ask_again_and_again(self) -> None:
        while True:
            try:
                await self._ask()
            except TRANSIENT as error:
                # The pages hear nothing meanwhile, and say since when.
                log.warning("counts wait (%s)", type(error).__name__)
            await asyncio.sleep(limits.counts_look_seconds)

    async def _ask(self) -> None:
        rows = await self._pool.fetch(_WAITING, Standing.WAITING.value)
        now: datetime = rows[0]["now"]
        waiting = {(row["org_id"], row["offer_id"]): row["received_at"] for row in rows if row["offer_id"] is not None}
        before = self._came
        self._came = {key: before.get(key) or self._first_seen(received) for key, received in waiting.items()}
        first, self._asked_at = self._asked_at is None, now
        for org in self._changed(before, first=first):
            # A fresh event for the next change; whoever waits holds the old one.
            listeners = self._open.get(org)
            if listeners is not None:
                listeners.changed, changed = asyncio.Event(), listeners.changed
                changed.set()

    def _first_seen(self, received_at: datetime) -> datetime:
        """It was not there when was last asked, and is there now."""
        stored = received_at + _STORED_WITHIN
        return stored if self._asked_at is None else max(stored, self._asked_at)

    def _changed(self, before: Mapping[_Key, datetime], *, first: bool) -> set[OrgId]:
        return set(self._open) if first else {org for org, _ in before.keys() ^ self._came.keys()}
