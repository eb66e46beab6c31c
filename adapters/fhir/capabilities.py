"""Whether a server can be what this transport needs, by what it says of itself (`GET /metadata`)."""

from collections.abc import Mapping
from typing import Final

from adapters.fhir.codes import Resource
from adapters.transports.transport import ChannelRefused

NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "Task": frozenset({"create", "read", "update", "search-type", "history-instance"}),
    "ServiceRequest": frozenset({"create", "read", "update", "search-type"}),
    "Patient": frozenset({"create", "read", "update", "search-type"}),
    "Consent": frozenset({"create", "read", "update", "search-type"}),
    "QuestionnaireResponse": frozenset({"create", "read", "update", "search-type"}),
    "Provenance": frozenset({"create"}),
}
"""Per kind of resource. A Task's history shows whether somebody's status followed from the one before it."""

_MISSING_REMEDY: Final = "Ask whoever runs the server to allow it, or reach this organisation by another transport."


def refusal(statement: Resource) -> ChannelRefused | None:
    """Why this server cannot be used; None where it can."""
    if not str(statement.get("fhirVersion", "")).startswith("4.0."):
        return ChannelRefused("FHIR_NOT_R4", "The server does not speak FHIR R4 (4.0).", remedy=_MISSING_REMEDY)
    server = _server(statement)
    if "transaction" not in _codes(server):
        return ChannelRefused("FHIR_NO_TRANSACTION", "The server takes no transactions.", remedy=_MISSING_REMEDY)
    offered = _resources(server)
    for kind, needed in NEEDED.items():
        resource = offered.get(kind, {})
        missing = sorted(needed - _codes(resource))
        if missing:
            said = f"The server lacks {', '.join(missing)} on {kind}."
            return ChannelRefused("FHIR_INTERACTION_MISSING", said, remedy=_MISSING_REMEDY)
        if resource.get("conditionalCreate") is not True:
            said = f"The server has no conditional create on {kind}, so a repeat would double it."
            return ChannelRefused("FHIR_NO_CONDITIONAL_CREATE", said, remedy=_MISSING_REMEDY)
    return None


def _server(statement: Resource) -> Resource:
    rest = statement.get("rest")
    ends = rest if isinstance(rest, list) else []
    return next((end for end in ends if isinstance(end, dict) and end.get("mode") == "server"), {})


def _codes(part: Resource) -> frozenset[str]:
    found = part.get("interaction")
    return frozenset(
        str(one.get("code")) for one in (found if isinstance(found, list) else []) if isinstance(one, dict)
    )


def _resources(server: Resource) -> dict[str, Resource]:
    found = server.get("resource")
    return {str(one.get("type")): one for one in (found if isinstance(found, list) else []) if isinstance(one, dict)}
