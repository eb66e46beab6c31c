"""The network's directory is believed only as its operator signed it, byte by byte (docs/wire-format.md §3).

One line of text, then the JSON that it is about.
"""

from collections.abc import Mapping

from broker.schemas.ids import KeyId
from broker.seal.errors import DirectorySignatureBad
from broker.seal.keys import OperatorKey, PublicSigningKey
from broker.seal.signature_line import DIRECTORY


def signed_directory(content: bytes, key: OperatorKey) -> bytes:
    """The file: the line with the operator's signature, then the JSON."""
    return DIRECTORY.line(content, key) + content


def verified_directory(file: bytes, pinned: Mapping[KeyId, PublicSigningKey]) -> bytes:
    """The JSON that one of the pinned keys of the operator has signed.

    Raises:
        DirectorySignatureBad: it is not signed, by no pinned key, or was changed since.
    """
    line, _, content = file.partition(b"\n")
    if not DIRECTORY.signers([line], content, pinned):
        raise DirectorySignatureBad
    return content
