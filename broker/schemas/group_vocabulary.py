"""The closed vocabularies of the field groups, spelled as domain.md §7.2 spells them."""

from broker.schemas.code_list import CodeList


class PetType(CodeList):
    """Animals that come along (FG02)."""

    DOG = "dog"
    CAT = "cat"
    BIRD = "bird"
    SMALL = "small"
    REPTILE = "reptile"
    LIVESTOCK = "livestock"
    OTHER = "other"


class GenderOfPlacement(CodeList):
    """Where the survivor wishes to be placed, in the survivor's own words (FG02). Never a ground for a decline."""

    WOMEN = "WOMEN"
    MEN = "MEN"
    MIXED = "MIXED"
    ANY = "ANY"


class Diet(CodeList):
    """What the survivor eats for religious reasons (FG02)."""

    HALAL = "HALAL"
    KOSHER = "KOSHER"
    VEGETARIAN = "VEGETARIAN"
    OTHER = "OTHER"


class WorkerRole(CodeList):
    """What the person is who can be called back (FG23)."""

    OFFICER = "OFFICER"
    DETECTIVE = "DETECTIVE"
    VICTIM_SPECIALIST = "VICTIM_SPECIALIST"
    PROSECUTION_STAFF = "PROSECUTION_STAFF"
    COURT_STAFF = "COURT_STAFF"
    NURSE = "NURSE"
    SOCIAL_WORKER = "SOCIAL_WORKER"
    PARAMEDIC = "PARAMEDIC"
    ADVOCATE = "ADVOCATE"
    ADVOCATE_ON_CALL = "ADVOCATE_ON_CALL"
    HOTLINE_WORKER = "HOTLINE_WORKER"
    COUNSELOR = "COUNSELOR"
    CASE_WORKER = "CASE_WORKER"
    SUPERVISOR = "SUPERVISOR"


class IncidentDateBand(CodeList):
    """How long ago it happened: never a date (FG12)."""

    TODAY = "TODAY"
    HOURS_72 = "72H"
    WEEK = "WEEK"
    OLDER = "OLDER"


class ContactMode(CodeList):
    """Who makes contact, and through whom (FG03)."""

    SURVIVOR_WILL_CALL = "SURVIVOR_WILL_CALL"
    VIA_WORKER = "VIA_WORKER"
    VIA_ADVOCATE = "VIA_ADVOCATE"
    WARM_TRANSFER = "WARM_TRANSFER"
    DIRECT = "DIRECT"


class ContactChannel(CodeList):
    """By what means (FG03)."""

    VOICE = "VOICE"
    SMS = "SMS"
    EMAIL = "EMAIL"
    SIGNAL = "SIGNAL"
    NONE = "NONE"


class IfSomeoneElseAnswers(CodeList):
    """What a caller does when it is not the survivor who answers (FG03)."""

    HANG_UP = "HANG_UP"
    WRONG_NUMBER = "WRONG_NUMBER"
    AGREED_PRETEXT = "AGREED_PRETEXT"


class YesNoUnknown(CodeList):
    """An answer that may honestly be unknown."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


class TalkPartner(CodeList):
    """Whom it is safe, or not safe, to speak to: a role and never a name (FG03)."""

    PARENT = "PARENT"
    SIBLING = "SIBLING"
    CHILD = "CHILD"
    OTHER_RELATIVE = "OTHER_RELATIVE"
    IN_LAW = "IN_LAW"
    PARTNER = "PARTNER"
    FORMER_PARTNER = "FORMER_PARTNER"
    FRIEND = "FRIEND"
    NEIGHBOR = "NEIGHBOR"
    COLLEAGUE = "COLLEAGUE"
    HOUSEMATE = "HOUSEMATE"
    ANYBODY_ELSE = "ANYBODY_ELSE"


class Pronouns(CodeList):
    """How the survivor wishes to be spoken of (FG04)."""

    SHE = "SHE"
    HE = "HE"
    THEY = "THEY"
    ASK = "ASK"


class AdultAgeBand(CodeList):
    """The survivor's age, never a birth date (FG06)."""

    UNDER_18 = "<18"
    AGE_18_24 = "18-24"
    AGE_25_34 = "25-34"
    AGE_35_44 = "35-44"
    AGE_45_54 = "45-54"
    AGE_55_64 = "55-64"
    AGE_65_PLUS = "65+"


class Gender(CodeList):
    """Gender in the survivor's own words (FG06)."""

    WOMAN = "WOMAN"
    MAN = "MAN"
    NON_BINARY = "NON_BINARY"
    ANOTHER = "ANOTHER"
    NOT_SAID = "NOT_SAID"


