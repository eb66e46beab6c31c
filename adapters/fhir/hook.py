"""The door that a FHIR server knocks at when something has changed (R4 Subscription, rest-hook).

A knock says nothing that is believed, so nobody has to show who he is, and no body is read: it only has the zone look
a little earlier than it would have. What it finds there is believed as far as the tables go (adapters/fhir/answers.py).
Everybody gets the same answer, so that nobody learns which organisations are here.
"""

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Response

from broker.schemas.ids import OrgId

PATH: Final = "/fhir/changed/{org}"


def router(wake: Callable[[OrgId], None]) -> APIRouter:
    """To be mounted at the zone's HTTP door; `wake` is the ear's."""
    made = APIRouter()

    async def changed(org: str) -> Response:
        wake(OrgId(org))
        return Response(status_code=204)

    made.add_api_route(PATH, changed, methods=["POST"], include_in_schema=False)
    # A subscription that names a kind of payload has the server PUT the resource below the endpoint: it is not read.
    made.add_api_route(f"{PATH}/{{rest:path}}", changed, methods=["POST", "PUT"], include_in_schema=False)
    return made
