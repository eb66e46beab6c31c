"""disclosure.released: the sealed groups that the consent lets through, to the one provider that accepted (phase 2)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from broker.schemas.break_glass_vocabulary import BreakGlassIdText
from broker.schemas.event import Contract, EventData, Flow, Subject
from broker.schemas.examples import CONSENT, OFFER, SEALED_GROUP
from broker.schemas.field_groups import Marked
from broker.schemas.ids import ConsentIdText, OfferIdText
from broker.schemas.sealed import SealedGroup
from broker.schemas.shapes import Maybe, Moment, NoticeCode, VersionNumber

CONTACT_FRESH_HOURS_MAX: Final = 720
"""A month: whom somebody lived with then says little about who answers the telephone now."""


class DisclosureConsent(Contract):
    """The consent that a disclosure rests on, and until when (UTC) it may be relied on."""

    consent_id: ConsentIdText
    version: VersionNumber
    expires_at: Moment


class DisclosureReleased(EventData):
    """Ciphertexts for the provider that accepted, published by the broker after the gate has permitted it.

    Its wrapped keys come by `disclosure.keyed`, on another topic; it opens them with its own key.
    `redisclosureProhibited` and `noticeCode` bind whoever reads it. Where the safe contact was last confirmed more than
    `contactFreshHours` ago, it is confirmed anew before it is used.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.disclosure.released.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.BROKER_TO_PROVIDER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "offerId": OFFER,
        "sealed": [SEALED_GROUP],
        "consent": {"consentId": CONSENT, "version": 1, "expiresAt": "2026-03-18T01:58:00Z"},
        "redisclosureProhibited": True,
        "noticeCode": "VAWA-LOCAL",
    }

    offer_id: OfferIdText
    sealed: Annotated[tuple[SealedGroup, ...], Field(max_length=24), Marked(1, "Sealed groups", sealed=True)] = ()
    consent: Maybe[DisclosureConsent] = None
    break_glass_id: Maybe[BreakGlassIdText] = None
    """In an emergency, instead of a consent: it is answered for apart (domain.md §5)."""
    redisclosure_prohibited: bool
    notice_code: NoticeCode
    contact_fresh_hours: Annotated[int, Field(ge=1, le=CONTACT_FRESH_HOURS_MAX)] = 24