class RaceEthnicity(CodeList):
    """The categories of the United States' Office of Management and Budget, 2024 (FG06)."""

    AMERICAN_INDIAN_ALASKA_NATIVE = "AMERICAN_INDIAN_ALASKA_NATIVE"
    ASIAN = "ASIAN"
    BLACK_AFRICAN_AMERICAN = "BLACK_AFRICAN_AMERICAN"
    HISPANIC_LATINO = "HISPANIC_LATINO"
    MIDDLE_EASTERN_NORTH_AFRICAN = "MIDDLE_EASTERN_NORTH_AFRICAN"
    NATIVE_HAWAIIAN_PACIFIC_ISLANDER = "NATIVE_HAWAIIAN_PACIFIC_ISLANDER"
    WHITE = "WHITE"
    NOT_SAID = "NOT_SAID"


class Whereabouts(CodeList):
    """Where the survivor is at the moment, never a place (FG07c)."""

    WITH_POLICE = "WITH_POLICE"
    HOSPITAL = "HOSPITAL"
    HOME_WITH_ABUSER = "HOME_WITH_ABUSER"
    HOME_ALONE = "HOME_ALONE"
    OTHER_SAFE = "OTHER_SAFE"
    OTHER_UNSAFE = "OTHER_UNSAFE"


class AbuserAssociation(CodeList):
    """Through whom the abuser could learn of a place (FG08)."""

    LAW_ENFORCEMENT_EMPLOYEE = "LAW_ENFORCEMENT_EMPLOYEE"
    COURT_EMPLOYEE = "COURT_EMPLOYEE"
    HOSPITAL_EMPLOYEE = "HOSPITAL_EMPLOYEE"
    SHELTER_STAFF_RELATIVE = "SHELTER_STAFF_RELATIVE"
    SHELTER_RESIDENT_RELATIVE = "SHELTER_RESIDENT_RELATIVE"
    SCHOOL_EMPLOYEE = "SCHOOL_EMPLOYEE"
    GOVERNMENT_EMPLOYEE = "GOVERNMENT_EMPLOYEE"
    TRANSPORT_EMPLOYEE = "TRANSPORT_EMPLOYEE"


class ChildNeed(CodeList):
    """What a child needs (FG09)."""

    DIAPERS = "DIAPERS"
    FORMULA = "FORMULA"
    CRIB = "CRIB"
    MEDICATION = "MEDICATION"
    DISABILITY_SUPPORT = "DISABILITY_SUPPORT"
    SCHOOL_CONTINUITY = "SCHOOL_CONTINUITY"
    COUNSELING = "COUNSELING"


class RiskFlag(CodeList):
    """What overrides a low score (FG10, domain.md §6.4)."""

    STRANGULATION = "STRANGULATION"
    STALKING = "STALKING"
    THREAT_TO_KILL = "THREAT_TO_KILL"
    RECENT_SEPARATION = "RECENT_SEPARATION"
    FIREARM_ACCESS = "FIREARM_ACCESS"
    PREGNANCY = "PREGNANCY"
    ESCALATION = "ESCALATION"
    VICTIM_FEARS_DEATH = "VICTIM_FEARS_DEATH"


class AssessorRole(CodeList):
    """Who screened (FG10)."""

    OFFICER = "OFFICER"
    NURSE = "NURSE"
    ADVOCATE = "ADVOCATE"
    OTHER = "OTHER"


class AbuseType(CodeList):
    """What was done (FG12)."""

    PHYSICAL = "PHYSICAL"
    SEXUAL = "SEXUAL"
    PSYCHOLOGICAL_EMOTIONAL = "PSYCHOLOGICAL_EMOTIONAL"
    VERBAL = "VERBAL"
    ECONOMIC = "ECONOMIC"
    TECHNOLOGICAL = "TECHNOLOGICAL"
    STALKING = "STALKING"
    COERCIVE_CONTROL = "COERCIVE_CONTROL"
    THREATS = "THREATS"
    STRANGULATION = "STRANGULATION"
    IMMIGRATION_THREAT = "IMMIGRATION_THREAT"
    PET_ABUSE = "PET_ABUSE"
    CHILD_DIRECTED = "CHILD_DIRECTED"
    ELDER_LATER_LIFE = "ELDER_LATER_LIFE"
    HONOUR_BASED = "HONOUR_BASED"
    FORCED_MARRIAGE = "FORCED_MARRIAGE"


