"""capacity.updated: a provider says roughly how many places it has for a service, and as of when."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.shapes import Moment
from broker.schemas.vocabulary import CapacityBucket, Service


class CapacityUnit(CodeList):
    """What is counted."""

    SINGLE_ROOM = "SINGLE_ROOM"
    FAMILY_UNIT = "FAMILY_UNIT"
    CRIB = "CRIB"
    ACCESSIBLE_UNIT = "ACCESSIBLE_UNIT"
    APPOINTMENT = "APPOINTMENT"
    CASELOAD = "CASELOAD"


class CapacityUpdated(EventData):
    """Free places as a bucket, published by a provider about itself; the subject is the provider's own id.

    The broker ranks by it while it is fresh and treats it as unknown when it is stale (domain.md §11).
    """

    TYPE: ClassVar[str] = "org.warmhandoff.capacity.updated.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.ORGANISATION
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "service": "EMERGENCY_SHELTER",
        "unit": "FAMILY_UNIT",
        "available": "1-2",
        "asOf": "2026-03-04T01:30:00Z",
    }

    service: Service
    unit: CapacityUnit
    available: CapacityBucket
    as_of: Moment
