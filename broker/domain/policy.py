"""Reads a policy pack from its TOML: unknown keys, unknown names and gaps are refused, never guessed.

The caller loads the bytes; the digest of exactly these bytes names the pack on every decision taken under it.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from broker.domain import group_sets
from broker.domain.pack import (
    Basis,
    Column,
    Feedback,
    FeedbackAllowance,
    Footing,
    Necessity,
    PolicyPack,
    RiskFloors,
    Span,
    Timers,
)
from broker.schemas.consent_vocabulary import Regime
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.vocabulary import MsgStatus, OrgClass, Priority, Purpose, RecipientCategory, RiskBand, Tier

__all__ = ["PolicyBroken", "PolicyPack", "read_pack"]

RECIPIENTS: Final[tuple[str, ...]] = (*OrgClass, RecipientCategory.AUDITOR)
"""Whom a row's `to` may mean: any class of organisation, and the auditor."""

COLUMNS: Final[tuple[str, ...]] = ("OFFER", *RecipientCategory)
"""The columns of the minimum-necessary table: the offer phase and each category of recipient."""


class PolicyBroken(Exception):
    """A policy pack cannot be used as it stands."""

    def __init__(self, where: str) -> None:
        super().__init__(f"This policy pack cannot be used: {where}")


_LENGTHS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN = re.compile(r"^([1-9][0-9]{0,4})(s|m|h|d|bd)$")


def _span(text: object) -> Span:
    found = _SPAN.match(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("a length of time is a number and s, m, h, d or bd")
    amount, unit = int(found[1]), found[2]
    return Span(business_days=amount) if unit == "bd" else Span(seconds=amount * _LENGTHS[unit])


def _basis(text: object) -> Basis:
    if not isinstance(text, str) or text not in Basis.__members__:
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


class _BasisRow(_Part):
    rule: str
    discloser: Annotated[tuple[_Pattern, ...], Field(alias="from", min_length=1)]
    recipient: Annotated[tuple[_Pattern, ...], Field(alias="to", min_length=1)]
    basis: Annotated[Basis, BeforeValidator(_basis)]
    groups: tuple[_Group, ...] | None = None


class _FeedbackRow(_Part):
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


class _Table(_Part):
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
    outcome: _Span
    referral_expiry: _Span
    hold: _Span
    awaiting_keys: _Span
    parallel_offers: Annotated[int, Field(ge=1, le=5)]


class _Risk(_Part):
    screened_in_unsafe_tonight: Priority
    screened_in: Priority
    bands: dict[RiskBand, Priority]


class _PackFile(_Part):
    policy_pack: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    environments: Annotated[frozenset[MsgStatus], Field(min_length=1)]
    part2_enabled: Annotated[Literal[False], Field(alias="part2Enabled")]
    vsp_opaque_offers: bool
    prohibited_recipients: frozenset[str]
    common_languages: frozenset[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]]
    defaults: _Defaults
    max_release_days_by_purpose: dict[Purpose, Annotated[int, Field(ge=1, le=366)]]
    regimes_by_source_class: dict[OrgClass, frozenset[Regime]]
    regimes: _Regimes
    basis: Annotated[tuple[_BasisRow, ...], Field(min_length=1)]
    feedback: Annotated[tuple[_FeedbackRow, ...], Field(min_length=1)]
    scope: _Scope
    minimum_necessary: _Table
    timers: dict[Priority, _Timers]
    risk: _Risk

    @model_validator(mode="after")
    def _every_priority(self) -> Self:
        if self.timers.keys() != set(Priority):
            raise ValueError("every priority has its timers")
        return self


