"""recipient.chosen: the source is told for which organisation to wrap its keys (late sealing)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.event import EventData, Flow, Subject
from broker.schemas.examples import OFFER, SHELTER
from broker.schemas.field_groups import FieldGroupText, InGroup
from broker.schemas.ids import KeyIdText, OfferIdText, OrgIdText
from broker.schemas.shapes import UNIQUE, Moment
from broker.schemas.vocabulary import RecipientCategory


class RecipientChosen(EventData):
    """Who has accepted and which groups it may have, published by the broker where the keys are not wrapped yet.

    The source wraps the content keys of `fieldGroups` for one of `keyIds` and publishes `referral.sealed` by
    `answerBy` (UTC). That somebody accepted is itself a disclosure (FG25): the gate decides that it may be told.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.recipient.chosen.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_SOURCE})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "category": "SHELTER",
        "offerId": OFFER,
        "recipient": SHELTER,
        "keyIds": ["org-shelter-b#2026-01"],
        "fieldGroups": ["FG03", "FG04"],
        "answerBy": "2026-03-04T02:40:00Z",
    }

    category: RecipientCategory
    offer_id: OfferIdText
    recipient: Annotated[OrgIdText, InGroup("FG25")]
    key_ids: Annotated[tuple[KeyIdText, ...], Field(max_length=8), UNIQUE]
    field_groups: Annotated[tuple[FieldGroupText, ...], Field(min_length=1, max_length=24), UNIQUE]
    answer_by: Moment
