"""JSON from other people's servers, read within bounds of size, depth and number, before anything is made of it.

A megabyte of brackets becomes a hundred of objects: so what would become objects is counted in the bytes first
(reliability.md §6.5, S12).
"""

from typing import Final

from pydantic_core import from_json

from adapters.fhir.codes import Resource
from broker import limits

_MAKES_VALUES: Final = (b"{", b"[", b",")


class Unreadable(Exception):
    """What a server sent is not what FHIR has there, or more than is read."""


def read_resource(body: bytes | None, kind: str) -> Resource:
    """The resource that these bytes are.

    Raises:
        Unreadable: they are too many, too deep or none of this kind.
    """
    if body is None or len(body) > limits.fhir_answer_bytes_max:
        raise Unreadable
    if sum(map(body.count, _MAKES_VALUES)) > limits.fhir_answer_values_max:
        raise Unreadable
    try:
        # Refuses what is nested more than 200 deep: that parser's own bound.
        resource = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Unreadable from None
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        raise Unreadable
    return resource


def entries(bundle: Resource) -> list[Resource]:
    """The entries of a Bundle.

    Raises:
        Unreadable: they are too many, or no entries.
    """
    found = bundle.get("entry", [])
    if not isinstance(found, list) or len(found) > limits.fhir_entries_max:
        raise Unreadable
    if not all(isinstance(entry, dict) for entry in found):
        raise Unreadable
    return found


def resources(bundle: Resource, kind: str) -> list[Resource]:
    """The resources of one kind in a Bundle of search or history; an answer holds other things besides.

    Raises:
        Unreadable: as `entries`.
    """
    found = (entry.get("resource") for entry in entries(bundle))
    return [one for one in found if isinstance(one, dict) and one.get("resourceType") == kind]


def next_page(bundle: Resource, base_url: str) -> str | None:
    """The path of the next page, below the server's own base; None where this is the last.

    Raises:
        Unreadable: it leads anywhere else, where nothing of ours is sent, our token least of all.
    """
    links = bundle.get("link", [])
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == "next":
            url = str(link.get("url"))
            below = url.removeprefix(base_url)
            if below == url or not below.startswith(("/", "?")) or ".." in below:
                raise Unreadable
            return below
    return None
