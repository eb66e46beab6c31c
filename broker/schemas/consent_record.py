"""The consent record of domain.md §4.2: it takes and refuses exactly what `consent_record.schema.json` does.

The rules that bind several properties together are below the models, one function each, with the rule's id. How long a
release may run, and who may rely on it, are the domain's and the policy pack's, not the record's.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from broker.schemas.consent_rules import CROSS_RULES
from broker.schemas.consent_vocabulary import (
    AbuserCheck,
    Capacity,
    CaptureSetting,
    ConsentCategory,
    ConsentDecision,
    ConsentStatus,
    CopyToSubject,
    EndingEvent,
    GrantForm,
    IdentityCheck,
    RecipientKind,
    RedisclosureNotice,
    Regime,
    RevocationForm,
    RevokedBy,
    SubjectKind,
)
from broker.schemas.event import Contract
from broker.schemas.field_groups import FieldGroupText
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import UNIQUE, WHOLE, Maybe, Moment, VersionNumber, broken
from broker.schemas.vocabulary import Purpose, RevocationScope

_HEX = "[0-9a-fA-F]"
ConsentUuid = Annotated[
    ConsentId, StringConstraints(pattern=rf"^{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}$")
]
"""A consent's id as the record's schema takes it; the event's subject, which must equal it, is stricter (UUIDv4)."""


class ConsentVersion(Contract):
    """One version of one record."""

    consent_id: ConsentUuid
    version: VersionNumber


class ConsentSubject(Contract):
    """The survivor, by a random reference that only the discloser can resolve."""

    subject_ref: Annotated[str, StringConstraints(pattern=r"^sub-[0-9a-f-]{36}$")]
    kind: SubjectKind
    may_consent_alone: bool = False
    may_consent_alone_basis: Maybe[Annotated[str, StringConstraints(max_length=120)]] = None


class Grantor(Contract):
    """One person who granted, and how that person was checked."""

    capacity: Capacity
    form: GrantForm
    given_at: Moment
    identity_check: IdentityCheck
    abuser_check: AbuserCheck


class CapturedBy(Contract):
    """Who took the consent, and where."""

    org_id: OrgId
    worker_ref: str
    setting: CaptureSetting
    form_language: Maybe[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]] = None
    interpreter_used: Maybe[bool] = None


def _explained(done: bool) -> bool:
    """domain.md §2.5: the survivor picks, so the survivor was told what there is to pick from."""
    if not done:
        raise broken(RefusalCode.NOT_INFORMED)
    return done


def _not_conditioned(free: bool) -> bool:
    """VAWA-11: help may never depend on signing."""
    if not free:
        raise broken(RefusalCode.CONDITIONED_ON_SERVICE)
    return free


_MUST_BE_TRUE: Final = Field(json_schema_extra={"const": True})
Explained = Annotated[bool, AfterValidator(_explained), _MUST_BE_TRUE]


class Informed(Contract):
    """What was explained before anything was granted: all of it, or there is no consent."""

    risks_explained: Explained
    alternatives_explained: Explained
    redisclosure_risk_explained: Explained
    revocation_explained: Explained
    not_condition_of_service: Annotated[bool, AfterValidator(_not_conditioned), _MUST_BE_TRUE]
    copy_to_subject: Maybe[CopyToSubject] = None


class Discloser(Contract):
    """The one organisation whose duty of confidence is lifted (VAWA: no mutual exchange)."""

    org_id: OrgId


class NamedRecipient(Contract):
    """An organisation that may receive."""

    kind: Literal[RecipientKind.ORG]
    org_id: OrgId


class RecipientOfKind(Contract):
    """A kind of organisation that may receive, where the regime allows that."""

    kind: Literal[RecipientKind.CATEGORY]
    category: ConsentCategory
    service_area: str
    max_concurrent_offers: Annotated[int, Field(ge=1, le=5), WHOLE]


class DataScope(Contract):
    """Which field groups, up to which tier."""

    field_groups: Annotated[tuple[FieldGroupText, ...], Field(min_length=1), UNIQUE]
    excluded_fields: tuple[str, ...] = ()
    max_tier: Annotated[int, Field(ge=0, le=4), WHOLE]


class Validity(Contract):
    """From when and until when: the start is inside, the end is not. The end is mandatory (VAWA-03)."""

    not_before: Moment
    not_after: Moment
    ends_on_event: Maybe[EndingEvent] = None
    max_uses: Maybe[VersionNumber] = None


class Redisclosure(Contract):
    """What accompanies each disclosure."""

    prohibited: bool
    notice: RedisclosureNotice


class Revocation(Contract):
    """That and how it was taken back."""

    revoked_at: Moment
    by: RevokedBy
    form: RevocationForm
    scope: Maybe[RevocationScope] = None
    scope_values: tuple[str, ...] = ()


class Evidence(Contract):
    """Where the signed form is; the form itself never enters the broker."""

    held_by: str
    document_digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    document_ref: Maybe[str] = None


