"""referral.recalled: the source says that a referral should never have gone out; everybody gives up what they got."""

from collections.abc import Mapping
from typing import Any, ClassVar

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject


class RecallReason(CodeList):
    """What was wrong. No code says who did what to whom: recipients read it."""

    WRONG_PERSON = "WRONG_PERSON"
    """It is about somebody else, or takes one person for the other: the survivor for the abuser, say."""
    WRONG_RECIPIENT = "WRONG_RECIPIENT"
    """It went, or would go, to somebody for whom it was not meant."""
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"
    """It should not exist: a test, a duplicate, a form of another case."""


class ReferralRecalled(EventData):
    """A mistake of the source's, corrected: possible in any state, after its service has ended too.

    The broker sends nothing more of it, takes its offers back, and asks everybody to whom something was handed over to
    give it up and to say so (`disclosure.revoked`, `revocation.acknowledged`). What is right goes out as a new one.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.recalled.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "WRONG_PERSON"}

    reason: RecallReason
