"""A policy pack, read and compiled: every look-up that a decision needs is one step in a table.

Nothing here is law; the law is in the pack's file. What a pack does not say is denied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final, NamedTuple

from broker.schemas.code_list import CodeList
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import MsgStatus, OrgClass, Priority, Purpose, RecipientCategory, RiskBand

VICTIM_SERVICE_PROVIDERS: Final = frozenset({OrgClass.VSP_SHELTER, OrgClass.VSP_ADVOCACY, OrgClass.HOTLINE_VSP})
"""The classes that VAWA-01 means (domain.md §1, VSP)."""


class Basis(IntEnum):
    """What a disclosure must rest on (domain.md §4.3 step 4), from the loosest to the strictest."""

    BREAK_GLASS = -1
    NONE = 0
    TREATMENT = 1
    STATUTE = 2
    SAFEGUARDING_SCH1_P18 = 3
    VITAL_INTERESTS = 4
    AGREEMENT = 5
    RELEASE = 6
    FERPA_CONSENT = 7
    AUTH_164_508 = 8
    TRAIL_ONLY = 9
    PROHIBITED = 10


class Necessity(CodeList):
    """A cell of the minimum-necessary table (domain.md §7.4), with the sign that stands for it there."""

    REQUIRED = "R"
    OPTIONAL = "o"
    ONCE = "1"
    NOT_NEEDED = "-"
    NEVER = "x"


class FeedbackAllowance(CodeList):
    """What a source may hear without a release (VAWA-12)."""

    RECEIPT_ONLY = "RECEIPT_ONLY"
    STATUS = "STATUS"


class Footing(NamedTuple):
    """The basis for a pair of organisation classes, the groups (bits) it reaches at most, the rows it stems from."""

    basis: Basis
    ceiling: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a provider's class may tell a source's class of its own accord, and the rows that say so."""

    allowance: FeedbackAllowance
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the minimum-necessary table, as bits."""

    allowed: int
    required: int
    once: int
    never: int


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: so many seconds, or so many business days."""

    seconds: int = 0
    business_days: int = 0


@dataclass(frozen=True, slots=True)
class Timers:
    """The deadlines of one priority (domain.md §10.3)."""

    delivered: Span
    receipted: Span
    decided: Span
    contact: Span
    handoff_begun: Span
    """Of a live transfer that was promised: until they are on one line."""
    handoff_ended: Span
    """Of one that has begun: until the survivor was passed on."""
    outcome: Span
    referral_expiry: Span
    hold: Span
    awaiting_keys: Span
    revocation: Span
    contact_fresh_hours: int
    parallel_offers: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """When a step of §10.4 is taken, in percent: of an offer's time to answer, or of the referral's time undecided.

    `fallback_number` is a public hotline's, for the worker; never a person's.
    """

    remind: int = 50
    on_call: int = 75
    coordinator: int = 50
    fallback: int = 75
    fallback_number: str | None = None


@dataclass(frozen=True, slots=True)
class RiskFloors:
    """To what a risk screen raises a referral (domain.md §6.5)."""

    screened_in_unsafe_tonight: Priority
    screened_in: Priority
    bands: Mapping[RiskBand, Priority]


@dataclass(frozen=True, slots=True)
class Safeguarding:
    """When a note of necessity stands in for asking the survivor (D15); `groups` (bits) is all that it can reach."""

    groups: int
    note_lasts: timedelta
    criteria: frozenset[str]
    without_consent_ticks: int


class Breakable(NamedTuple):
    """What a class may open to another in an emergency: groups (bits), for which reasons, on which basis."""

    rule: str
    groups: int
    reasons: frozenset[str]
    basis: str


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Emergencies (domain.md §5): how long one lasts, until when it is approved and reviewed, and who may to whom."""

    lasts: timedelta
    approved_within: timedelta
    reviewed_within: timedelta
    ways: Mapping[str, Mapping[str, Breakable]]


@dataclass(frozen=True, slots=True, eq=False)
class PolicyPack:
    """The policy of one jurisdiction in one version. `digest` is the SHA-256 of the file's bytes, in hex.

    The fields that end up as numbers are sets of groups, as `group_sets` makes them.
    """

    name: str
    version: str
    digest: str
    environments: frozenset[MsgStatus]
    max_release: timedelta
    release_length: Mapping[Purpose, timedelta]
    oral_temporary: timedelta
    capacity_fresh: timedelta
    clock_skew: timedelta
    part2_enabled: bool
    vsp_opaque_offers: bool
    prohibited_recipients: frozenset[str]
    common_languages: frozenset[str]
    regimes: Mapping[OrgClass, frozenset[str]]
    written_regimes: frozenset[str]
    named_regimes: frozenset[str]
    footings: Mapping[str, Mapping[str, Footing]]
    feedback: Mapping[str, Mapping[str, Feedback]]
    columns: Mapping[str, Column]
    necessity: Mapping[str, Mapping[FieldGroup, Necessity]]
    without_consent: int
    not_asked: int
    opaque_offer: int
    may_be_missing: int
    timers: Mapping[Priority, Timers]
    ladder: Ladder
    risk: RiskFloors
    safeguarding: Safeguarding | None = None
    break_glass: BreakGlass | None = None

    @property
    def reference(self) -> str:
        """What stands for this pack on a referral and a decision: name, version and the start of the digest."""
        return f"{self.name}/{self.version}/{self.digest[:16]}"

    def footing(self, discloser: OrgClass, recipient: OrgClass, category: RecipientCategory | None) -> Footing | None:
        """The strictest basis that any row of the basis table gives for this pair; None where no row fits."""
        row = self.footings.get(discloser)
        if row is None:
            return None
        return row.get(RecipientCategory.AUDITOR if category is RecipientCategory.AUDITOR else recipient)

    def feedback_rule(self, provider: OrgClass, source: OrgClass) -> Feedback | None:
        """What this provider may tell this source without a release; None where no row fits, which is receipt only."""
        row = self.feedback.get(provider)
        return None if row is None else row.get(source)

    def breakable(self, discloser: OrgClass, recipient: OrgClass) -> Breakable | None:
        """What a source of this class may open to such a recipient in an emergency; None where it may not."""
        row = None if self.break_glass is None else self.break_glass.ways.get(discloser)
        return None if row is None else row.get(recipient)

    def written_only(self, discloser: OrgClass) -> bool:
        """Whether every release of this class must be in writing (VAWA-02), whatever regime the record names."""
        return not self.written_regimes.isdisjoint(self.regimes.get(discloser, frozenset()))

    def named_only(self, discloser: OrgClass) -> bool:
        """Whether every release of this class must name organisations (VAWA-06), whatever regime the record names."""
        return not self.named_regimes.isdisjoint(self.regimes.get(discloser, frozenset()))
