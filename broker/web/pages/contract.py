"""An event as its page shows it: made from the class of the event alone, so that the page cannot say anything else.

A page is made for one reader, in the language of whoever reads; nothing that is kept here is in a language.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Final

from broker.look.language import _
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
_BOUNDS: Final = (
    ("minItems", "maxItems", ("%(low)s to %(high)s items", "at least %(low)s items", "at most %(high)s items")),
    (
        *("minLength", "maxLength"),
        ("%(low)s to %(high)s characters", "at least %(low)s characters", "at most %(high)s characters"),
    ),
    ("minimum", "maximum", ("%(low)s to %(high)s", "at least %(low)s", "at most %(high)s")),
)
"""The least and the most by their names in a schema, and what is said where both are bound, and where one is."""
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
def named_events() -> Mapping[str, type[EventData]]:
    """Every event by its short name, those that travel the same way together."""
    order = list(Flow)
    listed = sorted(events().values(), key=lambda event: (order.index(_flows(event)[0]), short_name(event.TYPE)))
    return {short_name(event.TYPE): event for event in listed}


def by_way() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Every event's name and promise, by the ways on which they travel."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, event in named_events().items():
        found.setdefault(_travels(event), []).append((name, _(_paragraphs(event.__doc__)[0])))
    return found


def groups() -> Sequence[tuple[str, str]]:
    """The code and label of every field group that can travel."""
    return [(code, _(GROUPS[code].label)) for code in groups_with_model()]


@cache
def schemas() -> Mapping[str, str]:
    """Every JSON Schema as text, by the name in its path."""
    return {name: pretty(schema) for name, schema in _schemas().items()}


@cache
def _schemas() -> Mapping[str, JsonSchema]:
    # What costs time is made once, and is in no language: the pages are made anew for each reader.
    of_events = {name: event_schema(event) for name, event in named_events().items()}
    return of_events | {code: group_schema(code) for code in groups_with_model()}


def _flows(event: type[EventData]) -> list[Flow]:
    return [flow for flow in Flow if flow in event.FLOWS]


def _travels(event: type[EventData]) -> str:
    return ", ".join(_(FLOW_WORDS[flow]) for flow in _flows(event))


def event_page(name: str) -> Page:
    """The page of one of `named_events`, in the reader's language."""
    event, schema = named_events()[name], _schemas()[name]
    promise, *more = map(_, _paragraphs(event.__doc__))
    about = _("%(what)s: the event's subject, and the Kafka key") % {"what": _(SUBJECT_WORDS[event.SUBJECT])}
    facts = (
        (_("Travels"), _travels(event)),
        (_("Topic"), ", ".join(f"{flow.value}.<org>" for flow in _flows(event))),
        (_("Is about"), about),
        (_("Highest tier in the clear"), _tier(tier_max(schema))),
    )
    return Page(
        *(name, event.TYPE, promise, tuple(more), facts),
        *(_properties(schema, schema), _parts(schema), pretty(event.EXAMPLE), f"/schemas/{name}.json"),
        _changes(event.TYPE.rsplit(".", 1)[-1], schema),
    )


def group_page(code: FieldGroup) -> Page:
    """The page of a field group that can travel, in the reader's language."""
    schema, facts = _schemas()[code], GROUPS[code]
    sealed = _("sealed by its source, to named organisations")
    travels = sealed if facts.tier >= Tier.IDENTIFYING else _("in the clear, in referral.requested")
    told = ((_("Tier"), _tier(facts.tier)), (_("Travels"), travels))
    return Page(
        *(code, code, _(facts.label), tuple(map(_, _paragraphs(schema.get("description")))), told),
        *(_properties(schema, schema), _parts(schema), pretty(schema["examples"][0]), f"/schemas/{code}.json"),
        _changes("v1", schema),
    )


def _changes(version: str, schema: JsonSchema) -> tuple[str, ...]:
    digest = sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]
    new = _(
        "This is %(version)s. What an older peer could not read is never changed in it: that becomes a new version"
        " beside this one, with a page of its own, and both are read."
    )
    same = _("The fingerprint of its schema is %(digest)s: as long as that is the same, nothing has changed.")
    return new % {"version": version}, same % {"digest": digest}


def _paragraphs(text: str | None) -> list[str]:
    """A docstring's paragraphs, without the places of our own papers that it names: no reader of the page has them."""
    return [_OUR_PAPERS.sub("", " ".join(one.split())) for one in (text or "").strip().split("\n\n")]


def _tier(tier: int) -> str:
    return f"{int(tier)}, {_(TIER_WORDS[Tier(tier)])}"


def _properties(part: JsonSchema, whole: JsonSchema) -> tuple[Property, ...]:
    required = part.get("required", ())
    return tuple(
        Property(
            name=name,
            required=name in required,
            tier=_("sealed") if one.get("x-sealed") else str(one.get("x-tier", part.get("x-tier", ""))),
            form=_form(one, whole),
            bounds=", ".join(_bounds(one)),
            pattern=one.get("pattern") or one.get("items", {}).get("pattern") or "",
            label=_(one["x-label"]) if "x-label" in one else "",
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
    about = _(_paragraphs(one.get("description"))[0])
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


def _form(part: JsonSchema, whole: JsonSchema) -> str:
    """A property's form in a few words; the names of forms are the contract's."""
    if part.get("type") == "array":
        return _("list of %(form)s") % {"form": _form(part.get("items", {}), whole)}
    return form_of(part, whole)


def _bounds(part: JsonSchema) -> Iterator[str]:
    """What a value may be, in words."""
    for least, most, (both, at_least, at_most) in _BOUNDS:
        low, high = part.get(least), part.get(most)
        if low is not None or high is not None:
            words = at_least if high is None else at_most if low is None else both
            yield _(words) % {"low": low, "high": high}
    if part.get("uniqueItems"):
        yield _("each once")
    if "default" in part and part["default"] not in ([], ()):
        yield _("%(value)s where it is left out") % {"value": json.dumps(part["default"])}
