"""Base64url without padding characters (RFC 4648 §5), with exactly one text for each sequence of bytes."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

_TEXT: Final = re.compile(r"[A-Za-z0-9_-]*")


def encode(content: bytes) -> str:
    """The text of these bytes."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of this text.

    Raises:
        ValueError: for padding characters, a foreign alphabet, an impossible length, and for unused bits that are not
            zero: two texts of the same bytes would let somebody change what is sent without changing what it says.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError("not base64url")
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(content) != text:
        raise ValueError("not canonical base64url")
    return content
