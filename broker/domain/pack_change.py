"""What one policy pack would let through that another does not: found by asking the decision itself, case by case.

The cases are finite: every class of discloser and of recipient, in every role and phase, in every situation that the
survivor's word and one release can make. What no case shows is compared by `pack_limits`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from broker.domain.consent import Party, Phase, Question, decide, release_refusal, terms
from broker.domain.pack import VICTIM_SERVICE_PROVIDERS, PolicyPack
from broker.domain.pack_limits import Limit, limits_moved
from broker.domain.question import Emergency
from broker.schemas.break_glass_vocabulary import BREAKABLE, BreakGlassId
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_record import (
    ConsentRecord,
    DataScope,
    Discloser,
    NamedRecipient,
    RecipientOfKind,
    Validity,
)
from broker.schemas.consent_vocabulary import ConsentCategory, GrantForm, IdentityCheck, RecipientKind, Regime
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.ids import OrgId
from broker.schemas.necessity import DASH_TICKS_MAX, HighRiskCriterion, NecessityBasis, NecessityNote, WhyNotAsked
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed

_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_AREA: Final = "US-CA-037"
_DISCLOSER: Final = OrgId("org-discloser")
_RECIPIENT: Final = OrgId("org-recipient")
_EVERYTHING: Final = frozenset(GROUPS)
_NOTHING: Final[frozenset[str]] = frozenset()

KEPT: Final = " for good"
"""After a group's code: it may be kept, not only used for one check."""
IN_FULL: Final = "an offer in full, not in coarse form"


class Situation(NamedTuple):
    """What the survivor said, and the release that there is, if any: its form, its regime (None: all of them), and
    whether it names the recipient or its kind."""

    said: VictimAgreed
    purpose: Purpose
    form: GrantForm | None = None
    named: bool = True
    regime: Regime | None = None
    emergency: bool = False
    note: NecessityBasis | None = None
    """A note of necessity by a case far above any threshold, for every group, on this basis."""


class Case(NamedTuple):
    """One question to the gate. `role` is the recipient's, None for a source that hears of its referral."""

    discloser: OrgClass
    recipient: OrgClass
    role: RecipientCategory | None
    phase: Phase
    situation: Situation


class Box(NamedTuple):
    """Cases that differ in nothing that matters: every combination of these."""

    disclosers: frozenset[OrgClass]
    recipients: frozenset[OrgClass]
    roles: frozenset[RecipientCategory | None]
    phases: frozenset[Phase]
    situations: frozenset[Situation]
    liberties: frozenset[str]
    """Codes of groups, `KEPT` after one, or `IN_FULL`."""


@dataclass(frozen=True, slots=True)
class PackChange:
    """What would be permitted that was not, what no longer, and which limits move."""

    permits: tuple[Box, ...]
    forbids: tuple[Box, ...]
    limits: tuple[Limit, ...]

    @property
    def looser(self) -> bool:
        """Whether anything may leave under the new pack that stayed under the old one."""
        return bool(self.permits) or any(limit.looser for limit in self.limits)

    def touches(self, source: OrgClass, role: RecipientCategory) -> bool:
        """Whether what a source of this class asks of this kind of provider may be decided otherwise than before."""
        told_apart = (*self.permits, *self.forbids)
        return bool(self.limits) or any(source in box.disclosers and role in box.roles for box in told_apart)


def change(old: PolicyPack, new: PolicyPack) -> PackChange:
    """Everything in which `new` decides otherwise than `old`."""
    before, after = _liberties(old), _liberties(new)
    return PackChange(
        permits=_gained(before, after), forbids=_gained(after, before), limits=tuple(limits_moved(old, new))
    )


def _gained(before: "_Liberties", after: "_Liberties") -> tuple[Box, ...]:
    if before is after:
        return ()
    return tuple(_boxes({case: found - before.get(case, _NOTHING) for case, found in after.items()}))


