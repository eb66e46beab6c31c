"""An answer as a provider's system sends it: the type, the offer, and the data of the event's own schema; no more."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic_core import to_json

from adapters.inbox.answering import Release
from adapters.standing import ANSWERS
from broker.schemas.event import Contract, EventData, events, refusal_of
from broker.schemas.ids import ConsentIdText, OfferId, OfferIdText
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.revocation_acknowledged import RevocationAcknowledged

TAKEN_HERE: Final = frozenset({*ANSWERS, RevocationAcknowledged})
"""What can be answered to an offer."""
_DATA: Final = "data"


class _Release(Contract):
    """The survivor's release by which the source may hear more than receipt and closure."""

    consent_id: ConsentIdText
    version: int = Field(ge=1)


class _Sent(Contract):
    """The body of `POST /answers`."""

    type: str = Field(max_length=100)
    offer_id: OfferIdText
    data: dict[str, Any]
    release: _Release | None = None
    giving_back: bool = False


@dataclass(frozen=True, slots=True)
class AnswerSent:
    """One answer, read and checked against the contract."""

    offer_id: OfferId
    fact: EventData
    release: Release | None
    giving_back: bool
    """A decline of what was accepted before."""


def read_answer(body: bytes) -> AnswerSent:
    """The answer that these UTF-8 JSON bytes say.

    Raises:
        Refused: with the code and the path of the first offending field, never its value.
    """
    try:
        sent = _Sent.model_validate_json(body, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise refusal_of(error) from None
    fact = _fact(sent)
    if sent.giving_back and not isinstance(fact, OfferDeclined):
        raise Refused(RefusalCode.PROPERTY_INVALID, "givingBack")
    release = Release(sent.release.consent_id, sent.release.version) if sent.release is not None else None
    return AnswerSent(sent.offer_id, fact, release, sent.giving_back)


def _fact(sent: _Sent) -> EventData:
    kind = events().get(sent.type)
    if kind is None:
        raise Refused(RefusalCode.TYPE_UNKNOWN, "type")
    if kind not in TAKEN_HERE:
        raise Refused(RefusalCode.TYPE_NOT_YOURS, "type")
    if sent.data.get("offerId") != sent.offer_id:
        raise Refused(RefusalCode.PROPERTY_INVALID, f"{_DATA}.offerId")
    try:
        return kind.read(to_json(sent.data))
    except Refused as refused:
        at = f"{_DATA}.{refused.field}" if refused.field else _DATA
        raise Refused(refused.code, at) from None
