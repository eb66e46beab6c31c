"""The catalogue: every event and field group by name, with what a newcomer wants to know of it at a glance."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from broker.schemas.event import TYPE_PREFIX, EventData, Flow, events
from broker.schemas.field_groups import GROUPS, FieldGroup, group_model, groups_with_model
from broker.schemas.json_schema import JsonSchema, all_schemas, event_schema, group_schema, tier_max

GOLDEN_FOLDER: Final = Path(__file__).parent / "golden"

FLOW_WORDS: Final[Mapping[Flow, str]] = {
    Flow.SOURCE_TO_BROKER: "source → broker",
    Flow.KEYS_TO_BROKER: "source → broker (keys)",
    Flow.PROVIDER_TO_BROKER: "provider → broker",
    Flow.BROKER_TO_PROVIDER: "broker → provider",
    Flow.KEYS_TO_PROVIDER: "broker → provider (keys)",
    Flow.BROKER_TO_SOURCE: "broker → source",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event or field group: how it is called, which way it travels, its highest tier in the clear, what it is."""

    name: str
    flows: str
    tier: int
    sealed: bool
    promise: str


def short_name(event_type: str) -> str:
    """`referral.requested` for `org.warmhandoff.referral.requested.v1`; a later version keeps its number."""
    return event_type.removeprefix(TYPE_PREFIX).removesuffix(".v1")


def event_named(name: str) -> type[EventData] | None:
    """The event of a full or short type name; None where there is none."""
    for event_type, event in events().items():
        if name in (event_type, event_type.removeprefix(TYPE_PREFIX), short_name(event_type)):
            return event
    return None


def group_named(name: str) -> FieldGroup | None:
    """The field group of a code, in any case; None where there is none that can travel."""
    return next((code for code in groups_with_model() if code.casefold() == name.casefold()), None)


def entries() -> list[Entry]:
    """The events, those of a flow together, then the field groups."""
    listed = [_event_entry(event) for event in events().values()]
    order = list(FLOW_WORDS.values())
    listed.sort(key=lambda entry: (order.index(entry.flows.split(", ")[0]), entry.name))
    return listed + [_group_entry(code) for code in groups_with_model()]


def schema_named(name: str) -> JsonSchema | None:
    """The JSON Schema of an event or a field group."""
    event = event_named(name)
    if event is not None:
        return event_schema(event)
    code = group_named(name)
    return None if code is None else group_schema(code)


def example_named(name: str) -> Mapping[str, Any] | None:
    """The invented example of an event's data or of a field group."""
    event = event_named(name)
    if event is not None:
        return event.EXAMPLE
    code = group_named(name)
    return None if code is None else group_model(code).EXAMPLE


def form_of(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """A property's form in a few words."""
    if "$ref" in part:
        name = str(part["$ref"]).rsplit("/", 1)[-1]
        values = schema["$defs"][name].get("enum")
        return name if values is None or len(values) > 4 else " | ".join(str(value) for value in values)
    if part.get("type") == "array":
        return f"list of {form_of(part.get('items', {}), schema)}"
    if "const" in part:
        return json.dumps(part["const"])
    return str(part.get("format") or part.get("type") or "object")


def golden_texts() -> dict[str, str]:
    """What the files of the golden folder must hold, by file name."""
    return {f"{name}.json": pretty(schema) for name, schema in all_schemas().items()}


def pretty(document: Mapping[str, Any]) -> str:
    """JSON as it is checked in: two blanks of indentation, a line's end at the end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _event_entry(event: type[EventData]) -> Entry:
    schema = event_schema(event)
    return Entry(
        name=short_name(event.TYPE),
        flows=", ".join(words for flow, words in FLOW_WORDS.items() if flow in event.FLOWS),
        tier=tier_max(schema),
        sealed=any(part.get("x-sealed") for part in schema["properties"].values()),
        promise=_first_line(event),
    )


def _group_entry(code: FieldGroup) -> Entry:
    facts = GROUPS[code]
    return Entry(code, "in a referral", int(facts.tier), facts.tier >= 3, facts.label)


def _first_line(event: type[EventData]) -> str:
    return (event.__doc__ or "").strip().splitlines()[0]
