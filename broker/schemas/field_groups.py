"""The field groups of domain.md §7.2: each with its tier and a label in plain words.

A consent names groups by code (`FG03`, or a part: `FG07c`). Groups of tier 3 and up travel sealed; FG11, FG15 and
FG18 are tier 5 here and have no model, so that nothing can be made to carry them. What a group's properties are called
stands in `group_words`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Final, NewType

from pydantic import GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from broker.schemas.case_groups import (
    ConflictCheck,
    EvidencePointers,
    Finance,
    HousingEmployment,
    LegalProceedings,
    MedicalNow,
)
from broker.schemas.clear_groups import (
    AccessNeeds,
    Agreement,
    CountyOrPostalArea,
    Jurisdiction,
    NeedSummary,
    WorkerContact,
)
from broker.schemas.danger_groups import (
    AddressConfidentiality,
    AvoidAreas,
    CurrentWhereabouts,
    IncidentSummary,
    PoliceReport,
    RiskSummary,
)
from broker.schemas.group import Group, Steps, steps_of
from broker.schemas.person_groups import Children, Demographics, LegalIdentity, PersonHandle, SafeContact
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import Tier

FieldGroup = NewType("FieldGroup", str)
"""A group's code, with a part's letter where the group has parts."""

FieldGroupText = Annotated[FieldGroup, StringConstraints(pattern=r"^FG[0-9]{2}[a-e]?$")]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group's tier and what to call it in front of a person."""

    tier: Tier
    label: str


GROUPS: Final[dict[FieldGroup, GroupFacts]] = {
    FieldGroup(code): GroupFacts(tier, label)
    for code, tier, label in (
        ("FG00", Tier.OPERATIONAL, "Reference numbers and times"),
        ("FG01", Tier.QUASI_IDENTIFYING, "What is needed, and for how many"),
        ("FG02", Tier.QUASI_IDENTIFYING, "Language, access and pets"),
        ("FG03", Tier.IDENTIFYING, "How to make contact safely"),
        ("FG04", Tier.IDENTIFYING, "First name or alias"),
        ("FG05", Tier.IDENTIFYING, "Legal name and date of birth"),
        ("FG06", Tier.IDENTIFYING, "Age band, gender, background"),
        ("FG07a", Tier.OPERATIONAL, "Jurisdiction"),
        ("FG07b", Tier.QUASI_IDENTIFYING, "County or postal area"),
        ("FG07c", Tier.HIGH_HARM, "Whereabouts at the moment"),
        ("FG07d", Tier.HIGH_HARM, "Exact location"),
        ("FG07e", Tier.HIGH_HARM, "Address confidentiality programme"),
        ("FG08", Tier.HIGH_HARM, "Areas and people to avoid"),
        ("FG09", Tier.HIGH_HARM, "About the children"),
        ("FG10", Tier.HIGH_HARM, "Danger summary"),
        ("FG11", Tier.NEVER, "Answers to single danger questions"),
        ("FG12", Tier.HIGH_HARM, "Incident in brief"),
        ("FG13", Tier.HIGH_HARM, "Police report number"),
        ("FG14", Tier.HIGH_HARM, "Names for the conflict check"),
        ("FG15", Tier.NEVER, "Suspect's record"),
        ("FG16", Tier.HIGH_HARM, "Court orders and hearings"),
        ("FG17", Tier.HIGH_HARM, "Medical need now"),
        ("FG18", Tier.NEVER, "Clinical record"),
        ("FG19", Tier.HIGH_HARM, "Substance use, psychiatric, HIV"),
        ("FG20", Tier.IDENTIFYING, "Income and insurance"),
        ("FG21", Tier.IDENTIFYING, "Housing and employment"),
        ("FG22", Tier.HIGH_HARM, "Where evidence is kept"),
        ("FG23", Tier.QUASI_IDENTIFYING, "Worker to call back"),
        ("FG24", Tier.QUASI_IDENTIFYING, "What the survivor agreed to"),
        ("FG25", Tier.IDENTIFYING, "What became of it"),
    )
}

