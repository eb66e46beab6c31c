"""What may leave is worked out before anything is sealed: which groups at all, and for whom their keys are wrapped.

Minimum necessary at the source: a group that no provider asked could ever be let have is left out, and a content key
is wrapped only for an organisation that the survivor's release names, within what the gate itself would let through.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from broker.agency.errors import EventRefusedBeforeSending
from broker.domain import group_sets
from broker.domain.consent import (
    ConsentRef,
    ConsentTerms,
    Decision,
    Effect,
    Phase,
    Question,
    Reason,
    decide,
    purpose_for,
)
from broker.domain.needs import groups_of, services_by_category
from broker.schemas.event import refusal_of
from broker.schemas.field_groups import GROUPS, SEALABLE, FieldGroup, group_model, group_refusal
from broker.schemas.group import Group
from broker.schemas.ids import KeyId, OrgId, ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode
from broker.schemas.sealed import CIPHERTEXT_CHARACTERS, SealedGroup, WrappedKey
from broker.schemas.vocabulary import RecipientCategory
from broker.seal.sealing import ContentKey, seal_group, wrap_key
from broker.zone import AgencyZone, DirectoryEntry

GroupContent = BaseModel | Mapping[str, Any]
"""A field group as its model, as another model of the same shape, or as a mapping by wire or Python names."""

Withheld = Mapping[FieldGroup, Reason]

_FINAL: Final = frozenset(
    {
        Reason.VICTIM_SAID_NO,
        Reason.RECIPIENT_EXCLUDED,
        Reason.NO_BASIS,
        Reason.OUT_OF_BROKER,
        Reason.RECIPIENT_NOT_NAMED,
    }
)
"""Why a recipient gets nothing whatever comes later; after any other reason a further consent may let it in."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one recipient would be let have: `groups` sealed to it, `withheld` with a reason for every other group."""

    recipient: OrgId
    groups: frozenset[FieldGroup]
    withheld: Withheld
    reason: Reason | None = None
    """Why it gets nothing at all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would leave and for whom, before anything is sealed. Its repr shows no content."""

    request: ReferralRequested = field(repr=False)
    texts: Mapping[FieldGroup, bytes] = field(repr=False)
    left_out: Withheld
    shares: Sequence[Share]


@dataclass(frozen=True, slots=True)
class Known:
    """What the client holds the request against at `now` (UTC)."""

    zone: AgencyZone
    consent: ConsentRef | None
    terms: Sequence[ConsentTerms]
    now: datetime

    def decision(self, request: ReferralRequested, recipient: DirectoryEntry) -> Decision | None:
        """The gate's answer for the hand-over to this recipient; None where nothing is asked of its kind."""
        category = recipient.category
        services = services_by_category(request).get(category) if category is not None else None
        if category is None or services is None:
            return None
        question = Question(
            phase=Phase.RELEASE,
            discloser=self.zone.party,
            recipient=recipient.party,
            purpose=purpose_for(category, services),
            groups=groups_of(request),
            consent=self.consent,
            victim_agreed=request.victim_agreed,
            excluded=frozenset(request.excluded_recipients),
        )
        return decide(question, self.terms, self.now, self.zone.pack)


def group_texts(groups: Mapping[str, GroupContent]) -> dict[FieldGroup, bytes]:
    """The UTF-8 JSON of each group, checked by its model.

    Raises:
        EventRefusedBeforeSending: a group that cannot travel sealed, or a property that its schema does not allow.
    """
    return {FieldGroup(code): _text(_checked(code, content)) for code, content in groups.items()}


