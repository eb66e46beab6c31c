"""The closed vocabularies of the contract, spelled as domain.md spells them.

A value that stands in none of these lists is refused where it arrives: unknown never means harmless (domain.md §4.3).
"""

from enum import IntEnum

from broker.schemas.code_list import CodeList


class MsgStatus(CodeList):
    """CAP's message status (domain.md §0.9): drills never mix with live traffic."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    SYSTEM = "system"
    TEST = "test"
    DRAFT = "draft"


class OrgClass(CodeList):
    """What an organisation is in the law's terms (domain.md §1, source class)."""

    LAW_ENFORCEMENT = "LAW_ENFORCEMENT"
    PROSECUTION = "PROSECUTION"
    COURT = "COURT"
    PROBATION_PAROLE = "PROBATION_PAROLE"
    HOSPITAL_HIPAA = "HOSPITAL_HIPAA"
    EMS = "EMS"
    HEALTH_CLINIC_HIPAA = "HEALTH_CLINIC_HIPAA"
    HOTLINE_VSP = "HOTLINE_VSP"
    HOTLINE_NON_VSP = "HOTLINE_NON_VSP"
    VSP_SHELTER = "VSP_SHELTER"
    VSP_ADVOCACY = "VSP_ADVOCACY"
    COUNSELING_HIPAA = "COUNSELING_HIPAA"
    COUNSELING_NON_HIPAA = "COUNSELING_NON_HIPAA"
    LEGAL_AID = "LEGAL_AID"
    CHILD_PROTECTION = "CHILD_PROTECTION"
    ADULT_PROTECTION = "ADULT_PROTECTION"
    SCHOOL_FERPA = "SCHOOL_FERPA"
    HOUSING = "HOUSING"
    SELF = "SELF"


class RecipientCategory(CodeList):
    """The kinds of recipient (domain.md §1); the last two are ways out that are not providers."""

    SHELTER = "SHELTER"
    COUNSELING = "COUNSELING"
    LEGAL_AID = "LEGAL_AID"
    HEALTHCARE = "HEALTHCARE"
    ADVOCACY = "ADVOCACY"
    AUDITOR = "AUDITOR"
    SOURCE_FEEDBACK = "SOURCE_FEEDBACK"


class Purpose(CodeList):
    """Why something may be shared (domain.md §4.2)."""

    SHELTER_PLACEMENT = "SHELTER_PLACEMENT"
    ADVOCACY_OUTREACH = "ADVOCACY_OUTREACH"
    COUNSELING = "COUNSELING"
    LEGAL_ADVICE = "LEGAL_ADVICE"
    PROTECTION_ORDER = "PROTECTION_ORDER"
    MEDICAL_FOLLOW_UP = "MEDICAL_FOLLOW_UP"
    FORENSIC_EXAM = "FORENSIC_EXAM"
    CHILD_SERVICES = "CHILD_SERVICES"
    HOUSING = "HOUSING"
    TRANSPORT = "TRANSPORT"
    STATUS_FEEDBACK = "STATUS_FEEDBACK"
    CASE_CONFERENCE = "CASE_CONFERENCE"


