"""consent.narrowed: a survivor has changed what was allowed; the new version replaces the one that it names."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field

from broker.schemas.consent_granted import AskedInPrivate
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import CONSENT, CONSENT_RECORD
from broker.schemas.field_groups import InGroup
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import broken


def _later_version(record: ConsentRecord) -> ConsentRecord:
    if record.version < 2:
        raise broken(RefusalCode.PROPERTY_INVALID, "version")
    if record.supersedes is None:
        raise broken(RefusalCode.PROPERTY_MISSING, "supersedes")
    return record


_LATER: Final = Field(
    json_schema_extra={"required": ["supersedes"], "properties": {"version": {"minimum": 2}}},
)


class ConsentNarrowed(EventData):
    """A later version of a consent record, published by its discloser when the survivor has changed it.

    The broker lets the new version take the old one's place, stops what it no longer reaches, and asks again for
    every referral that rests on it.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.consent.narrowed.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER, Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.CONSENT
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "askedInPrivate": True,
        "record": CONSENT_RECORD
        | {
            "version": 2,
            "supersedes": {"consentId": CONSENT, "version": 1},
            "purposes": ["SHELTER_PLACEMENT"],
        },
    }

    asked_in_private: AskedInPrivate
    record: Annotated[ConsentRecord, AfterValidator(_later_version), InGroup("FG24"), _LATER]
