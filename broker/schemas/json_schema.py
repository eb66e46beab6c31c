"""JSON Schema (2020-12) of every event and field group, made from the classes themselves.

Whoever speaks the contract in another language validates with these; they are checked in under `golden/`, and a
change that an older peer could not read is refused (`compatibility.py`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.schemas.event import Contract, EventData, events
from broker.schemas.field_groups import GROUPS, FieldGroup, group_model, groups_with_model

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_URN: Final = "urn:warmhandoff:schema:"
_ENVELOPE: Final = FieldGroup("FG00")

JsonSchema = dict[str, Any]


def event_schema(event: type[EventData]) -> JsonSchema:
    """The schema of an event's `data`, each property with tier and plain label."""
    schema = tidy(event.model_json_schema())
    for part in schema["properties"].values():
        if "x-tier" not in part:
            part |= _facts(_ENVELOPE)
    about = {"x-flows": sorted(event.FLOWS), "x-subject": event.SUBJECT.value, "x-tier": tier_max(schema)}
    return _headed(schema, event.TYPE, event.TYPE) | about | {"examples": [dict(event.EXAMPLE)]}


def group_schema(code: FieldGroup) -> JsonSchema:
    """The schema of a field group as a recipient finds it after opening."""
    model = group_model(code)
    title = f"{code} {GROUPS[code].label}"
    return (
        _headed(tidy(model.model_json_schema()), f"group:{code}", title)
        | _facts(code)
        | {"examples": [dict(model.EXAMPLE)]}
    )


def all_schemas() -> dict[str, JsonSchema]:
    """Every schema by its file's stem: an event's full type, or `group.FG03`."""
    of_events = {event_type: event_schema(event) for event_type, event in events().items()}
    return of_events | {f"group.{code}": group_schema(code) for code in groups_with_model()}


def tier_max(schema: Mapping[str, Any]) -> int:
    """The highest tier that any property of the schema may carry in the clear."""
    return max((part.get("x-tier", 1) for part in schema["properties"].values()), default=1)


def tidy(schema: JsonSchema) -> JsonSchema:
    """Without pydantic's invented titles, null defaults (here absent is absent) and OpenAPI's `discriminator`."""
    tidied = {key: part for key, part in schema.items() if key not in ("title", "discriminator")}
    if tidied.get("default", ...) is None:
        del tidied["default"]
    for key, part in tidied.items():
        if key in ("properties", "$defs"):
            tidied[key] = {name: tidy(below) for name, below in part.items()}
        elif key in ("items", "if", "then", "else", "not", "contains", "additionalProperties") and isinstance(
            part, dict
        ):
            tidied[key] = tidy(part)
        elif key in ("allOf", "anyOf", "oneOf"):
            tidied[key] = [tidy(below) for below in part]
    return tidied


def models_of(contracts: Iterable[type[Contract]], ref_template: str) -> tuple[dict[type[Contract], Any], JsonSchema]:
    """References to these classes and the definitions they lead to, tidied, for a document that shares them."""
    from pydantic.json_schema import models_json_schema

    found, document = models_json_schema([(model, "validation") for model in contracts], ref_template=ref_template)
    references = {model: found[(model, "validation")] for model in contracts}
    return references, {name: tidy(part) for name, part in document["$defs"].items()}


def _facts(code: FieldGroup) -> dict[str, Any]:
    return {"x-group": code, "x-tier": int(GROUPS[code].tier), "x-label": GROUPS[code].label}


def _headed(schema: JsonSchema, name: str, title: str) -> JsonSchema:
    return {"$schema": DIALECT, "$id": _URN + name, "title": title} | schema
