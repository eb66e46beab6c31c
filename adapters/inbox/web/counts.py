"""How many offers have come since a page was shown: one question per process and half second, however many pages ask.

A page that is open learns a number and nothing else; it changes nothing by itself (pages.md §1 point 3). While no page
is open, nothing is asked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
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
    "SELECT org.org_id, o.offer_id, o.received_at, clock_timestamp() AS now FROM unnest($1::text[]) AS org (org_id)"
    " LEFT JOIN offer o ON o.org_id = org.org_id AND o.standing = $2"
)
"""At least a row for each organisation: one that nothing waits for was asked about, too."""
_STORED_WITHIN: Final = timedelta(milliseconds=250)
"""An offer's time is that of the transaction that stored it, and it is seen when that has ended: a little later."""


@dataclass(slots=True)
class _House:
    """One organisation of which a page is open."""

    pages: int = 0
    asked_at: datetime | None = None
    came: dict[OfferId, datetime] = field(default_factory=dict)
    """When each offer that waits could be seen first."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once, at the next change; there is a fresh one for that after it."""

    def since(self, shown_at: datetime) -> int | None:
        """How many wait that a page of `shown_at` does not show; None where nothing is known yet."""
        return None if self.asked_at is None else sum(came > shown_at for came in self.came.values())

    def saw(self, waiting: Mapping[OfferId, datetime], now: datetime) -> None:
        """What waits at `now`, each with its own time."""
        came = {offer_id: self.came.get(offer_id) or self._first_seen(at) for offer_id, at in waiting.items()}
        news = self.asked_at is None or came != self.came
        self.came, self.asked_at = came, now
        if news:
            self.changed, changed = asyncio.Event(), self.changed
            changed.set()

    def _first_seen(self, received_at: datetime) -> datetime:
        """It was not there when was last asked, and is there now."""
        stored = received_at + _STORED_WITHIN
        return stored if self.asked_at is None else max(stored, self.asked_at)


class Counts:
    """The counts of one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._open: dict[OrgId, _House] = {}
        self._asking: asyncio.Task[None] | None = None

    async def since(self, org: OrgId, shown_at: datetime) -> AsyncIterator[int]:
        """How many offers wait that a page of `shown_at` (UTC) does not show: now, at each change, and now and then.

        It ends by itself after a while: a page that is still open asks again, and must still be signed in.
        """
        clock = asyncio.get_running_loop().time
        until, told_at, last = clock() + limits.counts_stream_seconds_max, clock(), -1
        with self._opened(org) as house:
            while clock() < until:
                changed, number = house.changed, house.since(shown_at)
                if number is not None and (number != last or clock() - told_at >= limits.counts_repeat_seconds):
                    yield number
                    told_at, last = clock(), number
                with suppress(TimeoutError):
                    async with asyncio.timeout(limits.counts_repeat_seconds):
                        await changed.wait()

    @contextmanager
    def _opened(self, org: OrgId) -> Iterator[_House]:
        house = self._open.setdefault(org, _House())
        house.pages += 1
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_again_and_again(), name="counts")
        try:
            yield house
        finally:
            house.pages -= 1
            if not house.pages:
                del self._open[org]
            if not self._open:
                self._asking.cancel()
                self._asking = None

    async def _ask_again_and_again(self) -> None:
        while True:
            try:
                await self._ask()
            except TRANSIENT as error:
                # The pages hear nothing meanwhile, and say since when.
                log.warning("counts wait (%s)", type(error).__name__)
            await asyncio.sleep(limits.counts_look_seconds)

    async def _ask(self) -> None:
        waiting: dict[OrgId, dict[OfferId, datetime]] = {}
        rows = await self._pool.fetch(_WAITING, list(self._open), Standing.WAITING.value)
        for row in rows:
            of_house = waiting.setdefault(row["org_id"], {})
            if row["offer_id"] is not None:
                of_house[row["offer_id"]] = row["received_at"]
        for org, offers in waiting.items():
            if (house := self._open.get(org)) is not None:
                house.saw(offers, rows[0]["now"])
