"""disclosure.revoked: what a provider holds is taken back; what is asked of it (domain.md §4.4)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from broker.schemas.code_list import CodeList
from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER
from broker.schemas.field_groups import FieldGroupText
from broker.schemas.ids import OfferIdText
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.shapes import UNIQUE, Maybe, Moment


class RequestedAction(CodeList):
    """What a recipient is asked to do with what it holds."""

    DELETE_UNREAD = "DELETE_UNREAD"
    CEASE_FURTHER_USE = "CEASE_FURTHER_USE"
    NO_REDISCLOSURE = "NO_REDISCLOSURE"
    DELETE_WHERE_LAWFUL = "DELETE_WHERE_LAWFUL"


EVERY_ACTION: Final = tuple(RequestedAction)
"""Only the recipient knows what was read: it deletes the rest, and neither uses nor passes on what was."""


class DisclosureRevoked(EventData):
    """The field groups of one release that are taken back, told to its recipient by the broker.

    It is answered by `revocation.acknowledged` until `answerBy` (UTC). `reminder` says that it was asked before.
    `reason` is there where the source had made a mistake: then nothing of it may be relied on. Why a survivor takes
    consent back is not told: that is hers.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.disclosure.revoked.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "offerId": OFFER,
        "fieldGroups": ["FG03", "FG04"],
        "requestedActions": ["DELETE_UNREAD", "CEASE_FURTHER_USE", "NO_REDISCLOSURE", "DELETE_WHERE_LAWFUL"],
        "answerBy": "2026-03-05T10:15:00Z",
    }

    offer_id: OfferIdText
    field_groups: Annotated[tuple[FieldGroupText, ...], Field(min_length=1, max_length=32), UNIQUE]
    requested_actions: Annotated[tuple[RequestedAction, ...], Field(min_length=1, max_length=4), UNIQUE]
    answer_by: Moment
    reminder: bool = False
    reason: Maybe[RecallReason] = None
