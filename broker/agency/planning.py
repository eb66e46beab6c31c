"""What may leave is worked out before anything is sealed: which groups at all, and for whom their keys are wrapped.

Minimum necessary at the source: a group that no provider asked could ever be let have is left out, and a content key
is wrapped only for an organisation that the survivor's release names, within what the gate itself would let through.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from broker.agency.avoiding import to_avoid
from broker.agency.contents import without_excluded
from broker.agency.errors import EventRefusedBeforeSending
from broker.domain import group_sets
from broker.domain.acceptance import refuse_unfounded
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
from broker.domain.needs import groups_of, services_possible
from broker.domain.question import Emergency
from broker.schemas.event import refusal_of
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import Refused
from broker.schemas.sealed import CIPHERTEXT_CHARACTERS, SealedGroup
from broker.schemas.vocabulary import RecipientCategory
from broker.zone import AgencyZone, DirectoryEntry

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
    emergency: Emergency | None = None
    """The glass that is being broken for the recipient in question."""

    def decision(self, request: ReferralRequested, recipient: DirectoryEntry) -> Decision | None:
        """The gate's answer for the hand-over to this recipient; None where nothing is asked of its kind."""
        category = recipient.category
        services = services_possible(request).get(category) if category is not None else None
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
            necessity=request.necessity,
            emergency=self.emergency,
        )
        return decide(question, self.terms, self.now, self.zone.pack)


def plan(
    fields: Mapping[str, Any], texts: Mapping[FieldGroup, bytes], seal_to: Sequence[OrgId] | None, known: Known
) -> Plan:
    """What of this request may leave, and for whom. `seal_to` None means everybody whom the release names.

    Raises:
        EventRefusedBeforeSending: the request itself is not one.
        RecipientUnknown: an organisation of `seal_to` is not in the directory.
        AssociationUnplaced: the abuser is tied to a kind of provider, and it is not said which.
    """
    everything = requested(fields, _placeholders(texts))
    try:
        refuse_unfounded(everything, known.zone.pack, named=known.consent is not None)
    except Refused as refused:
        raise EventRefusedBeforeSending(refused.code, refused.field) from None
    avoided = to_avoid(everything.excluded_recipients, texts, _candidates(everything, known))
    texts, stripped = without_excluded(texts, known.terms)
    excluded = dict.fromkeys(stripped, Reason.OUT_OF_SCOPE)
    left_out = excluded | _left_out(requested(fields, _placeholders(texts), avoided), known)
    kept = {group: text for group, text in texts.items() if group not in left_out}
    request = requested(fields, _placeholders(kept), avoided)
    entries = _named(request, known) if seal_to is None else [known.zone.directory.entry(org) for org in seal_to]
    return Plan(request, kept, left_out, [_share(request, entry, known) for entry in entries])


def requested(
    fields: Mapping[str, Any], sealed: Iterable[SealedGroup], avoided: Sequence[OrgId] = ()
) -> ReferralRequested:
    """The request with these sealed groups, and `avoided` beside whom it excludes itself.

    Raises:
        EventRefusedBeforeSending: with the code that the broker would refuse it with.
    """
    try:
        request = ReferralRequested.model_validate({**fields, "sealed": tuple(sealed)})
    except ValidationError as error:
        refused = refusal_of(error)
        raise EventRefusedBeforeSending(refused.code, refused.field) from None
    return request.model_copy(update={"excluded_recipients": (*request.excluded_recipients, *avoided)})


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
    asked = services_possible(request).keys()
    entries = known.zone.directory.organisations
    return [entry for entry in entries if entry.org_id in named and entry.category in asked]


def _candidates(request: ReferralRequested, known: Known) -> list[DirectoryEntry]:
    """The providers that could be asked for what is needed."""
    asked = services_possible(request).keys()
    return [entry for entry in known.zone.directory.organisations if entry.category in asked]


def _left_out(request: ReferralRequested, known: Known) -> dict[FieldGroup, Reason]:
    """The sealed groups that none of the providers that could be asked may ever have, with the nearest reason."""
    sealed = frozenset(one.field_group for one in request.sealed)
    possible: set[FieldGroup] = set()
    reasons: dict[FieldGroup, Reason] = {}
    for category in services_possible(request):
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


def _placeholders(groups: Iterable[FieldGroup]) -> list[SealedGroup]:
    """Stand-ins of the smallest size class, to check a request before anything is sealed."""
    return [SealedGroup(field_group=group, ciphertext="A" * min(CIPHERTEXT_CHARACTERS)) for group in sorted(groups)]
