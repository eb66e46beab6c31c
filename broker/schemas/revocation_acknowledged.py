"""revocation.acknowledged: what a provider did with what was taken back from it (domain.md §4.4)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.ids import OfferIdText


class RevocationOutcome(CodeList):
    """What became of it. Both kinds of keeping end its use and its passing on all the same."""

    COMPLIED = "COMPLIED"
    RETAINED_LEGAL_DUTY = "RETAINED_LEGAL_DUTY"
    RETAINED_OWN_CLIENT_RECORD = "RETAINED_OWN_CLIENT_RECORD"


class RevocationAcknowledged(EventData):
    """What became of groups that were taken back, published by their recipient.

    Its system answers at once where nobody had opened any of them; otherwise a person does.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.revocation.acknowledged.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"offerId": OFFER, "outcome": "COMPLIED"}

    offer_id: OfferIdText
    outcome: RevocationOutcome
