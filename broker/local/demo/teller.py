"""Tells what passes on the network's topics, one calm line each, as it happens. It reads nothing but the topics."""

import asyncio
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer

from broker.bus.stopping import stopped
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.envelope import read_envelope
from broker.schemas.event import TO_BROKER, EventData, Flow
from broker.schemas.event_refused import EventRefused
from broker.schemas.field_groups import GROUPS
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_held import ReferralHeld
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.refusal import Refused
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.topics import Topics

_ALL: Final = tuple(Flow)
_DIM, _BOLD, _GREEN, _RED, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"

_SAYS: Final[dict[type[EventData], Callable[[Any], str]]] = {
    OfferMade: lambda fact: f"can you help? {_need(fact)}; answer by {fact.answer_by:%H:%M}Z",
    OfferDeclined: lambda fact: f"no: {fact.reason.value}",
    OfferWithdrawn: lambda fact: f"the offer is taken back: {fact.reason.value}",
    DisclosureKeyed: lambda fact: f"its keys, wrapped for this one: {len(fact.wraps)}",
    DisclosureReleased: lambda fact: f"sealed envelope: {', '.join(_label(one.field_group) for one in fact.sealed)}",
    DisclosureRevoked: lambda fact: f"consent is taken back: give up {', '.join(map(_label, fact.field_groups))}",
    RevocationAcknowledged: lambda fact: f"given up: {fact.outcome.value}",
    RecipientChosen: lambda fact: f"wrap your keys for {fact.recipient}",
    ReferralHeld: lambda fact: f"{fact.category.value} waits: {fact.reason.value}",
    ReferralStatus: lambda fact: f"{fact.category.value}: {fact.coarse.value}, {_more(fact)}",
    EventRefused: lambda fact: f"refused: {fact.code.value}",
}


def _need(fact: OfferMade) -> str:
    household = fact.need_summary
    people = f"{household.adults} adult, {household.children} children, " if household is not None else ""
    return f"{people}{', '.join(service.value for service in fact.services)}, {fact.priority.value}, no name"


def _label(group: str) -> str:
    return next((facts.label for code, facts in GROUPS.items() if code == group), group)


def _more(fact: ReferralStatus) -> str:
    return fact.state.value if fact.state is not None else "nothing more may be said"


class Teller:
    """Listens to every topic of the network from now on, and prints; `heard` keeps what was told to whom."""

    def __init__(self, kafka: dict[str, Any], topics: Topics) -> None:
        self._topics = topics
        self._consumer = AIOKafkaConsumer(**kafka, group_id=None, auto_offset_reset="latest", metadata_max_age_ms=2_000)
        self._consumer.subscribe(pattern=topics.pattern(*_ALL))
        self._task: asyncio.Task[None] | None = None
        self._colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.heard: list[tuple[Flow, str, EventData]] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        while not self._consumer.assignment():  # noqa: ASYNC110  the pattern's topics are known with the metadata
            await asyncio.sleep(0.05)
        await self._consumer.seek_to_end()
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await stopped(self._consumer)

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._print(f"\n{title}", _BOLD)

    def aside(self, line: str) -> None:
        """Something that is no message: what a person does or sees."""
        self._print(f"          {line}", _DIM)

    def verdict(self, line: str, *, good: bool) -> None:
        """The outcome of a check."""
        self._print(f"     {'✓' if good else '✗'}    {line}", _GREEN if good else _RED)

    def _print(self, line: str, colour: str = "") -> None:
        sys.stdout.write(f"{colour}{line}{_PLAIN}\n" if self._colour and colour else f"{line}\n")
        sys.stdout.flush()

    async def _listen(self) -> None:
        async for record in self._consumer:
            place = self._topics.parse(record.topic)
            if place is None:
                continue
            try:
                received = read_envelope(record.key, record.headers, record.value)
                fact = received.event_class.read(received.data)
            except Refused as refused:
                self._print(f"          {place[1]} sent something that cannot be read: {refused.code.value}")
                continue
            self.heard.append((place[0], place[1], fact))
            self._print(self._line(place[0], place[1], received.envelope.time, fact))

    def _line(self, flow: Flow, org: str, at: datetime, fact: EventData) -> str:
        sends = flow in TO_BROKER
        way = f"{org} → broker" if sends else f"broker → {org}"
        kind = fact.TYPE.removeprefix("org.warmhandoff.").removesuffix(".v1")
        says = _SAYS.get(type(fact))
        return f"{at:%H:%M:%S}  {way:<32} {kind:<20} {says(fact) if says else ''}".rstrip()