def unreleased(pack: PolicyPack) -> tuple[Box, ...]:
    """What a victim service provider may tell about somebody without her release, contrary to VAWA-01a."""
    cases = _liberties(pack)
    return tuple(
        _boxes(
            {
                case: found
                for case, found in cases.items()
                if case.discloser in VICTIM_SERVICE_PROVIDERS
                and case.situation.form is None
                and case.role is not RecipientCategory.AUDITOR
            }
        )
    )


# --- the cases -------------------------------------------------------------------------------------------------------


_Liberties = Mapping[Case, frozenset[str]]
"""What goes in each case; a case in which nothing goes is left out."""


_SAID: Final = tuple(one.name for one in fields(PolicyPack) if one.name not in ("name", "version", "digest"))


@dataclass(frozen=True, slots=True, eq=False)
class _Law:
    """What a pack says, whatever it is called and in whichever version: the same law twice is asked once."""

    pack: PolicyPack

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Law) and all(getattr(self.pack, one) == getattr(other.pack, one) for one in _SAID)

    def __hash__(self) -> int:
        return self.pack.without_consent


def _liberties(pack: PolicyPack) -> _Liberties:
    return _asked(_Law(pack))


@lru_cache(maxsize=8)
def _asked(law: _Law) -> _Liberties:
    pack = law.pack
    found: dict[Case, frozenset[str]] = {}
    for discloser in OrgClass:
        for situation in SITUATIONS:
            record = _RECORDS.get(situation)
            if record is not None and release_refusal(record, _DISCLOSER, discloser, pack, _NOW) is not None:
                continue  # the registry would never have known it
            for recipient, role, phase in _WAYS:
                case = Case(discloser, recipient, role, phase, situation)
                if liberties := _ask(case, pack):
                    found[case] = liberties
    return found


def _ask(case: Case, pack: PolicyPack) -> frozenset[str]:
    situation = case.situation
    releases = _TERMS[situation]
    question = Question(
        phase=case.phase,
        discloser=_party(_DISCLOSER, case.discloser, None),
        recipient=_party(_RECIPIENT, case.recipient, case.role),
        purpose=Purpose.STATUS_FEEDBACK if case.phase is Phase.FEEDBACK else situation.purpose,
        groups=_EVERYTHING,
        consent=releases[0].ref if releases else None,
        victim_agreed=situation.said,
        emergency=_EMERGENCY if situation.emergency else None,
        necessity=None if situation.note is None else _NOTES[situation.note],
    )
    decision = decide(question, releases, _NOW, pack)
    in_full = case.phase is Phase.OFFER and not decision.obligations.coarse
    return _told_apart(decision.let_through, decision.obligations.single_use, in_full=in_full)


@lru_cache(maxsize=1024)
def _party(org: OrgId, org_class: OrgClass, role: RecipientCategory | None) -> Party:
    return Party(org, org_class, role, frozenset({_AREA}))


@lru_cache(maxsize=1024)
def _told_apart(through: frozenset[FieldGroup], once: Collection[FieldGroup], *, in_full: bool) -> frozenset[str]:
    kept = [f"{group}{KEPT}" for group in through.difference(once)]
    return frozenset([*through, *kept, *([IN_FULL] if through and in_full else [])])


def _situations() -> Iterator[Situation]:
    yes, purpose = VictimAgreed.YES, Purpose.SHELTER_PLACEMENT
    yield Situation(yes, purpose)
    yield Situation(VictimAgreed.NOT_ASKED_UNSAFE, purpose)
    for said in (yes, VictimAgreed.NOT_ASKED_UNSAFE):
        yield Situation(said, purpose, emergency=True)
    for basis in NecessityBasis:
        yield Situation(VictimAgreed.NOT_ASKED_UNSAFE, purpose, note=basis)
    for one in Purpose:
        yield Situation(yes, one, GrantForm.WRITTEN_WET)
    for regime in Regime:
        for form in (GrantForm.WRITTEN_WET, GrantForm.ORAL_TEMPORARY):
            for named in (True, False):
                yield Situation(yes, purpose, form, named, regime)


