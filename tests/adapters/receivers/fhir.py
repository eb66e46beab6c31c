"""A small FHIR R4 server of our own: transactions, conditional creates, versions, history, search by identifier.

It says of itself what it can, and its people work on it by the same requests as anybody's. What a stock server makes of
the same Bundles is shown apart (tests/adapters/fhir/stock).
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, ClassVar, Final, Self
from urllib.parse import parse_qs, unquote

from aiohttp import web

from adapters.fhir import codes
from adapters.fhir.capabilities import NEEDED
from adapters.fhir.codes import Resource
from tests.adapters.receivers.receiver import Behaviour, Receiver

_STATUS: Final = {Behaviour.TRY_LATER: 503, Behaviour.REFUSE: 422}
_STOP_SECONDS: Final = 0.1
_SETTING: Final = "HANDOFF_OUTGOING_LOOPBACK"
"""Endpoints of this machine that the operator allows."""
TOKEN: Final = "invented-token"


class Failed(Exception):
    """A request that the server does not do."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class FhirReceiver(Receiver):
    """Listens on a port of its own, the same all its life."""

    TRANSPORT: ClassVar[str] = "fhir"

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], list[Resource]] = {}
        """Every version of every resource, the oldest first."""
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        """Method and path, and the headers, of each request."""
        self.tokens = {TOKEN}
        """Those that let in."""
        self.answer: bytes | None = None
        """What it answers to everything, whatever was asked."""
        self.looked = asyncio.Event()
        """Somebody has asked what has changed."""
        self.messages: list[str] = []
        """The message ids that requests were made for, each attempt's once."""
        self._how = Behaviour.TAKE
        self._port = 0
        self._runner: web.ServerRunner | None = None
        self._before: str | None = None
        self.store({"resourceType": "Organization", "id": "clinic-1", "name": "Clinic"})

    async def __aenter__(self) -> Self:
        await self._listen()
        self._before = os.environ.get(_SETTING)
        os.environ[_SETTING] = f"127.0.0.1:{self._port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.environ.pop(_SETTING)
        if self._before is not None:
            os.environ[_SETTING] = self._before
        await self._close()

    @property
    def base_url(self) -> str:
        """Below which its resources are."""
        return f"http://127.0.0.1:{self._port}/r4"

    def settings(self) -> Mapping[str, Any]:
        """With a token that is written down."""
        return {"baseUrl": self.base_url, "organization": "Organization/clinic-1"}

    def secrets(self) -> Mapping[str, bytes]:
        """The token."""
        return {"fhir.token": TOKEN.encode()}

    async def behave(self, how: Behaviour) -> None:
        """Listening again is on the same port."""
        was, self._how = self._how, how
        if how is Behaviour.AWAY:
            await self._close()
        elif was is Behaviour.AWAY:
            await self._listen()

    async def received(self) -> Sequence[str]:
        """Also those for which there was nothing to change: the server was asked, and has answered."""
        return self.messages

    def statement(self) -> Resource:
        """What it says of itself."""
        offered = [
            {"type": kind, "interaction": [{"code": code} for code in sorted(needed)], "conditionalCreate": True}
            for kind, needed in NEEDED.items()
        ]
        server = {"mode": "server", "interaction": [{"code": "transaction"}], "resource": offered}
        return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [server]}

    def now(self, kind: str) -> list[Resource]:
        """Every resource of a kind, as it is now."""
        return [versions[-1] for (of, _), versions in self.versions.items() if of == kind]

    def store(self, resource: Resource) -> Resource:
        """Keep a new version."""
        kind, name = resource["resourceType"], resource.get("id") or f"{len(self.versions) + 1}"
        versions = self.versions.setdefault((kind, name), [])
        at = {"versionId": str(len(versions) + 1), "lastUpdated": datetime.now(UTC).isoformat(timespec="milliseconds")}
        versions.append({**resource, "id": name, "meta": {**resource.get("meta", {}), **at}})
        return versions[-1]

    async def _listen(self) -> None:
        runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=_STOP_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port, reuse_address=True).start()
        [address] = runner.addresses
        self._port = address[1]
        self._runner = runner

    async def _close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((f"{request.method} {request.path_qs}", dict(request.headers)))
        if self._how is Behaviour.HANG:
            await asyncio.Event().wait()
        if self._how in _STATUS:
            return web.Response(status=_STATUS[self._how])
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.Response(status=401)
        if self.answer is not None:
            return web.Response(body=self.answer)
        message = request.headers.get("x-request-id")
        if message is not None and self.messages[-1:] != [message]:
            self.messages.append(message)
        try:
            return web.json_response(self._do(request.method, request.path_qs, await request.read()))
        except Failed as failed:
            return web.Response(status=failed.status)

    def _do(self, method: str, target: str, body: bytes) -> Resource:
        path, _, query = target.removeprefix("/r4").partition("?")
        steps = path.strip("/").split("/") if path.strip("/") else []
        match method, steps:
            case "POST", []:
                return self._transaction(json.loads(body))
            case "GET", ["metadata"]:
                return self.statement()
            case "GET", [kind]:
                return self._page(kind, query)
            case "GET", [kind, name, "_history"]:
                return _bundle("history", self._of(kind, name)[::-1])
            case "GET", [kind, name]:
                return self._of(kind, name)[-1]
            case "PUT", [kind, name]:
                return self.store({**json.loads(body), "resourceType": kind, "id": name})
        raise Failed(400)

    def _page(self, kind: str, query: str) -> Resource:
        """A page of a search, and where the next is."""
        plain, _, offset = query.partition("&_offset=")
        found, begin = self._search(kind, plain), int(offset or 0)
        end = begin + int(parse_qs(plain).get("_count", ["50"])[0])
        page = _bundle("searchset", found[begin:end])
        onward = {"relation": "next", "url": f"{self.base_url}/{kind}?{plain}&_offset={end}"}
        return page | ({"link": [onward]} if end < len(found) else {})

    def _of(self, kind: str, name: str) -> list[Resource]:
        if (kind, name) not in self.versions:
            raise Failed(404)
        return self.versions[(kind, name)]

    def _search(self, kind: str, query: str) -> list[Resource]:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if "_lastUpdated" in asked:
            self.looked.set()
        found = [one for one in self.now(kind) if _has(one, asked)]
        return sorted(found, key=lambda one: str(one["meta"]["lastUpdated"]))

    def _transaction(self, bundle: Resource) -> Resource:
        """All of it or nothing, and what refers to an entry refers to what it has become."""
        before = {key: list(versions) for key, versions in self.versions.items()}
        names: dict[str, str] = {}
        try:
            answers = [self._entry(entry, names) for entry in bundle["entry"]]
        except Failed:
            self.versions = before
            raise
        for versions in self.versions.values():
            versions[-1] = json.loads(_renamed(json.dumps(versions[-1]), names))
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _entry(self, entry: Resource, names: dict[str, str]) -> Resource:
        resource, request = entry["resource"], entry["request"]
        if request["method"] == "PUT":
            there = self._of(resource["resourceType"], resource["id"])[-1]
            if request.get("ifMatch", "").strip('W/"') != there["meta"]["versionId"]:
                raise Failed(412)
            stored, status = self.store(resource), "200 OK"
        elif found := self._search(resource["resourceType"], request["ifNoneExist"]):
            stored, status = found[0], "200 OK"
        else:
            stored, status = self.store(resource), "201 Created"
        names[entry["fullUrl"]] = f"{stored['resourceType']}/{stored['id']}"
        return {"response": {"status": status}}


def _has(resource: Resource, asked: Mapping[str, str]) -> bool:
    if "identifier" in asked:
        system, _, value = asked["identifier"].partition("|")
        found = codes.identified_by(resource, system)
        if found is None or value not in ("", found):
            return False
    if "_tag" in asked:
        system, _, code = unquote(asked["_tag"]).partition("|")
        if code not in codes.codes_of({"coding": resource["meta"].get("tag")}, system):
            return False
    since = asked.get("_lastUpdated", "ge0001").removeprefix("ge").replace("Z", "+00:00")
    return str(resource["meta"]["lastUpdated"]) >= since


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"urn:uuid:[0-9a-f-]{36}", lambda found: names.get(found[0], found[0]), text)


def _bundle(kind: str, found: Sequence[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in found]}
