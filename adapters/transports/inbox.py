"""The provider's own desk: nothing leaves, because the row is the delivery; its people look there anyway."""

from typing import ClassVar

from adapters.transports.transport import Channel, Delivered, Handover, Outcome, Transport
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import Contract, EventData
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn


class InboxSettings(Contract):
    """A channel to the inbox has nothing to say."""


class InboxTransport(Transport):
    """What is stored in the zone is in the inbox."""

    NAME: ClassVar[str] = "inbox"
    SETTINGS: ClassVar[type[Contract]] = InboxSettings
    CARRIES: ClassVar[frozenset[type[EventData]]] = frozenset(
        {OfferMade, OfferReminded, OfferWithdrawn, OfferExpired, DisclosureReleased, DisclosureRevoked}
    )
    PUSHES: ClassVar[bool] = False

    async def check(self, channel: Channel) -> None:
        """It can always be used."""

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        """It is there already."""
        return Delivered("IN_INBOX")
