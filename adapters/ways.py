"""The channels of an organisation as rows say, and which of them carry an event: what every choice is made from."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from broker.schemas.ids import OrgId


@dataclass(frozen=True, slots=True)
class Way:
    """One channel, as far as choosing goes. Ways come in the order of their turns, those who are on call last."""

    place: int
    paused: bool = False
    probe_at: datetime | None = None
    """The breaker is open until then; None while it is closed."""
    asked: bool = False
    """It is not broken: the other side has asked not to be tried before."""


@dataclass(frozen=True, slots=True)
class KeptChannel:
    """One channel's row, as far as choosing and trusting it goes."""

    org: OrgId
    place: int
    transport: str
    settings: str = field(repr=False)
    folder: str
    on_call: bool
    paused: str | None
    paused_at: datetime | None
    """Since when; of a channel that this installation cannot use, since it was last changed."""
    failures: int
    failing_since: datetime | None
    probe_at: datetime | None
    asked_until: datetime | None
    changed_at: datetime
    carries: frozenset[str]
    """Full types of the events that it hands over."""
    pushes: bool
    receipts: bool

    @property
    def asked(self) -> bool:
        """Whether nothing is sent by it because the other side has asked for that, and not because it fails."""
        return self.probe_at is not None and self.asked_until is not None and self.asked_until >= self.probe_at


def ways_for(channels: Iterable[KeptChannel], event_type: str) -> list[Way]:
    """The ways by which an event of this type may be handed over, in turn."""
    return [
        Way(channel.place, channel.paused is not None, channel.probe_at, channel.asked)
        for channel in channels
        if event_type in channel.carries
    ]
