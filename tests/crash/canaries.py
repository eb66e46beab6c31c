"""People who never were, whose names occur nowhere else in the world, and records that tell of them in the clear."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_json

from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode as Code
from tests.broker.county import County
from tests.broker.facts import POLICE, request, request_wire
from tests.broker.letters import Letter


def word() -> str:
    """A name that nobody bears: seven syllables, some 45 bits."""
    return "".join(secrets.choice("bdfgklmnprstvz") + secrets.choice("aeiou") for _ in range(7)).capitalize()


def digits() -> str:
    """As many digits as a telephone number has at most beside its `+`, some 46 bits."""
    return "".join(secrets.choice("123456789") for _ in range(14))


@dataclass(frozen=True, slots=True)
class Person:
    """A survivor's name, street and number."""

    name: str
    street: str
    number: str

    @property
    def canaries(self) -> tuple[str, ...]:
        """What must be found nowhere."""
        return self.name, self.street, self.number

    @property
    def groups(self) -> Mapping[str, Mapping[str, Any]]:
        """The groups that are sealed; somebody has typed the street into the field of a name."""
        return {
            "FG03": {
                "mode": "DIRECT",
                "handle": f"+{self.number}",
                "channel": "VOICE",
                "lastConfirmedAt": datetime.now(UTC).isoformat(),
            },
            "FG04": {"alias": f"Robin {self.name}", "firstName": f"Apt 4, 1184 {self.street} Street"},
        }


def person() -> Person:
    """Somebody new."""
    return Person(word(), word(), digits())


@dataclass(frozen=True, slots=True)
class Slip:
    """A record with one canary in the clear, what it is refused with, and who published it."""

    canary: str
    letter: Letter
    code: Code
    org: OrgId = POLICE


def _said(county: County, referral: ReferralId, **changes: Any) -> Letter:
    return county.letter(POLICE, to_json(request_wire(**changes)), referral, event=ReferralRequested)


def _headed(county: County, referral: ReferralId, name: str, text: str) -> Letter:
    return county.letter(POLICE, request(), referral).header(name, text.encode()).signed(county.keys[POLICE])


def _keyed(county: County, referral: ReferralId, key: str) -> Letter:
    return replace(county.letter(POLICE, request(), referral), key=key.encode())


def _broken(county: County, referral: ReferralId, canary: str) -> Letter:
    """JSON that ends in the middle of a name: a parser's own complaint would quote it."""
    return county.letter(POLICE, f'{{"alias": "{canary}'.encode(), referral, event=ReferralRequested)


def _structured(county: County, referral: ReferralId, canary: str) -> Letter:
    """An event in one piece, whose attribute bears the name."""
    event = {"specversion": "1.0", "survivor": canary, "data": {}}
    bare = Letter(
        county.letter(POLICE, request(), referral).topic,
        referral.encode(),
        [("content-type", b"application/cloudevents+json")],
        json.dumps(event).encode(),
    )
    return bare.signed(county.keys[POLICE])


Slipped = Callable[[County, ReferralId, str], Letter]

SLIPS: Final[tuple[tuple[Code, Slipped], ...]] = (
    (Code.IDENTITY_IN_CLEAR, lambda c, r, w: _said(c, r, firstName=w)),
    (Code.IDENTITY_IN_CLEAR, lambda c, r, w: _said(c, r, needSummary={"adults": 1, "phone": f"+1{w}"})),
    (Code.NEVER_TRANSIT, lambda c, r, w: _said(c, r, homeAddress=f"Apt 4, 1184 {w} Street")),
    (Code.NEVER_TRANSIT, lambda c, r, w: _said(c, r, shelterAddress={"street": w})),
    (Code.NEVER_TRANSIT, lambda c, r, w: _said(c, r, notes=f"He said he would find {w}.")),
    (Code.PROPERTY_UNKNOWN, lambda c, r, w: _said(c, r, **{w: True})),
    (Code.PROPERTY_UNKNOWN, lambda c, r, w: _said(c, r, needSummary={"adults": 1, w: 1})),
    (Code.PROPERTY_INVALID, lambda c, r, w: _said(c, r, jurisdictionCode=f"c/o {w}")),
    (Code.PROPERTY_INVALID, lambda c, r, w: _said(c, r, priority=w)),
    (Code.PROPERTY_INVALID, lambda c, r, w: _said(c, r, services=["EMERGENCY_SHELTER", w])),
    (Code.PROPERTY_INVALID, lambda c, r, w: _said(c, r, sealed=[{"fieldGroup": w, "ciphertext": w}])),
    (Code.ATTRIBUTE_INVALID, lambda c, r, w: _headed(c, r, "ce_id", w)),
    (Code.ATTRIBUTE_INVALID, lambda c, r, w: _headed(c, r, "ce_subject", w)),
    (Code.ATTRIBUTE_INVALID, lambda c, r, w: _headed(c, r, "ce_correlationid", f"call {w}")),
    (Code.ATTRIBUTE_UNKNOWN, lambda c, r, w: _headed(c, r, f"ce_{w.lower()}", "1")),
    (Code.TYPE_UNKNOWN, lambda c, r, w: _headed(c, r, "ce_type", f"org.warmhandoff.{w}.v1")),
    (Code.KEY_MISMATCH, _keyed),
    (Code.JSON_INVALID, _broken),
    (Code.ATTRIBUTE_UNKNOWN, _structured),
    (Code.SIGNATURE_INVALID, lambda c, r, w: c.letter(POLICE, request(), r).header("wh-signature", f"v1 {w}".encode())),
)
"""Everywhere in a record where somebody's name can slip in, with a parser or a rule that looks at it."""


def slips(county: County, referral: Callable[[], ReferralId]) -> Iterator[Slip]:
    """One record for each such place, about a new referral each."""
    for code, made in SLIPS:
        canary = word().lower() if code is Code.ATTRIBUTE_UNKNOWN else word()
        yield Slip(canary, made(county, referral(), canary), code)


def slip_of(county: County, provider: OrgId, offer: OfferId, referral: ReferralId) -> Slip:
    """A provider's answer with a name in it."""
    canary = word()
    wire = {"offerId": offer, "reason": "NO_CAPACITY_BEDS", "comment": f"{canary} has been here before"}
    return Slip(
        canary, county.letter(provider, to_json(wire), referral, event=OfferDeclined), Code.NEVER_TRANSIT, provider
    )
