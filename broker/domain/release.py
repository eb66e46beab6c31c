"""Whether a release may be taken in as it is, and what is left of one that is revoked in part.

The record's own schema has judged who granted it and how it is written. Here are the rules that need the policy pack
and the publisher: whose release it is, how long it runs, and what the publisher's own regime demands.
"""

from collections.abc import Callable, Container, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from broker.domain.pack import PolicyPack
from broker.domain.terms import ConsentTerms, terms
from broker.schemas.consent_record import ConsentRecord, NamedRecipient
from broker.schemas.consent_revoked import KNOWN_VALUES
from broker.schemas.consent_vocabulary import Capacity, ConsentDecision, GrantForm, IdentityCheck, SubjectKind
from broker.schemas.field_groups import GROUPS, fields_named, meant_by
from broker.schemas.ids import OrgId
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import OrgClass


def release_refusal(
    record: ConsentRecord, discloser: OrgId, org_class: OrgClass, pack: PolicyPack, now: datetime
) -> RefusalCode | None:
    """Why the release that `discloser` publishes cannot be taken in at `now`; None where it can.

    Rules: exactly one discloser, the publisher (§2.5); nothing in it that nobody knows (`unclear_in`); who granted it
    (§2.1, §4.2); VAWA-02, VAWA-03, VAWA-06; oral releases to one organisation, until `oralTemporaryHours` after they
    were spoken at most (§4.2). A release dated further ahead than one may last is no limit either. A denial may run as
    long as the survivor wishes.
    """
    if record.discloser.org_id != discloser:
        return RefusalCode.DISCLOSER_NOT_YOU
    if unclear_in(record) is not None:
        return RefusalCode.PROPERTY_INVALID
    length = record.validity.not_after - record.validity.not_before
    if length.total_seconds() <= 0:
        return RefusalCode.NOT_TIME_LIMITED
    if record.decision is not ConsentDecision.PERMIT:
        return None
    refusal = _grantors_refusal(record, org_class, pack)
    if refusal is not None:
        return refusal
    if length > max(pack.release_length[purpose] for purpose in record.purposes):
        return RefusalCode.NOT_TIME_LIMITED
    if record.validity.not_before - now > pack.max_release:
        return RefusalCode.NOT_TIME_LIMITED
    named = [to for to in record.recipients if isinstance(to, NamedRecipient)]
    if pack.named_only(org_class) and len(named) != len(record.recipients):
        return RefusalCode.RECIPIENT_NOT_SPECIFIC
    spoken = [grantor.given_at for grantor in record.grantors if grantor.form is GrantForm.ORAL_TEMPORARY]
    if not spoken:
        return None
    if pack.written_only(org_class) or not pack.written_regimes.isdisjoint(record.regimes):
        return RefusalCode.NOT_WRITTEN
    if len(named) != 1 or len(record.recipients) != 1:
        return RefusalCode.RECIPIENT_NOT_SPECIFIC
    lasts = record.validity.not_after - min(spoken)
    return RefusalCode.NOT_TIME_LIMITED if max(lasts, length) > pack.oral_temporary else None


def unclear_in(record: ConsentRecord) -> str | None:
    """Which property of the record names what nobody knows, so that it would permit or forbid nothing in silence.

    A permit names each part of a group by itself: the parts of FG07 reach from tier 1 to tier 4 (§7.2), and what she
    meant by all of them together is not guessed in favour of telling more. A denial may say FG07 for all of them.
    """
    permits = record.decision is ConsentDecision.PERMIT
    for code in record.data_scope.field_groups:
        if not (code in GROUPS if permits else meant_by(code)):
            return "dataScope.fieldGroups"
    if not all(map(fields_named, record.data_scope.excluded_fields)):
        return "dataScope.excludedFields"
    return None


_ALONE: Final = frozenset({SubjectKind.ADULT, SubjectKind.EMANCIPATED_MINOR})


