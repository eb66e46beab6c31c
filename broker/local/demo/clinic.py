"""The people of the clinic, who know no broker: they work on Tasks in their own FHIR server, by its REST interface."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from broker.local.demo.fhir_server import Resource

_OFFER: Final = "urn:dvb:offer"
_ACCEPTED_BY: Final = "urn:dvb:accepted-by"
_JSON: Final = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Nurse:
    """Somebody at the clinic who may work on its server."""

    base_url: str
    token: str = field(repr=False)

    async def task(self, offer_id: str) -> Resource | None:
        """The Task of an offer, if it is there."""
        bundle = await self._ask("GET", f"/Task?identifier={quote(f'{_OFFER}|{offer_id}')}")
        return next((entry["resource"] for entry in bundle["entry"]), None)

    async def accept(self, task: Resource) -> None:
        """Say yes, and that it is a person of the staff who says it."""
        by = {"coding": [{"system": _ACCEPTED_BY, "code": "STAFF"}]}
        await self._ask("PUT", f"/Task/{task['id']}", {**task, "status": "accepted", "businessStatus": by})

    async def statements(self, patient: str) -> set[str]:
        """The codes of the groups that were released about a Patient (`Patient/3`)."""
        bundle = await self._ask("GET", "/QuestionnaireResponse")
        about = [entry["resource"] for entry in bundle["entry"]]
        return {
            item["linkId"]
            for one in about
            if one.get("subject", {}).get("reference") == patient
            for item in one.get("item", ())
        }

    async def _ask(self, method: str, path: str, body: Resource | None = None) -> dict[str, Any]:
        headers = {"content-type": _JSON, "accept": _JSON, "authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession(raise_for_status=True) as session,
            session.request(method, f"{self.base_url}{path}", json=body, headers=headers) as response,
        ):
            found: dict[str, Any] = await response.json(content_type=None)
            return found