class InjuryLevel(CodeList):
    """How badly somebody was hurt (FG12)."""

    NONE = "NONE"
    MINOR = "MINOR"
    SERIOUS = "SERIOUS"
    LIFE_THREAT = "LIFE_THREAT"


class Relationship(CodeList):
    """NIBRS victim-to-offender codes (FG12, domain.md §7.2); the withdrawn code HR is left out."""

    SPOUSE = "SE"
    COMMON_LAW_SPOUSE = "CS"
    EX_SPOUSE = "XS"
    BOYFRIEND_GIRLFRIEND = "BG"
    EX_RELATIONSHIP = "XR"
    PARENT = "PA"
    SIBLING = "SB"
    CHILD = "CH"
    GRANDPARENT = "GP"
    GRANDCHILD = "GC"
    IN_LAW = "IL"
    STEPPARENT = "SP"
    STEPCHILD = "SC"
    STEPSIBLING = "SS"
    OTHER_FAMILY = "OF"
    CHILD_OF_PARTNER = "CF"
    ACQUAINTANCE = "AQ"
    FRIEND = "FR"
    NEIGHBOR = "NE"
    BABYSITTEE = "BE"
    EMPLOYEE = "EE"
    EMPLOYER = "ER"
    OTHERWISE_KNOWN = "OK"
    UNKNOWN = "RU"
    STRANGER = "ST"


class EmployerCategory(CodeList):
    """Where the opposing party works, for a conflict check (FG14)."""

    LAW_ENFORCEMENT = "LAW_ENFORCEMENT"
    COURT_OR_LAW_FIRM = "COURT_OR_LAW_FIRM"
    HEALTHCARE = "HEALTHCARE"
    VICTIM_SERVICES = "VICTIM_SERVICES"
    GOVERNMENT = "GOVERNMENT"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


class OrderType(CodeList):
    """Which protection order (FG16)."""

    EMERGENCY = "EMERGENCY"
    EX_PARTE = "EX_PARTE"
    TEMPORARY = "TEMPORARY"
    FINAL = "FINAL"
    CRIMINAL_NO_CONTACT = "CRIMINAL_NO_CONTACT"
    NONE = "NONE"


class OrderStatus(CodeList):
    """Where the order stands (FG16)."""

    SOUGHT = "SOUGHT"
    ISSUED = "ISSUED"
    SERVED = "SERVED"
    EXPIRED = "EXPIRED"
    VIOLATED = "VIOLATED"


class HearingType(CodeList):
    """What a hearing is about (FG16)."""

    PROTECTION_ORDER = "PROTECTION_ORDER"
    CRIMINAL = "CRIMINAL"
    CUSTODY = "CUSTODY"
    DIVORCE = "DIVORCE"
    EVICTION = "EVICTION"
    OTHER = "OTHER"


class MedicalNeed(CodeList):
    """What is needed now (FG17)."""

    WOUND_CARE = "WOUND_CARE"
    PREGNANCY = "PREGNANCY"
    MEDICATION_CONTINUITY = "MEDICATION_CONTINUITY"
    STRANGULATION_WORKUP = "STRANGULATION_WORKUP"
    FORENSIC_EXAM = "FORENSIC_EXAM"
    MENTAL_HEALTH_CRISIS = "MENTAL_HEALTH_CRISIS"


class IncomeBand(CodeList):
    """Income against the federal poverty guideline, as legal-aid eligibility asks for it (FG20)."""

    UP_TO_125 = "<=125%"
    UP_TO_200 = "<=200%"
    ABOVE_200 = ">200%"
    UNKNOWN = "UNKNOWN"


class InsuranceType(CodeList):
    """How care is paid for (FG20)."""

    NONE = "NONE"
    MEDICAID = "MEDICAID"
    MEDICARE = "MEDICARE"
    PRIVATE_OWN = "PRIVATE_OWN"
    PRIVATE_THROUGH_ABUSER = "PRIVATE_THROUGH_ABUSER"
    MILITARY = "MILITARY"
    UNKNOWN = "UNKNOWN"


class HousingStatus(CodeList):
    """How the survivor lives (FG21)."""

    OWNS = "OWNS"
    RENTS = "RENTS"
    SUBSIDIZED = "SUBSIDIZED"
    WITH_ABUSER = "WITH_ABUSER"
    WITH_OTHERS = "WITH_OTHERS"
    SHELTER = "SHELTER"
    UNHOUSED = "UNHOUSED"
