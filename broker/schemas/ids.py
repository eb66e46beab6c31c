"""Identifiers that travel: their shapes, their types, and how new ones are drawn.

Every identifier is random (UUIDv4) or names an organisation. None is derived from a person or from a time: a UUIDv7
would tell when a referral was made (domain.md §8).
"""

from typing import Annotated, NewType

from pydantic import StringConstraints

from broker.schemas.fresh import fresh16

UUID4_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

ORG_ID_PATTERN = r"^org-[a-z0-9]+(-[a-z0-9]+)*$"
EVENT_ID_PATTERN = rf"^{_UUID}$"
REFERRAL_ID_PATTERN = rf"^ref-{UUID4_PATTERN}$"
OFFER_ID_PATTERN = rf"^off-{UUID4_PATTERN}$"
INCIDENT_ID_PATTERN = rf"^inc-{UUID4_PATTERN}$"
CONSENT_ID_PATTERN = rf"^{UUID4_PATTERN}$"
KEY_ID_PATTERN = r"^org-[a-z0-9]+(-[a-z0-9]+)*#[a-z0-9-]{1,32}$"

OrgId = NewType("OrgId", str)
EventId = NewType("EventId", str)
ReferralId = NewType("ReferralId", str)
OfferId = NewType("OfferId", str)
IncidentId = NewType("IncidentId", str)
ConsentId = NewType("ConsentId", str)
KeyId = NewType("KeyId", str)

OrgIdText = Annotated[OrgId, StringConstraints(pattern=ORG_ID_PATTERN, max_length=64)]
EventIdText = Annotated[EventId, StringConstraints(pattern=EVENT_ID_PATTERN)]
ReferralIdText = Annotated[ReferralId, StringConstraints(pattern=REFERRAL_ID_PATTERN)]
OfferIdText = Annotated[OfferId, StringConstraints(pattern=OFFER_ID_PATTERN)]
IncidentIdText = Annotated[IncidentId, StringConstraints(pattern=INCIDENT_ID_PATTERN)]
ConsentIdText = Annotated[ConsentId, StringConstraints(pattern=CONSENT_ID_PATTERN)]
KeyIdText = Annotated[KeyId, StringConstraints(pattern=KEY_ID_PATTERN, max_length=100)]

_SOURCE_PREFIX = "urn:dvb:org:"


_VARIANT = "89ab"


def new_uuid4() -> str:
    """A UUIDv4 as text: the standard library's takes four times as long."""
    h = fresh16().hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{_VARIANT[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


def new_event_id() -> EventId:
    """A fresh event id: a bare UUIDv4."""
    return EventId(new_uuid4())


def new_referral_id() -> ReferralId:
    """A fresh referral id."""
    return ReferralId(f"ref-{new_uuid4()}")


def new_offer_id() -> OfferId:
    """A fresh offer id."""
    return OfferId(f"off-{new_uuid4()}")


def new_incident_id() -> IncidentId:
    """A fresh incident id."""
    return IncidentId(f"inc-{new_uuid4()}")


def new_consent_id() -> ConsentId:
    """A fresh consent id: a bare UUIDv4, as the consent record's schema wants it."""
    return ConsentId(new_uuid4())


def source_urn(org: OrgId) -> str:
    """The CloudEvents `source` of an organisation."""
    return _SOURCE_PREFIX + org


def org_of_source(source: str) -> OrgId | None:
    """The organisation that a CloudEvents `source` names; None where it has another shape."""
    return OrgId(source[len(_SOURCE_PREFIX) :]) if source.startswith(_SOURCE_PREFIX) else None
