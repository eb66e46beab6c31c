"""How many things have come since a page was shown: one question per process and half second, however many pages ask.

A page that is open learns a number and nothing else; it changes nothing by itself (pages.md §1 point 3). While no page
is open, nothing is asked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from broker import limits
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

STORED_WITHIN: Final = timedelta(milliseconds=250)
"""A row's time is that of the transaction that stored it, and it is seen when that has ended: a little later."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits at `now` in each house that was asked about, by an id of its own, with the time (UTC) of its row."""

    now: datetime
    houses: Mapping[str, Mapping[str, datetime]]


Ask = Callable[[Collection[str]], Awaitable[Waiting]]
"""Asks what waits in these houses; each of them is in the answer."""


@dataclass(slots=True)
class _House:
    """Whoever sees the same list, of which a page is open."""

    pages: int = 0
    asked_at: datetime | None = None
    came: dict[str, datetime] = field(default_factory=dict)
    """When each thing that waits could be seen first."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once, at the next change; there is a fresh one for that after it."""

    def since(self, shown_at: datetime) -> int | None:
        """How many wait that a page of `shown_at` does not show; None where nothing is known yet."""
        return None if self.asked_at is None else sum(came > shown_at for came in self.came.values())

    def saw(self, waiting: Mapping[str, datetime], now: datetime) -> None:
        """What waits at `now`, each with its own time."""
        came = {name: self.came.get(name) or self._first_seen(at) for name, at in waiting.items()}
        news = self.asked_at is None or came != self.came
        self.came, self.asked_at = came, now
        if news:
            self.changed, changed = asyncio.Event(), self.changed
            changed.set()

    def _first_seen(self, stored_at: datetime) -> datetime:
        """It was not there when was last asked, and is there now."""
        stored = stored_at + STORED_WITHIN
        return stored if self.asked_at is None else max(stored, self.asked_at)


class Counts:
    """The counts of one process."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._open: dict[str, _House] = {}
        self._asking: asyncio.Task[None] | None = None

    async def since(self, house: str, shown_at: datetime) -> AsyncIterator[int]:
        """How much waits there that a page of `shown_at` (UTC) does not show: now, at each change, and now and then.

        It ends by itself after a while: a page that is still open asks again, and must still be signed in.
        """
        clock = asyncio.get_running_loop().time
        until, told_at, last = clock() + limits.counts_stream_seconds_max, clock(), -1
        with self._opened(house) as here:
            while clock() < until:
                changed, number = here.changed, here.since(shown_at)
                if number is not None and (number != last or clock() - told_at >= limits.counts_repeat_seconds):
                    yield number
                    told_at, last = clock(), number
                with suppress(TimeoutError):
                    async with asyncio.timeout(limits.counts_repeat_seconds):
                        await changed.wait()

    @contextmanager
    def _opened(self, name: str) -> Iterator[_House]:
        house = self._open.setdefault(name, _House())
        house.pages += 1
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_again_and_again(), name="counts")
        try:
            yield house
        finally:
            house.pages -= 1
            if not house.pages:
                del self._open[name]
            if not self._open:
                self._asking.cancel()
                self._asking = None

    async def _ask_again_and_again(self) -> None:
        while True:
            try:
                await self._look()
            except TRANSIENT as error:
                # The pages hear nothing meanwhile, and say since when.
                log.warning("counts wait (%s)", type(error).__name__)
            await asyncio.sleep(limits.counts_look_seconds)

    async def _look(self) -> None:
        waiting = await self._ask(tuple(self._open))
        for name, things in waiting.houses.items():
            if (house := self._open.get(name)) is not None:
                house.saw(things, waiting.now)
