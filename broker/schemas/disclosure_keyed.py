"""disclosure.keyed: the wrapped keys of one release, on a topic of their own that forgets within days (phase 2)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import EVENT, OFFER, WRAPPED_KEY
from broker.schemas.field_groups import Marked
from broker.schemas.ids import EventIdText, OfferIdText
from broker.schemas.sealed import WrappedKey


class DisclosureKeyed(EventData):
    """This provider's own wrapped keys, published by the broker beside `disclosure.released` with the ciphertexts.

    The two come on two topics, in either order. `released` is the id of the event that has the ciphertexts; keys open
    those and no others, so that what was taken back meanwhile stays closed.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.disclosure.keyed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.KEYS_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "released": EVENT, "wraps": [WRAPPED_KEY]}

    offer_id: OfferIdText
    released: EventIdText
    wraps: Annotated[tuple[WrappedKey, ...], Field(min_length=1, max_length=64), Marked(1, "Wrapped keys", sealed=True)]
