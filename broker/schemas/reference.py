"""The short neutral reference of a referral: eight characters that can be read out and tell nothing.

It is the first 40 random bits of the UUIDv4 in Crockford's base32 (pages.md §1 point 7), so that everyone who
holds the referral arrives at the same reference without a table, and nobody can derive a time or a person from it.
"""

import re
from typing import Final

from broker.schemas.ids import REFERRAL_ID_PATTERN, ReferralId

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
REFERENCE_LENGTH: Final = 8


def reference_of(referral_id: ReferralId) -> str:
    """The reference of a referral, for example `K7QF-2MXD`."""
    bits = int(referral_id.removeprefix("ref-").replace("-", "")[:10], 16)
    letters = "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def normalised(text: str) -> str | None:
    """A reference as a person typed it, in the form of `reference_of`; None where it is not one."""
    letters = text.strip().upper().translate(_MISREAD)
    if len(letters) != REFERENCE_LENGTH or any(letter not in _ALPHABET for letter in letters):
        return None
    return f"{letters[:4]}-{letters[4:]}"


def beginning_of(text: str) -> str | None:
    """How the id of a referral begins that a person named by its reference, or by the id itself; None for neither."""
    if re.fullmatch(REFERRAL_ID_PATTERN, text.strip()) is not None:
        return text.strip()
    reference = normalised(text)
    if reference is None:
        return None
    bits = 0
    for letter in reference.replace("-", ""):
        bits = bits << 5 | _ALPHABET.index(letter)
    return f"ref-{bits >> 8:08x}-{bits & 0xFF:02x}"
