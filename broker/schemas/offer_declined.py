"""offer.declined: a provider says no, for a coded reason."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.vocabulary import DeclineReason


class OfferDeclined(EventData):
    """A decline (A3), published when a person has decided; the reason is a code and blames nobody.

    The broker offers the need to the next eligible provider, with the consent asked again.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.declined.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "reason": "NO_CAPACITY_BEDS"}

    offer_id: OfferIdText
    reason: Annotated[DeclineReason, InGroup("FG25")]
