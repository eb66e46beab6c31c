"""Offers, releases and Tasks to test with: the contract's own examples, with invented values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from adapters.fhir import codes
from adapters.fhir.codes import Resource
from adapters.fhir.offering import Place
from adapters.inbox.opening import OpenedGroup
from adapters.transports.transport import Handover, ReleaseTerms
from broker.schemas.field_groups import GROUPS, FieldGroup, group_model
from broker.schemas.ids import OfferId, OrgId, new_consent_id, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.vocabulary import MsgStatus, Priority

ORG: Final = OrgId("org-clinic")
PLACE: Final = Place(owner="Organization/clinic-1", broker=OrgId("org-broker"), names_violence=False)
MADE_AT: Final = datetime(2026, 3, 4, 2, 11, tzinfo=UTC)
ENDS_AT: Final = datetime(2026, 3, 18, 1, 58, tzinfo=UTC)
TERMS: Final = ReleaseTerms(new_consent_id(), 1, ENDS_AT, redisclosure_prohibited=True)
EMERGENCY: Final = ReleaseTerms(None, None, None, redisclosure_prohibited=True)


def offer(offer_id: OfferId | None = None, priority: Priority = Priority.P1, category: str = "HEALTHCARE") -> OfferMade:
    """The contract's example of an offer."""
    changed = {"offerId": offer_id or new_offer_id(), "priority": priority.value, "category": category}
    return OfferMade.model_validate({**OfferMade.EXAMPLE, "services": ["MEDICAL_CARE"], **changed})


def handover(made: OfferMade, environment: MsgStatus = MsgStatus.ACTUAL, **changed: Any) -> Handover:
    """What the courier hands over for it."""
    shown = Handover(
        message_id=new_event_id(),
        type=OfferMade.TYPE,
        org=ORG,
        offer_id=made.offer_id,
        referral_id=new_referral_id(),
        reference="K7QF-2MXD",
        priority=made.priority,
        environment=environment,
        made_at=MADE_AT,
        stop_at=made.answer_by,
        attempt=1,
        content=made.wire(),
    )
    return replace(shown, **changed)


def opened(*groups: str) -> list[OpenedGroup]:
    """Groups with the contract's examples in them."""
    return [
        OpenedGroup(FieldGroup(code), GROUPS[FieldGroup(code)].label, group_model(code).model_validate(_example(code)))
        for code in groups
    ]


def _example(code: str) -> Mapping[str, Any]:
    return group_model(code).EXAMPLE


def resources(bundle: Resource) -> dict[str, Resource]:
    """The resources of a transaction by their kind; those of an offer and of a release apart."""
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}


def withdrawn(shown: Handover) -> Handover:
    """The end of an offer."""
    fact = OfferWithdrawn.model_validate({**OfferWithdrawn.EXAMPLE, "offerId": shown.offer_id})
    return replace(shown, type=OfferWithdrawn.TYPE, message_id=new_event_id(), content=None, fact=fact)


def history(*versions: Mapping[str, Any]) -> Sequence[Resource]:
    """A Task's versions: the first is the one that we made, each further one is changed as said."""
    service = {"type": {}, "valueCodeableConcept": {"coding": [{"system": codes.SERVICE, "code": "MEDICAL_CARE"}]}}
    task: Resource = {"resourceType": "Task", "id": "t1", "status": "requested", "input": [service]}
    found = []
    for number, changed in enumerate(({}, *versions), start=1):
        task = {**task, **changed, "meta": {"versionId": str(number)}}
        found.append(task)
    return found


def coded(system: str, code: str) -> Resource:
    """A concept with one code."""
    return codes.concept(codes.coding(system, code))


BY_STAFF: Final[Mapping[str, Any]] = {"owner": {"reference": "PractitionerRole/nurse-1"}}
"""A person has taken the Task over."""