class ConsentRecord(Contract):
    """One version of what a survivor allowed or forbade one organisation to tell others. A version never changes."""

    model_config = ConfigDict(json_schema_extra={"allOf": CROSS_RULES})

    schema_version: Literal["1.0"]
    consent_id: ConsentUuid
    version: VersionNumber
    supersedes: Maybe[ConsentVersion] = None
    status: ConsentStatus
    decision: ConsentDecision
    regimes: Annotated[tuple[Regime, ...], Field(min_length=1), UNIQUE]
    subject: ConsentSubject
    grantors: Annotated[tuple[Grantor, ...], Field(min_length=1)]
    captured_by: CapturedBy
    informed: Informed
    discloser: Discloser
    recipients: Annotated[
        tuple[Annotated[NamedRecipient | RecipientOfKind, Field(discriminator="kind")], ...], Field(min_length=1)
    ]
    excluded_recipients: tuple[OrgId, ...] = ()
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1), UNIQUE]
    data_scope: DataScope
    validity: Validity
    redisclosure: Redisclosure
    revocation: Maybe[Revocation] = None
    evidence: Evidence
    created_at: Moment

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Self:
        for rule in RULES:
            rule(self)
        return self


NAMED_REGIMES: Final = frozenset({Regime.VAWA, Regime.FVPSA, Regime.VOCA})
WRITTEN_REGIMES: Final = NAMED_REGIMES | {Regime.PART2, Regime.HIPAA_AUTH}


def _permits_under(record: ConsentRecord, regimes: frozenset[Regime]) -> bool:
    return record.decision is ConsentDecision.PERMIT and not regimes.isdisjoint(record.regimes)


def _revoked_says_how(record: ConsentRecord) -> None:
    """A revoked version carries its revocation."""
    if record.status is ConsentStatus.REVOKED and record.revocation is None:
        raise broken(RefusalCode.PROPERTY_MISSING, "revocation")


def _names_organisations(record: ConsentRecord) -> None:
    """VAWA-06: a permit under VAWA, FVPSA or VOCA names each organisation."""
    unnamed = any(recipient.kind is RecipientKind.CATEGORY for recipient in record.recipients)
    if unnamed and _permits_under(record, NAMED_REGIMES):
        raise broken(RefusalCode.RECIPIENT_NOT_SPECIFIC, "recipients")


def _is_written(record: ConsentRecord) -> None:
    """VAWA-02: under a regime that wants writing, no oral permit."""
    oral = any(grantor.form is GrantForm.ORAL_TEMPORARY for grantor in record.grantors)
    if oral and _permits_under(record, WRITTEN_REGIMES):
        raise broken(RefusalCode.NOT_WRITTEN, "grantors")


def _minor_is_not_alone(record: ConsentRecord) -> None:
    """VAWA-09: a minor and a parent or guardian grant together, unless the minor may consent alone."""
    if record.subject.kind is not SubjectKind.UNEMANCIPATED_MINOR or record.subject.may_consent_alone:
        return
    capacities = {grantor.capacity for grantor in record.grantors}
    if Capacity.SELF not in capacities or capacities.isdisjoint({Capacity.PARENT, Capacity.LEGAL_GUARDIAN}):
        raise broken(RefusalCode.MINOR_CONSENT_INCOMPLETE, "grantors")


def _guardian_grants(record: ConsentRecord) -> None:
    """34 U.S.C. 12291(b)(2): for an adult under guardianship the court-appointed guardian grants."""
    if record.subject.kind is not SubjectKind.ADULT_WITH_COURT_GUARDIAN or record.subject.may_consent_alone:
        return
    if all(grantor.capacity is not Capacity.COURT_APPOINTED_GUARDIAN for grantor in record.grantors):
        raise broken(RefusalCode.GUARDIAN_MISSING, "grantors")


def _abuser_does_not_grant(record: ConsentRecord) -> None:
    """VAWA-10: nobody suspected grants, and whoever grants for another was positively checked."""
    for grantor in record.grantors:
        proxy = grantor.capacity is not Capacity.SELF
        if grantor.abuser_check is AbuserCheck.SUSPECTED_ABUSER or (
            proxy and grantor.abuser_check is not AbuserCheck.CONFIRMED_NOT_ABUSER
        ):
            raise broken(RefusalCode.GRANTOR_MAY_BE_ABUSER, "grantors")


def kept_text(record: ConsentRecord) -> str:
    """The record as the registry keeps it: JSON by the names of the wire, without what is absent."""
    return record.model_dump_json(exclude_none=True, by_alias=True)


def text_digest(text: str) -> str:
    """SHA-256 of a record's kept text, in hex: whoever alters the kept one afterwards is found by it.

    Without the consent's id, which is random and in it, it tells nothing. Whoever has that may hold a guess against it:
    of codes, organisations and times, for a record names no person (domain.md §4.2).
    """
    return sha256(text.encode()).hexdigest()


RULES: Final[tuple[Callable[[ConsentRecord], None], ...]] = (
    _abuser_does_not_grant,
    _minor_is_not_alone,
    _guardian_grants,
    _is_written,
    _names_organisations,
    _revoked_says_how,
)
"""Every rule of the schema's `allOf`. The one about the abuser comes first: it is the one to be told of."""