class Priority(CodeList):
    """Urgency (domain.md §6.5): P0 first. A human or a risk screen may raise it; nothing lowers it silently."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class VictimAgreed(CodeList):
    """What the survivor said when asked (FG24, disclosure matrix D1)."""

    YES = "YES"
    NO = "NO"
    NOT_ASKED_UNSAFE = "NOT_ASKED_UNSAFE"


class Service(CodeList):
    """What can be asked for (domain.md §8)."""

    EMERGENCY_SHELTER = "EMERGENCY_SHELTER"
    SAFE_HOTEL = "SAFE_HOTEL"
    TRANSITIONAL_HOUSING = "TRANSITIONAL_HOUSING"
    SAFETY_PLANNING = "SAFETY_PLANNING"
    CRISIS_COUNSELING = "CRISIS_COUNSELING"
    INDIVIDUAL_COUNSELING = "INDIVIDUAL_COUNSELING"
    GROUP_COUNSELING = "GROUP_COUNSELING"
    CHILD_COUNSELING = "CHILD_COUNSELING"
    LEGAL_ADVICE = "LEGAL_ADVICE"
    PROTECTION_ORDER_HELP = "PROTECTION_ORDER_HELP"
    CUSTODY_FAMILY_LAW = "CUSTODY_FAMILY_LAW"
    IMMIGRATION_LEGAL = "IMMIGRATION_LEGAL"
    COURT_ACCOMPANIMENT = "COURT_ACCOMPANIMENT"
    MEDICAL_CARE = "MEDICAL_CARE"
    FORENSIC_EXAM = "FORENSIC_EXAM"
    STRANGULATION_ASSESSMENT = "STRANGULATION_ASSESSMENT"
    MENTAL_HEALTH = "MENTAL_HEALTH"
    TRANSPORT = "TRANSPORT"
    PET_FOSTER = "PET_FOSTER"
    RELOCATION_FUNDS = "RELOCATION_FUNDS"
    CVC_APPLICATION = "CVC_APPLICATION"
    TECH_SAFETY = "TECH_SAFETY"
    INTERPRETER = "INTERPRETER"
    ACP_ENROLMENT = "ACP_ENROLMENT"


SERVICE_CATEGORY: dict[Service, RecipientCategory] = {
    Service.EMERGENCY_SHELTER: RecipientCategory.SHELTER,
    Service.SAFE_HOTEL: RecipientCategory.SHELTER,
    Service.TRANSITIONAL_HOUSING: RecipientCategory.SHELTER,
    Service.PET_FOSTER: RecipientCategory.SHELTER,
    Service.TRANSPORT: RecipientCategory.SHELTER,
    Service.SAFETY_PLANNING: RecipientCategory.COUNSELING,
    Service.CRISIS_COUNSELING: RecipientCategory.COUNSELING,
    Service.INDIVIDUAL_COUNSELING: RecipientCategory.COUNSELING,
    Service.GROUP_COUNSELING: RecipientCategory.COUNSELING,
    Service.CHILD_COUNSELING: RecipientCategory.COUNSELING,
    Service.RELOCATION_FUNDS: RecipientCategory.COUNSELING,
    Service.CVC_APPLICATION: RecipientCategory.COUNSELING,
    Service.TECH_SAFETY: RecipientCategory.COUNSELING,
    Service.INTERPRETER: RecipientCategory.COUNSELING,
    Service.LEGAL_ADVICE: RecipientCategory.LEGAL_AID,
    Service.PROTECTION_ORDER_HELP: RecipientCategory.LEGAL_AID,
    Service.CUSTODY_FAMILY_LAW: RecipientCategory.LEGAL_AID,
    Service.IMMIGRATION_LEGAL: RecipientCategory.LEGAL_AID,
    Service.COURT_ACCOMPANIMENT: RecipientCategory.LEGAL_AID,
    Service.ACP_ENROLMENT: RecipientCategory.LEGAL_AID,
    Service.MEDICAL_CARE: RecipientCategory.HEALTHCARE,
    Service.FORENSIC_EXAM: RecipientCategory.HEALTHCARE,
    Service.STRANGULATION_ASSESSMENT: RecipientCategory.HEALTHCARE,
    Service.MENTAL_HEALTH: RecipientCategory.HEALTHCARE,
}
"""Which kind of provider answers for a service; the needs of one referral follow from it."""


class Tier(IntEnum):
    """Sensitivity (domain.md §7.1): 3 and up travels sealed, 5 never travels."""

    PUBLIC = 0
    OPERATIONAL = 1
    QUASI_IDENTIFYING = 2
    IDENTIFYING = 3
    HIGH_HARM = 4
    NEVER = 5


class DeclineReason(CodeList):
    """Why a provider says no (domain.md §10.5). There is no free text and no code that blames the person."""

    NO_CAPACITY_BEDS = "NO_CAPACITY_BEDS"
    NO_CAPACITY_STAFF = "NO_CAPACITY_STAFF"
    NO_FUNDING = "NO_FUNDING"
    WAITLIST_ONLY = "WAITLIST_ONLY"
    NOT_ELIGIBLE_AREA = "NOT_ELIGIBLE_AREA"
    NOT_ELIGIBLE_AGE = "NOT_ELIGIBLE_AGE"
    HOUSEHOLD_TOO_LARGE = "HOUSEHOLD_TOO_LARGE"
    CANNOT_ACCOMMODATE_ACCESS = "CANNOT_ACCOMMODATE_ACCESS"
    CANNOT_ACCOMMODATE_PET = "CANNOT_ACCOMMODATE_PET"
    LANGUAGE_UNAVAILABLE = "LANGUAGE_UNAVAILABLE"
    NEEDS_HIGHER_CARE = "NEEDS_HIGHER_CARE"
    SERVICE_NOT_OFFERED = "SERVICE_NOT_OFFERED"
    UNSAFE_PROXIMITY = "UNSAFE_PROXIMITY"
    RESIDENT_CONFLICT = "RESIDENT_CONFLICT"
    STAFF_CONFLICT = "STAFF_CONFLICT"
    LOCATION_COMPROMISED = "LOCATION_COMPROMISED"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    OVER_INCOME = "OVER_INCOME"
    CASE_TYPE_NOT_HANDLED = "CASE_TYPE_NOT_HANDLED"
    DEADLINE_TOO_SOON = "DEADLINE_TOO_SOON"
    INCOMPLETE_REFERRAL = "INCOMPLETE_REFERRAL"
    DUPLICATE = "DUPLICATE"
    CONSENT_INSUFFICIENT = "CONSENT_INSUFFICIENT"
    UNSAFE_CONTACT_DETAILS = "UNSAFE_CONTACT_DETAILS"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    SYSTEM_UNAVAILABLE = "SYSTEM_UNAVAILABLE"


class DeclineFamily(CodeList):
    """What a source that is no victim service provider may hear of a decline (domain.md §10.5)."""

    CAPACITY = "CAPACITY"
    NOT_A_FIT = "NOT_A_FIT"
    PROCESS = "PROCESS"
    WITHHELD = "WITHHELD"


class Outcome(CodeList):
    """What the service came to (domain.md §10.7)."""

    SHELTERED = "SHELTERED"
    SAFE_HOTEL_PROVIDED = "SAFE_HOTEL_PROVIDED"
    TRANSPORTED = "TRANSPORTED"
    COUNSELING_STARTED = "COUNSELING_STARTED"
    LEGAL_ADVICE_GIVEN = "LEGAL_ADVICE_GIVEN"
    ORDER_PETITION_FILED = "ORDER_PETITION_FILED"
    ORDER_GRANTED = "ORDER_GRANTED"
    REPRESENTED = "REPRESENTED"
    MEDICAL_CARE_RECEIVED = "MEDICAL_CARE_RECEIVED"
    FORENSIC_EXAM_DONE = "FORENSIC_EXAM_DONE"
    PET_PLACED = "PET_PLACED"
    SAFETY_PLAN_MADE = "SAFETY_PLAN_MADE"
    INFO_ONLY = "INFO_ONLY"
    UNMET = "UNMET"


class SurvivorClosure(CodeList):
    """How it ended from the survivor's side (domain.md §10.6); what only the provider's zone may hold is left out."""

    SURVIVOR_DECLINED_SERVICE = "SURVIVOR_DECLINED_SERVICE"
    SURVIVOR_CHOSE_OTHER = "SURVIVOR_CHOSE_OTHER"
    SURVIVOR_SAFE_ELSEWHERE = "SURVIVOR_SAFE_ELSEWHERE"
    NO_LONGER_NEEDED = "NO_LONGER_NEEDED"
    UNABLE_TO_REACH_SAFELY = "UNABLE_TO_REACH_SAFELY"


class NeedState(CodeList):
    """The states of one need of a referral (domain.md §10.2)."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    INVALID = "INVALID"
    CONSENT_HOLD = "CONSENT_HOLD"
    MATCHING = "MATCHING"
    NO_MATCH = "NO_MATCH"
    OFFERED = "OFFERED"
    WAITLISTED = "WAITLISTED"
    ACCEPTED = "ACCEPTED"
    HANDOFF = "HANDOFF"
    CONTACT_PENDING = "CONTACT_PENDING"
    ENGAGED = "ENGAGED"
    IN_SERVICE = "IN_SERVICE"
    COMPLETED = "COMPLETED"
    ENDED_EARLY = "ENDED_EARLY"
    UNREACHABLE = "UNREACHABLE"
    SURVIVOR_DECLINED = "SURVIVOR_DECLINED"
    CLOSED_UNMET = "CLOSED_UNMET"
    CANCELLED = "CANCELLED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    ENTERED_IN_ERROR = "ENTERED_IN_ERROR"


