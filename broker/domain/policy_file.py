"""The file of a policy pack, as TOML has it: each key known, each name checked, each table complete.

A key that stands here and nowhere in a file, or in a file and not here, makes the file unusable: nothing is guessed.
"""

import re
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from broker.domain.pack import (
    VICTIM_SERVICE_PROVIDERS,
    Basis,
    FeedbackAllowance,
    Necessity,
    Span,
    Timers,
)
from broker.schemas.break_glass_vocabulary import BREAKABLE, BreakGlassBasis, BreakGlassReason
from broker.schemas.consent_vocabulary import Regime
from broker.schemas.disclosure_released import CONTACT_FRESH_HOURS_MAX
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.necessity import DASH_HIGH_RISK_TICKS, DASH_TICKS_MAX, HighRiskCriterion
from broker.schemas.shapes import PhoneNumber
from broker.schemas.vocabulary import MsgStatus, OrgClass, Priority, Purpose, RecipientCategory, RiskBand

RECIPIENTS: Final[tuple[str, ...]] = (*OrgClass, RecipientCategory.AUDITOR)
"""Whom a row's `to` may mean: any class of organisation, and the auditor."""

COLUMNS: Final[tuple[str, ...]] = ("OFFER", *RecipientCategory)
"""The columns of the minimum-necessary table: the offer phase and each category of recipient."""


_LENGTHS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN = re.compile(r"^([1-9][0-9]{0,4})(s|m|h|d|bd)$")


def _span(text: object) -> Span:
    found = _SPAN.match(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("a length of time is a number and s, m, h, d or bd")
    amount, unit = int(found[1]), found[2]
    return Span(business_days=amount) if unit == "bd" else Span(seconds=amount * _LENGTHS[unit])


def _basis(text: object) -> Basis:
    if not isinstance(text, str) or text not in Basis.__members__ or text == Basis.BREAK_GLASS.name:
        raise ValueError("not a basis")
    return Basis[text]


def _known_group(text: object) -> FieldGroup:
    if not isinstance(text, str) or text not in GROUPS:
        raise ValueError("not a field group")
    return FieldGroup(text)


def _class_pattern(text: object) -> str:
    if not isinstance(text, str) or not any(fnmatchcase(name, text) for name in RECIPIENTS):
        raise ValueError("fits no class of organisation")
    return text


OUTSIDERS: Final = frozenset({"IMMIGRATION_ENFORCEMENT", "HMIS_FROM_VSP"})
"""Who is named only to be kept out: no organisation can be onboarded as one, so there is no class for them (§2.6)."""


def _outsider(text: object) -> str:
    if not isinstance(text, str) or (text not in OUTSIDERS and text not in RECIPIENTS):
        raise ValueError("not a class of organisation, nor one of those that are kept out")
    return text


_Group = Annotated[FieldGroup, BeforeValidator(_known_group)]
_Pattern = Annotated[str, BeforeValidator(_class_pattern)]
_Span = Annotated[Span, BeforeValidator(_span)]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, hide_input_in_errors=True, arbitrary_types_allowed=True
    )


class _Defaults(_Part):
    max_release_days: Annotated[int, Field(ge=1, le=366)]
    oral_temporary_hours: Annotated[int, Field(ge=1, le=72)]
    capacity_fresh_hours: Annotated[int, Field(ge=1, le=48)]
    clock_skew_seconds: Annotated[int, Field(ge=0, le=300)]


class BasisRow(_Part):
    """One row of the disclosure matrix: who to whom, on which basis, with which groups at most."""

    rule: str
    discloser: Annotated[tuple[_Pattern, ...], Field(alias="from", min_length=1)]
    recipient: Annotated[tuple[_Pattern, ...], Field(alias="to", min_length=1)]
    basis: Annotated[Basis, BeforeValidator(_basis)]
    groups: tuple[_Group, ...] | None = None


class FeedbackRow(_Part):
    """One row on what a provider may tell a source without a release."""

    rule: str
    provider: Annotated[tuple[_Pattern, ...], Field(alias="from", min_length=1)]
    source: Annotated[tuple[_Pattern, ...], Field(alias="to", min_length=1)]
    allow: FeedbackAllowance


class _Regimes(_Part):
    written: tuple[Regime, ...]
    named: tuple[Regime, ...]


class _Scope(_Part):
    without_consent: tuple[_Group, ...]
    not_asked: tuple[_Group, ...]
    opaque_offer: tuple[_Group, ...]
    may_be_missing: tuple[_Group, ...]


class Table(_Part):
    """The minimum-necessary table: a row for each group, a sign for each column."""

    columns: tuple[str, ...]
    rows: dict[_Group, str]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if set(self.columns) != set(COLUMNS) or len(self.columns) != len(COLUMNS):
            raise ValueError("the columns are the offer and each category of recipient")
        if self.rows.keys() != GROUPS.keys():
            raise ValueError("every field group has one row")
        if any(len(row.split()) != len(self.columns) for row in self.rows.values()):
            raise ValueError("every row has a sign in each column")
        if any(sign not in set(Necessity) for row in self.rows.values() for sign in row.split()):
            raise ValueError("the signs are R, o, 1, - and x")
        return self


