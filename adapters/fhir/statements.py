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
    """One item per group, named by its code and its plain label; below it one per property."""
    return [
        {
            "linkId": code,
            "text": GROUPS[code].label,
            "item": [_item(f"{code}.{name}", name, value) for name, value in found],
        }
        for code, group in groups
        if (found := [(name, value) for name, value in group.items() if value not in (None, [], {})])
    ]


def without(statement: Resource, groups: frozenset[str]) -> list[Resource]:
    """The items of a statement that belong to none of these groups."""
    found = statement.get("item")
    return [one for one in found if one.get("linkId") not in groups] if isinstance(found, list) else []


def _item(link: str, name: str, value: object) -> Resource:
    if isinstance(value, dict):
        return {"linkId": link, "text": name, "item": [_item(f"{link}.{key}", key, one) for key, one in value.items()]}
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        numbered = enumerate(value, start=1)
        return {"linkId": link, "text": name, "item": [_item(f"{link}.{n}", str(n), one) for n, one in numbered]}
    values: Sequence[object] = value if isinstance(value, list) else [value]
    return {"linkId": link, "text": name, "answer": [_answer(one) for one in values]}


def _answer(value: object) -> Resource:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    return {"valueString": str(value)}
