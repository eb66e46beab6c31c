"""offer.made: a provider is asked whether it can help, without being told whom (phase 1)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.clear_groups import AccessNeeds, OfferedNeed, WorkerContact
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import InGroup
from broker.schemas.ids import OfferIdText
from broker.schemas.shapes import UNIQUE, Area, JurisdictionCode, Maybe, Moment, NoticeCode
from broker.schemas.vocabulary import Priority, RecipientCategory, Service


class OfferMade(EventData):
    """One need shown to one provider, with no identity in it, published by the broker.

    Which groups are present is the gate's decision for this recipient. What would follow after acceptance is not said:
    it would hint at what exists. The provider answers by `answerBy` (UTC) with accepted, declined or waitlisted.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.offer.made.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "offerId": OFFER,
        "category": "SHELTER",
        "priority": "P1",
        "services": ["EMERGENCY_SHELTER"],
        "answerBy": "2026-03-04T03:10:00Z",
        "needSummary": {"adults": 1, "children": 2, "childAgeBands": ["0-2", "6-9"], "safeTonight": False},
        "accessNeeds": {"preferredLanguage": "es", "interpreter": True},
        "jurisdictionCode": "US-CA",
        "area": "US-CA-001",
        "workerContact": {"role": "ADVOCATE_ON_CALL", "callback": "+15555550100"},
        "noticeCode": "VAWA-LOCAL",
    }

    offer_id: OfferIdText
    category: RecipientCategory
    priority: Priority
    services: Annotated[tuple[Service, ...], Field(min_length=1, max_length=8), UNIQUE, InGroup("FG01")]
    answer_by: Moment
    need_summary: Annotated[Maybe[OfferedNeed], InGroup("FG01")] = None
    access_needs: Annotated[Maybe[AccessNeeds], InGroup("FG02")] = None
    jurisdiction_code: Annotated[Maybe[JurisdictionCode], InGroup("FG07a")] = None
    area: Annotated[Maybe[Area], InGroup("FG07b")] = None
    worker_contact: Annotated[Maybe[WorkerContact], InGroup("FG23")] = None
    notice_code: Maybe[NoticeCode] = None