class _Timers(_Part):
    delivered: _Span
    receipted: _Span
    decided: _Span
    contact: _Span
    handoff_begun: _Span | None = None
    handoff_ended: _Span | None = None
    """Those of a receipt and of contact for packs that were frozen on referrals before they could be said."""
    outcome: _Span
    referral_expiry: _Span
    hold: _Span
    awaiting_keys: _Span
    revocation: _Span = Span(seconds=3600)
    """The shortest of domain.md §4.4 for packs that were frozen on referrals before it could be said."""
    contact_fresh_hours: Annotated[int, Field(ge=1, le=CONTACT_FRESH_HOURS_MAX)] = 24
    """As before: the shortest of domain.md §2.5."""
    parallel_offers: Annotated[int, Field(ge=1, le=5)]

    def whole(self) -> Timers:
        """Every deadline, those of a live transfer too."""
        begun, ended = self.handoff_begun or self.receipted, self.handoff_ended or self.contact
        return Timers(**{**dict(self), "handoff_begun": begun, "handoff_ended": ended})


_Percent = Annotated[int, Field(ge=1, le=99)]


class _Ladder(_Part):
    """The defaults are for packs that were frozen on referrals before it could be said."""

    remind: _Percent = 50
    on_call: _Percent = 75
    coordinator: _Percent = 50
    fallback: _Percent = 75
    fallback_number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.remind >= self.on_call or self.coordinator >= self.fallback:
            raise ValueError("a later step of the ladder comes later")
        return self


class _Risk(_Part):
    screened_in_unsafe_tonight: Priority
    screened_in: Priority
    bands: dict[RiskBand, Priority]


class _Safeguarding(_Part):
    groups: tuple[_Group, ...]
    note_hours: Annotated[int, Field(ge=1, le=168)]
    criteria: Annotated[frozenset[HighRiskCriterion], Field(min_length=1)]
    without_consent_ticks: Annotated[int, Field(ge=DASH_HIGH_RISK_TICKS, le=DASH_TICKS_MAX)]


_NEVER_BREAKS: Final = frozenset(
    {OrgClass.COURT, OrgClass.LEGAL_AID, OrgClass.COUNSELING_HIPAA, OrgClass.COUNSELING_NON_HIPAA}
)


class BreakGlassRow(_Part):
    """Who may open what to whom in an emergency."""

    rule: str
    discloser: Annotated[tuple[OrgClass, ...], Field(alias="from", min_length=1)]
    recipient: Annotated[tuple[_Pattern, ...], Field(alias="to", min_length=1)]
    groups: Annotated[tuple[_Group, ...], Field(min_length=1)]
    reasons: Annotated[frozenset[BreakGlassReason], Field(min_length=1)]
    basis: BreakGlassBasis

    @model_validator(mode="after")
    def _within_the_law(self) -> Self:
        """domain.md §5: off for some; a victim service provider tells an ambulance of the medical facts alone."""
        if not BREAKABLE.issuperset(self.groups):
            raise ValueError("an emergency opens none of these groups")
        if _NEVER_BREAKS.intersection(self.discloser):
            raise ValueError("courts, legal aid and counselling break no glass")
        if VICTIM_SERVICE_PROVIDERS.intersection(self.discloser) and (
            set(self.groups) != {"FG17"} or set(self.recipient) != {OrgClass.EMS}
        ):
            raise ValueError("a victim service provider may tell an ambulance of the medical emergency alone")
        return self


class _BreakGlass(_Part):
    hours: Annotated[int, Field(ge=1, le=4)]
    approve_minutes: Annotated[int, Field(ge=5, le=30)]
    review_hours: Annotated[int, Field(ge=1, le=72)]
    rows: Annotated[tuple[BreakGlassRow, ...], Field(min_length=1)]


class PackFile(_Part):
    """The whole file."""

    policy_pack: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    environments: Annotated[frozenset[MsgStatus], Field(min_length=1)]
    part2_enabled: Annotated[Literal[False], Field(alias="part2Enabled")]
    vsp_opaque_offers: bool
    prohibited_recipients: frozenset[Annotated[str, BeforeValidator(_outsider)]]
    common_languages: frozenset[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]]
    defaults: _Defaults
    max_release_days_by_purpose: dict[Purpose, Annotated[int, Field(ge=1, le=366)]]
    regimes_by_source_class: dict[OrgClass, frozenset[Regime]]
    regimes: _Regimes
    basis: Annotated[tuple[BasisRow, ...], Field(min_length=1)]
    feedback: Annotated[tuple[FeedbackRow, ...], Field(min_length=1)]
    scope: _Scope
    minimum_necessary: Table
    timers: dict[Priority, _Timers]
    ladder: _Ladder = _Ladder()
    risk: _Risk
    safeguarding: _Safeguarding | None = None
    break_glass: _BreakGlass | None = None

    @model_validator(mode="after")
    def _note_described(self) -> Self:
        wanted = any(row.basis in (Basis.SAFEGUARDING_SCH1_P18, Basis.VITAL_INTERESTS) for row in self.basis)
        if wanted != (self.safeguarding is not None):
            raise ValueError("a basis that a note of necessity can serve, and the part on safeguarding, go together")
        return self

    @model_validator(mode="after")
    def _every_priority(self) -> Self:
        if self.timers.keys() != set(Priority):
            raise ValueError("every priority has its timers")
        return self
