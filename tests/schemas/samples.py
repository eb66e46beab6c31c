"""What the tests of the contract share: a record of every event, and the JSON Schema validator."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_args

from jsonschema import Draft202012Validator
from pydantic import BaseModel

from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData, Subject
from broker.schemas.examples import CONSENT, EVENT, INCIDENT, REFERRAL, SHELTER
from broker.schemas.field_groups import SEALABLE, group_model
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


def parts_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A group's model, and what is part of it."""
    yield model
    for field in model.model_fields.values():
        for one in _types(field.annotation):
            if issubclass(one, BaseModel):
                yield from parts_of(one)


def sealed_vocabularies() -> set[type[StrEnum]]:
    """Every vocabulary of which a code can stand in a sealed group."""
    parts = (part for code in SEALABLE for part in parts_of(group_model(code)))
    fields = (field for part in parts for field in part.model_fields.values())
    return {one for field in fields for one in _types(field.annotation) if issubclass(one, StrEnum)}


def _types(annotation: Any) -> Iterator[type[Any]]:
    """Every type that an annotation names, within whatever holds it."""
    if isinstance(annotation, type):
        yield annotation
    for within in get_args(annotation):
        yield from _types(within)
