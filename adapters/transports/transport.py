"""What a transport is: one way of handing something over to a provider, and what came of one attempt.

A transport is one file in this folder with one subclass of `Transport`; `transports()` finds it by its being there. It
gets what the zone's gate has let through for this very attempt, tries once, and says what came of it: no retry, no
waiting, no row and no decision of its own. The courier has all of these (adapters/courier.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

from adapters.errors import InboxError
from adapters.inbox.answering import Answered
from adapters.inbox.opening import OpenedGroup
from broker.bus.publisher import Sign
from broker.schemas.event import Contract, EventData
from broker.schemas.ids import ConsentId, EventId, OfferId, OrgId, ReferralId
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import MsgStatus, Priority


class ChannelRefused(InboxError):
    """This channel cannot be used; `code` is the rule that refused it."""

    def __init__(self, code: str, message: str | None = None, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class Channel:
    """One way by which one organisation is reached, as its row says at this moment."""

    org: OrgId
    place: int
    """Its turn among the organisation's channels, 1 first."""
    transport: str
    settings: Contract = field(repr=False)
    """Of the transport's `SETTINGS`, validated. It may hold an address, never a secret."""
    secrets: Path
    """The folder of this channel's secrets: files of mode 0600 in the organisation's zone."""
    on_call: bool = False
    """It reaches a human who is on call, and is taken when the others have failed."""
    sign: Sign | None = field(default=None, repr=False, compare=False)
    """Signs what this organisation says with its own key, for a transport that speaks in its name."""


@dataclass(frozen=True, slots=True)
class ReleaseTerms:
    """On what a release rests, and what it binds its reader to: tier 1, as the zone holds it."""

    consent_id: ConsentId | None
    """None in an emergency, in which she was not asked."""
    consent_version: int | None
    ends_at: datetime | None
    """Until when it may be relied on (UTC)."""
    redisclosure_prohibited: bool


@dataclass(frozen=True, slots=True)
class Handover:
    """One message for one attempt. Its repr shows ids and codes alone."""

    message_id: EventId
    """The id of the broker's event: the same on every attempt and by every channel, so that the receiver can ignore
    what it has already."""
    type: str
    """The event's full type."""
    org: OrgId
    offer_id: OfferId
    referral_id: ReferralId
    reference: str
    """Short, for people: `K7QF-2MXD`. It tells nothing."""
    priority: Priority | None
    environment: MsgStatus
    made_at: datetime
    """When the broker made the message (UTC): the same on every attempt."""
    stop_at: datetime | None
    """When it is of no use any more (UTC)."""
    attempt: int
    """1 for the first, counted over all channels."""
    content: bytes | None = field(default=None, repr=False)
    """The offer's data as the broker sent it (tier 2 at most), while it is open or under way."""
    fact: EventData | None = field(default=None, repr=False)
    """The event itself where it carries nothing above tier 1 (withdrawn, expired, revoked)."""
    terms: ReleaseTerms | None = None
    """Those of a release; None for everything else."""
    open_groups: Callable[[], Awaitable[Sequence[OpenedGroup]]] | None = field(default=None, repr=False)
    """Opens what was released, in memory, after it was written down that this transport reads it; only after a
    release, and only for a transport that hands over to a system inside the provider's own walls."""

    @property
    def offer(self) -> OfferMade | None:
        """What `content` says: read when it is asked for, since most transports tell nothing of it."""
        return OfferMade.read(self.content) if self.content is not None else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side has it, durably as far as it says. `code` is short, such as HTTP_204."""

    code: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """It did not arrive this time, or nobody knows (`unknown`: it may have)."""

    code: str
    after: timedelta | None = None
    """How long the other side asked us to wait."""
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """It will not arrive by this channel: no further attempt would change that.

    `pause`: nothing at all is sent by this channel until a person has looked at it (a key that is not let in any more,
    an endpoint that is gone).
    """

    code: str
    pause: bool = False


Outcome = Delivered | TryAgain | Refused


@dataclass(frozen=True, slots=True)
class Delayed:
    """What was handed over has not arrived yet, says who carries it on; it still may. Nothing changes by it."""

    code: str


CameBack = Refused | Delayed


class Answers(Protocol):
    """Where the answers of every door meet (adapters/inbox/answering.py): checked, deduplicated, stored at once."""

    async def __call__(
        self,
        org: OrgId,
        offer_id: OfferId,
        fact: EventData,
        event_id: EventId,
        *,
        giving_back: bool = False,
        said_at: datetime | None = None,
    ) -> Answered:
        """Store an answer; the same id with the same content again is the same answer.

        A decline gives an accepted offer back only where `giving_back` says that this is meant. `said_at` (UTC) is
        given for a side that hears no refusal: what came before the answer that must precede it waits for that.

        Raises:
            OfferNotFound: it is not this organisation's offer.
            AnswerNotPossible: with the code that the broker would refuse it with.
        """
        ...


class Returned(Protocol):
    """Told of what comes back of a message after an attempt had said `Delivered`: never an answer of a person."""

    async def __call__(self, channel: Channel, message_id: EventId, what: CameBack) -> None:
        """Store it: a `Refused` ends this channel for that delivery, as if the attempt itself had said so.

        The same may be told twice. Whatever is raised makes the other side try again later.
        """
        ...


class Transport(ABC):
    """One way of handing over. One instance in a process serves every organisation."""

    NAME: ClassVar[str]
    """As channels name it."""
    SETTINGS: ClassVar[type[Contract]]
    """What a channel of it must say: validated when a channel is saved and whenever it is read."""
    CARRIES: ClassVar[frozenset[type[EventData]]]
    """Which of the broker's events it hands over; others need nobody's attention by this way."""
    PUSHES: ClassVar[bool] = True
    """Whether something leaves the zone by it, so that its success says that the other side has it (A1)."""
    RECEIPTS: ClassVar[bool] = True
    """Whether its success is a receipt, too (A2). A notice that something waits is none until somebody looks."""

    async def start(self) -> None:  # noqa: B027  many have nothing to open
        """Open what all attempts share."""

    async def stop(self) -> None:  # noqa: B027
        """Close it."""

    def prepare(self, channel: Channel, now: datetime) -> str | None:
        """Make what a channel needs and has not got, such as a key of its own; returns what its people are told."""
        return None

    @abstractmethod
    async def check(self, channel: Channel) -> None:
        """Ask whether a channel can be used at all: by the same rules as every attempt, when it is saved and tested.

        Raises:
            ChannelRefused: with the rule that refused it.
        """

    @abstractmethod
    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        """Try once. Raises nothing but bugs; whatever the network does is an outcome. May be cancelled at any time."""

    async def hear(self, channels: Callable[[], Sequence[Channel]], answers: Answers) -> None:  # noqa: B027
        """Bring in answers until cancelled, where this transport has to fetch them; `channels` are those of now."""

    async def hear_returned(self, channels: Callable[[], Sequence[Channel]], returned: Returned) -> None:  # noqa: B027
        """Bring in what comes back until cancelled, where the other side can say so after an attempt has ended."""
