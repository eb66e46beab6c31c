"""referral.escalated: nobody has taken a need on yet; the source's worker is told what that means for her now."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.shapes import Maybe, PhoneNumber
from broker.schemas.vocabulary import RecipientCategory


class EscalationNotice(CodeList):
    """What the worker is told."""

    STILL_LOOKING = "STILL_LOOKING"
    """A provider has let its time pass; the next one is asked."""
    CALL_FALLBACK = "CALL_FALLBACK"
    """Do not wait for this network alone: call the number, if there is one, or your own list."""
    SUBMIT_AGAIN = "SUBMIT_AGAIN"
    """The referral has ended undecided, and it was urgent: send a new one, because nobody else can (decision 0123)."""


class ReferralEscalated(EventData):
    """A step of the ladder (domain.md §10.4), published by the broker to the referral's source.

    It says nothing about the person. `fallbackNumber` is a public hotline's, of the policy pack.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.escalated.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "category": "SHELTER",
        "notice": "CALL_FALLBACK",
        "fallbackNumber": "+15555550100",
    }

    category: RecipientCategory
    notice: EscalationNotice
    fallback_number: Maybe[PhoneNumber] = None
