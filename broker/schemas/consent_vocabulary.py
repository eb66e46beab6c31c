"""The closed vocabularies of the consent record, spelled as domain.md §4.2 and its schema spell them."""

from broker.schemas.code_list import CodeList


class ConsentStatus(CodeList):
    """Where a record stands. Only `active` can permit; `suspended` is a doubt about safety and denies."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    ENTERED_IN_ERROR = "entered-in-error"


class ConsentDecision(CodeList):
    """What the survivor decided. A denial outranks every permit."""

    PERMIT = "permit"
    DENY = "deny"


class Regime(CodeList):
    """The law or rule that the release must satisfy; of several the strictest applies."""

    VAWA = "VAWA"
    FVPSA = "FVPSA"
    VOCA = "VOCA"
    HIPAA_AUTH = "HIPAA-AUTH"
    HIPAA_512C_AGREE = "HIPAA-512C-AGREE"
    PART2 = "PART2"
    FERPA = "FERPA"
    STATE_PRIVILEGE = "STATE-PRIVILEGE"
    GDPR_6_1_A = "GDPR-6-1-A"
    GDPR_9_2_A = "GDPR-9-2-A"
    UK_DPA18 = "UK-DPA18"
    POLICY_ONLY = "POLICY-ONLY"


class SubjectKind(CodeList):
    """Whether the survivor can consent alone."""

    ADULT = "ADULT"
    EMANCIPATED_MINOR = "EMANCIPATED_MINOR"
    UNEMANCIPATED_MINOR = "UNEMANCIPATED_MINOR"
    ADULT_WITH_COURT_GUARDIAN = "ADULT_WITH_COURT_GUARDIAN"


class Capacity(CodeList):
    """In which capacity somebody grants."""

    SELF = "SELF"
    PARENT = "PARENT"
    LEGAL_GUARDIAN = "LEGAL_GUARDIAN"
    COURT_APPOINTED_GUARDIAN = "COURT_APPOINTED_GUARDIAN"
    HIPAA_PERSONAL_REPRESENTATIVE = "HIPAA_PERSONAL_REPRESENTATIVE"


class GrantForm(CodeList):
    """How it was granted."""

    WRITTEN_WET = "WRITTEN_WET"
    WRITTEN_ELECTRONIC = "WRITTEN_ELECTRONIC"
    ORAL_TEMPORARY = "ORAL_TEMPORARY"


class IdentityCheck(CodeList):
    """How the grantor's identity was checked: abusers can sign electronically (domain.md §4.2)."""

    IN_PERSON_KNOWN = "IN_PERSON_KNOWN"
    IN_PERSON_ID = "IN_PERSON_ID"
    PHONE_CODEWORD = "PHONE_CODEWORD"
    VIDEO_LIVE = "VIDEO_LIVE"
    NONE = "NONE"


class AbuserCheck(CodeList):
    """Whether the grantor may be the abuser."""

    CONFIRMED_NOT_ABUSER = "CONFIRMED_NOT_ABUSER"
    NOT_APPLICABLE_SELF = "NOT_APPLICABLE_SELF"
    UNKNOWN = "UNKNOWN"
    SUSPECTED_ABUSER = "SUSPECTED_ABUSER"


class CaptureSetting(CodeList):
    """Where the consent was taken."""

    IN_PERSON_PRIVATE = "IN_PERSON_PRIVATE"
    PHONE = "PHONE"
    VIDEO = "VIDEO"
    SECURE_PORTAL = "SECURE_PORTAL"


class CopyToSubject(CodeList):
    """What became of the survivor's copy: a copy at home can be found by the abuser."""

    GIVEN = "GIVEN"
    DECLINED_FOR_SAFETY = "DECLINED_FOR_SAFETY"
    HELD_BY_PROVIDER = "HELD_BY_PROVIDER"


class RecipientKind(CodeList):
    """A named organisation, or a kind of organisation where the regime allows that."""

    ORG = "ORG"
    CATEGORY = "CATEGORY"


class ConsentCategory(CodeList):
    """The kinds of recipient that a release may name."""

    SHELTER = "SHELTER"
    COUNSELING = "COUNSELING"
    LEGAL_AID = "LEGAL_AID"
    HEALTHCARE = "HEALTHCARE"
    ADVOCACY = "ADVOCACY"


class EndingEvent(CodeList):
    """What ends a release before its date."""

    PLACEMENT_CONFIRMED = "PLACEMENT_CONFIRMED"
    REFERRAL_CLOSED = "REFERRAL_CLOSED"
    HEARING_HELD = "HEARING_HELD"


class RedisclosureNotice(CodeList):
    """Which notice accompanies each disclosure."""

    PART2_LONG = "PART2-2.32-A1"
    PART2_SHORT = "PART2-2.32-SHORT"
    VAWA_LOCAL = "VAWA-LOCAL"
    HIPAA_MAY_BE_REDISCLOSED = "HIPAA-MAY-BE-REDISCLOSED"
    NONE = "NONE"


class RevokedBy(CodeList):
    """Who takes a consent back."""

    SUBJECT = "SUBJECT"
    GRANTOR = "GRANTOR"
    PROVIDER_FOR_SAFETY = "PROVIDER_FOR_SAFETY"
    COURT = "COURT"


class RevocationForm(CodeList):
    """How it was taken back. Oral is enough and works at once (domain.md §2.5)."""

    ORAL = "ORAL"
    WRITTEN = "WRITTEN"
    ELECTRONIC = "ELECTRONIC"
