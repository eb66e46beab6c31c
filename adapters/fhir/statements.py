"""Field groups as a QuestionnaireResponse: every property one item with its name and its value, and nothing is guessed.

A group has no resource of its own in FHIR that says the same and no more. In particular the safe contact is never a
`Patient.telecom`: systems call and text what stands there, at any hour, and leave messages (docs/decisions/0114).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from adapters.fhir.codes import Resource
from broker.schemas.field_groups import GROUPS, FieldGroup

STATEMENT: Final = "QuestionnaireResponse"

Stated = tuple[FieldGroup, Mapping[str, Any]]
"""A group with its properties as they stand on the wire."""


def items(groups: Iterable[Stated]) -> list[Resource]:
    """One item per group, named by its code and its plain label; below it one per property that says something."""
    return [
        {"linkId": code, "text": GROUPS[code].label, "item": found}
        for code, group in groups
        if (found := _properties(code, group))
    ]


def without(statement: Resource, groups: frozenset[str]) -> list[Resource]:
    """The items of a statement that belong to none of these groups."""
    found = statement.get("item")
    return [one for one in found if one.get("linkId") not in groups] if isinstance(found, list) else []


def _properties(link: str, properties: Mapping[str, Any]) -> list[Resource]:
    """FHIR has no empty lists: what says nothing is left out."""
    return [_item(f"{link}.{name}", name, value) for name, value in properties.items() if value not in (None, [], {})]


def _item(link: str, name: str, value: object) -> Resource:
    if isinstance(value, dict):
        return {"linkId": link, "text": name, "item": _properties(link, value)}
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        numbered = {str(number): one for number, one in enumerate(value, start=1)}
        return {"linkId": link, "text": name, "item": _properties(link, numbered)}
    values: Sequence[object] = value if isinstance(value, list) else [value]
    return {"linkId": link, "text": name, "answer": [_answer(one) for one in values]}


def _answer(value: object) -> Resource:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    return {"valueString": str(value)}
