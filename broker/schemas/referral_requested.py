"""referral.requested: a source asks for help for somebody: what is needed in the clear, who it is sealed."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, ValidationInfo, model_validator

from broker.schemas.clear_groups import AccessNeeds, NeedSummary, WorkerContact
from broker.schemas.event import Contract, EventData, Flow, Subject
from broker.schemas.examples import INCIDENT, SEALED_GROUP
from broker.schemas.field_groups import SEALABLE, FieldGroup, InGroup, Marked, group_refusal
from broker.schemas.ids import IncidentIdText, OrgIdText
from broker.schemas.necessity import NecessityNote
from broker.schemas.refusal import RefusalCode
from broker.schemas.sealed import SealedGroup
from broker.schemas.shapes import UNIQUE, Area, JurisdictionCode, Maybe, Moment, broken
from broker.schemas.vocabulary import SERVICE_CATEGORY, Priority, RecipientCategory, Service, VictimAgreed

__all__ = ["AccessNeeds", "NeedSummary", "NeedUrgency", "ReferralRequested", "WorkerContact"]

SAFE_CONTACT: Final = FieldGroup("FG03")


def _sealable(sealed: tuple[SealedGroup, ...]) -> tuple[SealedGroup, ...]:
    """Only groups that may travel, and only those of tier 3 and up, each once."""
    groups = {one.field_group for one in sealed}
    if len(groups) == len(sealed) and groups <= SEALABLE:
        return sealed
    reasons = [reason for group in sorted(groups) if (reason := group_refusal(group)) is not None]
    raise broken(reasons[0] if reasons else RefusalCode.PROPERTY_INVALID)


class NeedUrgency(Contract):
    """How urgent one kind of help is, where that is not as urgent as the referral: tonight's bed, next month's talk.

    `neededBy` stands in that kind's offers instead of the need summary's.
    """

    category: RecipientCategory
    priority: Priority
    needed_by: Maybe[Moment] = None


def _asked_for(urgency: tuple[NeedUrgency, ...], asked: ValidationInfo) -> tuple[NeedUrgency, ...]:
    """Each kind of help that the request asks for at most once, and no other."""
    kinds = {SERVICE_CATEGORY[service] for service in asked.data.get("services", Service)}
    if asked.data.get("medical_facility_need"):
        kinds.add(RecipientCategory.HEALTHCARE)
    named = {one.category for one in urgency}
    if len(named) < len(urgency) or not named <= kinds:
        raise broken(RefusalCode.PROPERTY_INVALID)
    return urgency


_SEALABLE_CODES: Final[list[JsonValue]] = list(map(str, sorted(SEALABLE)))
_SEALABLE_WORDS: Final = Field(
    json_schema_extra={"allOf": [{"items": {"properties": {"fieldGroup": {"enum": _SEALABLE_CODES}}}}]}
)
_REACHABLE: Final[dict[str, Any]] = {
    "anyOf": [
        {"required": ["workerContact"]},
        {
            "required": ["sealed"],
            "properties": {"sealed": {"contains": {"properties": {"fieldGroup": {"const": SAFE_CONTACT}}}}},
        },
    ]
}
_NECESSITY: Final[dict[str, Any]] = {
    "if": {"required": ["necessity"]},
    "then": {"properties": {"victimAgreed": {"const": VictimAgreed.NOT_ASKED_UNSAFE.value}}},
}


class ReferralRequested(EventData):
    """A request for one or more services, published by a source; `consentid` and `consentver` name its consent.

    The broker splits it into needs, decides what may go to whom, matches, and makes offers without identity. What
    identifies the survivor is sealed; its wrapped keys come by `referral.sealed`.
    """

    TYPE: ClassVar[str] = "org.warmhandoff.referral.requested.v1"
    FLOWS: ClassVar[frozenset[Flow]] = frozenset({Flow.SOURCE_TO_BROKER})
    SUBJECT: ClassVar[Subject] = Subject.REFERRAL
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "priority": "P1",
        "services": ["EMERGENCY_SHELTER", "PROTECTION_ORDER_HELP"],
        "needSummary": {
            "adults": 1,
            "children": 2,
            "childAgeBands": ["0-2", "6-9"],
            "safeTonight": False,
            "neededBy": "2026-03-04T06:00:00Z",
            "lengthOfNeed": "WEEKS",
        },
        "accessNeeds": {"preferredLanguage": "es", "interpreter": True, "petTypes": ["dog"], "petCount": 1},
        "jurisdictionCode": "US-CA",
        "area": "US-CA-001",
        "victimAgreed": "YES",
        "agreedAt": "2026-03-04T01:58:00Z",
        "workerContact": {"role": "ADVOCATE_ON_CALL", "callback": "+15555550100"},
        "incidentId": INCIDENT,
        "urgency": [{"category": "LEGAL_AID", "priority": "P3"}],
        "excludedRecipients": ["org-shelter-c"],
        "sealed": [SEALED_GROUP],
    }

    model_config = ConfigDict(json_schema_extra={"allOf": [_REACHABLE, _NECESSITY]})

    priority: Priority
    services: Annotated[tuple[Service, ...], Field(min_length=1, max_length=8), UNIQUE, InGroup("FG01")]
    need_summary: Annotated[NeedSummary, InGroup("FG01")]
    access_needs: Annotated[AccessNeeds, InGroup("FG02")]
    jurisdiction_code: Annotated[JurisdictionCode, InGroup("FG07a")]
    area: Annotated[Maybe[Area], InGroup("FG07b")] = None
    victim_agreed: Annotated[VictimAgreed, InGroup("FG24")]
    agreed_at: Annotated[Maybe[Moment], InGroup("FG24")] = None
    necessity: Annotated[Maybe[NecessityNote], Marked(2, "Why it may be shared although she could not be asked")] = None
    worker_contact: Annotated[Maybe[WorkerContact], InGroup("FG23")] = None
    incident_id: Maybe[IncidentIdText] = None
    medical_facility_need: Annotated[bool, Marked(2, "Somebody needs a medical facility now")] = False
    urgency: Annotated[
        tuple[NeedUrgency, ...],
        Field(max_length=8),
        AfterValidator(_asked_for),
        Marked(2, "Which kind of help is more or less urgent than the referral"),
    ] = ()
    excluded_recipients: Annotated[
        tuple[OrgIdText, ...], Field(max_length=256), UNIQUE, Marked(2, "Who must never be told")
    ] = ()
    sealed: Annotated[
        tuple[SealedGroup, ...],
        Field(max_length=24),
        AfterValidator(_sealable),
        _SEALABLE_WORDS,
        Marked(1, "Who it is about, sealed group by group", sealed=True),
    ] = ()

    @model_validator(mode="after")
    def _somebody_can_be_reached(self) -> Self:
        """domain.md §0.8: a safe way to make contact is required."""
        if self.worker_contact is None and all(one.field_group != SAFE_CONTACT for one in self.sealed):
            raise broken(RefusalCode.CONTACT_MISSING)
        return self

    @model_validator(mode="after")
    def _only_where_nobody_could_ask(self) -> Self:
        """D15: consent comes first; a note of necessity stands in for asking her, never for her answer."""
        if self.necessity is not None and self.victim_agreed is not VictimAgreed.NOT_ASKED_UNSAFE:
            raise broken(RefusalCode.NECESSITY_NOT_LAWFUL)
        return self
