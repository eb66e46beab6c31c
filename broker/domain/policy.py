"""Reads a policy pack and compiles it into the tables that a decision looks into.

The caller loads the bytes; the digest of exactly these bytes names the pack on every decision taken under it.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from pydantic import ValidationError

from broker.domain import group_sets
from broker.domain.pack import (
    Basis,
    Breakable,
    BreakGlass,
    Column,
    Feedback,
    FeedbackAllowance,
    Footing,
    Ladder,
    Necessity,
    PolicyPack,
    RiskFloors,
    Safeguarding,
)
from broker.domain.policy_file import RECIPIENTS, BasisRow, FeedbackRow, PackFile, Table
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import OrgClass, Purpose, Tier

__all__ = ["PolicyBroken", "PolicyPack", "read_pack"]


class PolicyBroken(Exception):
    """A policy pack cannot be used as it stands. `problems` names every place, with what is wrong there."""

    def __init__(self, *problems: str) -> None:
        super().__init__(f"This policy pack cannot be used: {'; '.join(problems)}")
        self.problems = problems


def read_pack(text: bytes) -> PolicyPack:
    """The pack that these TOML bytes say, compiled.

    Raises:
        PolicyBroken: where it is not TOML, has an unknown key, or leaves a table incomplete. Names every place.
    """
    try:
        file = PackFile.model_validate(tomllib.loads(text.decode("utf-8")), by_alias=True)
        return _compiled(file, hashlib.sha256(text).hexdigest())
    except UnicodeDecodeError:
        raise PolicyBroken("it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyBroken(f"it is not TOML ({error})") from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise PolicyBroken(*(f"{_place(one['loc'])}: {one['msg']}" for one in found)) from None


def _place(steps: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in steps) or "the whole"


def _compiled(file: PackFile, digest: str) -> PolicyPack:
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
        footings=_footings(file.basis, file.prohibited_recipients),
        feedback=_feedback(file.feedback),
        columns=_columns(file.minimum_necessary),
        necessity=_cells(file.minimum_necessary),
        without_consent=group_sets.mask(file.scope.without_consent),
        not_asked=group_sets.mask(file.scope.not_asked),
        opaque_offer=group_sets.mask(file.scope.opaque_offer),
        may_be_missing=group_sets.mask(file.scope.may_be_missing),
        timers={priority: timers.whole() for priority, timers in file.timers.items()},
        ladder=Ladder(**dict(file.ladder)),
        risk=RiskFloors(file.risk.screened_in_unsafe_tonight, file.risk.screened_in, dict(file.risk.bands)),
        safeguarding=_safeguarding(file),
        break_glass=_break_glass(file),
    )


def _safeguarding(file: PackFile) -> Safeguarding | None:
    told = file.safeguarding
    if told is None:
        return None
    lasts = timedelta(hours=told.note_hours)
    return Safeguarding(group_sets.mask(told.groups), lasts, frozenset(told.criteria), told.without_consent_ticks)


def _break_glass(file: PackFile) -> BreakGlass | None:
    """Of several rows for a pair the first counts: an emergency is no place for adding up."""
    told = file.break_glass
    if told is None:
        return None
    ways: dict[str, dict[str, Breakable]] = {}
    for row in told.rows:
        opened = Breakable(row.rule, group_sets.mask(row.groups), frozenset(row.reasons), row.basis.value)
        for discloser in row.discloser:
            for recipient in (name for name in OrgClass if _fits(row.recipient, name)):
                ways.setdefault(discloser, {}).setdefault(recipient, opened)
    return BreakGlass(
        timedelta(hours=told.hours), timedelta(minutes=told.approve_minutes), timedelta(hours=told.review_hours), ways
    )


def _fits(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _footings(rows: tuple[BasisRow, ...], prohibited: frozenset[str]) -> dict[str, dict[str, Footing]]:
    """For each pair. Who is prohibited has a footing too, so that the reason is told, and it is never."""
    table: dict[str, dict[str, Footing]] = {}
    for discloser in OrgClass:
        for recipient in RECIPIENTS:
            if recipient in prohibited:
                table.setdefault(discloser, {})[recipient] = Footing(Basis.PROHIBITED, 0, ("prohibitedRecipients",))
                continue
            fitting = [row for row in rows if _fits(row.discloser, discloser) and _fits(row.recipient, recipient)]
            if fitting:
                table.setdefault(discloser, {})[recipient] = _strictest(fitting)
    return table


_CEILINGS: Final = {Basis.TRAIL_ONLY: group_sets.UP_TO_TIER[Tier.OPERATIONAL], Basis.PROHIBITED: 0}
"""What a basis reaches at most by itself; the others reach what their rows list."""


def _strictest(rows: list[BasisRow]) -> Footing:
    basis = max(row.basis for row in rows)
    ceiling = _CEILINGS.get(basis, group_sets.ALL)
    for row in rows:
        ceiling &= group_sets.ALL if row.groups is None else group_sets.mask(row.groups)
    return Footing(basis, ceiling, tuple(row.rule for row in rows if row.basis == basis))


def _feedback(rows: tuple[FeedbackRow, ...]) -> dict[str, dict[str, Feedback]]:
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


def _cells(table: Table) -> Mapping[str, Mapping[FieldGroup, Necessity]]:
    return {
        column: {group: Necessity(row.split()[place]) for group, row in table.rows.items()}
        for place, column in enumerate(table.columns)
    }


def _columns(table: Table) -> Mapping[str, Column]:
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