_PARTED: Final[dict[str, tuple[FieldGroup, ...]]] = {
    "FG07": tuple(group for group in GROUPS if group.startswith("FG07")),
}
"""Groups that exist only as their parts: the bare code means all of them (domain.md §7.2)."""


def meant_by(code: str) -> tuple[FieldGroup, ...]:
    """The groups of the catalogue that a code stands for: itself, or its parts; none where nobody knows it."""
    return (FieldGroup(code),) if code in GROUPS else _PARTED.get(code, ())


CODES: Final[tuple[str, ...]] = tuple(sorted({*GROUPS, *_PARTED}))
"""Every code that means something."""

_MODELS: Final[dict[FieldGroup, type[Group]]] = {
    FieldGroup(model.CODE): model
    for model in (
        *(NeedSummary, AccessNeeds, Jurisdiction, CountyOrPostalArea, WorkerContact, Agreement),
        *(SafeContact, PersonHandle, LegalIdentity, Demographics, Children),
        *(CurrentWhereabouts, AddressConfidentiality, AvoidAreas, RiskSummary, IncidentSummary, PoliceReport),
        *(ConflictCheck, LegalProceedings, MedicalNow, Finance, HousingEmployment, EvidencePointers),
    )
}


@lru_cache(maxsize=1024)
def fields_named(path: str) -> frozenset[tuple[FieldGroup, Steps]]:
    """The groups and properties that a path of `excludedFields` names; nothing where nobody knows what it means."""
    owner, *rest = steps_of(path)
    whole = frozenset((group, ()) for group in meant_by(owner)) if not rest else frozenset[tuple[FieldGroup, Steps]]()
    return whole | {(group, steps) for group, model in _MODELS.items() for steps in model.named_in((path,))}


SEALABLE: Final[frozenset[FieldGroup]] = frozenset(group for group in _MODELS if GROUPS[group].tier >= Tier.IDENTIFYING)
"""The groups that a referral may carry sealed."""


def group_model(code: str) -> type[Group]:
    """The model of a group that can travel.

    FG00 is the envelope and FG25 is what `referral.status` and `referral.closed` say: neither is a group of a referral.
    FG07d has no model because no recipient of this network may have an exact location (domain.md §7.4).

    Raises:
        Refused: with the code that a referral carrying the group would be refused with.
    """
    refusal = group_refusal(code)
    if refusal is not None:
        raise Refused(refusal, "fieldGroup")
    return _MODELS[FieldGroup(code)]


def group_refusal(code: str) -> RefusalCode | None:
    """Why this group cannot travel at all; None where it can."""
    if code in _MODELS:
        return None
    if code == "FG19":
        return RefusalCode.PART2_NOT_SUPPORTED
    if code in ("FG07d", "FG11", "FG15", "FG18"):
        return RefusalCode.NEVER_TRANSIT
    return RefusalCode.PROPERTY_INVALID


def groups_with_model() -> tuple[FieldGroup, ...]:
    """The codes of the groups that can travel, in the catalogue's order."""
    return tuple(group for group in GROUPS if group in _MODELS)


@dataclass(frozen=True, slots=True)
class InGroup:
    """Annotates a property with the field group that it belongs to; the JSON Schema shows tier and label."""

    code: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        facts = GROUPS[FieldGroup(self.code)]
        return handler(schema) | {"x-group": self.code, "x-tier": int(facts.tier), "x-label": facts.label}


@dataclass(frozen=True, slots=True)
class Marked:
    """Annotates a property that belongs to no field group with its tier and label, and whether it is all ciphertext."""

    tier: int
    label: str
    sealed: bool = False

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        marks: JsonSchemaValue = {"x-tier": self.tier, "x-label": self.label}
        return handler(schema) | marks | ({"x-sealed": True} if self.sealed else {})