def _release(situation: Situation) -> ConsentRecord:
    """A release of everything for every purpose, fresh and short, whatever the record's own schema would say to it."""
    example = ConsentRecord.model_validate_json(to_json(ConsentGranted.EXAMPLE["record"]))
    checked = {"form": situation.form, "identity_check": IdentityCheck.IN_PERSON_KNOWN}
    of_kind = [
        RecipientOfKind(kind=RecipientKind.CATEGORY, category=kind, service_area=_AREA, max_concurrent_offers=1)
        for kind in ConsentCategory
    ]
    named = (NamedRecipient(kind=RecipientKind.ORG, org_id=_RECIPIENT),)
    half_an_hour = timedelta(minutes=30)
    return example.model_copy(
        update={
            "regimes": tuple(Regime) if situation.regime is None else (situation.regime,),
            "grantors": (example.grantors[0].model_copy(update=checked),),
            "discloser": Discloser(org_id=_DISCLOSER),
            "recipients": named if situation.named else tuple(of_kind),
            "excluded_recipients": (),
            "purposes": tuple(Purpose),
            "data_scope": DataScope(field_groups=tuple(GROUPS), max_tier=4),
            "validity": Validity(not_before=_NOW - half_an_hour, not_after=_NOW + half_an_hour),
        }
    )


def _note(basis: NecessityBasis) -> NecessityNote:
    return NecessityNote(
        basis=basis,
        why=WhyNotAsked.CANNOT_BE_GIVEN,
        criterion=HighRiskCriterion.VISIBLE_HIGH_RISK,
        ticks=DASH_TICKS_MAX,
        proportionate=True,
        field_groups=tuple(GROUPS),
        recorded_at=_NOW - timedelta(minutes=5),
        note_ref="note-00000000-0000-4000-8000-000000000000",
    )


_EMERGENCY: Final = Emergency(BreakGlassId("bgl-00000000-0000-4000-8000-000000000000"), BREAKABLE)
_NOTES: Final = {basis: _note(basis) for basis in NecessityBasis}
SITUATIONS: Final = tuple(_situations())
ROLES: Final = tuple(role for role in RecipientCategory if role is not RecipientCategory.SOURCE_FEEDBACK)
_RECORDS: Final = {one: _release(one) for one in SITUATIONS if one.form is not None}
_TERMS: Final = {one: (terms(_RECORDS[one]),) if one in _RECORDS else () for one in SITUATIONS}
_WAYS: Final[tuple[tuple[OrgClass, RecipientCategory | None, Phase], ...]] = (
    *((to, role, phase) for to in OrgClass for role in ROLES for phase in (Phase.OFFER, Phase.RELEASE)),
    *((to, None, Phase.FEEDBACK) for to in OrgClass),
)


def _boxes(cases: Mapping[Case, frozenset[str]]) -> Iterator[Box]:
    """As few boxes as neighbours make when they are put together, one side of the case after the other."""
    by_liberties: dict[frozenset[str], list[tuple[frozenset[Any], ...]]] = defaultdict(list)
    for case, liberties in cases.items():
        if liberties:
            by_liberties[liberties].append(tuple(frozenset({part}) for part in case))
    for liberties, boxes in by_liberties.items():
        for side in (4, 2, 1, 0, 3):
            boxes = _joined(boxes, side)
        for disclosers, recipients, roles, phases, situations in boxes:
            yield Box(disclosers, recipients, roles, phases, situations, liberties)


def _joined(boxes: Iterable[tuple[frozenset[Any], ...]], side: int) -> list[tuple[frozenset[Any], ...]]:
    found: dict[tuple[frozenset[Any], ...], frozenset[Any]] = {}
    for box in boxes:
        rest = (*box[:side], *box[side + 1 :])
        found[rest] = found.get(rest, frozenset()) | box[side]
    return [(*rest[:side], joined, *rest[side:]) for rest, joined in found.items()]
