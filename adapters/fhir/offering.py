"""An offer as FHIR says it (phase 1): one ServiceRequest, one child Task, what is asked; nobody's identity.

The subject is a logical reference whose identifier is made for this offer alone. No Patient exists until a release, so
that no chart is opened for somebody who may never come (docs/decisions/0113).
"""

from dataclasses import dataclass
from typing import Any, Final

from adapters.fhir import codes
from adapters.fhir.bundles import by_identifier, create, entry_name, transaction
from adapters.fhir.codes import Resource, coding, concept, identifier, literal, logical
from adapters.fhir.statements import STATEMENT, Stated, items
from adapters.fhir.status import TaskStatus
from adapters.transports.transport import Handover
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgId
from broker.schemas.offer_made import OfferMade

_PATIENT_REFERRAL: Final = coding(codes.SNOMED, "3457005", "Patient referral (procedure)")
"""The profile wants a procedure's code. This one says that somebody is referred and nothing else."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where on its own server a provider keeps what we bring."""

    owner: str
    """Its Organization: `Organization/123`."""
    broker: OrgId
    """Who asks."""
    names_violence: bool
    """Whether the request's category may say why (docs/decisions/0114)."""


def offered(handover: Handover, offer: OfferMade, place: Place) -> Resource:
    """The transaction that puts an offer before a provider's people."""
    of = handover.offer_id
    asked = by_identifier(codes.OFFER, of)
    request, task, statement = (entry_name(of, kind) for kind in ("request", "task", "statement"))
    return transaction(
        (
            create(statement, _statement(handover, offer, request), asked),
            create(request, _request(handover, offer, place, statement), asked),
            create(task, _task(handover, offer, place, request), asked),
        )
    )


def _meta(handover: Handover, *profiles: str) -> Resource:
    return codes.meta(handover.environment, codes.NO_DISCLOSURE, profiles, handover.message_id)


def _request(handover: Handover, offer: OfferMade, place: Place, statement: str) -> Resource:
    needed_by = offer.need_summary.needed_by if offer.need_summary else None
    category = "intimate-partner-violence" if place.names_violence else "sdoh-category-unspecified"
    asked = [coding(codes.SERVICE, service) for service in offer.services]
    return {
        "resourceType": "ServiceRequest",
        "meta": _meta(handover, codes.REQUEST_PROFILE),
        "identifier": [identifier(codes.OFFER, handover.offer_id)],
        "basedOn": [logical("ServiceRequest", codes.REFERRAL, handover.referral_id)],
        "status": "active",
        "intent": "filler-order",
        "priority": codes.PRIORITY[offer.priority],
        "category": [concept(coding(codes.TEMPORARY_CODES, category))],
        "code": concept(_PATIENT_REFERRAL, *asked, text=f"Referral {handover.reference}"),
        "orderDetail": [concept(coding(codes.TEMPORARY_CODES, "contacting-subject-prohibited"))],
        "subject": codes.person(handover.offer_id),
        **({"occurrencePeriod": {"end": codes.moment(needed_by)}} if needed_by else {}),
        "authoredOn": codes.moment(handover.made_at),
        "requester": codes.organisation(place.broker),
        "performer": [literal(place.owner)],
        "supportingInfo": [literal(statement)],
    }


def _task(handover: Handover, offer: OfferMade, place: Place, request: str) -> Resource:
    asked = coding(codes.TASK_DETAIL, "service")
    return {
        "resourceType": "Task",
        "meta": _meta(handover, codes.TASK_PROFILE),
        "identifier": [
            identifier(codes.OFFER, handover.offer_id),
            identifier(codes.REFERENCE, handover.reference),
        ],
        "groupIdentifier": identifier(codes.REFERRAL, handover.referral_id),
        "partOf": [logical("Task", codes.REFERRAL, handover.referral_id)],
        "status": TaskStatus.REQUESTED.value,
        "intent": "order",
        "priority": codes.PRIORITY[offer.priority],
        "code": concept(coding(codes.TASK_CODE, "fulfill")),
        "focus": literal(request),
        "for": codes.person(handover.offer_id),
        "authoredOn": codes.moment(handover.made_at),
        "lastModified": codes.moment(handover.made_at),
        "requester": codes.organisation(place.broker),
        "owner": literal(place.owner),
        "restriction": {"period": {"end": codes.moment(offer.answer_by)}},
        "input": [
            {"type": concept(asked), "valueCodeableConcept": concept(coding(codes.SERVICE, service))}
            for service in offer.services
        ],
    }


def _statement(handover: Handover, offer: OfferMade, request: str) -> Resource:
    return {
        "resourceType": STATEMENT,
        "meta": _meta(handover),
        "identifier": identifier(codes.OFFER, handover.offer_id),
        "basedOn": [literal(request)],
        "status": "completed",
        "subject": codes.person(handover.offer_id),
        "authored": codes.moment(handover.made_at),
        "item": items(_shown(offer)),
    }


def _shown(offer: OfferMade) -> tuple[Stated, ...]:
    """The groups of an offer: all that it holds, and it holds nothing above tier 2."""
    said: dict[str, Any] = offer.model_dump(mode="json", by_alias=True, exclude_none=True)
    place = {"jurisdictionCode": said.get("jurisdictionCode")}
    return (
        (FieldGroup("FG01"), {"services": said["services"], **said.get("needSummary", {})}),
        (FieldGroup("FG02"), said.get("accessNeeds", {})),
        (FieldGroup("FG07a"), place),
        (FieldGroup("FG07b"), {"area": said.get("area")}),
        (FieldGroup("FG23"), said.get("workerContact", {})),
    )
