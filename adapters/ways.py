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
    failures: int
    probe_at: datetime | None
    changed_at: datetime
    carries: frozenset[str]
    """Full types of the events that it hands over."""
    pushes: bool
    receipts: bool


def ways_for(channels: Iterable[KeptChannel], event_type: str) -> list[Way]:
    """The ways by which an event of this type may be handed over, in turn."""
    return [
        Way(channel.place, channel.paused is not None, channel.probe_at)
        for channel in channels
        if event_type in channel.carries
    ]
