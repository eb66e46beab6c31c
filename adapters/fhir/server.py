"""One provider's FHIR server: what it holds of an offer, what we change in it, and what each of its answers means."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic_core import to_json

from adapters.fhir import codes
from adapters.fhir.authorisation import Client, NotLetIn, Tokens
from adapters.fhir.bounded import Unreadable, entries, next_page, read_resource, resources
from adapters.fhir.bundles import by_identifier
from adapters.fhir.codes import Resource
from adapters.fhir.statements import STATEMENT
from adapters.transports.outgoing import Outgoing, OutgoingFailed
from adapters.transports.statuses import Verdict, outcome_of
from adapters.transports.transport import Delivered, Refused, TryAgain
from adapters.transports.wire import Reply
from broker import limits
from broker.schemas.ids import EventId, OfferId

_JSON: Final = "application/fhir+json"


_SPECIAL: Final[Mapping[int, Verdict]] = {
    409: Verdict.TRY_AGAIN,
    412: Verdict.TRY_AGAIN,  # Somebody was quicker: the next attempt begins from what is there then.
}


class NotDone(Exception):
    """A request did not come to what was asked; `outcome` is what that means for the attempt."""

    def __init__(self, outcome: TryAgain | Refused) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class FhirServer:
    """One server, as one channel reaches it."""

    outgoing: Callable[[], Outgoing]
    """Made when it is first needed."""
    tokens: Tokens
    base_url: str
    client: Client | None
    secrets: Path = field(repr=False)
    message_id: EventId | None = None
    """For which message it is asked, as FHIR's `X-Request-Id`: so that both sides' logs can be laid side by side."""

    async def transact(self, bundle: Resource) -> None:
        """Have a transaction done, whole.

        Raises:
            NotDone: it was not, or nobody knows.
            ChannelRefused: the channel's secret cannot be used, or the zone does not connect there.
        """
        reply = await self._ask("POST", "", to_json(self._with_names(bundle)))
        try:
            answers = entries(read_resource(reply.body, "Bundle"))
        except Unreadable:
            raise NotDone(TryAgain("ANSWER_UNREADABLE", unknown=True)) from None
        statuses = [str((answer.get("response") or {}).get("status", "")) for answer in answers]
        if len(answers) != len(bundle["entry"]) or not all(status.startswith("2") for status in statuses):
            raise NotDone(Refused("NOT_A_TRANSACTION"))

    async def capabilities(self) -> Resource:
        """What the server says of itself; raises as `read`."""
        return await self.read("/metadata", "CapabilityStatement")

    async def read(self, path: str, kind: str) -> Resource:
        """The resource at a path below the server's base.

        Raises:
            NotDone: there is none, or none that we read.
            ChannelRefused: as `transact`.
        """
        reply = await self._ask("GET", path)
        try:
            return read_resource(reply.body, kind)
        except Unreadable:
            raise NotDone(Refused("ANSWER_UNREADABLE")) from None

    async def listed(self, path: str, kind: str) -> tuple[list[Resource], bool]:
        """The resources of a search or a history, page by page, and whether that was all; raises as `read`."""
        found: list[Resource] = []
        following = path
        for _ in range(limits.fhir_pages_max):
            bundle = await self.read(following, "Bundle")
            try:
                found += resources(bundle, kind)
                onward = next_page(bundle, self.base_url)
            except Unreadable:
                raise NotDone(Refused("ANSWER_UNREADABLE")) from None
            if onward is None:
                return found, True
            following = onward
        return found, False

    async def held(self, offer_id: OfferId) -> list[Resource]:
        """Everything that we have brought of an offer, as it is now; raises as `read`."""
        asked, released = by_identifier(codes.OFFER, offer_id), by_identifier(codes.RELEASE, offer_id)
        searches = (
            ("Task", asked),
            ("ServiceRequest", asked),
            (STATEMENT, asked),
            (STATEMENT, released),
            ("Patient", by_identifier(codes.PERSON, offer_id)),
            ("Consent", released),
        )
        found: list[Resource] = []
        for kind, search in searches:
            some, _ = await self.listed(f"/{kind}?{search}", kind)
            found += some
        if not all(isinstance(one.get("id"), str) for one in found):
            raise NotDone(Refused("ANSWER_UNREADABLE"))
        return found

    def _with_names(self, bundle: Resource) -> Resource:
        """A Bundle in which what is changed bears its full name, without which no reference in it is understood."""
        named = [{"fullUrl": f"{self.base_url}/{entry['request']['url']}"} | entry for entry in bundle["entry"]]
        return bundle | {"entry": named}

    async def _ask(self, method: str, path: str, body: bytes = b"") -> Reply:
        """One request; with a token that is not taken, one more with a new one."""
        reply = await self._request(method, path, body)
        if reply.status == 401 and self.tokens.forget(self.secrets):
            reply = await self._request(method, path, body)
        outcome = outcome_of(reply, time.time(), _SPECIAL)
        if isinstance(outcome, Delivered):
            return reply
        raise NotDone(outcome)

    async def _request(self, method: str, path: str, body: bytes) -> Reply:
        try:
            token = await self.tokens.token(self.secrets, self.client)
            # Without `no-cache` a stock HAPI answers a search that it has answered within a minute from memory.
            headers = {"accept": _JSON, "authorization": f"Bearer {token}", "cache-control": "no-cache"}
            if self.message_id is not None:
                headers["x-request-id"] = self.message_id
            if body:
                headers |= {"content-type": _JSON, "prefer": "return=minimal"}
            outgoing = self.outgoing()
            endpoint = outgoing.guard.endpoint(f"{self.base_url}{path}")
            bytes_max = limits.fhir_answer_bytes_max
            return await outgoing.request(method, endpoint, headers=headers, body=body, bytes_max=bytes_max)
        except NotLetIn as refused:
            if refused.for_now:
                raise NotDone(TryAgain(refused.code)) from None
            raise NotDone(Refused(refused.code, pause=True)) from None
        except OutgoingFailed as failed:
            raise NotDone(TryAgain(failed.code, unknown=failed.unknown and bool(body))) from None
