"""event.refused: the broker has not taken an event, and says why by a code and a property's name, never by a value."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from broker.schemas.event import Contract, EventData, Flow, Subject
from broker.schemas.examples import EVENT
from broker.schemas.ids import EventIdText
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import Maybe


class RecordPosition(Contract):
    """Where a Kafka record stands, for one that could not even be read."""

    topic: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class EventRefused(EventData):
    """A refusal, published by the broker to whoever's topic the event came on; its subject is that event's.

    `handoff schema show` and the client print the code in plain words with what to do next.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.event.refused.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE, Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.ANY
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "eventId": EVENT,
        "code": "PROPERTY_MISSING",
        "field": "needSummary.adults",
        "position": {"topic": "source.org-advocacy-a", "partition": 0, "offset": 42},
    }

    event_id: Maybe[EventIdText] = None
    code: RefusalCode
    field: Maybe[Annotated[str, StringConstraints(max_length=200)]] = None
    position: Maybe[RecordPosition] = None
