"""An event as its page shows it: made from the class of the event alone, so that the page cannot say anything else."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Final

from broker.schemas.catalogue import FLOW_WORDS, form_of, pretty, short_name
from broker.schemas.event import EventData, Flow, Subject, events
from broker.schemas.field_groups import GROUPS, FieldGroup, groups_with_model
from broker.schemas.json_schema import JsonSchema, event_schema, group_schema, tier_max
from broker.schemas.vocabulary import Tier

TIER_WORDS: Final[Mapping[Tier, str]] = {
    Tier.PUBLIC: "public",
    Tier.OPERATIONAL: "operational: nothing about a person",
    Tier.QUASI_IDENTIFYING: "quasi-identifying: coarse facts of a need",
    Tier.IDENTIFYING: "identifying: travels sealed",
    Tier.HIGH_HARM: "dangerous in the wrong hands: travels sealed",
    Tier.NEVER: "never travels",
}
SUBJECT_WORDS: Final[Mapping[Subject, str]] = {
    Subject.REFERRAL: "a referral (ref-…)",
    Subject.CONSENT: "a consent record",
    Subject.INCIDENT: "an incident (inc-…)",
    Subject.ORGANISATION: "an organisation (org-…)",
    Subject.EVENT: "an event",
    Subject.ANY: "whatever the event that is spoken of was about",
}
_OUR_PAPERS: Final = re.compile(r" \((?:domain|reliability|lessons)\.md §[^)]*\)")


@dataclass(frozen=True, slots=True)
class Property:
    """One property: what it is called, whether it must be there, how it looks, what it may hold, where it belongs."""

    name: str
    required: bool
    tier: str
    form: str
    bounds: str
    pattern: str
    label: str
    part: str
    """The name of what it is made of, where that is explained below; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Part:
    """An object that properties are made of, or a list of the values that one may have."""

    name: str
    about: str
    properties: tuple[Property, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page of one event or field group says."""

    name: str
    full: str
    travels: str
    promise: str
    about: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    properties: tuple[Property, ...]
    parts: tuple[Part, ...]
    example: str
    schema: str
    """The path of its JSON Schema."""
    changes: tuple[str, ...]


@cache
def event_pages() -> Mapping[str, Page]:
    """The page of every event by its short name, those that travel the same way together."""
    order = list(Flow)
    listed = sorted(events().values(), key=lambda event: (order.index(_flows(event)[0]), short_name(event.TYPE)))
    return {short_name(event.TYPE): _event_page(event) for event in listed}


def by_way() -> tuple[tuple[str, tuple[tuple[str, Page], ...]], ...]:
    """The events with their pages, by the ways on which they travel."""
    found: dict[str, list[tuple[str, Page]]] = {}
    for name, page in event_pages().items():
        found.setdefault(page.travels, []).append((name, page))
    return tuple((travels, tuple(pages)) for travels, pages in found.items())


@cache
def group_pages() -> Mapping[str, Page]:
    """The page of every field group that can travel, by its code."""
    return {code: _group_page(code) for code in groups_with_model()}


@cache
def schemas() -> Mapping[str, str]:
    """Every JSON Schema as text, by the name in its path."""
    of_events = {short_name(event.TYPE): pretty(event_schema(event)) for event in events().values()}
    return of_events | {code: pretty(group_schema(code)) for code in groups_with_model()}


def _flows(event: type[EventData]) -> list[Flow]:
    return [flow for flow in Flow if flow in event.FLOWS]


def _event_page(event: type[EventData]) -> Page:
    name, schema = short_name(event.TYPE), event_schema(event)
    flows = _flows(event)
    promise, *more = _paragraphs(event.__doc__ or "")
    travels = ", ".join(FLOW_WORDS[flow] for flow in flows)
    facts = (
        ("Travels", travels),
        ("Topic", ", ".join(f"{flow.value}.<org>" for flow in flows)),
        ("Is about", f"{SUBJECT_WORDS[event.SUBJECT]}: the event's subject, and the Kafka key"),
        ("Highest tier in the clear", _tier(tier_max(schema))),
    )
    return Page(
        *(name, event.TYPE, travels, promise, tuple(more), facts),
        *(_properties(schema, schema), _parts(schema), pretty(event.EXAMPLE), f"/schemas/{name}.json"),
        _changes(event.TYPE.rsplit(".", 1)[-1], schema),
    )


def _group_page(code: FieldGroup) -> Page:
    schema, facts = group_schema(code), GROUPS[code]
    sealed = facts.tier >= Tier.IDENTIFYING
    travels = "sealed by its source, to named organisations" if sealed else "in the clear, in referral.requested"
    told = (("Tier", _tier(facts.tier)), ("Travels", travels))
    return Page(
        *(code, code, travels, facts.label, tuple(_paragraphs(str(schema.get("description", "")))), told),
        *(_properties(schema, schema), _parts(schema), pretty(schema["examples"][0]), f"/schemas/{code}.json"),
        _changes("v1", schema),
    )


def _changes(version: str, schema: JsonSchema) -> tuple[str, ...]:
    digest = sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]
    never = "What an older peer could not read is never changed in it: that becomes a new version beside this one"
    return (
        f"This is {version}. {never}, with a page of its own, and both are read.",
        f"The fingerprint of its schema is {digest}: as long as that is the same, nothing has changed.",
    )


def _paragraphs(text: str) -> list[str]:
    """A docstring's paragraphs, without the places of our own papers that it names: no reader of the page has them."""
    return [_OUR_PAPERS.sub("", " ".join(one.split())) for one in text.strip().split("\n\n")]


def _tier(tier: int) -> str:
    return f"{int(tier)}, {TIER_WORDS[Tier(tier)]}"


def _properties(part: JsonSchema, whole: JsonSchema) -> tuple[Property, ...]:
    required = part.get("required", ())
    return tuple(
        Property(
            name=name,
            required=name in required,
            tier="sealed" if one.get("x-sealed") else str(one.get("x-tier", part.get("x-tier", ""))),
            form=form_of(one, whole),
            bounds=", ".join(_bounds(one)),
            pattern=one.get("pattern") or one.get("items", {}).get("pattern") or "",
            label=str(one.get("x-label", "")),
            part=next(_named(one), ""),
        )
        for name, one in part.get("properties", {}).items()
    )


def _parts(schema: JsonSchema) -> tuple[Part, ...]:
    """The definitions that the schema leads to, in the order in which a reader comes upon them."""
    found: dict[str, None] = {}
    waiting = list(_named(schema["properties"]))
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += _named(schema["$defs"][name])
    return tuple(_part(name, schema) for name in found)


def _part(name: str, schema: JsonSchema) -> Part:
    one = schema["$defs"][name]
    about = _paragraphs(str(one.get("description", "")))[0]
    return Part(name, about, _properties(one, schema), tuple(str(value) for value in one.get("enum", ())))


def _named(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rsplit("/", 1)[-1]
        for below in part.values():
            yield from _named(below)
    elif isinstance(part, Sequence) and not isinstance(part, str):
        for below in part:
            yield from _named(below)


def _bounds(part: JsonSchema) -> Iterator[str]:
    """What a value may be, in words."""
    for least, most, what in (
        ("minItems", "maxItems", "items"),
        ("minLength", "maxLength", "characters"),
        ("minimum", "maximum", ""),
    ):
        low, high = part.get(least), part.get(most)
        if low is not None and high is not None:
            yield f"{low} to {high} {what}".strip()
        elif low is not None or high is not None:
            yield f"at {'least' if high is None else 'most'} {low if high is None else high} {what}".strip()
    if part.get("uniqueItems"):
        yield "each once"
    if "default" in part and part["default"] not in ([], ()):
        yield f"{json.dumps(part['default'])} where it is left out"
