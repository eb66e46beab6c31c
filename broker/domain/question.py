"""What the gate is asked and what it answers: who tells whom what, in which phase, for which purpose.

The answer says for every group present whether it goes, and if not, why; and on what it rests and until when.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from broker.domain.obligations import NO_RELEASE, Obligations
from broker.domain.pack import Basis
from broker.domain.reasons import Reason
from broker.domain.terms import ConsentRef
from broker.schemas.break_glass_vocabulary import BreakGlassId
from broker.schemas.code_list import CodeList
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgId
from broker.schemas.necessity import NecessityNote
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed


class Phase(CodeList):
    """The three ways out (design.md §2): an offer, the release after acceptance, and what the source may hear."""

    OFFER = "OFFER"
    RELEASE = "RELEASE"
    FEEDBACK = "FEEDBACK"


class Effect(CodeList):
    """Yes, no, or not yet: a hold may become a yes by itself, when a consent comes or its time begins."""

    PERMIT = "PERMIT"
    DENY = "DENY"
    HOLD = "HOLD"


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation as the rules see it. `areas` (counties, ZIP3) matter only where a release names a category."""

    org: OrgId
    org_class: OrgClass
    category: RecipientCategory | None = None
    areas: frozenset[str] = frozenset()


class Emergency(NamedTuple):
    """Broken glass for this referral and this recipient, in force at the time of the question (domain.md §5)."""

    break_glass_id: BreakGlassId
    groups: frozenset[FieldGroup]


class Question(NamedTuple):
    """May `discloser` tell `recipient` these groups?

    For feedback the provider is the discloser and the source the recipient. `groups` are the groups present;
    `consent` is the version that the message refers to; `excluded` are the referral's own exclusions; `necessity` is
    what the source has recorded where she could not be asked (D15); `emergency` is the glass that it has broken;
    `sealed_without` are the fields that were excluded when the groups were sealed, None where that is still to come.
    """

    phase: Phase
    discloser: Party
    recipient: Party
    purpose: Purpose
    groups: frozenset[FieldGroup]
    consent: ConsentRef | None
    victim_agreed: VictimAgreed
    excluded: frozenset[OrgId] = frozenset()
    necessity: NecessityNote | None = None
    emergency: Emergency | None = None
    sealed_without: frozenset[str] | None = None


class Decision(NamedTuple):
    """The gate's answer. `withheld` has a reason for every group present that is not in `let_through`.

    `reason` says why it is no PERMIT. `consents` are the versions it rests on; it holds until `expires_at`, the first
    of their ends. `again_at` is when a hold may end by itself. `late_sealing`: nobody was named, so the source wraps
    the keys once it is known who accepted (design.md §3).
    """

    effect: Effect
    let_through: frozenset[FieldGroup]
    withheld: Mapping[FieldGroup, Reason]
    reason: Reason | None
    rules: tuple[str, ...]
    basis: Basis | None = None
    consents: tuple[ConsentRef, ...] = ()
    expires_at: datetime | None = None
    again_at: datetime | None = None
    obligations: Obligations = NO_RELEASE
    late_sealing: bool = False

    @property
    def consent(self) -> ConsentRef | None:
        """The consent it rests on; the first of them by id where there are several."""
        return self.consents[0] if self.consents else None
