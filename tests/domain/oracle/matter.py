"""What both opinions are given: a survivor's consent documents, the pack's text, and questions about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Org:
    """An organisation, as the directory has it."""

    org: str
    org_class: str
    category: str | None = None
    areas: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Held:
    """One version that the registry holds: the document, and what has become of it since."""

    document: dict[str, Any]
    status: str
    uses: int = 0
    event_passed: bool = False

    @property
    def consent_id(self) -> str:
        """The record's id."""
        return str(self.document["consentId"])

    @property
    def version(self) -> int:
        """Which version of the record it is."""
        return int(self.document["version"])


@dataclass(frozen=True, slots=True)
class Note:
    """A note of necessity, as its source wrote it down (D15)."""

    basis: str
    why: str
    criterion: str
    ticks: int | None
    groups: frozenset[str]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: may the discloser tell the recipient these groups, for this purpose, now?"""

    phase: str
    discloser: Org
    recipient: Org
    purpose: str
    groups: tuple[str, ...]
    cited: tuple[str, int] | None
    victim_agreed: str
    excluded: frozenset[str]
    now: datetime
    note: Note | None = None
    emergency: frozenset[str] | None = None
    """The groups of an emergency that is in force for this recipient (§5)."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One survivor's records under one pack, and what is asked about them."""

    pack_text: str
    held: tuple[Held, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one side says: PERMIT, DENY or HOLD, and which groups go."""

    effect: str
    groups: frozenset[str]
