"""What a handler is given: the checked envelope, the event's data, and the organisation that published it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from broker.domain.consent import ConsentRef, Party
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData

Fact = TypeVar("Fact", bound=EventData, covariant=True)


@dataclass(frozen=True, slots=True)
class Arrival(Generic[Fact]):
    """One event that was read, verified and bound to its topic, and has not taken effect yet."""

    envelope: Envelope
    fact: Fact
    party: Party

    def consent_named(self) -> ConsentRef | None:
        """The consent version that the event says it stands on; the registry, not the event, says what it allows."""
        if self.envelope.consentid is None:
            return None
        return ConsentRef(self.envelope.consentid, self.envelope.consentver or 1)
