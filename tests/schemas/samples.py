"""What the tests of the contract share: a record of every event, and the JSON Schema validator."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft202012Validator

from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData, Subject
from broker.schemas.examples import CONSENT, EVENT, INCIDENT, REFERRAL, SHELTER
from broker.schemas.ids import EventId, OrgId

SUBJECTS: Mapping[Subject, str] = {
    Subject.REFERRAL: REFERRAL,
    Subject.CONSENT: CONSENT,
    Subject.INCIDENT: INCIDENT,
    Subject.ORGANISATION: SHELTER,
    Subject.EVENT: EVENT,
    Subject.ANY: REFERRAL,
}


def wire(document: Mapping[str, Any]) -> bytes:
    """A document as JSON bytes."""
    return json.dumps(document).encode()


def envelope_for(event: type[EventData]) -> Envelope:
    """An envelope that fits an event."""
    return Envelope(
        id=EventId(EVENT),
        org=OrgId("org-advocacy-a"),
        type=event.TYPE,
        subject=SUBJECTS[event.SUBJECT],
        time=datetime(2026, 3, 4, 2, 10, tzinfo=UTC),
    )


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A validator that checks formats too."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
