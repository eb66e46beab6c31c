"""What became of an event: one reading of the notice topic answers everybody who waits, whoever else reads it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from broker.agency.hearing import Listener, batches_of, begin
from broker.agency.notices import KafkaRecord, Notice
from broker.agency.remembered import Remembered
from broker.limits import notices_remembered_max
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import EventId

Answer = EventAccepted | EventRefused
Position = tuple[str, int, int]
"""Topic, partition, offset."""
Wanted = EventId | Position
"""An event by its id, or a record by where it stands: what could not be read has no id."""


class Outcomes:
    """Finds what became of events, with one reading of the notice topic for all who wait."""

    def __init__(self, listener: Listener, read: Callable[[KafkaRecord], Notice | None]) -> None:
        """`read` is `Hearing.read`."""
        self._listener = listener
        self._read = read
        self._answers: Remembered[Wanted, Answer] = Remembered(notices_remembered_max)
        self._waiting: dict[Wanted, list[asyncio.Future[Answer]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._since: datetime | None = None

    async def stop(self) -> None:
        """Stop reading; whoever still waits is cancelled."""
        await self._stop_reading()
        for future in [future for futures in self._waiting.values() for future in futures]:
            future.cancel()

    async def wait(self, wanted: Sequence[Wanted], since: datetime | None, seconds: float) -> Answer | None:
        """The broker's answer to any of these; None after so many seconds. `since` (UTC): no answer is older.

        Raises:
            NotOnboarded, KafkaUnreachable: nothing can be heard.
        """
        for key in wanted:
            if key in self._answers:
                return self._answers[key]
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        for key in wanted:
            self._waiting.setdefault(key, []).append(future)
        try:
            await self._read_from(since)
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return None
        finally:
            for key in wanted:
                self._waiting[key].remove(future)
                if not self._waiting[key]:
                    del self._waiting[key]

    async def _read_from(self, since: datetime | None) -> None:
        """Have the topic read from then at the latest; anew, where the reading began later."""
        running = self._reading is not None and not self._reading.done()
        if running and (self._since is None or (since is not None and since >= self._since)):
            return
        await self._stop_reading()
        self._since = since
        self._reading = asyncio.create_task(self._listen(since), name="agency-outcomes")
        self._reading.add_done_callback(self._ended)

    async def _stop_reading(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _listen(self, since: datetime | None) -> None:
        async with self._listener.consumer(None) as consumer:
            await begin(consumer, None, since or "earliest")
            async for batch in batches_of(consumer):
                for record in batch:
                    self._note(record)

    def _ended(self, reading: asyncio.Task[None]) -> None:
        """Tell everybody who waits that the reading failed."""
        fault = None if reading.cancelled() else reading.exception()
        if fault is not None:
            for future in [future for futures in self._waiting.values() for future in futures]:
                if not future.done():
                    future.set_exception(fault)

    def _note(self, record: KafkaRecord) -> None:
        notice = self._read(record)
        if notice is None or not isinstance(notice.fact, EventAccepted | EventRefused):
            return
        for key in _answered(notice.fact):
            self._answers[key] = notice.fact
            for future in self._waiting.get(key, ()):
                if not future.done():
                    future.set_result(notice.fact)


def _answered(answer: Answer) -> Iterator[Wanted]:
    """What this is the answer to."""
    if answer.event_id is not None:
        yield answer.event_id
    if isinstance(answer, EventRefused) and answer.position is not None:
        place = answer.position
        yield (place.topic, place.partition, place.offset)
