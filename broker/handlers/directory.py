"""The network as the broker sees it at one moment, organisations and policy: a snapshot that no handler changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from broker.domain.calendar import USUAL, BusinessCalendar
from broker.domain.consent import Party
from broker.domain.matching import Provider
from broker.schemas.ids import KeyId, OrgId
from broker.schemas.vocabulary import RecipientCategory


@dataclass(frozen=True, slots=True)
class Directory:
    """Organisations whose agreement is in force, and their public keys."""

    version: int
    good_until: datetime
    """When the first agreement or key in it ends (UTC): from then on it is not the network any more."""
    parties: Mapping[OrgId, Party]
    providers: Mapping[RecipientCategory, tuple[Provider, ...]]
    sealing_keys: Mapping[OrgId, tuple[KeyId, ...]]
    signing_keys: Mapping[KeyId, bytes]
    policy: str
    """The pack in force, by its reference."""
    settling: int | None = None
    """The number of that pack's activation, until all that is open is decided under it."""
    revoked_keys: frozenset[KeyId] = frozenset()
    """Stolen or lost: nothing is accepted or handed on for them any more, whenever it was wrapped."""
    calendars: Mapping[OrgId, BusinessCalendar] = field(default_factory=dict)
    """Of those who have said one."""

    def calendar_of(self, org: OrgId | None) -> BusinessCalendar:
        """On which days this organisation works."""
        return USUAL if org is None else self.calendars.get(org, USUAL)

    @classmethod
    def empty(cls) -> "Directory":
        """Nobody: what a process holds before it has read the store."""
        ended = datetime.min.replace(tzinfo=UTC)
        return cls(-1, ended, parties={}, providers={}, sealing_keys={}, signing_keys={}, policy="")