def plan(
    fields: Mapping[str, Any], texts: Mapping[FieldGroup, bytes], seal_to: Sequence[OrgId] | None, known: Known
) -> Plan:
    """What of this request may leave, and for whom. `seal_to` None means everybody whom the release names.

    Raises:
        EventRefusedBeforeSending: the request itself is not one.
        RecipientUnknown: an organisation of `seal_to` is not in the directory.
    """
    texts, excluded = _without_excluded(texts, known.terms)
    whole = requested(fields, _placeholders(texts))
    left_out = excluded | _left_out(whole, known)
    kept = {group: text for group, text in texts.items() if group not in left_out}
    request = requested(fields, _placeholders(kept))
    entries = _named(request, known) if seal_to is None else [known.zone.directory.entry(org) for org in seal_to]
    return Plan(request, kept, left_out, [_share(request, entry, known) for entry in entries])


def requested(fields: Mapping[str, Any], sealed: Iterable[SealedGroup]) -> ReferralRequested:
    """The request with these sealed groups.

    Raises:
        EventRefusedBeforeSending: with the code that the broker would refuse it with.
    """
    try:
        return ReferralRequested.model_validate({**fields, "sealed": tuple(sealed)})
    except ValidationError as error:
        refused = refusal_of(error)
        raise EventRefusedBeforeSending(refused.code, refused.field) from None


def seal(
    referral_id: ReferralId, texts: Mapping[FieldGroup, bytes]
) -> tuple[tuple[SealedGroup, ...], dict[FieldGroup, ContentKey]]:
    """Seal each group with a content key of its own."""
    sealed: list[SealedGroup] = []
    keys: dict[FieldGroup, ContentKey] = {}
    for group in sorted(texts):
        one, keys[group] = seal_group(referral_id, group, texts[group])
        sealed.append(one)
    return tuple(sealed), keys


def wrap(
    referral_id: ReferralId,
    sealed: Iterable[SealedGroup],
    keys: Mapping[FieldGroup, ContentKey],
    entry: DirectoryEntry,
    groups: frozenset[FieldGroup],
    now: datetime,
    among: Iterable[KeyId] = (),
) -> list[WrappedKey]:
    """The content keys of these groups, wrapped for the recipient's newest key (one of `among`, where any are given).

    Raises:
        RecipientUnknown: it has no key that can be sealed to.
    """
    wanted = [one for one in sealed if one.field_group in groups]
    if not wanted:
        return []
    recipient = entry.sealing_key(now, among)
    return [wrap_key(referral_id, one, keys[one.field_group], recipient) for one in wanted]


def late_share(request: ReferralRequested, entry: DirectoryEntry, known: Known) -> Share:
    """What a recipient that was chosen may be let have, whether the survivor named it or its kind."""
    return _share(request, entry, known, named_only=False)


def ceiling_share(request: ReferralRequested, entry: DirectoryEntry, known: Known) -> Share:
    """What a chosen recipient may have at most, where the release itself is not at hand: the broker has judged it."""
    if entry.category is None or entry.org_id in request.excluded_recipients:
        return _nothing(request, entry, Reason.RECIPIENT_EXCLUDED)
    sealed = frozenset(one.field_group for one in request.sealed)
    groups = sealed & _ceiling(entry.category, known)
    return Share(entry.org_id, groups, dict.fromkeys(sealed - groups, Reason.NOT_NECESSARY))


def _share(request: ReferralRequested, entry: DirectoryEntry, known: Known, *, named_only: bool = True) -> Share:
    decision = known.decision(request, entry)
    if decision is None:
        return _nothing(request, entry, Reason.NOT_NECESSARY)
    if decision.effect is not Effect.PERMIT:
        return Share(entry.org_id, frozenset(), decision.withheld, decision.reason)
    if named_only and decision.late_sealing:
        return _nothing(request, entry, Reason.RECIPIENT_NOT_NAMED)
    sealed = frozenset(one.field_group for one in request.sealed)
    return Share(entry.org_id, decision.let_through & sealed, decision.withheld)


def _nothing(request: ReferralRequested, entry: DirectoryEntry, reason: Reason) -> Share:
    return Share(entry.org_id, frozenset(), dict.fromkeys(groups_of(request), reason), reason)


