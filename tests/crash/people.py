"""People at the providers' desks: they look at what waits, say yes or no, call, and sometimes do nothing at all."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.errors import AnswerNotPossible
from adapters.inbox.inboxes import Inboxes
from broker.app import open_inboxes
from broker.schemas.ids import OfferId
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import DeclineReason
from broker.sql.transient import TRANSIENT
from tests.broker.county import County

DECLINED_SHARE: Final = 0.1
IGNORED_SHARE: Final = 0.1
CALLED_SHARE: Final = 0.3
LOOK_SECONDS: Final = 0.2

_WAITING: Final = "SELECT org_id, offer_id FROM offer WHERE standing = 'WAITING' ORDER BY received_at"


@dataclass(slots=True)
class People:
    """Everybody who answers. They work at the providers' own database, through the inbox, like any door."""

    inboxes: Inboxes
    drawn: random.Random = field(default_factory=lambda: random.Random(11))
    looked_at: set[str] = field(default_factory=set)

    async def answer_all(self) -> int:
        """Answer what waits and was not looked at before; returns how much that was."""
        rows = await self._unseen()
        for row in rows:
            self.looked_at.add(row["offer_id"])
            if self.drawn.random() >= IGNORED_SHARE:
                await self._answer(row["org_id"], OfferId(row["offer_id"]))
        return len(rows)

    async def new(self) -> int:
        """How many offers wait that nobody has looked at."""
        return len(await self._unseen())

    async def _unseen(self) -> list[Mapping[str, Any]]:
        return [row for row in await self.inboxes.pool.fetch(_WAITING) if row["offer_id"] not in self.looked_at]

    async def _answer(self, org: str, offer: OfferId) -> None:
        inbox = self.inboxes.of(org)
        try:
            if self.drawn.random() < DECLINED_SHARE:
                await inbox.decline(offer, DeclineReason.NO_CAPACITY_BEDS)
                return
            await inbox.accept(offer)
            if self.drawn.random() < CALLED_SHARE:
                await inbox.contact_made(offer)
        except AnswerNotPossible:
            return  # It was taken back between the look and the answer: that is how a morning at a desk is.


@asynccontextmanager
async def at_work(people: People) -> AsyncIterator[None]:
    """They look again and again while the block lasts."""

    async def work() -> None:
        while True:
            with contextlib.suppress(*TRANSIENT):  # The screen is dark for a while; they look again.
                await people.answer_all()
            await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as group:  # Should they stop working, the block ends with what stopped them.
        task = group.create_task(work(), name="people")
        yield
        task.cancel()


@asynccontextmanager
async def desks(county: County) -> AsyncIterator[People]:
    """The desks of every provider of the county."""
    async with open_inboxes(county.settings) as inboxes:
        yield People(inboxes)


async def nothing_waits(county: County, people: People) -> bool:
    """Providers have every offer that left, none is new to them, each answer has left, and the broker has it all.

    An adapter that was killed hears nothing until Kafka misses it: meanwhile the broker settles, and nobody answers.
    """
    await county.settled()
    arrived = {row["offer_id"] for row in await people.inboxes.pool.fetch("SELECT offer_id FROM offer")}
    if not {fact.offer_id for fact in county.facts(OfferMade)} <= arrived:
        return False
    unsent = await people.inboxes.pool.fetchval("SELECT count(*) FROM answer WHERE sent_at IS NULL")
    return unsent == 0 and await people.new() == 0
