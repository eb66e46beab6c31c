"""Transactions as we send them: all or nothing, and whatever is there already is left as it is.

A new resource is created only where none has its identifier (`If-None-Exist`): a repeat neither doubles anything nor
undoes what the provider's people have done since. A change names the version that it was made from (`If-Match`), so
that it never overwrites what nobody has looked at.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid5

from adapters.fhir.codes import MESSAGE, Resource

_ENTRIES: Final = UUID("0b7bb4f5-1f7e-4c52-9a52-64c2a2b0a3f1")
"""The name space of the entries' own names, which are of use inside one Bundle only."""


def entry_name(*parts: str) -> str:
    """What other entries of the same Bundle refer to an entry by; the server puts its own id in its place."""
    return f"urn:uuid:{uuid5(_ENTRIES, '/'.join(parts))}"


def by_identifier(system: str, value: str) -> str:
    """The search that finds what has this identifier."""
    return f"identifier={_token(system, value)}"


def by_message(message_id: str) -> str:
    """The search that finds what was made for one message, where a kind of resource has no identifier."""
    return f"_tag={_token(MESSAGE, message_id)}"


def create(name: str, resource: Resource, unless: str) -> Resource:
    """An entry that creates a resource unless a search finds one."""
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": unless}
    return {"fullUrl": name, "resource": resource, "request": request}


def change(resource: Resource) -> Resource:
    """An entry that replaces a resource which the server has shown us, in the version that it has shown."""
    url = f"{resource['resourceType']}/{resource['id']}"
    version = resource.get("meta", {}).get("versionId")
    match = {"ifMatch": f'W/"{version}"'} if version else {}
    return {"resource": resource, "request": {"method": "PUT", "url": url} | match}


def transaction(entries: Iterable[Resource]) -> Resource:
    """A Bundle of which everything happens or nothing."""
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def _token(system: str, value: str) -> str:
    return f"{quote(system, safe=':')}%7C{quote(value, safe=':')}"
