"""Names of properties that give a publisher away: what must be sealed, and what must never travel.

An unknown property is refused whatever its name. These names make the refusal say more: IDENTITY_IN_CLEAR means that
something identifying now stands unsealed on a topic, and NEVER_TRANSIT that it should not have left its zone at all.
"""

from collections.abc import Iterable
from typing import Final

from broker.schemas.field_groups import SEALABLE, group_model, groups_with_model

NEVER_TRANSIT: Final[dict[str, tuple[str, ...]]] = {
    "A shelter's place is its residents' safety (VAWA-13, FVPSA).": (
        *("shelterAddress", "shelterLocation", "facilityAddress", "latitude", "longitude", "lat", "lon", "lng"),
        *("geo", "geolocation", "coordinates", "gps"),
    ),
    "No recipient may have an exact place; an address programme's participant has no other address (domain.md §7.4).": (
        *(
            "streetAddress",
            "homeAddress",
            "address",
            "addressLine1",
            "addressLine2",
            "preciseLocation",
            "postalAddress",
        ),
    ),
    "Government numbers identify for life.": (
        *("ssn", "socialSecurityNumber", "driverLicense", "driversLicense", "driverLicenseNumber", "passportNumber"),
        *("studentNumber", "medicalRecordNumber", "mrn"),
    ),
    "Immigration status is a threat in the wrong hands (8 U.S.C. 1367).": (
        *("immigrationStatus", "aNumber", "alienNumber", "visaType", "visaStatus", "citizenship", "countryOfBirth"),
    ),
    "Criminal-justice information stays in the systems that are licensed for it (CJIS).": (
        *(
            "criminalHistory",
            "warrants",
            "ncic",
            "chri",
            "rapSheet",
            "suspectDateOfBirth",
            "suspectDob",
            "priorArrests",
        ),
    ),
    "Privileged notes stay with the advocate, the counsellor or the clinic.": (
        *("caseNotes", "advocateNotes", "notes", "note", "comments", "comment", "remarks", "freeText", "safetyPlan"),
        *("psychotherapyNotes", "clinicalNotes", "medicalRecord", "diagnosis", "hivStatus", "substanceUse"),
    ),
    "Answers to single danger questions endanger whoever gave them (FG11).": (
        *("lethalityAnswers", "itemAnswers", "answers", "riskItems", "screeningAnswers"),
    ),
    "Evidence stays with its custodian; a pointer is enough (FG22).": (
        *("photos", "photo", "images", "image", "video", "audio", "bodyCam", "attachments", "attachment"),
    ),
    "Narratives hold what nobody meant to share.": (
        *("narrative", "policeNarrative", "narrativeRef", "incidentNarrative", "statement", "description", "summary"),
    ),
    "Credentials open the survivor's life.": ("password", "emailPassword", "cloudCredentials", "pin", "passcode"),
}
"""By reason: names of what is tier 5 (domain.md §7.1), in the spellings that systems use."""

_OTHER_SPELLINGS: Final = (
    *("name", "fullName", "lastName", "surname", "familyName", "givenName", "middleName", "victimName", "survivorName"),
    *("dob", "birthDate", "birthday", "phone", "phoneNumber", "mobile", "telephone", "email", "emailAddress"),
    *("race", "ethnicity", "religion", "suspectName", "abuserName", "childName", "childNames", "school", "employer"),
)


def folded(name: str) -> str:
    """A property name without case and separators: `dateOfBirth`, `date_of_birth` and `DATE-OF-BIRTH` are one."""
    return name.replace("_", "").replace("-", "").casefold()


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(folded(name) for name in names)


NEVER_TRANSIT_NAMES: Final = _folded(name for names in NEVER_TRANSIT.values() for name in names)
"""Folded names of what never travels."""

_CLEAR_NAMES: Final = _folded(
    name for group in groups_with_model() if group not in SEALABLE for name in group_model(group).model_fields
)

SEALED_FIELD_NAMES: Final = (
    _folded(name for group in SEALABLE for name in group_model(group).model_fields) | _folded(_OTHER_SPELLINGS)
) - (NEVER_TRANSIT_NAMES | _CLEAR_NAMES)
"""Folded names of what travels sealed or not at all."""
