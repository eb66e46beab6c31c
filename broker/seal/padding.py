"""Every padded text has the length of a size class, and comes back exactly as it went in.

ISO/IEC 7816-4: the byte 0x80, then zeros. A ciphertext's length then tells a class and not how much was said
(domain.md §13 T6).
"""

from broker.schemas.sealed import GROUP_BYTES_CLASSES
from broker.seal.errors import GroupTooLarge, PaddingBroken

_MARK = b"\x80"


def pad(text: bytes) -> bytes:
    """The text, padded to the smallest size class that holds it and the mark.

    Raises:
        GroupTooLarge: for more than `GROUP_BYTES_MAX` bytes.
    """
    for size in GROUP_BYTES_CLASSES:
        if len(text) < size:
            return (text + _MARK).ljust(size, b"\0")
    raise GroupTooLarge


def unpad(padded: bytes) -> bytes:
    """The text that was padded; larger classes than needed are allowed, for senders that wish to hide more.

    Raises:
        PaddingBroken: where the length is no size class or the mark is missing.
    """
    text = padded.rstrip(b"\0")
    if len(padded) not in GROUP_BYTES_CLASSES or not text.endswith(_MARK):
        raise PaddingBroken
    return text.removesuffix(_MARK)
