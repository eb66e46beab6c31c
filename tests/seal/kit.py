"""What the tests of this folder share: invented identifiers, keys, and a referral's sealed group."""

from dataclasses import dataclass
from typing import Final

from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, OrgId, ReferralId
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey
from broker.seal.sealing import seal_group, wrap_key

REFERRAL: Final = ReferralId("ref-0b6e9d0c-6f0b-4a57-9f1e-3a7f0c2d5e44")
OTHER_REFERRAL: Final = ReferralId("ref-1b6e9d0c-6f0b-4a57-9f1e-3a7f0c2d5e44")
SAFE_CONTACT: Final = FieldGroup("FG03")
PERSON: Final = FieldGroup("FG04")
AGENCY: Final = OrgId("org-advocacy-a")
SHELTER: Final = OrgId("org-shelter-b")
SIGNING: Final = SigningKey.new(KeyId(f"{AGENCY}#2026-01"))
OPENING: Final = OpeningKey.new(KeyId(f"{SHELTER}#2026-01"))


@dataclass(frozen=True)
class Handed:
    """A group as a provider receives it."""

    sealed: SealedGroup
    wrapped: WrappedKey


def handed(text: bytes, group: FieldGroup = SAFE_CONTACT, referral: ReferralId = REFERRAL) -> Handed:
    """A text, sealed for the shelter."""
    sealed, key = seal_group(referral, group, text)
    return Handed(sealed, wrap_key(referral, sealed, key, OPENING.public))
