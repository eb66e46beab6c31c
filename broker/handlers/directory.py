"""The network's organisations as the broker sees them at one moment: a snapshot that no handler changes."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.consent import Party
from broker.domain.matching import Provider
from broker.schemas.ids import KeyId, OrgId
from broker.schemas.vocabulary import RecipientCategory


@dataclass(frozen=True, slots=True)
class Directory:
    """Organisations whose agreement is in force, and their public keys."""

    version: int
    parties: Mapping[OrgId, Party]
    providers: Mapping[RecipientCategory, tuple[Provider, ...]]
    sealing_keys: Mapping[OrgId, tuple[KeyId, ...]]
    signing_keys: Mapping[KeyId, bytes]

    @classmethod
    def empty(cls) -> "Directory":
        """Nobody: what a process holds before it has read the store."""
        return cls(version=-1, parties={}, providers={}, sealing_keys={}, signing_keys={})
