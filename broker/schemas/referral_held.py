"""referral.held: no provider may be asked yet; the source is told what is missing and until when it waits."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.shapes import Moment
from broker.schemas.vocabulary import RecipientCategory


class HoldReason(CodeList):
    """What a referral waits for; the names are the gate's own reasons where it has one (domain.md §2.2, §4.3)."""

    CONSENT_NOT_SEEN = "CONSENT_NOT_SEEN"
    CONSENT_NOT_YET = "CONSENT_NOT_YET"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_NOT_ACTIVE = "CONSENT_NOT_ACTIVE"
    NO_RELEASE = "NO_RELEASE"
    NO_HIPAA_BASIS = "NO_HIPAA_BASIS"
    MAY_IDENTIFY = "MAY_IDENTIFY"
    VICTIM_SAID_NO = "VICTIM_SAID_NO"
    VICTIM_NOT_ASKED = "VICTIM_NOT_ASKED"
    RECIPIENT_NOT_NAMED = "RECIPIENT_NOT_NAMED"
    PURPOSE_MISMATCH = "PURPOSE_MISMATCH"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    AWAITING_KEYS = "AWAITING_KEYS"


class ReferralHeld(EventData):
    """One need of a referral waits, published by the broker; it goes on by itself when what is missing comes.

    `answerBy` is the UTC deadline after which a human looks at it.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.held.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "category": "SHELTER",
        "reason": "CONSENT_NOT_SEEN",
        "answerBy": "2026-03-04T06:10:00Z",
    }

    category: RecipientCategory
    reason: HoldReason
    answer_by: Moment
