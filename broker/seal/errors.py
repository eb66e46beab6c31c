"""What can go wrong with keys, seals and signatures; no message holds a key, a text or a field's value.

HandoffError
└── SealError
    ├── GroupTooLarge
    ├── PublicKeyRefused
    ├── NotSignable
    ├── DirectorySignatureBad
    ├── PolicyNotVerified
    ├── SealBroken
    │   ├── NotForThisKey
    │   ├── KeyDoesNotOpen
    │   ├── GroupDoesNotOpen
    │   └── PaddingBroken
    └── KeyFileError
        ├── KeyMissing
        ├── KeyExists
        ├── KeyFileTooOpen
        ├── KeyFileForeign
        ├── KeyFileBroken
        └── KeyCardBroken
"""

from broker.errors import HandoffError


class SealError(HandoffError):
    """A seal, a signature or a key could not be used."""


class GroupTooLarge(SealError):
    """The field group is longer than the largest size class holds."""

    remedy = "Send coded fields only, and fewer of them; files and narratives stay with you."


class PublicKeyRefused(SealError):
    """A public key is not one that can be used."""

    remedy = "Ask the organisation for its key card (`handoff keys card`) and register it again."


class NotSignable(SealError):
    """A header that the signature would cover occurs twice, has no value or is too long."""


class DirectorySignatureBad(SealError):
    """The directory is not as a pinned key of the network's operator signed it."""

    exit_code = 2
    remedy = "Get it anew from the operator. If they have a new key, compare it by telephone, then `handoff keys pin`."


class PolicyNotVerified(SealError):
    """A policy pack is neither one that ships nor signed by a pinned key of a privacy officer."""

    exit_code = 2
    remedy = "Have it signed (`handoff policy sign`) by an officer whose card is pinned here (`handoff policy pin`)."


class SealBroken(SealError):
    """What was sealed does not open."""

    remedy = "Call the worker who sent it; nothing of it can be shown."


class NotForThisKey(SealBroken):
    """The wrapped key was made for another key than the one at hand."""


class KeyDoesNotOpen(SealBroken):
    """The wrapped key does not open: it was made for another referral, group or ciphertext, or it was changed."""


class GroupDoesNotOpen(SealBroken):
    """The sealed group does not open: it was made for another referral or group, or it was changed."""


class PaddingBroken(SealBroken):
    """The sealed group opened, but its text is not padded as the wire format says."""


class KeyFileError(SealError):
    """A key file could not be used."""

    exit_code = 2


class KeyMissing(KeyFileError):
    """There is no such key in this folder, or none that is still valid."""

    remedy = "Make one with `handoff keys new`, then have the operator register its card (`handoff keys card`)."


class KeyExists(KeyFileError):
    """A key of this name exists already; keys are never overwritten."""

    remedy = "Choose another name with `--name`."


class KeyFileTooOpen(KeyFileError):
    """A key file or its folder can be reached by other users of this machine."""


class KeyFileForeign(KeyFileError):
    """A key file or its folder belongs to another user of this machine, or is not a plain file or folder."""


class KeyFileBroken(KeyFileError):
    """A key file does not hold the key that its name and card say."""

    remedy = "Restore it from your own safe copy, or make a new key and have its card registered."


class KeyCardBroken(KeyFileError):
    """This is not a public key card, or it contradicts itself."""

    remedy = "Have the organisation print it again with `handoff keys card`."
