"""incident.reported: something happened; it ties the referrals that follow from it together, without a person."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.field_groups import InGroup, Marked
from broker.schemas.group_vocabulary import IncidentDateBand
from broker.schemas.shapes import JurisdictionCode


class IncidentReported(EventData):
    """An incident in three coarse codes, published by whoever responded.

    The broker ties its referrals together; where somebody is hurt it makes a healthcare need of its own. What happened
    (FG12) and the report's number (FG13) are tier 4: they travel sealed on the referral and not here.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.incident.reported.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.INCIDENT
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"occurred": "TODAY", "jurisdictionCode": "US-CA", "medicalNeedNow": False}

    occurred: Annotated[IncidentDateBand, Marked(2, "How long ago")]
    jurisdiction_code: Annotated[JurisdictionCode, InGroup("FG07a")]
    medical_need_now: Annotated[bool, Marked(2, "Somebody is hurt")] = False