class OfferState(CodeList):
    """The states of one offer to one provider (domain.md §10.1)."""

    MADE = "MADE"
    RECEIPTED = "RECEIPTED"
    UNDER_REVIEW = "UNDER_REVIEW"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WAITLISTED = "WAITLISTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


class DeliveryState(CodeList):
    """The states of one message on its way (domain.md §10.1)."""

    QUEUED = "QUEUED"
    ATTEMPTED = "ATTEMPTED"
    DELIVERED = "DELIVERED"
    RETRYING = "RETRYING"
    DEAD_LETTERED = "DEAD_LETTERED"
    SUPPRESSED = "SUPPRESSED"


class Acknowledgment(CodeList):
    """The ladder of acknowledgments (domain.md §10.1): A0–A2 say nothing about a person, A3–A6 are gated."""

    A0_ACCEPTED = "A0"
    A1_DELIVERED = "A1"
    A2_RECEIPTED = "A2"
    A3_DECIDED = "A3"
    A4_CONTACT = "A4"
    A5_SERVICE = "A5"
    A6_OUTCOME = "A6"


class EscalationLevel(CodeList):
    """The ladder of a step that nobody takes (domain.md §10.4), from a reminder to a closure that a human decides."""

    L0_CONTACT = "L0"
    L1_ON_CALL = "L1"
    L2_NEXT_CANDIDATE = "L2"
    L3_COORDINATOR = "L3"
    L4_FALLBACK = "L4"
    L5_CLOSED_UNMET = "L5"


