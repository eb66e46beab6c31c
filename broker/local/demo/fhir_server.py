"""A small FHIR R4 server in memory: transactions, conditional creates, versions, history, search by identifier.

It stands for a clinic's own server in the demonstration, and in the tests of the FHIR transport. It knows nothing of
that transport, says of itself what it can, and lets in whoever shows one of its tokens.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

from aiohttp import web

from broker.local.demo.loopback_server import LoopbackServer

Resource = dict[str, Any]
"""A FHIR resource, or a part of one, as JSON has it."""

ORGANISATION: Final = "Organization/clinic-1"
"""The organisation whose server this is."""

_KINDS: Final = ("Task", "ServiceRequest", "Patient", "Consent", "QuestionnaireResponse", "Provenance")
_CAN: Final = ("create", "read", "update", "search-type", "history-instance")
_PREFIX: Final = "/r4"


class Failed(Exception):
    """A request that the server does not do."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class FhirServer(LoopbackServer):
    """Keeps every version of every resource while it lives."""

    def __init__(self, *tokens: str) -> None:
        """`tokens` let in."""
        super().__init__()
        self.tokens = set(tokens)
        self.versions: dict[tuple[str, str], list[Resource]] = {}
        """By kind and name, the oldest first."""
        kind, _, name = ORGANISATION.partition("/")
        self.store({"resourceType": kind, "id": name, "name": "Clinic"})

    @property
    def base_url(self) -> str:
        """Below which its resources are."""
        return f"http://{self.address}{_PREFIX}"

    def statement(self) -> Resource:
        """What it says of itself."""
        can = [{"code": code} for code in _CAN]
        offered = [{"type": kind, "interaction": can, "conditionalCreate": True} for kind in _KINDS]
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

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.Response(status=401)
        try:
            return web.json_response(self._do(request.method, request.path_qs, await request.read()))
        except Failed as failed:
            return web.Response(status=failed.status)

    def _do(self, method: str, target: str, body: bytes) -> Resource:
        path, _, query = target.removeprefix(_PREFIX).partition("?")
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
    """Whether a resource is what is asked for: by identifier, by tag, and by when it has changed."""
    if "identifier" in asked and not _any_is(resource.get("identifier"), "value", asked["identifier"]):
        return False
    if "_tag" in asked and not _any_is(resource["meta"].get("tag"), "code", asked["_tag"]):
        return False
    since = asked.get("_lastUpdated", "ge0001").removeprefix("ge").replace("Z", "+00:00")
    return str(resource["meta"]["lastUpdated"]) >= since


def _any_is(found: Any, name: str, wanted: str) -> bool:
    """Whether one of these has the wanted `system|value`; any value of that system where none is named."""
    system, _, value = wanted.partition("|")
    ours = [one for one in (found if isinstance(found, list) else [found]) if one and one.get("system") == system]
    return any(value in ("", one.get(name)) for one in ours)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"urn:uuid:[0-9a-f-]{36}", lambda found: names.get(found[0], found[0]), text)


def _bundle(kind: str, found: Sequence[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in found]}