def _named(request: ReferralRequested, known: Known) -> list[DirectoryEntry]:
    """The organisations of the kinds asked that a release names, as far as the directory knows them."""
    named = frozenset[OrgId]().union(*(terms.recipients for terms in known.terms if terms.permits))
    asked = services_by_category(request).keys()
    entries = known.zone.directory.organisations
    return [entry for entry in entries if entry.org_id in named and entry.category in asked]


def _left_out(request: ReferralRequested, known: Known) -> dict[FieldGroup, Reason]:
    """The sealed groups that none of the providers that could be asked may ever have, with the nearest reason."""
    sealed = frozenset(one.field_group for one in request.sealed)
    possible: set[FieldGroup] = set()
    reasons: dict[FieldGroup, Reason] = {}
    for category in services_by_category(request):
        entries = [one for one in known.zone.directory.organisations if one.category is category]
        decisions = [one for entry in entries if (one := known.decision(request, entry)) is not None]
        for decision in decisions:
            possible |= _possible(decision, category, known)
            if decision.effect is Effect.PERMIT:
                reasons |= decision.withheld
        if not decisions:
            possible |= _ceiling(category, known)
    return {group: reasons.get(group, Reason.NOT_NECESSARY) for group in sorted(sealed - possible)}


def _possible(decision: Decision, category: RecipientCategory, known: Known) -> frozenset[FieldGroup]:
    if decision.effect is Effect.PERMIT:
        return decision.let_through
    return frozenset() if decision.reason in _FINAL else _ceiling(category, known)


def _ceiling(category: RecipientCategory, known: Known) -> frozenset[FieldGroup]:
    """All that this kind of recipient may ever have (domain.md §7.4)."""
    column = known.zone.pack.columns.get(category)
    return frozenset() if column is None else group_sets.groups_of(column.allowed)


def _checked(code: str, content: GroupContent) -> Group:
    if code not in SEALABLE:
        reason = group_refusal(code) or RefusalCode.PROPERTY_INVALID
        raise EventRefusedBeforeSending(reason, f"seal.{code}" if code in GROUPS else "seal")
    model = group_model(code)
    if isinstance(content, model):
        return content
    try:
        return model.model_validate(content.model_dump() if isinstance(content, BaseModel) else content)
    except ValidationError as error:
        broken = refusal_of(error)
        raise EventRefusedBeforeSending(broken.code, f"seal.{code}.{broken.field}") from None


def _text(group: Group) -> bytes:
    return group.model_dump_json(by_alias=True, exclude_none=True).encode()


def _without_excluded(
    texts: Mapping[FieldGroup, bytes], terms: Sequence[ConsentTerms]
) -> tuple[dict[FieldGroup, bytes], dict[FieldGroup, Reason]]:
    """The groups without the fields that a release excludes (`legalIdentity.legalFamilyName` or `FG05.…`).

    A group that its model does not allow without such a field is left out whole.
    """
    paths = {path for one in terms for path in one.obligations.excluded_fields}
    kept: dict[FieldGroup, bytes] = {}
    left_out: dict[FieldGroup, Reason] = {}
    for group, text in texts.items():
        model = group_model(group)
        names = {path.partition(".")[2] for path in paths if path.partition(".")[0] in (group, to_camel(_snake(model)))}
        held = {name: value for name, value in from_json(text).items() if name not in names}
        try:
            kept[group] = _text(model.model_validate(held)) if names else text
        except ValidationError:
            left_out[group] = Reason.OUT_OF_SCOPE
    return kept, left_out


def _snake(model: type[Group]) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in model.__name__).strip("_")


def _placeholders(groups: Iterable[FieldGroup]) -> list[SealedGroup]:
    """Stand-ins of the smallest size class, to check a request before anything is sealed."""
    return [SealedGroup(field_group=group, ciphertext="A" * min(CIPHERTEXT_CHARACTERS)) for group in sorted(groups)]
