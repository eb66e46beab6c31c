"""What the public page calls organisations, in the reader's language."""

from collections.abc import Iterable
from typing import Final

from broker.look.language import _
from broker.schemas.vocabulary import OrgClass, RecipientCategory

ORGANISATIONS: Final[dict[str, str]] = {
    OrgClass.LAW_ENFORCEMENT: "police",
    OrgClass.PROSECUTION: "prosecution",
    OrgClass.COURT: "courts",
    OrgClass.PROBATION_PAROLE: "probation and parole",
    OrgClass.HOSPITAL_HIPAA: "hospitals",
    OrgClass.EMS: "ambulance services",
    OrgClass.HEALTH_CLINIC_HIPAA: "clinics",
    OrgClass.HOTLINE_VSP: "victim service hotlines",
    OrgClass.HOTLINE_NON_VSP: "other hotlines",
    OrgClass.VSP_SHELTER: "shelters",
    OrgClass.VSP_ADVOCACY: "advocates for survivors",
    OrgClass.COUNSELING_HIPAA: "counselling in health care",
    OrgClass.COUNSELING_NON_HIPAA: "other counselling",
    OrgClass.LEGAL_AID: "legal aid",
    OrgClass.CHILD_PROTECTION: "child protection",
    OrgClass.ADULT_PROTECTION: "adult protection",
    OrgClass.SCHOOL_FERPA: "schools",
    OrgClass.HOUSING: "housing agencies",
    OrgClass.SELF: "the survivor herself or himself",
    RecipientCategory.AUDITOR: "auditors",
    "IMMIGRATION_ENFORCEMENT": "immigration enforcement",
    "HMIS_FROM_VSP": "shared databases on homelessness",
}


def organisations(kinds: Iterable[str], everything: Iterable[str] = ()) -> str:
    """These kinds of organisations, as a list; `everything` is what is called "everybody"."""
    listed = list(kinds)
    if set(listed) == set(everything):
        return _("everybody")
    return ", ".join(_(ORGANISATIONS[kind]) for kind in listed)