class WithdrawReason(CodeList):
    """Why an offer is taken back."""

    TAKEN_BY_OTHER = "TAKEN_BY_OTHER"
    REFERRAL_CANCELLED = "REFERRAL_CANCELLED"
    REFERRAL_RECALLED = "REFERRAL_RECALLED"
    CONSENT_ENDED = "CONSENT_ENDED"


class ScreeningInstrument(CodeList):
    """Which risk instrument was used (domain.md §6.4)."""

    LAP_11 = "LAP-11"
    DA_20 = "DA-20"
    DA_LE = "DA-LE"
    DASH_RIC_24 = "DASH-RIC-24"
    DARA = "DARA"
    ODARA = "ODARA"
    LOCAL = "LOCAL"


class ScreeningResult(CodeList):
    """What the screen said (domain.md §6.1, §6.4). Item answers stay with the source."""

    SCREENED_IN_PROTOCOL = "SCREENED_IN_PROTOCOL"
    SCREENED_IN_BELIEF = "SCREENED_IN_BELIEF"
    NOT_SCREENED_IN = "NOT_SCREENED_IN"
    DID_NOT_ANSWER_ANY = "DID_NOT_ANSWER_ANY"
    BAND = "BAND"


class RiskBand(CodeList):
    """The bands of the instruments that have them (domain.md §6.2–§6.4)."""

    STANDARD = "STANDARD"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    VARIABLE = "VARIABLE"
    INCREASED = "INCREASED"
    SEVERE = "SEVERE"
    EXTREME = "EXTREME"


class AgeBand(CodeList):
    """Ages of children, never a birth date (FG01)."""

    AGE_0_2 = "0-2"
    AGE_3_5 = "3-5"
    AGE_6_9 = "6-9"
    AGE_10_12 = "10-12"
    AGE_13_15 = "13-15"
    AGE_16_17 = "16-17"


class CapacityBucket(CodeList):
    """Free places as the network sees them (domain.md §9.4): never an exact number of beds."""

    NONE = "0"
    FEW = "1-2"
    SOME = "3+"


class CoarseState(CodeList):
    """What any source may hear of its own referral without a release: receipt and closure (VAWA-12)."""

    RECEIVED = "RECEIVED"
    IN_PROGRESS = "IN_PROGRESS"
    CLOSED = "CLOSED"


class RevocationScope(CodeList):
    """What a revocation takes back (domain.md §4.2, §4.4)."""

    ALL = "ALL"
    RECIPIENT = "RECIPIENT"
    FIELD_GROUP = "FIELD_GROUP"
    PURPOSE = "PURPOSE"


class LengthOfNeed(CodeList):
    """For how long, roughly (FG01)."""

    TONIGHT = "TONIGHT"
    DAYS = "DAYS"
    WEEKS = "WEEKS"
    MONTHS = "MONTHS"
