"""Offers that have ended and groups that were taken back, as FHIR says it: what we brought is taken out again.

Only what we made is touched, and of a Patient only the elements that bear a field group's mark: what a provider has
written into its own record since stays its own (domain.md §4.4).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from adapters.fhir import codes
from adapters.fhir.bundles import change, transaction
from adapters.fhir.codes import Resource, coding, concept
from adapters.fhir.releasing import PATIENT_GROUPS, without_groups
from adapters.fhir.statements import without
from adapters.fhir.status import status_of, toward
from adapters.standing import Standing

EVERY_GROUP: Final = frozenset[str]({"*"})
"""All that we brought."""


def ended(held: Iterable[Resource], standing: Standing, reason: str) -> Resource | None:
    """The transaction for an offer that was taken back or has expired; None where there is nothing to change."""
    return _changes((one, _ended(one, standing, reason)) for one in held)


def taken_back(held: Iterable[Resource], groups: frozenset[str]) -> Resource | None:
    """The transaction for groups that were taken back; None where there is nothing to change."""
    return _changes((one, _emptied(one, groups)) for one in held)


def _changes(pairs: Iterable[tuple[Resource, Resource]]) -> Resource | None:
    entries = [change(after) for before, after in pairs if after != before]
    return transaction(entries) if entries else None


def _ended(resource: Resource, standing: Standing, reason: str) -> Resource:
    match resource["resourceType"]:
        case "Task":
            return _closed(resource, standing, reason)
        case "ServiceRequest":
            over = resource.get("status") in ("draft", "active", "on-hold")
            return resource | ({"status": "revoked"} if over else {})
    return _emptied(resource, EVERY_GROUP)


def _closed(task: Resource, standing: Standing, reason: str) -> Resource:
    """The Task as cancelled, where it may still become that: what is over stays as its provider left it."""
    now = status_of(task.get("status"))
    then = toward(now, standing) if now is not None else None
    if now is None or then is None or then is now:
        return task
    return task | {
        "status": then.value,
        "statusReason": {"text": reason},
        "businessStatus": concept(coding(codes.OFFER_STATE, standing.value)),
    }


def _emptied(resource: Resource, groups: frozenset[str]) -> Resource:
    match resource["resourceType"]:
        case "Patient":
            return without_groups(resource, PATIENT_GROUPS if groups is EVERY_GROUP else groups)
        case "Consent":
            return _consent(resource, groups)
        case "QuestionnaireResponse":
            left = [] if groups is EVERY_GROUP else without(resource, groups)
            return resource | {"item": left} if left else _in_error(resource)
    return resource


def _in_error(statement: Resource) -> Resource:
    bare = {key: value for key, value in statement.items() if key != "item"}
    return bare | {"status": "entered-in-error"}


def _consent(consent: Resource, groups: frozenset[str]) -> Resource:
    provision = consent.get("provision", {})
    covered: Sequence[Resource] = [] if groups is EVERY_GROUP else provision.get("code", [])
    left = [one for one in covered if groups.isdisjoint(codes.codes_of(one, codes.FIELD_GROUP))]
    if not left:
        return consent | {"status": "inactive"}
    return consent | {"provision": provision | {"code": left}}