def read_pack(text: bytes) -> PolicyPack:
    """The pack that these TOML bytes say, compiled.

    Raises:
        PolicyBroken: where it is not TOML, has an unknown key, or leaves a table incomplete. Names the place.
    """
    try:
        file = _PackFile.model_validate(tomllib.loads(text.decode("utf-8")), by_alias=True)
        return _compiled(file, hashlib.sha256(text).hexdigest())
    except UnicodeDecodeError:
        raise PolicyBroken("it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyBroken(f"it is not TOML ({error})") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the whole"
        raise PolicyBroken(f"{place}: {first['msg']}") from None


def _compiled(file: _PackFile, digest: str) -> PolicyPack:
    overall = timedelta(days=file.defaults.max_release_days)
    by_purpose = file.max_release_days_by_purpose
    return PolicyPack(
        name=file.policy_pack,
        version=file.version,
        digest=digest,
        environments=file.environments,
        max_release=overall,
        release_length={
            p: min(overall, timedelta(days=by_purpose[p])) if p in by_purpose else overall for p in Purpose
        },
        oral_temporary=timedelta(hours=file.defaults.oral_temporary_hours),
        capacity_fresh=timedelta(hours=file.defaults.capacity_fresh_hours),
        clock_skew=timedelta(seconds=file.defaults.clock_skew_seconds),
        part2_enabled=file.part2_enabled,
        vsp_opaque_offers=file.vsp_opaque_offers,
        prohibited_recipients=file.prohibited_recipients,
        common_languages=file.common_languages,
        regimes={kind: frozenset(regimes) for kind, regimes in file.regimes_by_source_class.items()},
        written_regimes=frozenset(file.regimes.written),
        named_regimes=frozenset(file.regimes.named),
        footings=_footings(file.basis),
        feedback=_feedback(file.feedback),
        columns=_columns(file.minimum_necessary),
        necessity=_cells(file.minimum_necessary),
        without_consent=group_sets.mask(file.scope.without_consent),
        not_asked=group_sets.mask(file.scope.not_asked),
        opaque_offer=group_sets.mask(file.scope.opaque_offer),
        may_be_missing=group_sets.mask(file.scope.may_be_missing),
        timers={priority: Timers(**dict(timers)) for priority, timers in file.timers.items()},
        risk=RiskFloors(file.risk.screened_in_unsafe_tonight, file.risk.screened_in, dict(file.risk.bands)),
    )


def _fits(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _footings(rows: tuple[_BasisRow, ...]) -> dict[str, dict[str, Footing]]:
    table: dict[str, dict[str, Footing]] = {}
    for discloser in OrgClass:
        for recipient in RECIPIENTS:
            fitting = [row for row in rows if _fits(row.discloser, discloser) and _fits(row.recipient, recipient)]
            if fitting:
                table.setdefault(discloser, {})[recipient] = _strictest(fitting)
    return table


_CEILINGS: Final = {Basis.TRAIL_ONLY: group_sets.UP_TO_TIER[Tier.OPERATIONAL], Basis.PROHIBITED: 0}
"""What a basis reaches at most by itself; the others reach what their rows list."""


def _strictest(rows: list[_BasisRow]) -> Footing:
    basis = max(row.basis for row in rows)
    ceiling = _CEILINGS.get(basis, group_sets.ALL)
    for row in rows:
        ceiling &= group_sets.ALL if row.groups is None else group_sets.mask(row.groups)
    return Footing(basis, ceiling, tuple(row.rule for row in rows if row.basis == basis))


def _feedback(rows: tuple[_FeedbackRow, ...]) -> dict[str, dict[str, Feedback]]:
    table: dict[str, dict[str, Feedback]] = {}
    for provider in OrgClass:
        for source in OrgClass:
            fitting = [row for row in rows if _fits(row.provider, provider) and _fits(row.source, source)]
            if fitting:
                held = any(row.allow is FeedbackAllowance.RECEIPT_ONLY for row in fitting)
                allowance = FeedbackAllowance.RECEIPT_ONLY if held else FeedbackAllowance.STATUS
                rules = tuple(row.rule for row in fitting if row.allow is allowance)
                table.setdefault(provider, {})[source] = Feedback(allowance, rules)
    return table


def _cells(table: _Table) -> Mapping[str, Mapping[FieldGroup, Necessity]]:
    return {
        column: {group: Necessity(row.split()[place]) for group, row in table.rows.items()}
        for place, column in enumerate(table.columns)
    }


def _columns(table: _Table) -> Mapping[str, Column]:
    return {name: _column(cells) for name, cells in _cells(table).items()}


def _column(cells: Mapping[FieldGroup, Necessity]) -> Column:
    def having(*signs: Necessity) -> int:
        return group_sets.mask(group for group, sign in cells.items() if sign in signs)

    return Column(
        allowed=having(Necessity.REQUIRED, Necessity.OPTIONAL, Necessity.ONCE),
        required=having(Necessity.REQUIRED),
        once=having(Necessity.ONCE),
        never=having(Necessity.NEVER),
    )
