"""consent.granted: a survivor has allowed, or forbidden, one organisation to tell others; asked in private."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from broker.schemas.consent_record import ConsentRecord
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import CONSENT_RECORD
from broker.schemas.field_groups import InGroup
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import broken


def in_private(private: bool) -> bool:
    """Screening and consent are asked where nobody else can hear (domain.md §6.1, §14 row 6)."""
    if not private:
        raise broken(RefusalCode.SETTING_NOT_PRIVATE)
    return private


AskedInPrivate = Annotated[bool, AfterValidator(in_private), Field(json_schema_extra={"const": True})]
"""Whether the survivor was asked where nobody else could hear. `false` is refused with what to do."""


class ConsentGranted(EventData):
    """A first version of a consent record, published by its discloser as soon as it is signed.

    The broker checks that the publisher is the discloser, keeps the version in its registry, and goes on with every
    referral that was held for it.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.consent.granted.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER, Flow.PROVIDER_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.CONSENT
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"askedInPrivate": True, "record": CONSENT_RECORD}

    asked_in_private: AskedInPrivate
    record: Annotated[ConsentRecord, InGroup("FG24")]