def _grantors_refusal(record: ConsentRecord, org_class: OrgClass, pack: PolicyPack) -> RefusalCode | None:
    """Whether those granted it who can: what the record's own rules about minors, guardians and abusers leave open.

    Whoever decides alone grants in person; only where no regime of 34 U.S.C. 12291(b)(2) binds may a personal
    representative under HIPAA do so (§2.1). Who signed electronically or spoke was checked: abusers can do both (§4.2).
    """
    unchecked = [g for g in record.grantors if g.identity_check is IdentityCheck.NONE]
    if any(grantor.form is not GrantForm.WRITTEN_WET for grantor in unchecked):
        return RefusalCode.IDENTITY_NOT_CHECKED
    if record.subject.kind not in _ALONE and not record.subject.may_consent_alone:
        return None
    capacities = {grantor.capacity for grantor in record.grantors}
    if Capacity.SELF in capacities:
        return None
    in_person = pack.named_only(org_class) or not pack.named_regimes.isdisjoint(record.regimes)
    represented = Capacity.HIPAA_PERSONAL_REPRESENTATIVE in capacities and not in_person
    return None if represented else RefusalCode.SURVIVOR_DID_NOT_GRANT


class Revoked(NamedTuple):
    """A revocation as the registry keeps it: it covers every version up to and including its number (§4.4, §4.5)."""

    version: int
    scope: str
    values: tuple[str, ...] = ()


NOT_UNDERSTOOD: Final = "NOT_UNDERSTOOD"
"""The scope under which a revocation is kept that names what nobody knows: it takes the whole of a permit."""


def understood(revoked: Revoked, record: ConsentRecord | None, known: Container[str]) -> Revoked:
    """The revocation as it is kept: of an organisation that `record` does not name, it must be one of the `known`.

    "org-shelter-brich" would otherwise take nothing back, and everybody would believe that it had. It is not turned
    into one of ALL, which would lift a denial too.
    """
    if revoked.scope != "RECIPIENT":
        return revoked
    named = [] if record is None else [to.org_id for to in record.recipients if isinstance(to, NamedRecipient)]
    if all(value in named or value in known for value in revoked.values):
        return revoked
    return revoked._replace(scope=NOT_UNDERSTOOD)


def standing(record: ConsentRecord, status: str, revocations: Iterable[Revoked] = ()) -> ConsentTerms:
    """The terms of a version as it stands: under `status`, and narrowed by the revocations that cover it.

    Where nothing is left it is revoked. Its exclusions stand: she took back a permission, not her fear.
    """
    left: ConsentRecord | None = record
    for revoked in revocations:
        if left is not None and revoked.version >= record.version:
            left = narrowed(left, revoked)
    return terms(record, status="revoked") if left is None else terms(left, status=status)


def narrowed(record: ConsentRecord, revoked: Revoked) -> ConsentRecord | None:
    """What a revocation leaves of a version; None where nothing is left.

    A revocation that is not understood takes the whole of a permit. Part of a denial is not revoked: part of a no taken
    back is a wider yes, which wants a new version in writing.
    """
    if revoked.scope == "ALL":
        return None
    if record.decision is not ConsentDecision.PERMIT:
        return record
    narrow, values = _NARROW.get(revoked.scope), frozenset(revoked.values)
    if narrow is None or not values or not KNOWN_VALUES.get(revoked.scope, values).issuperset(values):
        return None
    return narrow(record, values)


def _without_recipients(record: ConsentRecord, values: frozenset[str]) -> ConsentRecord | None:
    """Where kinds of recipients remain, the revoked organisations become exclusions: they may be of that kind."""
    kept = tuple(to for to in record.recipients if not isinstance(to, NamedRecipient) or to.org_id not in values)
    excluded = record.excluded_recipients
    if any(not isinstance(to, NamedRecipient) for to in kept):
        excluded = tuple(sorted({*excluded, *(OrgId(value) for value in values)}))
    return record.model_copy(update={"recipients": kept, "excluded_recipients": excluded}) if kept else None


def _without_groups(record: ConsentRecord, values: frozenset[str]) -> ConsentRecord | None:
    """A group's code takes its parts with it: FG07 means FG07a to FG07e."""
    groups = tuple(g for g in record.data_scope.field_groups if g not in values and g[:4] not in values)
    scope = record.data_scope.model_copy(update={"field_groups": groups})
    return record.model_copy(update={"data_scope": scope}) if groups else None


def _without_purposes(record: ConsentRecord, values: frozenset[str]) -> ConsentRecord | None:
    purposes = tuple(purpose for purpose in record.purposes if purpose not in values)
    return record.model_copy(update={"purposes": purposes}) if purposes else None


_NARROW: Final[dict[str, Callable[[ConsentRecord, frozenset[str]], ConsentRecord | None]]] = {
    "RECIPIENT": _without_recipients,
    "FIELD_GROUP": _without_groups,
    "PURPOSE": _without_purposes,
}
