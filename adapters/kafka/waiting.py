"""What a provider's own system is told over Kafka: that something is waiting or has ended, and nothing of tier 2 or up.

A CloudEvent in binary mode. Its id is the message's own on every attempt, so that a repeat is known as one; its key is
the referral, so that what belongs together stays in order. The content is fetched through the inbox.
"""

from typing import ClassVar, Final

from pydantic_core import to_json

from adapters.transports.transport import Handover
from broker.bus.publisher import Sign
from broker.schemas.envelope import Envelope, binary_record
from broker.schemas.event import Contract
from broker.schemas.ids import OfferIdText
from broker.schemas.shapes import Maybe, Moment
from broker.schemas.vocabulary import Priority
from broker.seal.signature import SIGNATURE_HEADER

Record = tuple[bytes, list[tuple[str, bytes]], bytes]
"""Key, headers and value."""


class Waiting(Contract):
    """The data of the event. `about` is the type of what the broker said, such as `…offer.made.v1`."""

    TYPE: ClassVar[str] = "org.warmhandoff.handover.waiting.v1"

    about: str
    offer_id: OfferIdText
    reference: str
    priority: Maybe[Priority] = None
    stop_at: Maybe[Moment] = None


def waiting_record(handover: Handover, sign: Sign | None) -> Record:
    """The record for one message, the same on every attempt but for the signature's key."""
    data: Final = Waiting(
        about=handover.type,
        offer_id=handover.offer_id,
        reference=handover.reference,
        priority=handover.priority,
        stop_at=handover.stop_at,
    )
    envelope = Envelope(
        id=handover.message_id,
        org=handover.org,
        type=Waiting.TYPE,
        subject=handover.referral_id,
        time=handover.made_at,
        msgstatus=handover.environment,
        expirytime=handover.stop_at,
        offerid=handover.offer_id,
    )
    headers, value = binary_record(envelope, to_json(data, by_alias=True, exclude_none=True))
    if sign is not None:
        headers.append((SIGNATURE_HEADER, sign(headers, value)))
    return handover.referral_id.encode(), headers, value
